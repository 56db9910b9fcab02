"""Trades, quotes and bars of Massive, against a server on loopback that answers as Massive does."""

import numpy as np
import pytest

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")

from mm_env.data.events import ReadReport, all_events
from mm_env.data.providers import MassiveBars, MassiveTape, record_prices
from mm_env.errors import DataError, SourceError
from tests.unit.data.providers.made import HURRY, NONE, QUOTES, TRADES, T, quote, tape, trade
from tests.unit.price_server import KEY, SECOND, Massive, utc

pytestmark = pytest.mark.usefixtures("apart")


def test_trades_and_quotes_are_merged_over_pages(serve, tmp_path):
    server = serve(Massive(TRADES, QUOTES))
    path = tmp_path / "a.parquet"
    found = record_prices(tape(server), path, T, T + 30)
    events = all_events(path)
    assert [(int(t) - T, kind, int(side)) for t, kind, side in zip(events.time, events.kind, events.side, strict=True)] == [
        (1, "quote", 0), (5, "trade", 1), (10, "quote", 0), (15, "quote", 0), (15, "trade", -1), (15, "trade", -1),
        (15, "trade", 1), (20, "quote", 0), (25, "trade", 0), (27, "trade", 1),
    ]  # fmt: skip
    assert events.ask_prices[:, 0].tolist() == [10.02] * 3 + [10.01] * 4 + [10.03] * 3
    assert (events.bid_sizes == 3.0).all() and (events.ask_sizes == 4.0).all()
    assert (events.size[-2], found.about.venue, found.failed) == (7.0, "consolidated", None)
    assert {"cursor"} <= set(server.paths("/v3/trades/AAPL")[1])
    assert server.paths("/v3/trades/AAPL")[0] == {
        "timestamp.gte": str(T), "timestamp.lt": str(T + 30), "limit": "50000", "sort": "timestamp", "order": "asc",
    }  # fmt: skip
    assert all(KEY not in path + str(query) for path, query, _ in server.asked)


def test_rows_of_the_tape_that_do_not_count(serve, tmp_path):
    odd = [
        trade(1, 10.0), trade(2, 10.0, correction=8), trade(3, 0.0), trade(4, "ten"), {"price": 10.0, "size": 1.0},
        trade(5, 10.0, None), trade(0, 10.0), trade(6, 10.5, 0.0, decimal_size="0.25"),
    ]  # fmt: skip
    quotes = [quote(1, 10.0, 10.0), quote(2, 0.0, 10.01), quote(3, None, 10.01), quote(7, 10.0, 10.01)]
    path = tmp_path / "a.parquet"
    found = record_prices(tape(serve(Massive(odd, quotes, page=3))), path, T, T + 30)
    events = all_events(path)
    assert [(int(t) - T, kind) for t, kind in zip(events.time, events.kind, strict=True)] == [
        (1, "trade"), (2, "quote"), (3, "quote"), (6, "trade"), (7, "quote"),
    ]  # fmt: skip
    assert events.size[3] == 0.25 and np.isnan(events.bid_prices[1:3, 0]).all() and events.bid_prices[4, 0] == 10.0
    assert (found.report.rows, found.report.malformed) == (12, 6)
    told = "\n".join(found.report.examples)
    assert "massive AAPL, trade 3 from the start: price 0.0" in told and "trade 4 from the start: could not convert" in told
    assert "trade 5 from the start: no time: None" in told and "trade 7 from the start: earlier than the one" in told
    assert "quote 1 from the start: bid 10 and ask 10" in told


def test_a_busy_provider_is_asked_again(serve, tmp_path):
    server = serve(Massive(TRADES))
    server.faults = [("/v3", 429, {"Retry-After": "0"}), ("/v3", 502, {})]
    found = record_prices(tape(server, ("trades",)), tmp_path / "a.parquet", T, T + 30)
    assert (found.rows, found.failed, server.faults) == (6, None, [])


