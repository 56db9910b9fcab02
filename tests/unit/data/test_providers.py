"""Sources of prices against a server on loopback that speaks as the providers do, recorded into files of events."""

import math
import time
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import pytest

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")

import yfinance

from mm_env.data.events import BOOK, DataError, ReadReport, all_events, read_events
from mm_env.data.providers import (
    CcxtSource,
    MassiveBars,
    MassiveTape,
    Patience,
    SourceError,
    YahooBars,
    moment,
    record,
    recorder,
    yahoo_session,
)
from mm_env.data.providers.base import bar_end, retry_after
from mm_env.data.providers.ccxt import _Queue
from mm_env.data.readers import tables
from tests.unit.price_server import KEY, SECOND, Binance, Massive, Server, Yahoo, utc

NEW_YORK = ZoneInfo("America/New_York")
HURRY = Patience(backoff_seconds=0.0)
NONE = ([math.nan],) * 4


@pytest.fixture
def serve():
    """A function that starts a server for what answers."""
    servers = []

    def start(answer):
        servers.append(Server(answer))
        if isinstance(answer, Massive):
            answer.server = servers[-1]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(autouse=True)
def apart(tmp_path_factory, monkeypatch):
    """No cache of the user, none of another test, and a key."""
    from yfinance.data import YfData

    yfinance.set_tz_cache_location(str(tmp_path_factory.getbasetemp() / "yfinance"))
    YfData.cache_get.cache_clear()
    monkeypatch.setenv("MASSIVE_API_KEY", KEY)


def at(text, zone=NEW_YORK):
    return moment(text, zone)


# Yahoo


def day(year, month, number, price, adjusted=1.0, hour=14, minute=30):
    return (utc(year, month, number, hour, minute), price, price + 2, price - 1, price + 1, adjusted * (price + 1), 1000)


WEEK = [day(2024, 3, number, 100.0 + number, 0.5) for number in (6, 7, 8, 11, 12)]


def yahoo(server, symbol="AAPL", patience=HURRY, **options):
    return YahooBars(symbol, session=yahoo_session(server.url, patience), **options)


def test_days_begin_and_end_at_midnight_of_the_exchange(serve, tmp_path):
    source = yahoo(serve(Yahoo({"AAPL": WEEK})))
    found = record(source, tmp_path / "a.parquet", at("2024-03-07"), at("2024-03-12"))
    bars = all_events(tmp_path / "a.parquet")
    assert (found.rows, found.new, found.failed, found.stopped) == (3, 3, None, False)
    assert bars.start.tolist() == [at("2024-03-07"), at("2024-03-08"), at("2024-03-11")]
    assert bars.time.tolist() == [at("2024-03-08"), at("2024-03-09"), at("2024-03-12")]
    assert (
        bars.time[0] == utc(2024, 3, 8, 5) * SECOND and bars.time[2] == utc(2024, 3, 12, 4) * SECOND
    )  # summer time between
    assert [column.tolist() for column in (bars.open, bars.high, bars.low, bars.price, bars.size)] == [
        [107.0, 108.0, 111.0], [109.0, 110.0, 113.0], [106.0, 107.0, 110.0], [108.0, 109.0, 112.0], [1000.0] * 3,
    ]  # fmt: skip
    assert set(bars.kind) == {"bar"} and np.isnan(bars.bid_prices).all()
    later = record(
        source, tmp_path / "b.parquet", at("2024-03-07T09:00"), at("2024-03-12")
    )  # Yahoo stamps a day by its opening
    assert (later.rows, later.first) == (2, bars.time[1])
    assert (found.about.venue, found.about.time_zone, found.about.adjusted) == ("NMS", "America/New_York", "splits")


def test_the_day_of_a_date_is_that_of_the_exchange(serve, tmp_path):
    server = serve(Yahoo({"7203.T": [day(2024, 1, 4, 2600.0, hour=0, minute=0)]}, "Asia/Tokyo", 32_400))
    source = yahoo(server, "7203.T")
    record(source, tmp_path / "a.parquet", at("2024-01-04", source.zone), at("2024-01-05", source.zone))
    assert all_events(tmp_path / "a.parquet").start.tolist() == [utc(2024, 1, 3, 15) * SECOND]


