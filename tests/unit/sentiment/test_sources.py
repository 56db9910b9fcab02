"""Sources of headlines against a server on loopback that plays recorded answers, and the recorder of what they bring."""

import contextlib
import csv
import json
import logging
import socket
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("feedparser")
pytest.importorskip("massive")

from mm_env.cli import record_news
from mm_env.errors import RecordingError, SourceError
from mm_env.network import public_address
from mm_env.sentiment import get_scorer, load_tape
from mm_env.sentiment.sources import HeadlineItem, MassiveSource, RssSource, record_headlines
from mm_env.sentiment.sources.rss import plain

KEY = "k3y-that-nobody-may-see"

RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Markets</title>
<item><guid>a1</guid><title>Acme &amp;amp; Co beats &lt;b&gt;estimates&lt;/b&gt;</title><link>https://example.org/a1</link>
  <pubDate>Thu, 05 Mar 2020 10:30:00 -0500</pubDate></item>
<item><guid>a2</guid><title>Oil
  falls 3%</title><pubDate>Thu, 05 Mar 2020 16:00:00 GMT</pubDate></item>
<item><guid>a3</guid><title>No date here</title></item>
<item><guid>a4</guid><title>  </title></item>
</channel></rss>"""

ATOM = """<?xml version="1.0" encoding="iso-8859-1"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Börse</title>
<entry><id>urn:1</id><title>Umsatz fällt</title><updated>2020-03-05T15:30:00Z</updated><link href="https://example.org/1"/></entry>
</feed>""".encode("latin-1")

CUT = RSS[: RSS.index(b"<item><guid>a3")]  # as a connection that broke leaves it


class Server:
    """Answers in turn: (status, headers, body), a number of seconds to wait first, or the last one again."""

    def __init__(self):
        self.answers, self.asked = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                status, headers, body, wait = (*answer, 0.0)[:4]
                time.sleep(wait)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_):  # a client that went away
                pass

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def ok(body, **headers):
    return 200, {name.replace("_", "-"): value for name, value in headers.items()}, body


def feed(server, path="/feed", **options):
    return RssSource(server.url + path, **{"timeout_seconds": 2.0, "backoff_seconds": 0.0, **options})


def test_a_feed_of_rss(server):
    server.answers = [ok(RSS, Content_Type="application/rss+xml")]
    source = feed(server, symbol="ACME")
    before = datetime.now(UTC)
    first, second, undated = source.poll()
    assert first.headline == "Acme & Co beats estimates"
    assert (first.identity, first.symbol, first.url) == ("a1", "ACME", "https://example.org/a1")
    assert first.time == datetime(2020, 3, 5, 15, 30, tzinfo=UTC)
    assert second.headline == "Oil falls 3%"
    assert before <= undated.time <= datetime.now(UTC)
    assert (source.undated, source.malformed) == (1, 0)
    assert source.poll() == []
    assert source.undated == 1


def test_a_feed_of_atom_in_another_encoding(server):
    server.answers = [ok(ATOM)]
    (item,) = feed(server).poll()
    assert (item.headline, item.time) == ("Umsatz fällt", datetime(2020, 3, 5, 15, 30, tzinfo=UTC))


def test_a_feed_that_is_cut_off_tells_what_could_be_read(server):
    server.answers = [ok(CUT, ETag='"v1"'), ok(RSS)]  # that tag would say that nothing has changed
    source = feed(server)
    assert [item.identity for item in source.poll()] == ["a1", "a2"]
    assert source.malformed == 1
    assert [item.identity for item in source.poll()] == ["a3"]
    assert "If-None-Match" not in server.asked[1][1]


@pytest.mark.parametrize("body", [b"", b"<html><body>Please log in</body></html>", b"\x00\xff rubbish", b"{}"])
def test_what_is_no_feed_is_an_error(server, body):
    server.answers = [ok(body, ETag='"1"'), ok(RSS)]
    source = feed(server)
    with pytest.raises(SourceError, match="the answer is not RSS or Atom"):
        source.poll()
    assert len(source.poll()) == 3
    assert "If-None-Match" not in server.asked[1][1]


@pytest.mark.parametrize("date", ["0000-00-00T00:00:00Z", "0001-01-01T00:00:00Z", "soon", "9999-99-99"])
def test_dates_of_no_calendar_are_none(server, date):
    server.answers = [ok(RSS.replace(b"Thu, 05 Mar 2020 16:00:00 GMT", date.encode()))]
    source = feed(server)
    assert [item.identity for item in source.poll()] == ["a1", "a2", "a3"]
    assert source.undated >= 1


def test_a_body_that_names_a_file_is_not_opened(server, tmp_path):
    secret = tmp_path / "secret.xml"
    secret.write_bytes(RSS)
    server.answers = [ok(str(secret).encode())]
    with pytest.raises(SourceError, match="not RSS or Atom"):
        feed(server).poll()


def test_an_empty_feed_is_none(server):
    server.answers = [ok(b'<rss version="2.0"><channel><title>Quiet</title></channel></rss>')]
    assert feed(server).poll() == []


def test_what_has_not_changed_is_not_sent_again(server):
    stamp = "Thu, 05 Mar 2020 16:00:00 GMT"
    server.answers = [ok(RSS, ETag='"v1"', Last_Modified=stamp), (304, {}, b""), ok(RSS.replace(b"a1", b"b1"), ETag='"v2"')]
    source = feed(server)
    assert len(source.poll()) == 3
    assert source.poll() == []
    asked = server.asked[1][1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', stamp)
    assert [item.identity for item in source.poll()] == ["b1"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, status):
    server.answers = [(status, {"Retry-After": "0"}, b""), (status, {}, b""), ok(RSS)]
    assert len(feed(server).poll()) == 3
    assert len(server.asked) == 3


def test_it_waits_as_long_as_the_server_says(server):
    server.answers = [(429, {"Retry-After": "1"}, b""), ok(RSS)]
    begun = time.monotonic()
    assert len(feed(server).poll()) == 3
    assert time.monotonic() - begun >= 1.0


def test_a_wait_that_is_too_long_ends_the_poll(server):
    server.answers = [(429, {"Retry-After": "3600"}, b"")]
    begun = time.monotonic()
    with pytest.raises(SourceError, match="HTTP 429"):
        feed(server).poll()
    assert time.monotonic() - begun < 5.0 and len(server.asked) == 1


def test_an_answer_that_drips_ends_in_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(100):
                    connection.sendall(b"x")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        begun = time.monotonic()
        source = RssSource(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_seconds=0.3, backoff_seconds=0.0)
        with pytest.raises(SourceError, match=r"no whole answer within 0\.3 s"):
            source.poll()
        assert time.monotonic() - begun < 3.0
        thread.join()


def test_a_server_that_stays_busy_and_one_that_refuses(server):
    server.answers = [(503, {}, b"")]
    with pytest.raises(SourceError, match="HTTP 503"):
        feed(server).poll()
    assert len(server.asked) == 4
    server.answers = [(404, {}, b"")]
    with pytest.raises(SourceError, match="HTTP 404 Not Found"):
        feed(server).poll()
    assert len(server.asked) == 5


def test_no_answer_in_time(server):
    server.answers = [(200, {}, RSS, 0.6)]
    with pytest.raises(SourceError, match=r"no answer in time|no connection"):
        feed(server, timeout_seconds=0.1).poll()


def test_no_server():
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9/feed: no connection"):
        RssSource("http://127.0.0.1:9/feed?token=secret", backoff_seconds=0.0).poll()


def test_too_large_an_answer(server):
    server.answers = [ok(RSS)]
    with pytest.raises(SourceError, match="more than 100 bytes"):
        feed(server, largest_bytes=100).poll()


@pytest.mark.parametrize("url", ["ftp://example.org/feed", "example.org", "http://"])
def test_addresses_that_are_none(url):
    with pytest.raises(ValueError, match="expected an address that begins with http"):
        RssSource(url)


def test_what_may_be_secret_is_not_shown():
    assert public_address("https://me:pw@example.org:8443/a/b?token=s#x") == "https://example.org:8443/a/b"


def test_titles_are_plain_text():
    assert plain("Profit <5% &amp; loss >3%\n <i>now</i> &#8212; it&rsquo;s") == "Profit <5% & loss >3% now — it’s"


def page(*articles, **more):
    return ok(json.dumps({"results": articles, "status": "OK", **more}).encode(), Content_Type="application/json")


def article(k, **more):
    return {
        "id": f"n{k}", "title": f"Acme news {k}", "published_utc": f"2020-03-05T15:30:{k:02d}Z", "tickers": ["ACME"],
        "article_url": f"https://example.org/{k}", "publisher": {"name": "Wire"}, **more,
    }  # fmt: skip


@pytest.fixture
def massive(server, monkeypatch):
    monkeypatch.setenv("MASSIVE_API_KEY", KEY)
    return MassiveSource("ACME", since=datetime(2020, 3, 1, tzinfo=UTC), base_url=server.url, timeout_seconds=2.0)


def test_the_keyed_provider_is_read_page_by_page_and_goes_on_from_there(server, massive):
    server.answers = [page(article(1), article(2), next_url=f"{server.url}/v2/reference/news?cursor=abc"), page(article(3))]
    items = massive.poll()
    assert [(item.identity, item.headline, item.symbol) for item in items] == [
        (f"n{k}", f"Acme news {k}", "ACME") for k in (1, 2, 3)
    ]
    assert items[0].time == datetime(2020, 3, 5, 15, 30, 1, tzinfo=UTC)
    assert "cursor=abc" in server.asked[1][0]
    assert "published_utc.gte=2020-03-01T00" in server.asked[0][0].replace("%3A", ":")
    server.answers = [page(article(3), article(4), {"id": "n5", "title": None}, article(6, published_utc="soon"))]
    assert [item.identity for item in massive.poll()] == ["n4"]
    assert "2020-03-05T14" in server.asked[2][0]  # an hour is asked for again, as some articles are told late
    assert all(headers["Authorization"] == f"Bearer {KEY}" for _, headers in server.asked)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, {}, f'{{"error": "Unknown API key {KEY}"}}'.encode()), r"massive ACME: .*Unknown API key \(key\)"),
        ((403, {}, b'{"error": "not entitled"}'), "massive ACME: .*not entitled"),
        (ok(b'{"results": [7]}'), "massive ACME: an answer that cannot be read"),
        (ok(b"<html>"), "massive ACME: an answer that cannot be read: no JSON"),
        (page(article(1, title=7)), "massive ACME: an answer that cannot be read"),
        (page(article(1, published_utc=1583422200)), "massive ACME: an answer that cannot be read"),
        ((429, {"Retry-After": "7200"}, b"{}"), "massive ACME"),
    ],
)
def test_errors_of_the_provider_hold_no_key(server, massive, answer, message):
    server.answers = [answer]
    with pytest.raises(SourceError, match=message) as caught:
        massive.poll()
    assert KEY not in str(caught.value) + repr(massive)
    assert caught.value.__context__ is None  # what it came from might hold the key


def test_a_key_is_needed_and_read_from_the_environment_alone(monkeypatch):
    for name in ("MASSIVE_API_KEY", "POLYGON_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="no key: expected one in the environment variable MASSIVE_API_KEY or POLYGON_API"):
        MassiveSource("ACME")
    monkeypatch.setenv("POLYGON_API_KEY", KEY)
    assert "ACME" in repr(MassiveSource("ACME"))


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


def test_half_a_character_is_no_reason_to_lose_a_poll(tmp_path):
    assert plain("Profit \ud83d up") == "Profit \ufffd up"


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


APP = typer.Typer()
APP.command()(record_news.main)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_the_command_records_what_the_market_then_plays(server, tmp_path, caplog):
    server.answers = [ok(RSS)]
    out = tmp_path / "new" / "news.csv"
    secret = f"{server.url}/feed?token={KEY}"
    with caplog.at_level(logging.DEBUG):
        result = run("--rss", f"XYZ={secret}", "--out", out, "--once")
    assert result.exit_code == 0, result.output
    assert f"{out}: 3 headlines" in result.output
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["symbol"] for row in rows] == ["XYZ"] * 3
    assert rows[0]["timestamp"] == "2020-03-05T15:30:00.000Z"
    assert KEY not in result.output + out.read_text() + "".join(record.getMessage() for record in caplog.records)
    tape = load_tape(out, ["XYZ"], get_scorer("tfidf"), step_seconds=1.0, episode_seconds=100.0)
    assert len(tape.text) == 3


def test_the_command_tells_of_failures_and_writes_parquet(server, tmp_path, caplog):
    server.answers = [(404, {}, b"")]
    out = tmp_path / "news.parquet"
    with caplog.at_level(logging.INFO):
        result = run("--rss", f"{server.url}/gone", "--out", out, "--for", 0)
    assert result.exit_code == 0
    assert "HTTP 404" in caplog.text
    assert pq.read_table(out).num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no source: expected one or more of --rss and --massive"),
        (("--rss", "example.org"), "--rss 'example.org': expected URL or SYMBOL=URL"),
        (("--massive", "XYZ"), "no key: expected one in the environment variable"),
        (("--rss", "http://example.org", "--once", "--for", "5"), "--once and --for 5: expected one of them"),
    ],
)
def test_the_command_refuses(tmp_path, monkeypatch, arguments, message):
    for name in ("MASSIVE_API_KEY", "POLYGON_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    result = run(*arguments, "--out", tmp_path / "news.csv")
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "news.csv").exists()
