"""Headlines of several sources are recorded once each, into a file that is whole after each poll."""

from datetime import UTC, datetime

import pytest

pytest.importorskip("feedparser")
pytest.importorskip("massive")

from mm_env.errors import RecordingError, SourceError
from mm_env.sentiment import get_scorer, load_tape
from mm_env.sentiment.sources import HeadlineItem, record_headlines
from tests.unit.headline_server import RSS, feed, ok


class Listed:
    """A source of prepared polls; an exception among them is raised."""

    def __init__(self, *polls, name="listed"):
        self.polls, self.name = list(polls), name

    def poll(self):
        found = self.polls.pop(0) if self.polls else []
        if isinstance(found, Exception):
            raise found
        return found


def item(k, symbol="XYZ", source="listed"):
    return HeadlineItem(f"i{k}", datetime(2020, 3, 5, 15, 30, k, tzinfo=UTC), symbol, f'News, "number" {k}', source, "")


@pytest.mark.parametrize("name", ["news.csv", "news.parquet"])
def test_a_recording_is_a_tape_and_is_added_to_without_repeats(tmp_path, name):
    path = tmp_path / "new" / name
    reports = []
    assert record_headlines([Listed([item(1), item(2)])], path, for_seconds=0.0, on_poll=reports.append) == 2
    assert record_headlines([Listed([item(2), item(3, symbol="")])], path, for_seconds=0.0, on_poll=reports.append) == 3
    assert [(report.new, report.total) for report in reports] == [({"listed": 2}, 2), ({"listed": 1}, 3)]
    tape = load_tape(path, ["XYZ"], get_scorer("none"), step_seconds=1.0, episode_seconds=100.0)
    assert tape.text == tuple(f'News, "number" {k}' for k in (1, 2, 3))
    assert tape.symbol.tolist() == [0, 0, -1]
    assert [entry.name for entry in path.parent.iterdir()] == [name]


def test_one_source_that_fails_stops_no_other_and_is_asked_again(tmp_path):
    reports = []
    sources = [Listed(SourceError("away"), [item(1, source="a")], name="a"), Listed([item(2, source="b")], name="b")]
    total = record_headlines(sources, tmp_path / "news.csv", every_seconds=0.01, for_seconds=0.015, on_poll=reports.append)
    assert total == 2
    assert (reports[0].failed, reports[0].new) == ({"a": "away"}, {"b": 1})
    assert reports[1].new == {"a": 1, "b": 0}


def test_the_same_identity_in_two_sources_is_two_headlines(tmp_path):
    sources = [Listed([item(1, source="a")], name="a"), Listed([item(1, source="b")], name="b")]
    assert record_headlines(sources, tmp_path / "news.csv", for_seconds=0.0) == 2


def test_feeds_of_one_path_for_two_symbols_are_both_kept(server, tmp_path):
    server.answers = [ok(RSS)]
    sources = [feed(server, path=f"/feed?s={symbol}", symbol=symbol) for symbol in ("XYZ", "ABC")]
    assert record_headlines(sources, tmp_path / "news.csv", for_seconds=0.0) == 6


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="headlines cannot be written"):
        record_headlines([Listed([item(1)])], tmp_path / "file" / "news.csv", for_seconds=0.0)


def test_it_stops_when_asked_and_keeps_what_it_has(tmp_path):
    polls = []
    total = record_headlines(
        [Listed([item(1)], [item(2)], [item(3)])], tmp_path / "news.csv", every_seconds=0.01,
        on_poll=polls.append, stop=lambda: len(polls) >= 2,
    )  # fmt: skip
    assert total == 2
    assert len((tmp_path / "news.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("news.csv", b"timestamp,headline\n1,a\n"),
        ("news.csv", b""),
        ("news.csv", b"\xff\xfe\x00"),
        ("news.csv", b"timestamp,symbol,headline,source,url,identity,received\n1,2\n"),
        ("news.parquet", b"no parquet"),
    ],
)
def test_a_file_that_is_no_recording_is_left_as_it_is(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=f"{name}: headlines cannot be added"):
        record_headlines([Listed([item(1)])], path, for_seconds=0.0)
    assert path.read_bytes() == content
