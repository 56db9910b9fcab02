"""Readers of market data: made files of each kind come out as events, and malformed rows are told."""

import gzip
import json
import zipfile
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from mm_env.cli import convert as convert_data
from mm_env.data.events import (
    BOOK,
    About,
    DataError,
    Events,
    EventWriter,
    ReadReport,
    about_events,
    all_events,
    read_events,
)
from mm_env.data.readers import binance, lobster, tables
from mm_env.data.readers.binance import find_binance, read_binance
from mm_env.data.readers.lobster import find_lobster, read_lobster
from mm_env.data.readers.tables import read_tables


def made(times, levels=2):
    n = len(times)
    book = {name: np.arange(n * levels, dtype=float).reshape(n, levels) for name in BOOK}
    return Events(
        time=np.array(times, np.int64), kind=np.array(["trade"] * n, dtype=object), side=np.ones(n, np.int8),
        price=np.linspace(1.0, 2.0, n), size=np.ones(n), order=np.arange(n), **book,
    )  # fmt: skip


def joined(batches):
    parts = list(batches)
    return Events(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__})


def test_events_come_back_as_they_were_written_in_batches_of_any_size(tmp_path):
    path, about = tmp_path / "new" / "events.parquet", About("made", "XYZ", "A", 2, 0.01)
    with EventWriter(path, about) as writer:
        writer.write(made([1, 5]))
        writer.write(made([]))
        writer.write(made([5, 9, 9]))
    assert about_events(path) == about
    assert [len(batch) for batch in read_events(path, batch_rows=2)] == [2, 2, 1]
    back = all_events(path)
    for name in Events.__dataclass_fields__:
        expected = np.concatenate([getattr(made(t), name) for t in ([1, 5], [5, 9, 9])])
        np.testing.assert_array_equal(getattr(back, name), expected, err_msg=name)


def write(path, about, *batches, fail=None):
    with EventWriter(path, about) as writer:
        for batch in batches:
            writer.write(batch)
        if fail is not None:
            raise fail


TWO = About("made", "", "", 2)


@pytest.mark.parametrize("second", [[4], [9, 8]])
def test_a_writer_refuses_what_goes_back_in_time_and_leaves_no_file(tmp_path, second):
    with pytest.raises(DataError, match="is earlier than the one before it"):
        write(tmp_path / "events.parquet", TWO, made([1, 5]), made(second))
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_the_file_before_it(tmp_path):
    path = tmp_path / "events.parquet"
    write(path, TWO, made([1]))
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write(path, TWO, made([1, 2]), fail=KeyboardInterrupt())
    with pytest.raises(DataError, match=r"bid_prices \(1, 2\); allowed: \(1, 3\)"):
        write(path, About("made", "", "", 3), made([1]))
    assert path.read_bytes() == before


def test_files_of_another_form_are_refused(tmp_path):
    path = tmp_path / "other.parquet"
    with pytest.raises(DataError, match="not a Parquet file of events"):
        about_events(path)
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(DataError, match="a Parquet file of another form"):
        list(read_events(path))


MESSAGES = [
    "34200.000000001,1,11,100,1000000,1",
    "34200.5,4,11,40,1000000,1",
    "34201,4,12,7,1000300,-1",
    "34201.25,2,11,10,1000000,1",
    "34202,3,11,50,1000000,1",
    "34203,5,0,5,1000150,-1",
    "34204,7,0,0,-1,-1",
]
BOOKS = [f"1000300,{10 + k},1000000,100,9999999999,0,-9999999999,0" for k in range(len(MESSAGES))]
STEM = "XYZ_2012-06-21_34200000_57600000_{}_2.csv"


def lobster_zip(folder, messages=MESSAGES, books=BOOKS):
    path = folder / "sample.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(STEM.format("message"), "\n".join(messages) + "\n")
        archive.writestr(STEM.format("orderbook"), "\n".join(books) + "\n")
    return path


def lobster_folder(folder):
    inside = folder / "day"
    inside.mkdir()
    (inside / STEM.format("message")).write_text("\n".join(MESSAGES) + "\n")
    (inside / STEM.format("orderbook")).write_text("\r\n".join(BOOKS) + "\r\n")
    return inside


@pytest.mark.parametrize(
    "make", [lobster_zip, lobster_folder, lambda folder: lobster_folder(folder) / STEM.format("message")]
)
def test_lobster(tmp_path, make):
    source, report = find_lobster(make(tmp_path)), ReadReport()
    events = joined(read_lobster(source, report))
    assert source.about == About("lobster", "XYZ", "NASDAQ", 2, 0.01)
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
    events = joined(read_lobster(find_lobster(lobster_zip(tmp_path, messages, books)), report))
    assert events.kind.tolist() == ["limit", "trade", "halt"]
    assert (report.rows, report.events, report.malformed) == (7, 3, 4)
    told = " | ".join(report.examples)
    for part in ("message_2.csv, line 2: not 6 numbers: '34200.5,4,eleven", "line 4: time 34200.100000000 after 34201.0",
                 "line 5: type 9; allowed: 1 to 7", "orderbook_2.csv, line 6: not 8 numbers"):  # fmt: skip
        assert part in told


