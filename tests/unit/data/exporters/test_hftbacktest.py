"""hftbacktest's array is replayed by a dictionary of levels and by hftbacktest, and shows the books of the events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mm_env.data.events import Events, ReadReport
from mm_env.data.exporters import hftbacktest as form
from mm_env.data.exporters.hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EVENT_DTYPE,
    SELL_EVENT,
    TRADE_EVENT,
    hftbacktest_rows,
    write_array,
)
from mm_env.data.readers import ReadOptions
from mm_env.data.readers.binance import read_binance
from mm_env.errors import DataError
from tests.unit.data.exporters.books import batches, changed, random_book
from tests.unit.data.made_events import joined

Depth = dict[float, float]


def assert_top(side: Depth, prices: np.ndarray, sizes: np.ndarray, sign: int) -> None:
    """The best levels are those of the events; sign: 1 for bids."""
    there = np.isfinite(prices)
    best = sorted(side, key=lambda price: -sign * price)
    assert best[: len(prices)] == prices[there].tolist()
    assert [side[price] for price in best[: len(prices)]] == sizes[there].tolist()


def assert_replays(rows: np.ndarray, e: Events) -> None:
    """A dictionary of levels holds the book of the events after the last row of each time, and is never crossed."""
    bids: Depth = {}
    asks: Depth = {}
    at = 0
    for k in np.flatnonzero(np.append(np.diff(e.time) > 0, True)):
        while at < len(rows) and rows["exch_ts"][at] <= e.time[k]:
            ev, price, size = int(rows["ev"][at]), float(rows["px"][at]), float(rows["qty"][at])
            if ev & 0xFF in (DEPTH_EVENT, DEPTH_SNAPSHOT_EVENT):
                side = bids if ev & BUY_EVENT else asks
                assert bool(ev & BUY_EVENT) != bool(ev & SELL_EVENT)
                if size > 0.0:
                    side[price] = size
                else:
                    del side[price]  # what is not there is never removed
                assert not (bids and asks) or max(bids) < min(asks)
            at += 1
        assert_top(bids, e.bid_prices[k], e.bid_sizes[k], 1)
        assert_top(asks, e.ask_prices[k], e.ask_sizes[k], -1)
    assert at == len(rows)


def kinds(rows: np.ndarray) -> np.ndarray:
    return rows["ev"] & np.uint64(0xFF)


def assert_trades(rows: np.ndarray, e: Events) -> None:
    traded, told = rows[kinds(rows) == TRADE_EVENT], e.where(e.kind == "trade")
    for name, column in (("exch_ts", told.time), ("px", told.price), ("qty", told.size)):
        np.testing.assert_array_equal(traded[name], column, err_msg=name)
    np.testing.assert_array_equal((traded["ev"] & np.uint64(BUY_EVENT)) > 0, told.side > 0)
    np.testing.assert_array_equal((traded["ev"] & np.uint64(SELL_EVENT)) > 0, told.side < 0)


def test_levels_of_the_array_are_the_books(parts):
    rows, e = np.concatenate(list(hftbacktest_rows(parts, latency_ns=2_000_000))), joined(parts)
    assert rows.dtype == EVENT_DTYPE
    assert rows.dtype.itemsize == 64
    assert (rows["local_ts"] - rows["exch_ts"] == 2_000_000).all()
    assert (np.diff(rows["exch_ts"]) >= 0).all()
    assert_replays(rows, e)
    assert_trades(rows, e)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("orders", [True, False])
def test_a_random_book_replays_at_all_times_with_orders_and_without(seed, orders):
    e = random_book(seed)
    if not orders:
        kind = np.where(e.kind == "trade", "trade", np.where(e.order % 2, "depth", "quote")).astype(object)
        e = changed(e, kind=kind, order=np.zeros_like(e.order), side=np.where(e.kind == "trade", e.side, 0).astype(np.int8))
        jump = np.arange(len(e)) % 5 == 0  # many levels change at once, both sides among them
        e = e.where(jump)
    rows = np.concatenate(list(hftbacktest_rows(batches(e, 7))))
    assert_replays(rows, e)
    assert_trades(rows, e)
    np.testing.assert_array_equal(rows, np.concatenate(list(hftbacktest_rows([e]))))


def test_the_array_begins_with_a_snapshot_and_tells_only_what_changed():
    nan = np.nan
    prices = np.array(
        [[10.0, 9.0], [10.0, 9.0], [11.0, 10.0], [11.0, 10.0], [10.0, 9.0], [11.0, 10.0], [10.0, 8.0], [7.0, nan]]
    )
    sizes = np.array([[1.0, 2.0], [0.5, 2.0], [5.0, 0.5], [5.0, 0.5], [0.5, 2.0], [5.0, 0.5], [0.5, 3.0], [4.0, nan]])
    n = len(prices)
    e = Events(
        time=np.arange(n), kind=np.array(["trade"] * 2 + ["depth"] * 6, dtype=object),
        side=np.array([1, -1] + [0] * 6, np.int8), price=np.full(n, 12.0), size=np.ones(n), order=np.zeros(n, np.int64),
        bid_prices=prices, bid_sizes=sizes, ask_prices=np.full((n, 2), nan), ask_sizes=np.full((n, 2), nan),
    )  # fmt: skip
    rows = np.concatenate(list(hftbacktest_rows([e])))
    told = list(zip(kinds(rows).tolist(), rows["exch_ts"].tolist(), rows["px"].tolist(), rows["qty"].tolist(), strict=True))
    assert told == [
        (4, 0, 10.0, 1.0), (4, 0, 9.0, 2.0), (2, 0, 12.0, 1.0),
        (2, 1, 12.0, 1.0), (1, 1, 10.0, 0.5),  # a trade, then what it did to the book
        (1, 2, 11.0, 5.0),  # 9 is out of sight, and may still stand
        (1, 4, 11.0, 0.0),  # 9 stands as it did
        (1, 5, 11.0, 5.0),
        (1, 6, 11.0, 0.0), (1, 6, 9.0, 0.0), (1, 6, 8.0, 3.0),  # 9 would be in sight if it stood
        (1, 7, 10.0, 0.0), (1, 7, 8.0, 0.0), (1, 7, 7.0, 4.0),  # there is no further level
    ]  # fmt: skip


def test_hidden_trades_are_trades_and_those_of_an_unknown_taker_have_no_side():
    e = random_book(1, 40)
    kind, side = np.full(len(e), "hidden", dtype=object), np.zeros(len(e), np.int8)
    rows = np.concatenate(list(hftbacktest_rows([changed(e, kind=kind, side=side)])))
    traded = rows[kinds(rows) == TRADE_EVENT]
    assert len(traded) == len(e)
    assert not (traded["ev"] & np.uint64(BUY_EVENT | SELL_EVENT)).any()


def test_real_streams_without_orders_replay(shared_data):
    path = shared_data / "crypto" / "spot_btcusdt_20240808.gz"
    e = batches(next(read_binance(path, ReadOptions(), ReadReport()).events), 4000)[0]
    assert {"depth", "quote", "trade"} == set(e.kind)
    rows = np.concatenate(list(hftbacktest_rows([e])))
    assert_replays(rows, e)
    assert_trades(rows, e)


def asset_of(hftbacktest: Any, path: Path) -> Any:
    return (
        hftbacktest.BacktestAsset()
        .data(str(path))
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(0.01)
        .lot_size(1.0)
        .last_trades_capacity(100_000)
    )


def test_the_form_is_that_of_hftbacktest():
    types = pytest.importorskip("hftbacktest.types")
    assert types.event_dtype == EVENT_DTYPE
    assert types.event_dtype.descr == EVENT_DTYPE.descr
    for name in (
        "DEPTH_EVENT",
        "TRADE_EVENT",
        "DEPTH_SNAPSHOT_EVENT",
        "EXCH_EVENT",
        "LOCAL_EVENT",
        "BUY_EVENT",
        "SELL_EVENT",
    ):
        assert getattr(form, name) == getattr(types, name), name


@pytest.mark.parametrize("latency", [0, 3_000_000])
def test_hftbacktest_sees_all_levels_of_a_random_book(tmp_path, latency):
    """All visible levels, empty sides among them, and the trades."""
    hftbacktest = pytest.importorskip("hftbacktest")
    e = random_book(5)
    path = tmp_path / "events.npz"
    count = write_array(batches(e, 100), path, latency)
    with np.load(path) as stored:
        np.testing.assert_array_equal(stored["data"], np.concatenate(list(hftbacktest_rows([e], latency))))
        assert len(stored["data"]) == count
    backtest = hftbacktest.HashMapMarketDepthBacktest([asset_of(hftbacktest, path)])
    checked = empty = 0
    while backtest.elapse(5_000_000) == 0:
        seen = backtest.current_timestamp - latency
        k = int(np.searchsorted(e.time, seen, side="right")) - 1
        if k < 0:
            continue
        depth = backtest.depth(0)
        for best, quantity, prices, sizes in (
            (depth.best_bid, depth.bid_qty_at_tick, e.bid_prices[k], e.bid_sizes[k]),
            (depth.best_ask, depth.ask_qty_at_tick, e.ask_prices[k], e.ask_sizes[k]),
        ):
            np.testing.assert_allclose(best, prices[0], rtol=1e-12)  # both NaN where the side is empty
            there = np.isfinite(prices)
            assert [quantity(round(price * 100)) for price in prices[there]] == sizes[there].tolist()
            ticks = [round(price * 100) for price in prices[there]]
            between = set(range(min(ticks), max(ticks))) - set(ticks) if ticks else set()
            assert all(quantity(tick) == 0.0 for tick in between)
            empty += not ticks
        told = backtest.last_trades(0)
        assert len(told) == np.count_nonzero((e.kind == "trade") & (e.time <= seen))
        checked += 1
    backtest.close()
    assert checked > 200 and empty > 0


def test_hftbacktest_sees_the_same_book(parts, tmp_path):
    """The best prices and their sizes, as hftbacktest itself replays the array."""
    hftbacktest = pytest.importorskip("hftbacktest")
    e = joined(parts)
    path = tmp_path / "events.npz"
    write_array(iter(parts), path)
    backtest = hftbacktest.HashMapMarketDepthBacktest([asset_of(hftbacktest, path)])
    checked = 0
    while backtest.elapse(500_000_000) == 0:
        k = int(np.searchsorted(e.time, backtest.current_timestamp, side="right")) - 1
        depth = backtest.depth(0)
        assert depth.best_bid == pytest.approx(e.bid_prices[k, 0])
        assert depth.best_ask == pytest.approx(e.ask_prices[k, 0])
        assert depth.bid_qty_at_tick(depth.best_bid_tick) == e.bid_sizes[k, 0]
        assert depth.ask_qty_at_tick(depth.best_ask_tick) == e.ask_sizes[k, 0]
        checked += 1
    backtest.close()
    assert checked > 50


def test_an_array_that_cannot_be_written_whole_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(form.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="no space"):
        write_array([random_book(0, 50)], tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


def test_what_hftbacktest_cannot_be_told_leaves_nothing(tmp_path):
    e = random_book(0, 50)
    unsized = changed(e, bid_sizes=np.full_like(e.bid_sizes, np.nan))
    trades = changed(e, kind=np.full(len(e), "trade", dtype=object))
    for events, latency, message in (
        ([e], -1, "latency -1 ns; expected 0 or more"),
        ([], 0, "no events"),
        ([unsized], 0, "size nan of the level at .*; expected in hftbacktest's form: above 0"),
        ([changed(trades, price=np.full(len(e), np.nan))], 0, "trade of .* at nan; expected"),
        ([changed(trades, size=np.zeros(len(e)))], 0, "trade of 0.0 at .*; expected"),
    ):
        with pytest.raises(DataError, match=message):
            write_array(events, tmp_path / "a.npz", latency)
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match=r"a\.bin: expected a name that ends in \.npz"):
        write_array([e], tmp_path / "a.bin")
