"""Bars in the form of events: what is read back, what they say, and what the command prints and draws of them."""

import json
import re
import threading
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from mm_env.calibration.bars import correlations, moves_of, summarise_bars
from mm_env.calibration.prices import Mids, correlation, volatility
from mm_env.cli import describe as describe_data
from mm_env.data.events import About, Bars, EventWriter, ReadReport, about_events, all_events, read_events
from mm_env.data.providers import recorder
from mm_env.data.providers.base import bars_of
from mm_env.data.providers.recorder import record_prices
from mm_env.errors import DataError, SourceError
from mm_env.reports.bars_report import bars_table

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
ABOUT = About("made", "XYZ", "A", 1, None, "1m", "none", "UTC")
DAYS = About("made", "XYZ", "A", 1, None, "1d", "splits", "UTC")


def walk(n, step, spread=10.0, rng=None, moves=None, start=0):
    """Bars of a random walk of `spread` [bps] a bar, whose range is that of a path of 400 steps."""
    rng = rng or np.random.default_rng(0)
    path = rng.normal(0.0, spread / 400**0.5, (n, 400))
    if moves is not None:
        path += ((moves - path.sum(axis=1)) / 400)[:, None]
    path = np.cumsum(path, axis=1)
    before = np.concatenate(([0.0], np.cumsum(path[:, -1])[:-1]))
    levels = 100.0 * np.exp(1e-4 * (before[:, None] + np.concatenate((np.zeros((n, 1)), path), axis=1)))
    table = np.stack([levels[:, 0], levels.max(axis=1), levels.min(axis=1), levels[:, -1]], axis=1)
    begin = start + step * np.arange(n, dtype=np.int64)
    return Bars.of(begin, begin + step, table, np.full(n, 50.0))


def write(path, bars, about=ABOUT):
    with EventWriter(path, about) as writer:
        for part in np.array_split(np.arange(len(bars)), 3):
            writer.write(bars.where(np.isin(np.arange(len(bars)), part)))
    return path


def test_bars_are_read_back_as_they_were_and_as_events(tmp_path):
    bars = walk(7, MINUTE)
    path = write(tmp_path / "a.parquet", bars)
    assert about_events(path) == ABOUT
    found = all_events(path)
    assert isinstance(found, Bars) and all(isinstance(part, Bars) for part in read_events(path, 2))
    for name in Bars.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(bars, name), err_msg=name)
    names = pq.read_schema(path).names
    assert names[:6] == ["time", "kind", "side", "price", "size", "order"] and names[-4:] == ["start", "open", "high", "low"]
    old = json.loads(pq.read_schema(path).metadata[b"mm_env"])
    assert About(**{name: old[name] for name in ("source", "symbol", "venue", "levels", "tick")}).interval is None


def test_what_estimates_prices_takes_bars():
    n = 4000
    rng = np.random.default_rng(3)
    common = rng.normal(0.0, 10.0, n)
    a = walk(n, MINUTE, rng=rng, moves=common)
    b = walk(n, MINUTE, rng=rng, moves=0.6 * common + 0.8 * rng.normal(0.0, 10.0, n))
    mids = Mids.of(a)
    assert mids.price[-1] == a.price[-1] and mids.time[0] == a.time[0]
    value, error = volatility(mids, 60.0, int(a.time[0]), int(a.time[-1]))
    assert abs(value - 10.0 / 60**0.5) < 4 * error
    value, error = correlation(mids, Mids.of(b), 60.0)
    assert abs(value - 0.6) < 4 * error < 0.1
    (told,) = correlations({"a": a, "b": b}).values()
    assert told.value == pytest.approx(value, abs=2e-3) and told.bars == n
    assert abs(told.overlapping - 0.6) < 4 * told.error


def test_a_summary_finds_the_volatility_that_made_the_bars():
    bars = walk(3000, MINUTE, rng=np.random.default_rng(1))
    found = summarise_bars(bars, ABOUT)
    for value, error in found.volatility.values():
        assert abs(value - 10.0) < 4 * error < 4.0
    assert set(found.volatility) == {1, 5, 20}
    value, error = found.range_volatility
    assert error < 0.1 and 0.9 * 10.0 < value < 10.0  # a path in steps misses a little of its range
    value, error = found.per_second
    assert abs(value - 10.0 / 60**0.5) < 4 * error
    value, error = found.a_year
    assert abs(value - 0.1 * (365.25 * 1440) ** 0.5) < 4 * error
    assert (found.gaps, found.gap, found.mean_volume, found.bars) == (0, None, 50.0, 3000)
    assert found.seconds == 180_000.0


