"""LOBSTER's files come out as events, and malformed rows are reported with their line."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mm_env.data.events import About, ReadReport
from mm_env.data.readers import ReadOptions, lobster
from mm_env.data.readers.lobster import read_lobster
from mm_env.errors import DataError
from tests.unit.data.files import BOOKS, MESSAGES, STEM, lobster_folder, lobster_zip
from tests.unit.data.made_events import joined


@pytest.mark.parametrize(
    "make", [lobster_zip, lobster_folder, lambda folder: lobster_folder(folder) / STEM.format("message")]
)
def test_lobster(tmp_path, make):
    report = ReadReport()
    about, parts = read_lobster(make(tmp_path), ReadOptions(), report)
    events = joined(parts)
    assert about == About("lobster", "XYZ", "NASDAQ", 2, 0.01)
    assert (report.rows, report.events, report.malformed) == (7, 7, 0)
    opening = datetime(2012, 6, 21, 9, 30, tzinfo=ZoneInfo("America/New_York"))
    assert events.time[0] == int(opening.timestamp()) * 10**9 + 1
    np.testing.assert_array_equal(np.diff(events.time)[:2], [499_999_999, 500_000_000])
    assert events.kind.tolist() == ["limit", "trade", "trade", "reduce", "delete", "hidden", "halt"]
    assert events.side.tolist() == [1, -1, 1, 1, 1, 1, 0]
    np.testing.assert_array_equal(events.price, [100.0, 100.0, 100.03, 100.0, 100.0, 100.015, np.nan])
    np.testing.assert_array_equal(events.size, [100, 40, 7, 10, 50, 5, np.nan])
    np.testing.assert_array_equal(events.ask_prices[0], [100.03, np.nan])
    np.testing.assert_array_equal(events.bid_sizes[0], [100, np.nan])


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_malformed_rows_of_lobster_are_told_with_their_line(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(lobster, "_CHUNK", chunk)
    messages, books = list(MESSAGES), list(BOOKS)
    messages[1] = "34200.5,4,eleven,40,1000000,1"
    messages[3] = "34200.1,2,11,10,1000000,1"
    messages[4] = "34202,9,11,50,1000000,1"
    books[5] = "1,2,3"
    report = ReadReport()
    events = joined(read_lobster(lobster_zip(tmp_path, messages, books), ReadOptions(), report).events)
    assert events.kind.tolist() == ["limit", "trade", "halt"]
    assert (report.rows, report.events, report.malformed) == (7, 3, 4)
    told = " | ".join(report.examples)
    for part in ("message_2.csv, line 2: not 6 numbers: '34200.5,4,eleven", "line 4: time 34200.100000000 after 34201.0",
                 "line 5: type 9; expected a number from 1 to 7", "orderbook_2.csv, line 6: not 8 numbers"):  # fmt: skip
        assert part in told


def test_files_of_lobster_that_do_not_belong_together(tmp_path):
    with pytest.raises(DataError, match="7 rows so far, its order book 6; expected as many in both"):
        list(read_lobster(lobster_zip(tmp_path, books=BOOKS[:-1]), ReadOptions(), ReadReport()).events)
    with pytest.raises(DataError, match="there is no such file"):
        read_lobster(tmp_path / "none.zip", ReadOptions(), ReadReport())
    with pytest.raises(DataError, match="message files none; expected one"):
        read_lobster(tmp_path, ReadOptions(), ReadReport())
    folder = lobster_folder(tmp_path)
    (folder / STEM.format("orderbook")).unlink()
    with pytest.raises(DataError, match=r"no XYZ_2012-06-21_34200000_57600000_orderbook_2\.csv beside"):
        read_lobster(folder, ReadOptions(), ReadReport())


def test_real_samples_have_the_facts_that_are_known_of_them(shared_data):
    for name, rows, trades, spread in (
        ("AAPL_2012-06-21_1", 118_497, 23_658, 15),
        ("AMZN_2012-06-21_5", 155_935, 8_974, 13),
    ):
        report = ReadReport()
        path = shared_data / "lobster" / f"LOBSTER_SampleFile_{name}.zip"
        events = joined(read_lobster(path, ReadOptions(), report).events)
        assert (len(events), report.malformed) == (rows, 0)
        assert np.count_nonzero(events.kind == "trade") == trades
        gap = events.ask_prices[:, 0] - events.bid_prices[:, 0]
        assert gap.min() > 0 and round(float(np.median(gap)) / 0.01) == spread
