"""Trades and books of an exchange, against a server on loopback that answers as Binance does."""

import math
import time

import numpy as np
import pytest

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")

from mm_env.data.events import BOOK, ReadReport, all_events
from mm_env.data.providers import CcxtSource, record_prices
from mm_env.data.providers.ccxt import _Queue
from mm_env.errors import SourceError
from mm_env.network import RetryPolicy
from tests.unit.data.providers.made import NONE, crypto
from tests.unit.price_server import Binance

pytestmark = pytest.mark.usefixtures("apart")


MS = 1_704_200_000_000
CHAIN = [(k, MS + ms, f"{100 + k}.5", "0.25", k % 2 == 0) for k, ms in enumerate((0, 10, 10, 10, 10, 30, 40))]
BOOK_A = ([["100.00", "1.5"], ["99.99", "2"]], [["100.01", "3"]])
BOOK_B = ([["100.00", "1.0"]], [["100.02", "3"], ["100.03", "4"], ["100.05", "5"]])


@pytest.mark.parametrize("page", [3, 1000])
def test_trades_of_an_exchange_are_asked_for_page_by_page(serve, tmp_path, page):
    server = serve(Binance(CHAIN, page=page))
    path = tmp_path / "a.parquet"
    found = record_prices(crypto(server), path, MS * 10**6, (MS + 40) * 10**6)
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
    found = record_prices(crypto(serve(Binance(rows))), tmp_path / "a.parquet", MS * 10**6, (MS + 40) * 10**6)
    assert (found.rows, found.report.rows, found.report.malformed) == (2, 4, 2)
    assert f"trade 2 from {MS} ms, id 8: time {MS + 11}, price None" in found.report.examples[0]
    rows[1] = (8, MS + 11, "many", "1", True)
    found = record_prices(crypto(serve(Binance(rows))), tmp_path / "b.parquet", MS * 10**6, (MS + 40) * 10**6)
    assert "binance BTC/USDT: an answer that cannot be read" in found.failed


def test_books_are_polled_and_told_where_they_changed(serve, tmp_path):
    crossed = ([["100.05", "1"]], [["100.01", "3"]])
    server = serve(Binance(books=[BOOK_A, BOOK_A, crossed, BOOK_B]))
    source = crypto(server, ("books",), levels=2, every_seconds=0.0)
    path = tmp_path / "a.parquet"
    begun = time.time_ns()
    found = record_prices(source, path, 0, 2**62, stop=lambda: len(server.paths("/api/v3/depth")) > 6)
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
    found = record_prices(source, path, 0, 2**62, stop=lambda: len(server.paths("/api/v3/depth")) > 6)
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
    assert report.examples == ["made: a trade at 12 reported after an event at 20"]


def test_a_busy_exchange_is_asked_again_and_one_that_stays_so_leaves_what_was_got(serve, tmp_path):
    server = serve(Binance(CHAIN, page=2))
    server.faults = [("/api/v3/exchangeInfo", 429, {"Retry-After": "0"}), ("/api/v3/aggTrades", 503, {})]
    inner = server.answer

    def answer(path, query):
        late = path.endswith("/aggTrades") and int(query["startTime"]) > MS
        return (500, {}, {}) if late else inner(path, query)

    server.answer = answer
    found = record_prices(crypto(server), tmp_path / "a.parquet", MS * 10**6, (MS + 40) * 10**6)
    assert not server.faults
    assert found.failed.startswith("binance BTC/USDT: ExchangeNotAvailable") and found.failed.endswith("asked 7 times")
    assert found.rows == 2


def test_symbols_and_exchanges_that_are_not_known(serve, tmp_path):
    server = serve(Binance(CHAIN))
    with pytest.raises(SourceError, match="binance BTC/USD: no such symbol; nearest: 'BTC/USDT'"):
        record_prices(crypto(server, symbol="BTC/USD"), tmp_path / "a.parquet", 0, 1)
    with pytest.raises(ValueError, match=r"exchange 'binanc': expected one of the \d+ that ccxt knows; nearest: 'binance'"):
        CcxtSource("binanc", "BTC/USDT")
    with pytest.raises(ValueError, match="candles: expected one or both of trades, books"):
        CcxtSource("binance", "BTC/USDT", ("candles",))
    with pytest.raises(ValueError, match="address 'localhost': expected an address that begins with http"):
        CcxtSource("binance", "BTC/USDT", base_url="localhost")


def test_the_password_of_a_proxy_shows_in_no_error():
    source = CcxtSource("binance", "BTC/USDT", base_url="http://me:word@127.0.0.1:9/of", retry=RetryPolicy(retries=0))
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9/of/api/v3/exchangeInfo") as caught:
        _ = source.about
    assert "word" not in str(caught.value)