def test_files_of_lobster_that_do_not_belong_together(tmp_path):
    with pytest.raises(DataError, match="7 rows so far, its order book 6; allowed: as many in both"):
        list(read_lobster(find_lobster(lobster_zip(tmp_path, books=BOOKS[:-1])), ReadReport()))
    with pytest.raises(DataError, match="there is no such file"):
        find_lobster(tmp_path / "none.zip")
    with pytest.raises(DataError, match="message files none; allowed: one"):
        find_lobster(tmp_path)
    folder = lobster_folder(tmp_path)
    (folder / STEM.format("orderbook")).unlink()
    with pytest.raises(DataError, match=r"no XYZ_2012-06-21_34200000_57600000_orderbook_2\.csv beside"):
        find_lobster(folder)


def stream(time, name, **data):
    return f"{time} " + json.dumps({"stream": f"xyzusdt@{name}", "data": {"s": "XYZUSDT", **data}})


def ticker(time, update, bid, ask, bid_size="1.0", ask_size="2.0"):
    return stream(time, "bookTicker", u=update, b=bid, B=bid_size, a=ask, A=ask_size)


LINES = [
    "100 " + json.dumps({"lastUpdateId": 10, "bids": [["99.90", "5"], ["99.80", "6"]], "asks": [["100.10", "7"]]}),
    stream(200, "depth@100ms", U=5, u=9, b=[["99.80", "0"]], a=[]),  # older than the snapshot
    stream(300, "depth@100ms", U=10, u=12, b=[["99.80", "0"], ["99.70", "3"]], a=[["100.20", "1"]]),
    ticker(400, 15, "100.00", "100.10"),
    stream(500, "trade", p="100.10", q="0.5", T=499, m=False),
    stream(600, "depth@100ms", U=13, u=14, b=[["100.05", "9"]], a=[]),  # older than the best bid and offer
    ticker(700, 20, "99.70", "99.95"),
    stream(800, "trade", p="99.70", q="0.25", T=799, m=True),
]


def binance_file(folder, lines=LINES, name="xyz.gz"):
    path = folder / name
    content = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


@pytest.mark.parametrize("name", ["xyz.gz", "xyz.txt"])
@pytest.mark.parametrize("batch", [2, 1000])
def test_binance(tmp_path, monkeypatch, name, batch):
    monkeypatch.setattr(binance, "_BATCH", batch)
    path = binance_file(tmp_path, name=name)
    about, report = find_binance(path, "spot", 3), ReadReport()
    assert about == About("binance", "XYZUSDT", "spot", 3, pytest.approx(0.01))
    events = joined(read_binance(path, about, report))
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
    about = find_binance(path, "spot", 2, coarse_tick=0.25)
    assert about.tick == 0.25
    events = joined(read_binance(path, about, ReadReport()))
    # the second event's bids of 100.00, 99.90 and 99.70, and the asks of the fifth, 99.95, 100.10 and 100.20
    np.testing.assert_array_equal(events.bid_prices[1], [100.0, 99.75])
    np.testing.assert_array_equal(events.bid_sizes[1], [1, 5])
    np.testing.assert_array_equal(events.ask_prices[4], [100.0, 100.25])
    np.testing.assert_array_equal(events.ask_sizes[4], [2, 3])
    assert (events.ask_prices[:, 0] - events.bid_prices[:, 0] > 0.2).all()
    for wrong in (0.005, 0.015, 0.0, float("nan"), float("inf")):
        with pytest.raises(DataError, match=r"a multiple of the tick, 0\.01"):
            find_binance(path, "spot", 2, coarse_tick=wrong)


def test_malformed_lines_of_binance_are_told_and_change_no_book(tmp_path):
    lines = [
        *LINES[:4], "soon {}", "450 {not json", stream(460, "kline", k=1), ticker(470, 16, "100.10", "100.10"),
        stream(480, "depth@100ms", U=16, u=17, b=[["99.60"]], a=[]), stream(350, "trade", p="1", q="1", T=1, m=True),
        stream(490, "trade", q="1", m=True), "", *LINES[4:],
    ]  # fmt: skip
    path = binance_file(tmp_path, lines)
    about, report = find_binance(path, "spot", 3), ReadReport()
    events = joined(read_binance(path, about, report))
    clean = binance_file(tmp_path, name="clean.gz")
    np.testing.assert_array_equal(events.bid_prices, joined(read_binance(clean, about, ReadReport())).bid_prices)
    assert report.malformed == 7
    told = " | ".join(report.examples)
    for part in (
        "line 5",
        "line 7: stream 'xyzusdt@kline'; allowed",
        "bid 100.1 and ask 100.1",
        "time 350 after 400",
        "no 'p'",
    ):
        assert part in told