@pytest.mark.parametrize(
    ("status", "headers", "message", "asked"),
    [(500, {}, "too many 500 error responses", 7), (429, {"Retry-After": "7200"}, "HTTP 429, asks to wait 7200 s", 1)],
)
def test_a_provider_that_stays_busy_leaves_what_was_got(serve, tmp_path, status, headers, message, asked):
    server = serve(Massive(TRADES))
    first = server.answer

    def answer(path, query):
        return (status, headers, b"") if "cursor" in query else first(path, query)

    server.answer = answer
    path = tmp_path / "a.parquet"
    found = record_prices(tape(server, ("trades",)), path, T, T + 30)
    assert found.failed.startswith("massive AAPL: no answer: ") and message in found.failed
    assert len(server.asked) == 1 + asked
    assert (found.rows, len(all_events(path))) == (2, 2)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (403, {"status": "NOT_AUTHORIZED", "message": "Your plan does not include this data"}, "plan does not include"),
        (401, {"error": f"Unknown API Key {KEY}"}, r"Unknown API Key \(key\)"),
        (200, b"<html>", "an answer that cannot be read: no JSON"),
        (200, {"results": [7]}, "an answer that cannot be read"),
    ],
)
def test_errors_of_the_provider_hold_no_key(serve, status, body, message):
    server = serve(lambda path, query: (status, {}, body))
    for source in (tape(server), MassiveBars("AAPL", base_url=server.url, retry=HURRY)):
        with pytest.raises(SourceError, match=f"massive AAPL: .*{message}") as caught:
            list(source.batches(T, T + 30, ReadReport(), NONE))
        assert KEY not in str(caught.value) + repr(source)
        assert caught.value.__context__ is None  # what it came from might hold the key


def test_a_wrong_key_is_told_and_not_shown(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("MASSIVE_API_KEY", "wr0ng")
    found = record_prices(tape(serve(Massive(TRADES))), tmp_path / "a.parquet", T, T + 30)
    assert "Unknown API Key" in found.failed and "wr0ng" not in found.failed
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv("MASSIVE_API_KEY")
    monkeypatch.delenv("POLYGON_API_KEY", raising=False)
    with pytest.raises(ValueError, match="no key: expected one in the environment variable MASSIVE_API_KEY"):
        MassiveBars("AAPL")


def bar(hours, price, **more):
    return {
        "t": T // 1_000_000 + hours * 3_600_000,
        "o": price,
        "h": price + 1,
        "l": price - 1,
        "c": price,
        "v": 9.0,
        **more,
    }


def test_bars_of_the_provider(serve, tmp_path):
    rows = [
        bar(-1, 9.0),
        bar(0, 10.0),
        bar(1, 11.0),
        bar(2, 12.0, c=None),
        bar(3, 13.0, t="soon"),
        bar(4, 14.0),
        bar(9, 15.0),
    ]
    server = serve(Massive(bars=rows))
    path = tmp_path / "a.parquet"
    found = record_prices(
        MassiveBars("AAPL", "1h", "none", base_url=server.url, retry=HURRY), path, T, T + 9 * 3600 * SECOND
    )
    bars = all_events(path)
    assert [(int(t) - T) // (3600 * SECOND) for t in bars.start] == [0, 1, 4]
    assert (bars.time - bars.start == 3600 * SECOND).all() and bars.price.tolist() == [10.0, 11.0, 14.0]
    assert (found.report.malformed, len(found.report.examples)) == (2, 2)
    asked, query, _ = server.asked[0]
    assert asked.startswith("/v2/aggs/ticker/AAPL/range/1/hour/") and query["adjusted"] == "false"
    assert len(server.asked) == 4  # pages
    with pytest.raises(ValueError, match="prices adjusted for 'all': expected one of 'splits', 'none'"):
        MassiveBars("AAPL", adjusted="all")
    with pytest.raises(DataError, match=r"holds other events .*adjusted 'none' for 'splits'"):
        record_prices(MassiveBars("AAPL", "1h", base_url=server.url), path, T, T + 1)


def test_coins_have_the_time_of_their_exchange_and_days_of_utc(serve, tmp_path):
    trades = [{"participant_timestamp": T + 1, "price": 100.0, "size": 0.5, "conditions": [2]}]
    midnight = utc(2024, 1, 2) * 1000
    server = serve(Massive(trades, bars=[{"t": midnight, "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 9.0}]))
    source = MassiveTape("X:BTCUSD", ("trades",), base_url=server.url, tick=0.01)
    found = record_prices(source, tmp_path / "a.parquet", T, T + 30)
    assert (found.rows, found.first, found.about.tick, source.zone.key) == (1, T + 1, 0.01, "UTC")
    record_prices(
        MassiveBars("X:BTCUSD", base_url=server.url), tmp_path / "b.parquet", midnight * 10**6, (midnight + 1) * 10**6
    )
    assert all_events(tmp_path / "b.parquet").time.tolist() == [utc(2024, 1, 3) * SECOND]
