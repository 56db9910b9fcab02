"""Bars of Yahoo, against a server on loopback that answers as Yahoo does."""

import time

import numpy as np
import pytest

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")

from mm_env.data.events import all_events
from mm_env.data.providers import record_prices
from mm_env.errors import SourceError
from tests.unit.data.providers.made import NEW_YORK, WEEK, at, day, yahoo
from tests.unit.price_server import SECOND, Yahoo, utc

pytestmark = pytest.mark.usefixtures("apart")


def test_days_begin_and_end_at_midnight_of_the_exchange(serve, tmp_path):
    source = yahoo(serve(Yahoo({"AAPL": WEEK})))
    found = record_prices(source, tmp_path / "a.parquet", at("2024-03-07"), at("2024-03-12"))
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
    later = record_prices(
        source, tmp_path / "b.parquet", at("2024-03-07T09:00"), at("2024-03-12")
    )  # Yahoo stamps a day by its opening
    assert (later.rows, later.first) == (2, bars.time[1])
    assert (found.about.venue, found.about.time_zone, found.about.adjusted) == ("NMS", "America/New_York", "splits")


def test_the_day_of_a_date_is_that_of_the_exchange(serve, tmp_path):
    server = serve(Yahoo({"7203.T": [day(2024, 1, 4, 2600.0, hour=0, minute=0)]}, "Asia/Tokyo", 32_400))
    source = yahoo(server, "7203.T")
    record_prices(source, tmp_path / "a.parquet", at("2024-01-04", source.zone), at("2024-01-05", source.zone))
    assert all_events(tmp_path / "a.parquet").start.tolist() == [utc(2024, 1, 3, 15) * SECOND]


def test_prices_are_adjusted_for_splits_or_for_dividends_too(serve, tmp_path):
    server = serve(Yahoo({"AAPL": WEEK}))
    record_prices(yahoo(server, adjusted="all"), tmp_path / "a.parquet", at("2024-03-06"), at("2024-03-07"))
    bars = all_events(tmp_path / "a.parquet")
    assert (bars.open[0], bars.high[0], bars.low[0], bars.price[0]) == (53.0, 54.0, 52.5, 53.5)
    with pytest.raises(ValueError, match="yfinance: prices adjusted for 'none': expected one of 'splits', 'all'"):
        yahoo(server, adjusted="none")
    with pytest.raises(ValueError, match="interval '2m': expected one of '1m', '5m'"):
        yahoo(server, interval="2m")


def minutes(day_, count=3):
    return [
        (utc(2024, 3, day_, 15, k), 100.0 + k, 101.0 + k, 99.0 + k, 100.5 + k, 100.5 + k, 10) for k in range(count)
    ]  # fmt: skip


def test_minutes_are_asked_for_in_weeks(serve, tmp_path):
    server = serve(Yahoo({"AAPL": [*minutes(4), *minutes(14), *minutes(20)]}))
    found = record_prices(yahoo(server, interval="1m"), tmp_path / "a.parquet", at("2024-03-04"), at("2024-03-21"))
    spans = [(int(q["period1"]), int(q["period2"])) for q in server.paths("/v8") if q.get("interval") == "1m"]
    assert [end - start for start, end in spans] == [7 * 86_400, 7 * 86_400, 3 * 86_400 - 3600]
    bars = all_events(tmp_path / "a.parquet")
    assert found.rows == 9 and (bars.time - bars.start == 60 * SECOND).all()
    assert bars.start[3] == utc(2024, 3, 14, 15) * SECOND


def test_rows_without_prices_or_out_of_their_range_are_counted_with_their_place(serve, tmp_path):
    rows = list(WEEK)
    rows[1] = (rows[1][0], *(None,) * 6)
    rows[3] = (rows[3][0], 111.0, 113.0, 110.0, 150.0, 150.0, 10)
    found = record_prices(yahoo(serve(Yahoo({"AAPL": rows}))), tmp_path / "a.parquet", at("2024-03-01"), at("2024-03-15"))
    assert (found.rows, found.report.rows, found.report.malformed) == (3, 5, 2)
    first, second = found.report.examples
    assert "bar of 2024-03-07T00:00:00-05:00: no prices" in first
    assert "bar of 2024-03-11T00:00:00-04:00: prices outside low to high" in second and "close 150" in second


def test_a_bar_that_has_not_ended_is_left_out(serve, tmp_path):
    today = int(time.time())
    rows = [*WEEK, (today, 100.0, 101.0, 99.0, 100.0, 100.0, 5)]
    found = record_prices(
        yahoo(serve(Yahoo({"AAPL": rows}))), tmp_path / "a.parquet", at("2024-03-01"), (today + 60) * SECOND
    )
    assert (found.rows, found.report.rows, found.report.malformed) == (5, 6, 0)


def test_a_symbol_that_yahoo_does_not_know(serve, tmp_path):
    with pytest.raises(SourceError, match="yfinance NONE: HTTP 404: No data found, symbol may be delisted"):
        record_prices(yahoo(serve(Yahoo({})), "NONE"), tmp_path / "a.parquet", 0, 1)


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
    found = record_prices(source, path, at("2024-03-04"), at("2024-03-21"))
    assert found.failed == "yfinance AAPL: HTTP 500; asked 7 times"
    assert (found.rows, len(all_events(path))) == (3, 3)
    server.answer = Yahoo(server.answer.charts)
    found = record_prices(source, path, at("2024-03-04"), at("2024-03-21"))
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
    found = record_prices(source, tmp_path / "a.parquet", at("2024-03-01"), at("2024-03-15"))
    assert "yfinance AAPL: an answer that cannot be read" in found.failed
