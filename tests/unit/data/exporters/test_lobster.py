"""LOBSTER's files are read back as the events that they were written from."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mm_env.data.events import About, Events, EventWriter, ReadReport, read_events
from mm_env.data.exporters import ExportOptions
from mm_env.data.exporters.hftbacktest import (
    write_array,
)
from mm_env.data.exporters.lobster import events_of_day, export_lobster
from mm_env.data.readers import ReadOptions
from mm_env.data.readers.lobster import read_lobster
from mm_env.errors import DataError
from tests.unit.data.exporters.books import ABOUT, LEVELS, START, assert_same, batches, changed, random_book
from tests.unit.data.made_events import joined


def test_lobster_files_read_back_are_the_events(parts, tmp_path):
    paths = export_lobster(iter(parts), ABOUT, tmp_path, ExportOptions())
    assert [path.parent for path in paths] == [tmp_path, tmp_path]
    report = ReadReport()
    about, read = read_lobster(tmp_path, ReadOptions(), report)
    assert (about.symbol, about.levels) == ("XYZ", LEVELS)
    back, events = joined(list(read)), joined(parts)
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
        paths = export_lobster(batches(events, rows), ABOUT, tmp_path / str(rows), ExportOptions())
        assert_same(joined(list(read_lobster(tmp_path / str(rows), ReadOptions(), ReadReport()).events)), events)
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
    message, book = export_lobster([events], About("made", "XYZ", "A", 1), tmp_path, ExportOptions(lot=0.5))
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
    message, book = export_lobster([odd], ABOUT, tmp_path, ExportOptions())
    assert book.read_text().splitlines()[0].endswith(",-9999999999,0")
    rows = [line.split(",") for line in message.read_text().splitlines()]
    assert (rows[0][1], rows[0][5]) == ("5", "-1")  # who stood sold
    assert (rows[1][1], rows[1][3], rows[1][4], rows[1][5]) == ("7", "0", "-1", "-1")
    back = joined(list(read_lobster(tmp_path, ReadOptions(), ReadReport()).events))
    assert np.isnan(back.bid_prices[0, 2])
    assert np.isnan(back.price[1])


def test_what_lobster_cannot_say_is_told_and_leaves_nothing(parts, tmp_path):
    e = parts[0]
    later = changed(e, time=e.time + 86_400 * 10**9)
    dear = changed(e, price=np.full(len(e), 60_000.00003))  # where a float is coarser
    for events, lot, message in (
        ([changed(e, kind=np.full(len(e), "depth", dtype=object))], 1.0, "kind depth"),
        ([changed(e, price=e.price + 0.00003)], 1.0, r"price \d+\.\d\d003\d*; expected .*multiples of 0.0001"),
        ([dear], 1.0, "price 60000.00003; expected"),
        ([changed(e, price=np.full(len(e), 1e6))], 1.0, "price 1000000.0; expected in LOBSTER's form: 0 to 999999.9998"),
        ([changed(e, price=np.full(len(e), -1.0))], 1.0, "price -1.0; expected"),
        ([changed(e, size=np.full(len(e), 2e-5))], 1.0, "size 2e-05; expected"),
        ([changed(e, size=np.full(len(e), 1.00005))], 1.0, "size 1.00005; expected"),
        ([changed(e, size=np.full(len(e), 1e-10))], 1.0, "size 1e-10; expected"),
        ([changed(e, size=np.full(len(e), np.nan))], 1.0, "size nan; expected"),
        ([changed(e, side=np.zeros(len(e), np.int8))], 1.0, "side 0 of a .*; expected in LOBSTER's form: 1 or -1"),
        ([e], 0.0, "lot 0.0; expected a finite number above 0"),
        ([e], -1.0, "lot -1.0"),
        ([e], np.inf, "lot inf"),
        ([e], 300.0, "size .*multiples of 300"),
        ([e, later], 1.0, "events of 2024-01-02 and of 2024-01-03 in New York; expected one day"),
        ([], 1.0, "no events"),
    ):
        with pytest.raises(DataError, match=message):
            export_lobster(events, ABOUT, tmp_path, ExportOptions(lot=lot))
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="symbol 'BTC/USD'; expected"):
        export_lobster([e], About("made", "BTC/USD", "A", LEVELS), tmp_path, ExportOptions())


def test_an_export_that_fails_leaves_the_files_before_it(parts, tmp_path):
    for path in export_lobster(parts, ABOUT, tmp_path, ExportOptions()):
        assert path.stat().st_size > 0
    write_array(parts, tmp_path / "a.npz")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Any:
        yield from parts
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_lobster(broken(), ABOUT, tmp_path, ExportOptions())
    with pytest.raises(KeyboardInterrupt):
        write_array(broken(), tmp_path / "a.npz")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("last", ["2024-01-02T23:59:59", "2024-03-10T23:59:59", "2024-11-03T23:59:59"])
def test_a_day_ends_at_midnight_in_new_york(tmp_path, last):
    """Also where the clocks change, and to the nanosecond."""
    end = (int(datetime.fromisoformat(last).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()) + 1) * 10**9
    times = np.array([end - 10**13, end - 1, end], np.int64)
    events = changed(random_book(0, 3), time=times)
    with pytest.raises(DataError, match="expected one day a pair of files"):
        export_lobster([events], ABOUT, tmp_path, ExportOptions())
    day = date.fromisoformat(last[:10])
    one = list(events_of_day(batches(events, 2), day))
    message, _ = export_lobster(one, ABOUT, tmp_path, ExportOptions())
    assert message.name.startswith(f"XYZ_{day}_")
    back = joined(list(read_lobster(tmp_path, ReadOptions(), ReadReport()).events))
    np.testing.assert_array_equal(back.time, times[:2])
    message, _ = export_lobster([events.where(times == end - 1)], ABOUT, tmp_path / "one", ExportOptions())
    assert message.name.startswith(f"XYZ_{day}_")


def test_real_samples_come_back_letter_by_letter(shared_data, tmp_path):
    for name, differ in (("AAPL_2012-06-21_1", 0), ("AMZN_2012-06-21_5", 1)):  # one time of AMZN has 12 digits of noise
        path = shared_data / "lobster" / f"LOBSTER_SampleFile_{name}.zip"
        about, events = read_lobster(path, ReadOptions(), ReadReport())
        written = export_lobster(events, about, tmp_path / name, ExportOptions())
        with zipfile.ZipFile(path) as archive:
            for file, original in zip(written, ("_message_", "_orderbook_"), strict=True):
                (inside,) = (inside for inside in archive.namelist() if original in inside)
                ours, theirs = file.read_bytes().splitlines(), archive.read(inside).splitlines()
                assert len(ours) == len(theirs)
                wrong = [(left, right) for left, right in zip(ours, theirs, strict=True) if left != right]
                assert len(wrong) == (differ if file == written[0] else 0)
                assert wrong in ([], [(b"43002.632812672,3,134172772,100,2238700,-1",
                                       b"43002.632812672004,3,134172772,100,2238700,-1")])  # fmt: skip


def test_a_file_of_events_is_exported_as_its_batches(parts, tmp_path):
    with EventWriter(tmp_path / "e.parquet", ABOUT) as writer:
        for part in parts:
            writer.write(part)
    export_lobster(read_events(tmp_path / "e.parquet", 7), ABOUT, tmp_path / "small", ExportOptions())
    export_lobster(parts, ABOUT, tmp_path / "large", ExportOptions())
    small, large = (sorted(path.read_bytes() for path in (tmp_path / n).iterdir()) for n in ("small", "large"))
    assert small == large