def test_gaps_are_counted_apart_within_a_day_and_not_between_days():
    bars = walk(100, MINUTE)
    kept = np.ones(100, bool)
    kept[30:40] = kept[60:62] = kept[80] = False
    held = bars.where(kept)
    moves, joined = moves_of(held, ABOUT)
    assert np.flatnonzero(~joined).tolist() == [29, 49, 67]
    found = summarise_bars(held, ABOUT)
    assert found.gaps == 3 and found.gap[0] == pytest.approx(float((moves[~joined] ** 2).mean() ** 0.5))
    assert found.volatility[1][0] == pytest.approx(float((moves[joined] ** 2).mean() ** 0.5))
    assert moves_of(held, DAYS)[1].all() and summarise_bars(held, DAYS).per_second is None


def test_too_few_bars_say_nothing():
    with pytest.raises(DataError, match="1 bars; expected two or more"):
        summarise_bars(walk(1, DAY), DAYS)
    found = summarise_bars(walk(3, DAY), DAYS)
    assert (found.volatility, found.a_year) == ({}, None) and found.range_volatility is not None
    assert correlations({"a": walk(4, DAY), "b": walk(4, DAY, start=DAY // 2)}) == {}
    still = walk(9, DAY, spread=0.0)
    assert correlations({"a": walk(9, DAY), "b": still}) == {} and summarise_bars(still, DAYS).a_year == (0.0, 0.0)


def test_a_table_has_the_scales_of_the_longest_symbol():
    summaries = {"NEW": summarise_bars(walk(9, DAY), DAYS), "OLD": summarise_bars(walk(90, DAY), DAYS)}
    rows = {line.partition("  ")[0]: line for line in bars_table(summaries).splitlines()}
    for scale, known in ((1, 2), (5, 1), (20, 1)):
        (line,) = (line for name, line in rows.items() if name.strip().startswith(f"volatility over {scale} bar"))
        assert line.count("±") == known


def test_rows_that_are_no_bars_are_malformed():
    rows = [
        (0, 1.0, 2.0, 0.5, 1.5, 10.0), (MINUTE, np.nan, 2.0, 0.5, 1.5, 10.0), (2 * MINUTE, 1.0, 2.0, 0.0, 1.5, 1.0),
        (3 * MINUTE, 1.0, 2.0, 1.1, 1.5, 1.0), (4 * MINUTE, 1.0, 2.0, 0.5, 2.1, 1.0), (5 * MINUTE, 1.0, 2.0, 0.5, 1.5, -1.0),
        (6 * MINUTE, 1.0, np.inf, 0.5, 1.5, 1.0), (7 * MINUTE, 1.0, 2.0, 0.5, 1.5, np.nan),
        (8 * MINUTE, 2.0, 2.0, 2.0, 2.0, 0.0),
    ]  # fmt: skip
    report = ReadReport()
    bars = bars_of(rows, ABOUT, ZoneInfo("UTC"), report, "made")
    assert bars.start.tolist() == [0, 8 * MINUTE]
    assert (report.rows, report.events, report.malformed) == (9, 2, 7)
    assert (
        "made, bar of 1970-01-01T00:03:00+00:00: prices outside low to high: open 1, high 2, low 1.1" in report.examples[2]
    )


class Made:
    """A source of prepared batches; an exception among them is raised. asked: from when, and after which book."""

    name, live = "made", False

    def __init__(self, *batches, about=ABOUT):
        self.parts, self.about = batches, about

    def batches(self, start, end, report, book):
        self.asked = start, book
        for part in self.parts:
            if isinstance(part, BaseException):
                raise part
            yield part


def part(bars, first, last):
    return bars.where((np.arange(len(bars)) >= first) & (np.arange(len(bars)) < last))


def test_a_recording_goes_on_from_its_last_bar(tmp_path):
    bars, path = walk(9, MINUTE), tmp_path / "a.parquet"
    found = record_prices(Made(part(bars, 0, 2), part(bars, 2, 4), SourceError("gone")), path, 0, 2**62)
    assert (found.rows, found.failed) == (4, "gone")
    source = Made(part(bars, 3, 6), part(bars, 6, 9))
    found = record_prices(source, path, 0, 2**62)
    assert source.asked[0] == bars.start[3] and (found.rows, found.new, found.repeated) == (9, 5, 1)
    assert (found.first, found.last) == (bars.time[0], bars.time[-1])
    np.testing.assert_array_equal(all_events(path).price, bars.price)


def test_what_is_earlier_than_the_file_is_not_put_behind_it(tmp_path):
    bars, path = walk(9, MINUTE), tmp_path / "a.parquet"
    record_prices(Made(part(bars, 3, 5)), path, 0, 2**62)
    found = record_prices(Made(part(bars, 2, 7)), path, 0, 2**62)
    assert (found.new, found.repeated, found.report.malformed) == (2, 1, 2)
    assert "before the last one of the file" in found.report.examples[0]
    assert (np.diff(all_events(path).time) > 0).all()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_whatever_ends_it_leaves_what_was_got(tmp_path, error):
    bars, path = walk(9, MINUTE), tmp_path / "a.parquet"
    with pytest.raises(type(error)):
        record_prices(Made(part(bars, 0, 5), error), path, 0, 2**62)
    assert len(all_events(path)) == 5 and [one.name for one in tmp_path.iterdir()] == ["a.parquet"]


def test_it_stops_when_asked(tmp_path):
    bars, seen = walk(9, MINUTE), []
    found = record_prices(
        Made(part(bars, 0, 2), part(bars, 2, 4), part(bars, 4, 9)), tmp_path / "a.parquet", 0, 2**62,
        on_progress=seen.append, stop=lambda: len(seen) == 2,
    )  # fmt: skip
    assert (found.rows, found.stopped, seen) == (4, True, [bars.time[1], bars.time[3]])


def test_a_long_recording_is_saved_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "_RECORDING_PER_SAVING", -1.0)
    bars, path, seen = walk(9, MINUTE), tmp_path / "a.parquet", []

    class Looking(Made):
        def batches(self, *arguments):
            for one in super().batches(*arguments):
                yield one
                seen.append(len(all_events(path)))

    record_prices(Looking(part(bars, 0, 2), part(bars, 2, 5), part(bars, 5, 9)), path, 0, 2**62, save_seconds=-1.0)
    assert seen == [2, 5, 9]
    np.testing.assert_array_equal(all_events(path).open, bars.open)


def test_files_of_other_things_are_left_as_they_are(tmp_path):
    path = write(tmp_path / "a.parquet", walk(4, MINUTE))
    before = path.read_bytes()
    for other in (About("made", "ABC", "A", 1, None, "1m", "none", "UTC"), DAYS):
        with pytest.raises(DataError, match=r"holds other events .* expected a new file, or one of the same events"):
            record_prices(Made(walk(9, MINUTE), about=other), path, 0, 2**62)
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not a Parquet file of events"):
        record_prices(Made(walk(9, MINUTE)), tmp_path / "b.parquet", 0, 2**62)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        record_prices(Made(walk(9, MINUTE)), tmp_path / "file" / "a.parquet", 0, 2**62)
    assert path.read_bytes() == before


def test_two_recordings_at_once_do_not_meet(tmp_path):
    bars = walk(50, MINUTE)
    threads = [
        threading.Thread(
            target=record_prices,
            args=(Made(*(part(bars, k, k + 5) for k in range(0, 50, 5))), tmp_path / name, 0, 2**62),
            kwargs={"save_seconds": -1.0},
        )
        for name in ("a.parquet", "b.parquet")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(all_events(tmp_path / name)) for name in ("a.parquet", "b.parquet")] == [50, 50]


APP = typer.Typer()
APP.command()(describe_data.main)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_the_command_tells_bars_side_by_side(tmp_path):
    rng = np.random.default_rng(5)
    common = rng.normal(0.0, 150.0, 300)
    one = write(tmp_path / "a.parquet", walk(300, DAY, rng=rng, moves=common, start=20_000 * DAY), DAYS)
    other = About("made", "ABC", "A", 1, None, "1d", "splits", "UTC")
    two = write(
        tmp_path / "b.parquet", walk(300, DAY, rng=rng, moves=common + rng.normal(0, 150, 300), start=20_000 * DAY), other
    )
    result = run(one, two, "--out", tmp_path / "out", "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "figures.json").read_text())
    assert told == json.loads((tmp_path / "out" / "bars.json").read_text())
    assert list(told["bars"]) == ["XYZ", "ABC"] and told["correlations"][0]["symbols"] == ["XYZ", "ABC"]
    value, error = told["bars"]["XYZ"]["volatility"]["1"]
    assert re.search(rf"volatility over 1 bar \[bps/√bar\] +{value:.4g} ± {error:.2g}", result.output)
    r = told["correlations"][0]
    assert re.search(rf"XYZ, ABC +300 +{r['value']:.3f} ± {r['error']:.3f} +{r['overlapping']:.3f}", result.output)
    assert re.search(r"first begins, UTC +2024-10-04 00:00 ", result.output)
    assert (tmp_path / "out" / "bars.png").read_bytes().startswith(b"\x89PNG")
    for arguments, message in (
        ((one, one), "symbols XYZ, XYZ; expected each once"),
        ((one, write(tmp_path / "c.parquet", walk(5, MINUTE))), "bars of 1m; expected bars of 1d, as in"),
    ):
        result = run(*arguments, "--out", tmp_path / "new")
        assert result.exit_code == 2 and message in " ".join(result.output.split())
