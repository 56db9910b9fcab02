"""Tables of trades and quotes come out as events, and malformed rows are reported with their number."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from mm_env.data.events import ReadReport
from mm_env.data.readers import tables
from mm_env.data.readers.tables import table_events
from mm_env.errors import DataError
from tests.unit.data.files import NAMES, QUOTES, TRADES
from tests.unit.data.made_events import joined


@pytest.mark.parametrize("chunk", [1, 2, 1000])
@pytest.mark.parametrize("parquet", [False, True])
def test_tables(tmp_path, monkeypatch, chunk, parquet):
    monkeypatch.setattr(tables, "_CHUNK", chunk)
    paths = []
    for name, text in (("trades", TRADES), ("quotes", QUOTES)):
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        if parquet:
            table = pd.read_csv(path)
            path = path.with_suffix(".parquet")
            table.to_parquet(path)
        paths.append(path)
    report = ReadReport()
    events = joined(table_events(*paths, report, NAMES, "ms"))
    assert (report.rows, report.events, report.malformed) == (6, 6, 0)
    assert events.time.tolist() == [k * 10**9 for k in (1, 1, 2, 2, 3, 4)]
    assert events.kind.tolist() == ["quote", "trade", "trade", "trade", "quote", "trade"]
    assert events.side.tolist() == [0, 1, -1, 0, 0, 1]  # the last of 2 s stands at the mid
    np.testing.assert_array_equal(events.bid_prices[:, 0], [99.98, 99.98, 99.98, 99.98, 100.0, 100.0])
    np.testing.assert_array_equal(events.ask_sizes[:, 0], [20, 20, 20, 20, 40, 40])


def test_dates_whole_nanoseconds_and_sides_that_are_guessed(tmp_path):
    trades, quotes = tmp_path / "t.csv", tmp_path / "q.csv"
    trades.write_text("time,price,size\n2020-03-05T10:00:00.000000001-05:00,101,1\n2020-03-05T15:00:01Z,99,1\n")
    quotes.write_text("time,bid,ask\n2020-03-05T15:00:00Z,99.5,100.5\n")
    events = joined(table_events(trades, quotes, ReadReport()))
    assert events.time[1] == int(datetime(2020, 3, 5, 15, tzinfo=UTC).timestamp()) * 10**9 + 1
    assert events.side.tolist() == [0, 1, -1]
    trades.write_text("time,price,size\n1723161253937085768,101,1\n")
    assert joined(table_events(trades, None, ReadReport(), time_unit="ns")).time[0] == 1723161253937085768


def test_malformed_rows_of_tables_are_told_with_their_number(tmp_path):
    trades = tmp_path / "t.csv"
    trades.write_text("time,price,size,side\n1,100,1,buy\n2,x,1,buy\n3,100\n4,100,1,left\n0,100,1,sell\n5,100,1,sell\n")
    report = ReadReport()
    events = joined(table_events(trades, None, report, time_unit="s"))
    assert events.time.tolist() == [10**9, 5 * 10**9]
    assert (report.rows, report.malformed) == (6, 4)
    for row, reason in (
        (2, "not to be read"),
        (3, "not to be read"),
        (4, "not to be read"),
        (5, "earlier than the row before"),
    ):
        assert any(f"row {row}: {reason}" in example for example in report.examples)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": {"prices": "last"}}, "columns prices; expected one of time, price, size"),
        ({"time_unit": "minutes"}, "unit of time 'minutes'; expected one of s, ms, us, ns"),
        ({}, "no column price, size; found: time, other"),
        ({"columns": {"side": "who"}}, "no column price, size, who"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, arguments, message):
    trades = tmp_path / "t.csv"
    trades.write_text("time,other\n1,2\n")
    with pytest.raises(DataError, match=message):
        list(table_events(trades, None, ReadReport(), **arguments))
    with pytest.raises(DataError, match="no file; expected"):
        list(table_events(None, None, ReadReport()))