def test_files_that_are_no_stream_of_binance(tmp_path):
    with pytest.raises(DataError, match="no stream of Binance in its first"):
        find_binance(binance_file(tmp_path, ["hello", "1 {}"]), "spot")
    (tmp_path / "bad.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match=r"bad\.gz: cannot be read"):
        find_binance(tmp_path / "bad.gz", "spot")


TRADES = "when,last,qty,who\n1000,100.02,5,buy\n2000,99.99,1,SELL\n2000,100.00,2,\n4000,100.05,3,b\n"
QUOTES = "when,bid,ask,bid_size,ask_size\n1000,99.98,100.02,10,20\n3000,100.00,100.04,30,40\n"
NAMES = {"time": "when", "price": "last", "size": "qty", "side": "who"}


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
    events = joined(read_tables(*paths, report, NAMES, "ms"))
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
    events = joined(read_tables(trades, quotes, ReadReport()))
    assert events.time[1] == int(datetime(2020, 3, 5, 15, tzinfo=UTC).timestamp()) * 10**9 + 1
    assert events.side.tolist() == [0, 1, -1]
    trades.write_text("time,price,size\n1723161253937085768,101,1\n")
    assert joined(read_tables(trades, None, ReadReport(), time_unit="ns")).time[0] == 1723161253937085768


def test_malformed_rows_of_tables_are_told_with_their_number(tmp_path):
    trades = tmp_path / "t.csv"
    trades.write_text("time,price,size,side\n1,100,1,buy\n2,x,1,buy\n3,100\n4,100,1,left\n0,100,1,sell\n5,100,1,sell\n")
    report = ReadReport()
    events = joined(read_tables(trades, None, report, time_unit="s"))
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
        ({"columns": {"prices": "last"}}, "columns prices; allowed: time, price, size"),
        ({"time_unit": "minutes"}, "unit of time 'minutes'; allowed: s, ms, us, ns"),
        ({}, "no column price, size; found: time, other"),
        ({"columns": {"side": "who"}}, "no column price, size, who"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, arguments, message):
    trades = tmp_path / "t.csv"
    trades.write_text("time,other\n1,2\n")
    with pytest.raises(DataError, match=message):
        list(read_tables(trades, None, ReadReport(), **arguments))
    with pytest.raises(DataError, match="no file; allowed"):
        list(read_tables(None, None, ReadReport()))


APP = typer.Typer()
APP.command()(convert_data.main)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_the_command_finds_the_form_by_the_name(tmp_path):
    out = tmp_path / "new" / "events.parquet"
    for source in (lobster_zip(tmp_path), binance_file(tmp_path)):
        result = run(source, "--out", out, "--json", tmp_path / "counts.json")
        assert result.exit_code == 0, result.output
        assert "0 malformed" in result.output
        assert json.loads((tmp_path / "counts.json").read_text())["events"] == len(all_events(out))
    trades = tmp_path / "t.csv"
    trades.write_text(TRADES)
    columns = [part for ours, theirs in NAMES.items() for part in ("--column", f"{ours}={theirs}")]
    result = run(trades, "--out", out, *columns, "--time-unit", "ms", "--symbol", "XYZ")
    assert result.exit_code == 0, result.output
    assert about_events(out).symbol == "XYZ"


def test_the_command_refuses_and_writes_nothing(tmp_path):
    trades = tmp_path / "t.csv"
    trades.write_text("time,price,size\nx,1,1\n")
    out = tmp_path / "events.parquet"
    for arguments, message in (
        ((trades,), "no event could be read"),
        ((trades, "--form", "xml"), "--form 'xml': allowed: lobster, binance, tables"),
        ((trades, "--column", "price"), "--column 'price': allowed: OURS=THEIRS"),
        ((lobster_zip(tmp_path), "--symbol", "A"), "--symbol: allowed: with tables only"),
        ((lobster_zip(tmp_path), "--coarse-tick", 1), "--coarse-tick: allowed: with a Binance stream only"),
        ((trades, "--coarse-tick", 1), "--coarse-tick: allowed: with a Binance stream only"),
        ((tmp_path / "none.zip",), "there is no such file"),
    ):
        result = run(*arguments, "--out", out)
        assert result.exit_code == 2, result.output
        assert message in " ".join(result.output.split())
        assert not out.exists()


def test_real_samples_have_the_facts_that_are_known_of_them(shared_data):
    for name, rows, trades, spread in (
        ("AAPL_2012-06-21_1", 118_497, 23_658, 15),
        ("AMZN_2012-06-21_5", 155_935, 8_974, 13),
    ):
        report = ReadReport()
        events = joined(read_lobster(find_lobster(shared_data / "lobster" / f"LOBSTER_SampleFile_{name}.zip"), report))
        assert (len(events), report.malformed) == (rows, 0)
        assert np.count_nonzero(events.kind == "trade") == trades
        gap = events.ask_prices[:, 0] - events.bid_prices[:, 0]
        assert gap.min() > 0 and round(float(np.median(gap)) / 0.01) == spread
    path, report = shared_data / "crypto" / "spot_btcusdt_20240808.gz", ReadReport()
    events = joined(read_binance(path, find_binance(path, "spot"), report))
    assert report.malformed == 0
    assert not (events.ask_prices[:, 0] <= events.bid_prices[:, 0]).any()
