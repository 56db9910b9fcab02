"""The provider with a key, against a server on loopback that plays recorded answers."""

import json
from datetime import UTC, datetime

import pytest

pytest.importorskip("feedparser")
pytest.importorskip("massive")

from mm_env.errors import SourceError
from mm_env.sentiment.sources import MassiveSource
from tests.unit.headline_server import KEY, ok


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
