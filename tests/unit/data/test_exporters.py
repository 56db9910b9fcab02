"""Exports are read back as what they were: by the reader of LOBSTER files, by a dictionary of levels, by hftbacktest."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mm_env.cli import export as export_data
from mm_env.cli import record_market
from mm_env.config.io import load_config, override
from mm_env.data.events import BOOK, About, DataError, Events, EventWriter, ReadReport, read_events
from mm_env.data.exporters import hftbacktest as form
from mm_env.data.exporters.hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EVENT_DTYPE,
    SELL_EVENT,
    TRADE_EVENT,
    export_hftbacktest,
    hftbacktest_rows,
)
from mm_env.data.exporters.lobster import events_of_day, export_lobster
from mm_env.data.readers.binance import find_binance, read_binance
from mm_env.data.readers.lobster import find_lobster, read_lobster
from mm_env.runs.book_events import simulate_events

LEVELS = 3
START = 1_704_205_800_000_000_000  # 2024-01-02 09:30 in New York
ABOUT = About("mm_env", "XYZ", "A", LEVELS, 0.01)


def joined(parts: list[Events]) -> Events:
    return Events(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__})


@pytest.fixture(scope="module")
def parts() -> list[Events]:
    config = override(load_config("one_symbol"), {"episode.burn_in_seconds": 2.0})
    return list(simulate_events(config, 40.0, levels=LEVELS, seed=4, start=START))


def batches(events: Events, rows: int) -> list[Events]:
    index = np.arange(len(events))
    return [events.where((index >= k) & (index < k + rows)) for k in range(0, len(events), rows)]


def random_book(seed: int, n: int = 1500, levels: int = LEVELS) -> Events:
    """A market of few orders, so that sides are short or empty at times, and levels leave and come into sight."""
    rng = np.random.default_rng(seed)
    orders: dict[int, list[int]] = {}  # side, ticks, size
    rows, now = [], START
    for number in range(1, n + 1):
        now += int(rng.integers(0, 3)) * 1_234_567  # some at the same time
        kind = str(rng.choice(["limit", "reduce", "delete", "trade"], p=[0.4, 0.1, 0.25, 0.25]))
        best = {side: max((side * o[1] for o in orders.values() if o[0] == side), default=None) for side in (1, -1)}
        whole = [key for key, o in orders.items() if o[2] > 1]
        front = [key for key, o in orders.items() if o[0] * o[1] == best[o[0]]]
        if not orders or (kind == "reduce" and not whole):
            kind = "limit"
        if kind == "limit":
            key, side = 10_000 + number, int(rng.choice([1, -1]))
            other = best[-side]
            behind = 10_000 if other is None else -side * other  # the other side's best, which it stays away from
            order = [side, behind - side * int(rng.integers(1, 12)), int(rng.integers(1, 50))]
            orders[key], size, told = order, order[2], side
        else:
            key = int(rng.choice({"reduce": whole, "delete": list(orders), "trade": front}[kind]))
            order = orders[key]
            size = order[2] if kind == "delete" else int(rng.integers(1, order[2] + (kind == "trade")))
            order[2] -= size
            told = -order[0] if kind == "trade" else order[0]
            if order[2] == 0:
                del orders[key]
        book = []
        for side in (1, -1):
            depth: dict[int, int] = {}
            for one in orders.values():
                if one[0] == side:
                    depth[one[1]] = depth.get(one[1], 0) + one[2]
            top = sorted(depth, key=lambda ticks, side=side: -side * ticks)[:levels]
            blank = [np.nan] * (levels - len(top))
            book += [[ticks / 100 for ticks in top] + blank, [float(depth[ticks]) for ticks in top] + blank]
        rows.append((now, kind, told, order[1] / 100, float(size), key, *book))
    time, kinds, sides, price, sizes, key_of, *columns = zip(*rows, strict=True)
    return Events(
        time=np.array(time, np.int64), kind=np.array(kinds, dtype=object), side=np.array(sides, np.int8),
        price=np.array(price), size=np.array(sizes), order=np.array(key_of, np.int64),
        **{name: np.array(column) for name, column in zip(BOOK, columns, strict=True)},
    )  # fmt: skip


def assert_same(left: Events, right: Events) -> None:
    for name in Events.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


def changed(events: Events, **columns: Any) -> Events:
    return Events(**{name: columns.get(name, getattr(events, name)) for name in Events.__dataclass_fields__})


def test_lobster_files_read_back_are_the_events(parts, tmp_path):
    paths = export_lobster(iter(parts), ABOUT, tmp_path)
    assert [path.parent for path in paths] == [tmp_path, tmp_path]
    report = ReadReport()
    source = find_lobster(tmp_path)
    assert (source.about.symbol, source.about.levels) == ("XYZ", LEVELS)
    back, events = joined(list(read_lobster(source, report))), joined(parts)
    assert report.malformed == 0
    assert_same(back, events)
    assert set(events.kind) == {"limit", "reduce", "delete", "trade"}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("seed", range(3))
def test_a_random_book_reads_back_from_lobster_files_in_batches_of_any_size(tmp_path, seed):
    events = random_book(seed)
    assert np.isnan(events.bid_prices[:, 0]).any() and np.isfinite(events.ask_prices[:, -1]).any()
    written = []
    for rows in (1, 7, len(events)):
        paths = export_lobster(batches(events, rows), ABOUT, tmp_path / str(rows))
        assert_same(joined(list(read_lobster(find_lobster(tmp_path / str(rows)), ReadReport()))), events)
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1] == written[2]


def test_lobster_files_letter_by_letter(tmp_path):
    nan = np.nan
    events = Events(
        time=START + np.array([0, 1, 500_000_000, 500_000_000]),
        kind=np.array(["limit", "trade", "trade", "cross"], dtype=object),
        side=np.array([-1, 1, -1, 0], np.int8), price=np.array([100.03, 100.03, 99.9999, 100.0]),
        size=np.array([5.0, 2.0, 1.5, 10.0]), order=np.array([11, 11, 12, 0]),
        bid_prices=np.array([[99.9999], [99.9999], [nan], [nan]]), bid_sizes=np.array([[1.5], [1.5], [nan], [nan]]),
        ask_prices=np.array([[100.03]] * 4), ask_sizes=np.array([[5.0], [3.0], [3.0], [3.0]]),
    )  # fmt: skip
    message, book = export_lobster([events], About("made", "XYZ", "A", 1), tmp_path, lot=0.5)
    assert message.name == "XYZ_2024-01-02_34200000_34200500_message_1.csv"
    assert book.name == "XYZ_2024-01-02_34200000_34200500_orderbook_1.csv"
    assert message.read_bytes().decode() == (
        "34200,1,11,10,1000300,-1\n"
        "34200.000000001,4,11,4,1000300,-1\n"  # a buyer began it, and the order that stood was to sell
        "34200.5,4,12,3,999999,1\n"
        "34200.5,6,0,20,1000000,-1\n"
    )
    assert book.read_bytes().decode() == (
        "1000300,10,999999,3\n1000300,6,999999,3\n1000300,6,-9999999999,0\n1000300,6,-9999999999,0\n"
    )


def test_a_level_that_is_not_there_and_a_halt_are_written_as_lobster_does(parts, tmp_path):
    e = parts[0].where(np.arange(len(parts[0])) < 2)
    sizes, prices = e.bid_sizes.copy(), e.bid_prices.copy()
    sizes[0, 2] = prices[0, 2] = np.nan
    price, size = e.price.copy(), e.size.copy()
    price[1] = size[1] = np.nan
    kinds = np.array(["hidden", "halt"], dtype=object)
    odd = changed(e, bid_sizes=sizes, bid_prices=prices, price=price, size=size, kind=kinds, side=np.array([1, 0], np.int8))
    message, book = export_lobster([odd], ABOUT, tmp_path)
    assert book.read_text().splitlines()[0].endswith(",-9999999999,0")
    rows = [line.split(",") for line in message.read_text().splitlines()]
    assert (rows[0][1], rows[0][5]) == ("5", "-1")  # who stood sold
    assert (rows[1][1], rows[1][3], rows[1][4], rows[1][5]) == ("7", "0", "-1", "-1")
    back = joined(list(read_lobster(find_lobster(tmp_path), ReadReport())))
    assert np.isnan(back.bid_prices[0, 2])
    assert np.isnan(back.price[1])


def test_what_lobster_cannot_say_is_told_and_leaves_nothing(parts, tmp_path):
    e = parts[0]
    later = changed(e, time=e.time + 86_400 * 10**9)
    dear = changed(e, price=np.full(len(e), 60_000.00003))  # where a float is coarser
    for events, lot, message in (
        ([changed(e, kind=np.full(len(e), "depth", dtype=object))], 1.0, "kind depth"),
        ([changed(e, price=e.price + 0.00003)], 1.0, r"price \d+\.\d\d003\d*; allowed .*multiples of 0.0001"),
        ([dear], 1.0, "price 60000.00003; allowed"),
        ([changed(e, price=np.full(len(e), 1e6))], 1.0, "price 1000000.0; allowed in LOBSTER's form: 0 to 999999.9998"),
        ([changed(e, price=np.full(len(e), -1.0))], 1.0, "price -1.0; allowed"),
        ([changed(e, size=np.full(len(e), 2e-5))], 1.0, "size 2e-05; allowed"),
        ([changed(e, size=np.full(len(e), 1.00005))], 1.0, "size 1.00005; allowed"),
        ([changed(e, size=np.full(len(e), 1e-10))], 1.0, "size 1e-10; allowed"),
        ([changed(e, size=np.full(len(e), np.nan))], 1.0, "size nan; allowed"),
        ([changed(e, side=np.zeros(len(e), np.int8))], 1.0, "side 0 of a .*; allowed in LOBSTER's form: 1 or -1"),
        ([e], 0.0, "lot 0.0; allowed: a finite number above 0"),
        ([e], -1.0, "lot -1.0"),
        ([e], np.inf, "lot inf"),
        ([e], 300.0, "size .*multiples of 300"),
        ([e, later], 1.0, "events of 2024-01-02 and of 2024-01-03 in New York; allowed: one day"),
        ([], 1.0, "no events"),
    ):
        with pytest.raises(DataError, match=message):
            export_lobster(events, ABOUT, tmp_path, lot)
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="symbol 'BTC/USD'; allowed"):
        export_lobster([e], About("made", "BTC/USD", "A", LEVELS), tmp_path)


def test_an_export_that_fails_leaves_the_files_before_it(parts, tmp_path):
    for path in export_lobster(parts, ABOUT, tmp_path):
        assert path.stat().st_size > 0
    export_hftbacktest(parts, tmp_path / "a.npz")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Any:
        yield from parts
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_lobster(broken(), ABOUT, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        export_hftbacktest(broken(), tmp_path / "a.npz")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("last", ["2024-01-02T23:59:59", "2024-03-10T23:59:59", "2024-11-03T23:59:59"])
def test_a_day_ends_at_midnight_in_new_york(tmp_path, last):
    """Also where the clocks change, and to the nanosecond."""
    end = (int(datetime.fromisoformat(last).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()) + 1) * 10**9
    times = np.array([end - 10**13, end - 1, end], np.int64)
    events = changed(random_book(0, 3), time=times)
    with pytest.raises(DataError, match="allowed: one day a pair of files"):
        export_lobster([events], ABOUT, tmp_path)
    day = date.fromisoformat(last[:10])
    one = list(events_of_day(batches(events, 2), day))
    message, _ = export_lobster(one, ABOUT, tmp_path)
    assert message.name.startswith(f"XYZ_{day}_")
    back = joined(list(read_lobster(find_lobster(tmp_path), ReadReport())))
    np.testing.assert_array_equal(back.time, times[:2])
    message, _ = export_lobster([events.where(times == end - 1)], ABOUT, tmp_path / "one")
    assert message.name.startswith(f"XYZ_{day}_")


def test_real_samples_come_back_letter_by_letter(shared_data, tmp_path):
    for name, differ in (("AAPL_2012-06-21_1", 0), ("AMZN_2012-06-21_5", 1)):  # one time of AMZN has 12 digits of noise
        path = shared_data / "lobster" / f"LOBSTER_SampleFile_{name}.zip"
        source = find_lobster(path)
        written = export_lobster(read_lobster(source, ReadReport()), source.about, tmp_path / name)
        with zipfile.ZipFile(path) as archive:
            for file, original in zip(written, (source.messages, source.books), strict=True):
                ours, theirs = file.read_bytes().splitlines(), archive.read(original).splitlines()
                assert len(ours) == len(theirs)
                wrong = [(left, right) for left, right in zip(ours, theirs, strict=True) if left != right]
                assert len(wrong) == (differ if file == written[0] else 0)
                assert wrong in ([], [(b"43002.632812672,3,134172772,100,2238700,-1",
                                       b"43002.632812672004,3,134172772,100,2238700,-1")])  # fmt: skip


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
    about = find_binance(path, "spot")
    e = batches(next(read_binance(path, about, ReadReport())), 4000)[0]
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
    count = export_hftbacktest(batches(e, 100), path, latency)
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
    export_hftbacktest(iter(parts), path)
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
        export_hftbacktest([random_book(0, 50)], tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


def test_what_hftbacktest_cannot_be_told_leaves_nothing(tmp_path):
    e = random_book(0, 50)
    unsized = changed(e, bid_sizes=np.full_like(e.bid_sizes, np.nan))
    trades = changed(e, kind=np.full(len(e), "trade", dtype=object))
    for events, latency, message in (
        ([e], -1, "latency -1 ns; allowed: 0 or more"),
        ([], 0, "no events"),
        ([unsized], 0, "size nan of the level at .*; allowed in hftbacktest's form: above 0"),
        ([changed(trades, price=np.full(len(e), np.nan))], 0, "trade of .* at nan; allowed"),
        ([changed(trades, size=np.zeros(len(e)))], 0, "trade of 0.0 at .*; allowed"),
    ):
        with pytest.raises(DataError, match=message):
            export_hftbacktest(events, tmp_path / "a.npz", latency)
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match=r"a\.bin: allowed: a name that ends in \.npz"):
        export_hftbacktest([e], tmp_path / "a.bin")


def test_commands_record_and_export(tmp_path):
    def run(main: Any, *arguments: str | Path) -> Any:
        app = typer.Typer()
        app.command()(main)
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    data = tmp_path / "xyz.parquet"
    said = run(record_market.main, "--seconds", "3", "--symbol", "ABC", "--policy", "as", "--out", data, "--levels", "5")
    assert said.exit_code == 0, said.output
    assert "ABC at" in said.output
    for name, count in (("lobster", 2), ("hftbacktest", 1)):
        said = run(export_data.main, data, "--form", name, "--out", tmp_path / name)
        assert said.exit_code == 0, said.output
        assert len(list((tmp_path / name).iterdir())) == count
    file = tmp_path / "new" / "named.npz"
    said = run(
        export_data.main, data, "--form", "hftbacktest", "--latency-ms", "1.5", "--out", file, "--json", tmp_path / "j"
    )
    assert said.exit_code == 0, said.output
    with np.load(file) as stored:
        assert set((stored["data"]["local_ts"] - stored["data"]["exch_ts"]).tolist()) == {1_500_000}
    assert str(file) in (tmp_path / "j").read_text()
    said = run(export_data.main, data, "--day", "2024-01-02", "--out", tmp_path / "day")
    assert said.exit_code == 0, said.output
    assert [path.name[:14] for path in sorted((tmp_path / "day").iterdir())] == ["ABC_2024-01-02"] * 2
    for arguments in (("--symbol", "NO"), ("--start", "noon"), ("--policy", "nobody")):
        assert run(record_market.main, *arguments, "--out", data).exit_code == 2
    for arguments, message in (
        (("--form", "csv"), "--form 'csv': allowed: lobster, hftbacktest"),
        (("--latency-ms", "1"), "--latency-ms: allowed: with another form"),
        (("--form", "hftbacktest", "--latency-ms", "inf"), "--latency-ms inf: allowed: a finite number"),
        (("--form", "hftbacktest", "--lot", "2"), "--lot: allowed: with another form"),
        (("--lot", "inf"), "lot inf; allowed"),
        (("--day", "noon"), "--day 'noon': allowed: a date"),
        (("--day", "2024-01-03"), "no events"),
    ):
        said = run(export_data.main, data, *arguments, "--out", tmp_path / "none")
        assert said.exit_code == 2, said.output
        assert message in " ".join(said.output.split())
        assert list((tmp_path / "none").rglob("*.*")) == []


def test_a_file_of_events_is_exported_as_its_batches(parts, tmp_path):
    with EventWriter(tmp_path / "e.parquet", ABOUT) as writer:
        for part in parts:
            writer.write(part)
    export_lobster(read_events(tmp_path / "e.parquet", 7), ABOUT, tmp_path / "small")
    export_lobster(parts, ABOUT, tmp_path / "large")
    small, large = (sorted(path.read_bytes() for path in (tmp_path / n).iterdir()) for n in ("small", "large"))
    assert small == large