def test_prices_are_adjusted_for_splits_or_for_dividends_too(serve, tmp_path):
    server = serve(Yahoo({"AAPL": WEEK}))
    record(yahoo(server, adjusted="all"), tmp_path / "a.parquet", at("2024-03-06"), at("2024-03-07"))
    bars = all_events(tmp_path / "a.parquet")
    assert (bars.open[0], bars.high[0], bars.low[0], bars.price[0]) == (53.0, 54.0, 52.5, 53.5)
    with pytest.raises(ValueError, match="yfinance: prices adjusted for 'none'; allowed: splits, all"):
        yahoo(server, adjusted="none")
    with pytest.raises(ValueError, match="interval '2m'; allowed: 1m, 5m"):
        yahoo(server, interval="2m")


def minutes(day_, count=3):
    return [
        (utc(2024, 3, day_, 15, k), 100.0 + k, 101.0 + k, 99.0 + k, 100.5 + k, 100.5 + k, 10) for k in range(count)
    ]  # fmt: skip


def test_minutes_are_asked_for_in_weeks(serve, tmp_path):
    server = serve(Yahoo({"AAPL": [*minutes(4), *minutes(14), *minutes(20)]}))
    found = record(yahoo(server, interval="1m"), tmp_path / "a.parquet", at("2024-03-04"), at("2024-03-21"))
    spans = [(int(q["period1"]), int(q["period2"])) for q in server.paths("/v8") if q.get("interval") == "1m"]
    assert [end - start for start, end in spans] == [7 * 86_400, 7 * 86_400, 3 * 86_400 - 3600]
    bars = all_events(tmp_path / "a.parquet")
    assert found.rows == 9 and (bars.time - bars.start == 60 * SECOND).all()
    assert bars.start[3] == utc(2024, 3, 14, 15) * SECOND


def test_rows_without_prices_or_out_of_their_range_are_counted_with_their_place(serve, tmp_path):
    rows = list(WEEK)
    rows[1] = (rows[1][0], *(None,) * 6)
    rows[3] = (rows[3][0], 111.0, 113.0, 110.0, 150.0, 150.0, 10)
    found = record(yahoo(serve(Yahoo({"AAPL": rows}))), tmp_path / "a.parquet", at("2024-03-01"), at("2024-03-15"))
    assert (found.rows, found.report.rows, found.report.malformed) == (3, 5, 2)
    first, second = found.report.examples
    assert "bar of 2024-03-07T00:00:00-05:00: no prices" in first
    assert "bar of 2024-03-11T00:00:00-04:00: prices outside low to high" in second and "close 150" in second


def test_a_bar_that_has_not_ended_is_left_out(serve, tmp_path):
    today = int(time.time())
    rows = [*WEEK, (today, 100.0, 101.0, 99.0, 100.0, 100.0, 5)]
    found = record(yahoo(serve(Yahoo({"AAPL": rows}))), tmp_path / "a.parquet", at("2024-03-01"), (today + 60) * SECOND)
    assert (found.rows, found.report.rows, found.report.malformed) == (5, 6, 0)


def test_no_bars_make_no_file(serve, tmp_path):
    found = record(yahoo(serve(Yahoo({"AAPL": WEEK}))), tmp_path / "a.parquet", at("2024-03-09"), at("2024-03-11"))
    assert (found.rows, found.failed) == (0, None)
    assert not list(tmp_path.iterdir())


def test_a_symbol_that_yahoo_does_not_know(serve, tmp_path):
    with pytest.raises(SourceError, match="yfinance NONE: HTTP 404: No data found, symbol may be delisted"):
        record(yahoo(serve(Yahoo({})), "NONE"), tmp_path / "a.parquet", 0, 1)


