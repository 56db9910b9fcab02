"""Streams of Binance come out as events, and malformed lines are reported."""

import numpy as np
import pytest

from mm_env.data.events import About, ReadReport
from mm_env.data.readers import ReadOptions, binance
from mm_env.data.readers.binance import read_binance
from mm_env.errors import DataError
from tests.unit.data.files import LINES, binance_file, stream, ticker
from tests.unit.data.made_events import joined

SPOT = ReadOptions(venue="spot", levels=3)


@pytest.mark.parametrize("name", ["xyz.gz", "xyz.txt"])
@pytest.mark.parametrize("batch", [2, 1000])
def test_binance(tmp_path, monkeypatch, name, batch):
    monkeypatch.setattr(binance, "_BATCH", batch)
    path = binance_file(tmp_path, name=name)
    report = ReadReport()
    about, parts = read_binance(path, SPOT, report)
    assert about == About("binance", "XYZUSDT", "spot", 3, pytest.approx(0.01))
    events = joined(parts)
    assert (report.rows, report.events, report.malformed) == (8, 6, 0)
    assert events.kind.tolist() == ["depth", "quote", "trade", "depth", "quote", "trade"]
    assert events.side.tolist() == [0, 0, 1, 0, 0, -1]
    assert events.order.tolist() == [0, 0, 499, 0, 0, 799]
    np.testing.assert_array_equal(events.bid_prices[0], [99.90, 99.70, np.nan])
    np.testing.assert_array_equal(events.bid_sizes[0], [5, 3, np.nan])
    np.testing.assert_array_equal(events.bid_prices[1], [100.0, 99.90, 99.70])
    np.testing.assert_array_equal(events.bid_sizes[1], [1, 5, 3])
    np.testing.assert_array_equal(
        events.bid_prices[3], [100.0, 99.90, 99.70]
    )  # what is older than the best does not pass it
    np.testing.assert_array_equal(events.bid_prices[4], [99.70, np.nan, np.nan])
    np.testing.assert_array_equal(events.ask_prices[4], [99.95, 100.10, 100.20])
    np.testing.assert_array_equal(events.ask_sizes[4], [2, 2, 1])


def test_levels_are_added_up_by_a_coarse_tick_away_from_the_other_side(tmp_path):
    path = binance_file(tmp_path)
    about, parts = read_binance(path, ReadOptions(venue="spot", levels=2, coarse_tick=0.25), ReadReport())
    assert about.tick == 0.25
    events = joined(parts)
    # the second event's bids of 100.00, 99.90 and 99.70, and the asks of the fifth, 99.95, 100.10 and 100.20
    np.testing.assert_array_equal(events.bid_prices[1], [100.0, 99.75])
    np.testing.assert_array_equal(events.bid_sizes[1], [1, 5])
    np.testing.assert_array_equal(events.ask_prices[4], [100.0, 100.25])
    np.testing.assert_array_equal(events.ask_sizes[4], [2, 3])
    assert (events.ask_prices[:, 0] - events.bid_prices[:, 0] > 0.2).all()
    for wrong in (0.005, 0.015, 0.0, float("nan"), float("inf")):
        with pytest.raises(DataError, match=r"a multiple of the tick, 0\.01"):
            read_binance(path, ReadOptions(levels=2, coarse_tick=wrong), ReadReport())


def test_malformed_lines_of_binance_are_told_and_change_no_book(tmp_path):
    lines = [
        *LINES[:4], "soon {}", "450 {not json", stream(460, "kline", k=1), ticker(470, 16, "100.10", "100.10"),
        stream(480, "depth@100ms", U=16, u=17, b=[["99.60"]], a=[]), stream(350, "trade", p="1", q="1", T=1, m=True),
        stream(490, "trade", q="1", m=True), "", *LINES[4:],
    ]  # fmt: skip
    path = binance_file(tmp_path, lines)
    report = ReadReport()
    events = joined(read_binance(path, SPOT, report).events)
    clean = binance_file(tmp_path, name="clean.gz")
    np.testing.assert_array_equal(events.bid_prices, joined(read_binance(clean, SPOT, ReadReport()).events).bid_prices)
    assert report.malformed == 7
    told = " | ".join(report.examples)
    for part in (
        "line 5",
        "line 7: stream 'xyzusdt@kline'; expected",
        "bid 100.1 and ask 100.1",
        "time 350 after 400",
        "no 'p'",
    ):
        assert part in told


def test_files_that_are_no_stream_of_binance(tmp_path):
    with pytest.raises(DataError, match="no stream of Binance in its first"):
        read_binance(binance_file(tmp_path, ["hello", "1 {}"]), SPOT, ReadReport())
    (tmp_path / "bad.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match=r"bad\.gz: cannot be read"):
        read_binance(tmp_path / "bad.gz", SPOT, ReadReport())


def test_real_streams_have_the_facts_that_are_known_of_them(shared_data):
    path, report = shared_data / "crypto" / "spot_btcusdt_20240808.gz", ReadReport()
    events = joined(read_binance(path, ReadOptions(venue="spot"), report).events)
    assert report.malformed == 0
    assert not (events.ask_prices[:, 0] <= events.bid_prices[:, 0]).any()
