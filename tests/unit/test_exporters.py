"""Exports are read back as what they were: by the reader of LOBSTER files, by a dictionary of levels, by hftbacktest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from mm_env.calibration.events import About, DataError, Events, EventWriter, ReadReport
from mm_env.calibration.export_hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EVENT_DTYPE,
    TRADE_EVENT,
    HftbacktestArray,
    export_hftbacktest,
)
from mm_env.calibration.export_lobster import export_lobster
from mm_env.calibration.lobster import find_lobster, read_lobster
from mm_env.config.io import load_config, override
from mm_env.recording.market import simulate_events

LEVELS = 3
START = 1_704_205_800_000_000_000  # 2024-01-02 09:30 in New York
ABOUT = About("mm_env", "XYZ", "A", LEVELS, 0.01)


def joined(parts: list[Events]) -> Events:
    return Events(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__})


@pytest.fixture(scope="module")
def parts() -> list[Events]:
    config = override(load_config("one_symbol"), {"episode.burn_in_seconds": 2.0})
    return list(simulate_events(config, 40.0, levels=LEVELS, seed=4, start=START))


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
    for name in Events.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(back, name), getattr(events, name), err_msg=name)
    assert set(events.kind) == {"limit", "reduce", "delete", "trade"}
    assert len(list(tmp_path.iterdir())) == 2


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
    for events, lot, message in (
        ([changed(e, kind=np.full(len(e), "depth", dtype=object))], 1.0, "kind depth"),
        ([changed(e, price=e.price + 0.00003)], 1.0, "price .*multiples of 0.0001"),
        ([e], 300.0, "size .*multiples of 300"),
        ([e, later], 1.0, "more than one day"),
        ([], 1.0, "no events"),
    ):
        with pytest.raises(DataError, match=message):
            export_lobster(events, ABOUT, tmp_path, lot)
        assert list(tmp_path.iterdir()) == []


def replayed(rows: np.ndarray, until: int) -> tuple[dict[float, float], dict[float, float]]:
    """Levels by price after the rows up to a time."""
    sides: tuple[dict[float, float], dict[float, float]] = ({}, {})
    for row in rows[rows["exch_ts"] <= until]:
        if int(row["ev"]) & 0xFF in (DEPTH_EVENT, DEPTH_SNAPSHOT_EVENT):
            side = sides[0 if int(row["ev"]) & BUY_EVENT else 1]
            side[float(row["px"])] = float(row["qty"])
    return tuple({price: size for price, size in side.items() if size > 0.0} for side in sides)  # type: ignore[return-value]


def test_levels_of_the_array_are_the_books(parts):
    collected = HftbacktestArray(latency_ns=2_000_000)
    for part in parts:
        collected.add(part)
    rows, e = collected.array(), joined(parts)
    assert rows.dtype == EVENT_DTYPE
    assert rows.dtype.itemsize == 64
    assert (rows["local_ts"] - rows["exch_ts"] == 2_000_000).all()
    assert (np.diff(rows["exch_ts"]) >= 0).all()
    last = np.flatnonzero(np.append(np.diff(e.time) > 0, True))
    for k in last[:: max(1, len(last) // 40)]:
        for side, prices, sizes, sign in zip(
            replayed(rows, int(e.time[k])), (e.bid_prices, e.ask_prices), (e.bid_sizes, e.ask_sizes), (-1, 1), strict=True
        ):
            best = sorted(side, key=lambda price, sign=sign: sign * price)[:LEVELS]
            there = np.isfinite(prices[k])
            assert best == prices[k][there].tolist()
            assert [side[price] for price in best] == sizes[k][there].tolist()
    traded = (rows["ev"] & np.uint64(0xFF)) == TRADE_EVENT
    bought = (rows["ev"][traded] & np.uint64(BUY_EVENT)) > 0
    np.testing.assert_array_equal(bought, e.side[e.kind == "trade"] > 0)
    np.testing.assert_array_equal(rows["qty"][traded], e.size[e.kind == "trade"])


def test_hftbacktest_sees_the_same_book(parts, tmp_path):
    """The best prices and their sizes, as hftbacktest itself replays the array."""
    hftbacktest = pytest.importorskip("hftbacktest")
    e = joined(parts)
    path = tmp_path / "events.npz"
    export_hftbacktest(iter(parts), path)
    asset = (
        hftbacktest.BacktestAsset()
        .data(str(path))
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(0.01)
        .lot_size(1.0)
    )
    backtest = hftbacktest.HashMapMarketDepthBacktest([asset])
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


def test_hftbacktest_errors(tmp_path):
    with pytest.raises(DataError, match="latency -1 ns"):
        HftbacktestArray(-1)
    with pytest.raises(DataError, match="no events"):
        export_hftbacktest([], tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


def test_commands_record_and_export(tmp_path):
    import typer

    from scripts import export_data, record_market

    def run(main: Any, *arguments: str | Path) -> Any:
        app = typer.Typer()
        app.command()(main)
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    data = tmp_path / "xyz.parquet"
    said = run(record_market.main, "--seconds", "3", "--symbol", "ABC", "--policy", "as", "--out", data, "--levels", "5")
    assert said.exit_code == 0, said.output
    assert "ABC at" in said.output
    for form, count in (("lobster", 2), ("hftbacktest", 1)):
        said = run(export_data.main, data, "--form", form, "--out", tmp_path / form)
        assert said.exit_code == 0, said.output
        assert len(list((tmp_path / form).iterdir())) == count
    for arguments in (("--symbol", "NO"), ("--start", "noon"), ("--policy", "nobody")):
        assert run(record_market.main, *arguments, "--out", data).exit_code == 2
    for arguments in (("--form", "csv"), ("--latency-ms", "1"), ("--form", "hftbacktest", "--lot", "2")):
        assert run(export_data.main, data, *arguments, "--out", tmp_path).exit_code == 2


def test_a_file_of_events_is_exported_as_its_batches(parts, tmp_path):
    from mm_env.calibration.events import read_events

    with EventWriter(tmp_path / "e.parquet", ABOUT) as writer:
        for part in parts:
            writer.write(part)
    export_lobster(read_events(tmp_path / "e.parquet", 7), ABOUT, tmp_path / "small")
    export_lobster(parts, ABOUT, tmp_path / "large")
    small, large = (sorted(path.read_bytes() for path in (tmp_path / n).iterdir()) for n in ("small", "large"))
    assert small == large