def test_busy_yahoo_is_asked_again_and_what_was_got_is_kept(serve, tmp_path):
    server = serve(Yahoo({"AAPL": [*minutes(4), *minutes(14)]}))
    server.faults = [("/v8", 429, {"Retry-After": "0"}), ("/v8", 503, {})]
    source = yahoo(server, interval="1m")
    assert source.zone == NEW_YORK and not server.faults
    path = tmp_path / "a.parquet"

    class Failing(Yahoo):
        def __call__(self, path, query):
            late = query.get("interval") == "1m" and int(query["period1"]) > utc(2024, 3, 10)
            return (500, {}, b"<html>") if late else super().__call__(path, query)

    server.answer = Failing(server.answer.charts)
    found = record(source, path, at("2024-03-04"), at("2024-03-21"))
    assert found.failed == "yfinance AAPL: HTTP 500; asked 7 times"
    assert (found.rows, len(all_events(path))) == (3, 3)
    server.answer = Yahoo(server.answer.charts)
    found = record(source, path, at("2024-03-04"), at("2024-03-21"))
    assert (found.rows, found.new, found.repeated, found.failed) == (6, 3, 1, None)


def test_what_is_no_chart_is_an_error(serve, tmp_path):
    source = yahoo(server := serve(Yahoo({"AAPL": WEEK})))
    assert source.zone == NEW_YORK
    broken = {
        "meta": {"exchangeTimezoneName": "America/New_York"},
        "timestamp": [1],
        "indicators": {"quote": [{"open": [1]}]},
    }
    server.answer = lambda path, query: (200, {}, {"chart": {"result": [broken], "error": None}})
    found = record(source, tmp_path / "a.parquet", at("2024-03-01"), at("2024-03-15"))
    assert "yfinance AAPL: an answer that cannot be read" in found.failed


def test_bars_that_were_adjusted_since_are_not_mixed(serve, tmp_path):
    path = tmp_path / "a.parquet"
    record(yahoo(serve(Yahoo({"AAPL": WEEK}))), path, at("2024-03-01"), at("2024-03-09"))
    before = path.read_bytes()
    split = [(row[0], *(value / 2 for value in row[1:6]), row[6]) for row in WEEK]
    with pytest.raises(DataError, match=r"last bar closes at 109, and is now told to close at 54\.5.*allowed: a new file"):
        record(yahoo(serve(Yahoo({"AAPL": split}))), path, at("2024-03-01"), at("2024-03-15"))
    assert path.read_bytes() == before


# Massive

T = 1_704_205_800 * SECOND  # 2024-01-02 09:30 in New York


def trade(ns, price, size=100.0, **more):
    return {"sip_timestamp": T + ns, "price": price, "size": size, "sequence_number": ns, "exchange": 4, "id": "1", **more}


def quote(ns, bid, ask, **more):
    return {"sip_timestamp": T + ns, "bid_price": bid, "ask_price": ask, "bid_size": 3.0, "ask_size": 4.0, **more}


def tape(server, what=("trades", "quotes"), patience=HURRY):
    return MassiveTape("AAPL", what, base_url=server.url, patience=patience)


TRADES = [
    trade(5, 10.02), trade(15, 10.0), trade(15, 10.0), trade(15, 10.01), trade(25, 10.02, 7.0), trade(27, 10.03),
    trade(40, 9.0),
]  # fmt: skip
QUOTES = [quote(1, 10.0, 10.02), quote(10, 10.0, 10.02), quote(15, 10.0, 10.01), quote(20, 10.01, 10.03)]


def test_trades_and_quotes_are_merged_over_pages(serve, tmp_path):
    server = serve(Massive(TRADES, QUOTES))
    path = tmp_path / "a.parquet"
    found = record(tape(server), path, T, T + 30)
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
    found = record(tape(serve(Massive(odd, quotes, page=3))), path, T, T + 30)
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


@pytest.mark.parametrize("kept", range(1, 10))
def test_a_recording_that_was_cut_off_goes_on_as_if_it_had_not_been(serve, tmp_path, monkeypatch, kept):
    monkeypatch.setattr(recorder, "read_events", partial(read_events, batch_rows=1))
    server = serve(Massive(TRADES, QUOTES))
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    record(tape(server), whole, T, T + 30)

    class CutOff:
        def __init__(self, source):
            self.source = source
            self.name, self.about, self.zone, self.live = source.name, source.about, source.zone, False

        def batches(self, *arguments):
            for batch in self.source.batches(*arguments):
                yield batch.where(np.arange(len(batch)) < kept)
                raise SourceError("cut off")

    found = record(CutOff(tape(server)), parts, T, T + 30)
    assert (found.rows, found.failed) == (kept, "cut off")
    found = record(tape(server), parts, T, T + 30)
    assert found.rows == 10 and found.repeated >= 1
    one, two = all_events(whole), all_events(parts)
    for name in type(one).__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    before = parts.read_bytes()
    again = record(tape(server), parts, T, T + 30)
    assert (again.new, again.rows) == (0, 10) and parts.read_bytes() == before


