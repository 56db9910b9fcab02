"""Feeds, against a server on loopback that plays recorded answers."""

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime

import pytest

pytest.importorskip("feedparser")
pytest.importorskip("massive")

from mm_env.errors import SourceError
from mm_env.sentiment.sources import RssSource
from mm_env.sentiment.sources.rss import plain
from tests.unit.headline_server import RSS, feed, ok

ATOM = """<?xml version="1.0" encoding="iso-8859-1"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Börse</title>
<entry><id>urn:1</id><title>Umsatz fällt</title><updated>2020-03-05T15:30:00Z</updated><link href="https://example.org/1"/></entry>
</feed>""".encode("latin-1")
CUT = RSS[: RSS.index(b"<item><guid>a3")]  # as a connection that broke leaves it


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


def test_titles_are_plain_text():
    assert plain("Profit <5% &amp; loss >3%\n <i>now</i> &#8212; it&rsquo;s") == "Profit <5% & loss >3% now — it’s"


def test_half_a_character_is_no_reason_to_lose_a_poll(tmp_path):
    assert plain("Profit \ud83d up") == "Profit \ufffd up"