def test_a_busy_provider_is_asked_again(serve, tmp_path):
    server = serve(Massive(TRADES))
    server.faults = [("/v3", 429, {"Retry-After": "0"}), ("/v3", 502, {})]
    found = record(tape(server, ("trades",)), tmp_path / "a.parquet", T, T + 30)
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
    found = record(tape(server, ("trades",)), path, T, T + 30)
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
    for source in (tape(server), MassiveBars("AAPL", base_url=server.url, patience=HURRY)):
        with pytest.raises(SourceError, match=f"massive AAPL: .*{message}") as caught:
            list(source.batches(T, T + 30, ReadReport(), NONE))
        assert KEY not in str(caught.value) + repr(source)
        assert caught.value.__context__ is None  # what it came from might hold the key


def test_a_wrong_key_is_told_and_not_shown(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("MASSIVE_API_KEY", "wr0ng")
    found = record(tape(serve(Massive(TRADES))), tmp_path / "a.parquet", T, T + 30)
    assert "Unknown API Key" in found.failed and "wr0ng" not in found.failed
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv("MASSIVE_API_KEY")
    monkeypatch.delenv("POLYGON_API_KEY", raising=False)
    with pytest.raises(ValueError, match="no key; allowed: one in the environment variable MASSIVE_API_KEY"):
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
    found = record(MassiveBars("AAPL", "1h", "none", base_url=server.url, patience=HURRY), path, T, T + 9 * 3600 * SECOND)
    bars = all_events(path)
    assert [(int(t) - T) // (3600 * SECOND) for t in bars.start] == [0, 1, 4]
    assert (bars.time - bars.start == 3600 * SECOND).all() and bars.price.tolist() == [10.0, 11.0, 14.0]
    assert (found.report.malformed, len(found.report.examples)) == (2, 2)
    asked, query, _ = server.asked[0]
    assert asked.startswith("/v2/aggs/ticker/AAPL/range/1/hour/") and query["adjusted"] == "false"
    assert len(server.asked) == 4  # pages
    with pytest.raises(ValueError, match="prices adjusted for 'all'; allowed: splits, none"):
        MassiveBars("AAPL", adjusted="all")
    with pytest.raises(DataError, match=r"holds other events .*adjusted 'none' for 'splits'"):
        record(MassiveBars("AAPL", "1h", base_url=server.url), path, T, T + 1)


def test_coins_have_the_time_of_their_exchange_and_days_of_utc(serve, tmp_path):
    trades = [{"participant_timestamp": T + 1, "price": 100.0, "size": 0.5, "conditions": [2]}]
    midnight = utc(2024, 1, 2) * 1000
    server = serve(Massive(trades, bars=[{"t": midnight, "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 9.0}]))
    source = MassiveTape("X:BTCUSD", ("trades",), base_url=server.url, tick=0.01)
    found = record(source, tmp_path / "a.parquet", T, T + 30)
    assert (found.rows, found.first, found.about.tick, source.zone.key) == (1, T + 1, 0.01, "UTC")
    record(MassiveBars("X:BTCUSD", base_url=server.url), tmp_path / "b.parquet", midnight * 10**6, (midnight + 1) * 10**6)
    assert all_events(tmp_path / "b.parquet").time.tolist() == [utc(2024, 1, 3) * SECOND]


# ccxt

MS = 1_704_200_000_000
CHAIN = [(k, MS + ms, f"{100 + k}.5", "0.25", k % 2 == 0) for k, ms in enumerate((0, 10, 10, 10, 10, 30, 40))]
BOOK_A = ([["100.00", "1.5"], ["99.99", "2"]], [["100.01", "3"]])
BOOK_B = ([["100.00", "1.0"]], [["100.02", "3"], ["100.03", "4"], ["100.05", "5"]])


def crypto(server, what=("trades",), symbol="BTC/USDT", patience=HURRY, **options):
    return CcxtSource("binance", symbol, what, base_url=server.url, patience=patience, **options)


@pytest.mark.parametrize("page", [3, 1000])
def test_trades_of_an_exchange_are_asked_for_page_by_page(serve, tmp_path, page):
    server = serve(Binance(CHAIN, page=page))
    path = tmp_path / "a.parquet"
    found = record(crypto(server), path, MS * 10**6, (MS + 40) * 10**6)
    events = all_events(path)
    told = [0, 1, 2, 3, 5] if page == 3 else [0, 1, 2, 3, 4, 5]  # a page full of one millisecond hides what else it holds
    assert [int(price - 100) for price in events.price] == told
    assert (events.time // 10**6 - MS).tolist() == [CHAIN[k][1] - MS for k in told]
    assert events.side.tolist() == [-1 if CHAIN[k][4] else 1 for k in told] and set(events.kind) == {"trade"}
    assert (found.about.symbol, found.about.venue, found.about.tick) == ("BTC/USDT", "binance", 0.01)
    assert found.failed is None and set(events.size) == {0.25}
    hidden = [f"binance BTC/USDT: more trades at {MS + 10} ms than an answer holds"]
    assert found.report.examples == (hidden if page == 3 else [])


def test_trades_that_cannot_be_read_are_counted(serve, tmp_path):
    rows = [CHAIN[0], (8, MS + 11, None, "1", True), (9, MS + 12, "5", "0", True), CHAIN[5]]
    found = record(crypto(serve(Binance(rows))), tmp_path / "a.parquet", MS * 10**6, (MS + 40) * 10**6)
    assert (found.rows, found.report.rows, found.report.malformed) == (2, 4, 2)
    assert f"trade 2 from {MS} ms, id 8: time {MS + 11}, price None" in found.report.examples[0]
    rows[1] = (8, MS + 11, "many", "1", True)
    found = record(crypto(serve(Binance(rows))), tmp_path / "b.parquet", MS * 10**6, (MS + 40) * 10**6)
    assert "binance BTC/USDT: an answer that cannot be read" in found.failed


def test_a_recording_of_trades_goes_on(serve, tmp_path):
    path = tmp_path / "a.parquet"
    record(crypto(serve(Binance(CHAIN[:3]))), path, MS * 10**6, (MS + 40) * 10**6)
    found = record(crypto(serve(Binance(CHAIN))), path, MS * 10**6, (MS + 40) * 10**6)
    assert (found.rows, found.new, found.repeated) == (6, 3, 2)
    assert [int(price - 100) for price in all_events(path).price] == [0, 1, 2, 3, 4, 5]


def test_books_are_polled_and_told_where_they_changed(serve, tmp_path):
    crossed = ([["100.05", "1"]], [["100.01", "3"]])
    server = serve(Binance(books=[BOOK_A, BOOK_A, crossed, BOOK_B]))
    source = crypto(server, ("books",), levels=2, every_seconds=0.0)
    path = tmp_path / "a.parquet"
    begun = time.time_ns()
    found = record(source, path, 0, 2**62, stop=lambda: len(server.paths("/api/v3/depth")) > 6)
    events = all_events(path)
    assert found.stopped and set(events.kind) == {"depth"} and len(events) == 2
    assert [getattr(events, name).tolist() for name in ("bid_prices", "ask_prices", "ask_sizes")] == [
        [[100.0, 99.99], [100.0, pytest.approx(math.nan, nan_ok=True)]],
        [[100.01, pytest.approx(math.nan, nan_ok=True)], [100.02, 100.03]],
        [[3.0, pytest.approx(math.nan, nan_ok=True)], [3.0, 4.0]],
    ]
    assert found.report.malformed == 1 and "book at" in found.report.examples[0]
    assert begun <= events.time[0] < events.time[1] <= time.time_ns() and found.about.levels == 2
    assert server.paths("/api/v3/depth")[0]["limit"] == "2"


def test_trades_between_two_books_have_the_one_before_them(serve, tmp_path):
    class Trading(Binance):
        def __call__(self, path, query):
            if path.endswith("/depth"):
                self.trades.append((len(self.trades), int(time.time() * 1000), "100.01", "0.5", False))
            return super().__call__(path, query)

    server = serve(Trading(books=[BOOK_A, BOOK_B]))
    source = crypto(server, ("trades", "books"), levels=2, every_seconds=0.0)
    path = tmp_path / "a.parquet"
    found = record(source, path, 0, 2**62, stop=lambda: len(server.paths("/api/v3/depth")) > 6)
    events = all_events(path)
    assert (np.diff(events.time) >= 0).all() and found.report.malformed == 0
    assert (events.kind == "trade").sum() >= 3 and (events.kind == "depth").sum() == 2
    for k in np.flatnonzero(events.kind == "trade"):
        if k:
            assert all(np.array_equal(getattr(events, n)[k], getattr(events, n)[k - 1], equal_nan=True) for n in BOOK)


def test_what_is_told_late_finds_its_place_one_poll_later():
    first, second = ([1.0], [1.0], [2.0], [1.0]), ([1.0], [2.0], [2.0], [2.0])
    report = ReadReport()
    queue = _Queue(NONE, report, "made")
    queue.waiting = [((10, "depth", 0, math.nan, math.nan), first), ((20, "depth", 0, math.nan, math.nan), second)]
    assert queue.ready(everything=False) == []
    queue.waiting += [((15, "trade", 1, 2.0, 1.0), None), ((25, "trade", 1, 2.0, 1.0), None)]
    assert [(row[0], book) for row, book in queue.ready(everything=False)] == [(10, first), (15, first), (20, second)]
    queue.waiting += [((12, "trade", 1, 2.0, 1.0), None), ((30, "depth", 0, math.nan, math.nan), second)]
    assert [(row[0], book) for row, book in queue.ready(everything=True)] == [(25, second)]  # the book has not changed
    assert report.examples == ["made: a trade at 12 told after an event at 20"]


def test_a_busy_exchange_is_asked_again_and_one_that_stays_so_leaves_what_was_got(serve, tmp_path):
    server = serve(Binance(CHAIN, page=2))
    server.faults = [("/api/v3/exchangeInfo", 429, {"Retry-After": "0"}), ("/api/v3/aggTrades", 503, {})]
    inner = server.answer

    def answer(path, query):
        late = path.endswith("/aggTrades") and int(query["startTime"]) > MS
        return (500, {}, {}) if late else inner(path, query)

    server.answer = answer
    found = record(crypto(server), tmp_path / "a.parquet", MS * 10**6, (MS + 40) * 10**6)
    assert not server.faults
    assert found.failed.startswith("binance BTC/USDT: ExchangeNotAvailable") and found.failed.endswith("asked 7 times")
    assert found.rows == 2


def test_a_poll_that_fails_is_a_gap_and_no_end(serve, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(recorder, "_GAP_SECONDS", 0.0)

    class Ailing(Binance):
        polls = 0

        def __call__(self, path, query):
            if path.endswith("/depth"):
                self.polls += 1
                if 4 <= self.polls < 15:  # longer than the patience: seven times in vain, a gap, four more, and on
                    return 500, {}, {}
                self.books = [([["100.00", str(self.polls)]], [["100.01", "3"]])]
            return super().__call__(path, query)

    server = serve(Ailing(books=[None]))
    source = crypto(server, ("books",), levels=2, every_seconds=0.0)
    path = tmp_path / "a.parquet"
    found = record(source, path, 0, 2**62, stop=lambda: server.answer.polls > 18)
    assert (found.gaps, found.failed, found.stopped) == (1, None, True)
    assert "failed, and is asked again: binance BTC/USDT: ExchangeNotAvailable" in caplog.text
    sizes = all_events(path).bid_sizes[:, 0].tolist()
    assert sizes[:6] == [1.0, 2.0, 3.0, 15.0, 16.0, 17.0] and len(sizes) == found.rows
    server.answer.polls = 5
    found = record(crypto(server, ("books",)), tmp_path / "b.parquet", 0, 2**62)
    assert (found.gaps, found.rows) == (0, 0) and found.failed.endswith("asked 7 times")  # never told anything


def test_symbols_and_exchanges_that_are_not_known(serve, tmp_path):
    server = serve(Binance(CHAIN))
    with pytest.raises(SourceError, match="binance BTC/USD: no such symbol; nearest: 'BTC/USDT'"):
        record(crypto(server, symbol="BTC/USD"), tmp_path / "a.parquet", 0, 1)
    with pytest.raises(ValueError, match=r"exchange 'binanc'; allowed: one of the \d+ that ccxt knows; nearest: 'binance'"):
        CcxtSource("binanc", "BTC/USDT")
    with pytest.raises(ValueError, match="candles; allowed: one or both of trades, books"):
        CcxtSource("binance", "BTC/USDT", ("candles",))
    with pytest.raises(ValueError, match="address 'localhost'; allowed: one that begins with http"):
        CcxtSource("binance", "BTC/USDT", base_url="localhost")


# What they share


def test_the_password_of_a_proxy_shows_in_no_error():
    source = CcxtSource("binance", "BTC/USDT", base_url="http://me:word@127.0.0.1:9/of", patience=Patience(retries=0))
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9/of/api/v3/exchangeInfo") as caught:
        _ = source.about
    assert "word" not in str(caught.value)


def test_waits_that_a_server_asks_for():
    assert (
        retry_after({"Retry-After": "2.5"}) == 2.5 and retry_after({}) is None and retry_after({"Retry-After": "x"}) is None
    )
    assert retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0.0
    patience = Patience(retries=3, backoff_seconds=2.0)
    assert [patience.wait(k, None) for k in range(4)] == [2.0, 4.0, 8.0, None]
    assert patience.wait(0, 5.0) == 5.0 and patience.wait(0, 61.0) is None


def test_who_waits_stops_when_asked(serve, tmp_path):
    server = serve(Massive(TRADES))
    inner = server.answer
    server.answer = lambda path, query: (503, {"Retry-After": "50"}, b"") if "cursor" in query else inner(path, query)
    stopping = Patience(stop=lambda: len(server.asked) > 1)
    for k, source in enumerate((tape(server, ("trades",), stopping), crypto(server, patience=stopping))):
        if k == 1:
            server.answer = lambda path, query: (503, {"Retry-After": "50"}, b"")
            server.asked.extend([("", {}, {})] * 2)
            with pytest.raises(Exception, match=r"^$") as caught:
                record(source, tmp_path / f"{k}.parquet", T, T + 30)
            assert type(caught.value).__name__ == "Stopped"
        else:
            found = record(source, tmp_path / f"{k}.parquet", T, T + 30)
            assert found.stopped and found.rows == 2


def test_a_day_of_the_exchange_has_as_many_hours_as_its_clock():
    for date, hours in (("2024-03-09", 24), ("2024-03-10", 23), ("2024-11-03", 25)):
        assert bar_end(at(date), "1d", NEW_YORK) - at(date) == hours * 3600 * SECOND
    assert bar_end(at("2024-03-10"), "1h", NEW_YORK) - at("2024-03-10") == 3600 * SECOND


def test_who_is_stopped_between_two_batches_tells_once_what_it_holds_back(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_CHUNK", 3)
    path, seen = tmp_path / "a.parquet", []
    found = record(tape(serve(Massive(TRADES, QUOTES))), path, T, T + 30, tell=seen.append, stop=lambda: len(seen) == 1)
    assert (found.stopped, found.rows, found.report.malformed) == (True, 3, 0)
    assert record(tape(serve(Massive(TRADES, QUOTES))), path, T, T + 30).rows == 10

    class Changing(Binance):
        polls = 0

        def __call__(self, path, query):
            if path.endswith("/depth"):
                self.polls += 1
                self.books = [([["100.00", str(self.polls)]], [["100.01", "3"]])]
            return super().__call__(path, query)

    server = serve(Changing(books=[None]))
    source = crypto(server, ("books",), levels=1, every_seconds=0.0)
    found = record(source, tmp_path / "b.parquet", 0, 2**62, stop=lambda: server.answer.polls == 5)
    assert all_events(tmp_path / "b.parquet").bid_sizes[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert found.stopped and found.new == 5


def test_moments_are_of_the_exchange_unless_they_say_otherwise():
    assert moment("2024-07-01", NEW_YORK) == utc(2024, 7, 1, 4) * SECOND
    assert moment("2024-07-01T12:00:00.000001+00:00", NEW_YORK) == utc(2024, 7, 1, 12) * SECOND + 1000
    assert datetime.fromtimestamp(moment("2024-01-01", NEW_YORK) / SECOND, UTC).hour == 5
