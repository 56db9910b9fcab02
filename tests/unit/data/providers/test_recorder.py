"""Recordings are continued without gaps or repeats, and survive failures."""

import threading
from functools import partial

import numpy as np
import pytest

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")

from mm_env.data import merging
from mm_env.data.events import About, all_events, read_events
from mm_env.data.providers import record_prices, recorder
from mm_env.errors import DataError, SourceError
from mm_env.network import RetryPolicy
from tests.unit.data.made_bars import ABOUT, DAYS, MINUTE, walk, write
from tests.unit.data.providers.made import QUOTES, TRADES, WEEK, T, at, crypto, tape, yahoo
from tests.unit.price_server import Binance, Massive, Yahoo

pytestmark = pytest.mark.usefixtures("apart")


def test_no_bars_make_no_file(serve, tmp_path):
    found = record_prices(yahoo(serve(Yahoo({"AAPL": WEEK}))), tmp_path / "a.parquet", at("2024-03-09"), at("2024-03-11"))
    assert (found.rows, found.failed) == (0, None)
    assert not list(tmp_path.iterdir())


def test_bars_that_were_adjusted_since_are_not_mixed(serve, tmp_path):
    path = tmp_path / "a.parquet"
    record_prices(yahoo(serve(Yahoo({"AAPL": WEEK}))), path, at("2024-03-01"), at("2024-03-09"))
    before = path.read_bytes()
    split = [(row[0], *(value / 2 for value in row[1:6]), row[6]) for row in WEEK]
    with pytest.raises(
        DataError, match=r"last bar closes at 109, and is now reported to close at 54\.5.*expected a new file"
    ):
        record_prices(yahoo(serve(Yahoo({"AAPL": split}))), path, at("2024-03-01"), at("2024-03-15"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("kept", range(1, 10))
def test_a_recording_that_was_cut_off_goes_on_as_if_it_had_not_been(serve, tmp_path, monkeypatch, kept):
    monkeypatch.setattr(recorder, "read_events", partial(read_events, batch_rows=1))
    server = serve(Massive(TRADES, QUOTES))
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    record_prices(tape(server), whole, T, T + 30)

    class CutOff:
        def __init__(self, source):
            self.source = source
            self.name, self.about, self.zone, self.live = source.name, source.about, source.zone, False

        def batches(self, *arguments):
            for batch in self.source.batches(*arguments):
                yield batch.where(np.arange(len(batch)) < kept)
                raise SourceError("cut off")

    found = record_prices(CutOff(tape(server)), parts, T, T + 30)
    assert (found.rows, found.failed) == (kept, "cut off")
    found = record_prices(tape(server), parts, T, T + 30)
    assert found.rows == 10 and found.repeated >= 1
    one, two = all_events(whole), all_events(parts)
    for name in type(one).__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    before = parts.read_bytes()
    again = record_prices(tape(server), parts, T, T + 30)
    assert (again.new, again.rows) == (0, 10) and parts.read_bytes() == before


MS = 1_704_200_000_000


CHAIN = [(k, MS + ms, f"{100 + k}.5", "0.25", k % 2 == 0) for k, ms in enumerate((0, 10, 10, 10, 10, 30, 40))]


BOOK_A = ([["100.00", "1.5"], ["99.99", "2"]], [["100.01", "3"]])


BOOK_B = ([["100.00", "1.0"]], [["100.02", "3"], ["100.03", "4"], ["100.05", "5"]])


def test_a_recording_of_trades_goes_on(serve, tmp_path):
    path = tmp_path / "a.parquet"
    record_prices(crypto(serve(Binance(CHAIN[:3]))), path, MS * 10**6, (MS + 40) * 10**6)
    found = record_prices(crypto(serve(Binance(CHAIN))), path, MS * 10**6, (MS + 40) * 10**6)
    assert (found.rows, found.new, found.repeated) == (6, 3, 2)
    assert [int(price - 100) for price in all_events(path).price] == [0, 1, 2, 3, 4, 5]


def test_a_poll_that_fails_is_a_gap_and_no_end(serve, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(recorder, "_GAP_SECONDS", 0.0)

    class Ailing(Binance):
        polls = 0

        def __call__(self, path, query):
            if path.endswith("/depth"):
                self.polls += 1
                if 4 <= self.polls < 15:  # longer than the retry: seven times in vain, a gap, four more, and on
                    return 500, {}, {}
                self.books = [([["100.00", str(self.polls)]], [["100.01", "3"]])]
            return super().__call__(path, query)

    server = serve(Ailing(books=[None]))
    source = crypto(server, ("books",), levels=2, every_seconds=0.0)
    path = tmp_path / "a.parquet"
    found = record_prices(source, path, 0, 2**62, stop=lambda: server.answer.polls > 18)
    assert (found.gaps, found.failed, found.stopped) == (1, None, True)
    assert "failed, retrying: binance BTC/USDT: ExchangeNotAvailable" in caplog.text
    sizes = all_events(path).bid_sizes[:, 0].tolist()
    assert sizes[:6] == [1.0, 2.0, 3.0, 15.0, 16.0, 17.0] and len(sizes) == found.rows
    server.answer.polls = 5
    found = record_prices(crypto(server, ("books",)), tmp_path / "b.parquet", 0, 2**62)
    assert (found.gaps, found.rows) == (0, 0) and found.failed.endswith("asked 7 times")  # never told anything


def test_who_waits_stops_when_asked(serve, tmp_path):
    server = serve(Massive(TRADES))
    inner = server.answer
    server.answer = lambda path, query: (503, {"Retry-After": "50"}, b"") if "cursor" in query else inner(path, query)
    stopping = RetryPolicy(stop=lambda: len(server.asked) > 1)
    for k, source in enumerate((tape(server, ("trades",), stopping), crypto(server, retry=stopping))):
        if k == 1:
            server.answer = lambda path, query: (503, {"Retry-After": "50"}, b"")
            server.asked.extend([("", {}, {})] * 2)
            with pytest.raises(Exception, match=r"^$") as caught:
                record_prices(source, tmp_path / f"{k}.parquet", T, T + 30)
            assert type(caught.value).__name__ == "Stopped"
        else:
            found = record_prices(source, tmp_path / f"{k}.parquet", T, T + 30)
            assert found.stopped and found.rows == 2


def test_who_is_stopped_between_two_batches_tells_once_what_it_holds_back(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "_BATCH", 3)
    path, seen = tmp_path / "a.parquet", []
    found = record_prices(
        tape(serve(Massive(TRADES, QUOTES))), path, T, T + 30, on_progress=seen.append, stop=lambda: len(seen) == 1
    )
    assert (found.stopped, found.rows, found.report.malformed) == (True, 3, 0)
    assert record_prices(tape(serve(Massive(TRADES, QUOTES))), path, T, T + 30).rows == 10

    class Changing(Binance):
        polls = 0

        def __call__(self, path, query):
            if path.endswith("/depth"):
                self.polls += 1
                self.books = [([["100.00", str(self.polls)]], [["100.01", "3"]])]
            return super().__call__(path, query)

    server = serve(Changing(books=[None]))
    source = crypto(server, ("books",), levels=1, every_seconds=0.0)
    found = record_prices(source, tmp_path / "b.parquet", 0, 2**62, stop=lambda: server.answer.polls == 5)
    assert all_events(tmp_path / "b.parquet").bid_sizes[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert found.stopped and found.new == 5


class Made:
    """A source of prepared batches; an exception among them is raised. asked: from when, and after which book."""

    name, live = "made", False

    def __init__(self, *batches, about=ABOUT):
        self.parts, self.about = batches, about

    def batches(self, start, end, report, book):
        self.asked = start, book
        for part in self.parts:
            if isinstance(part, BaseException):
                raise part
            yield part


def part(bars, first, last):
    return bars.where((np.arange(len(bars)) >= first) & (np.arange(len(bars)) < last))


def test_a_recording_goes_on_from_its_last_bar(tmp_path):
    bars, path = walk(9, MINUTE), tmp_path / "a.parquet"
    found = record_prices(Made(part(bars, 0, 2), part(bars, 2, 4), SourceError("gone")), path, 0, 2**62)
    assert (found.rows, found.failed) == (4, "gone")
    source = Made(part(bars, 3, 6), part(bars, 6, 9))
    found = record_prices(source, path, 0, 2**62)
    assert source.asked[0] == bars.start[3] and (found.rows, found.new, found.repeated) == (9, 5, 1)
    assert (found.first, found.last) == (bars.time[0], bars.time[-1])
    np.testing.assert_array_equal(all_events(path).price, bars.price)


def test_what_is_earlier_than_the_file_is_not_put_behind_it(tmp_path):
    bars, path = walk(9, MINUTE), tmp_path / "a.parquet"
    record_prices(Made(part(bars, 3, 5)), path, 0, 2**62)
    found = record_prices(Made(part(bars, 2, 7)), path, 0, 2**62)
    assert (found.new, found.repeated, found.report.malformed) == (2, 1, 2)
    assert "before the last one of the file" in found.report.examples[0]
    assert (np.diff(all_events(path).time) > 0).all()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_whatever_ends_it_leaves_what_was_got(tmp_path, error):
    bars, path = walk(9, MINUTE), tmp_path / "a.parquet"
    with pytest.raises(type(error)):
        record_prices(Made(part(bars, 0, 5), error), path, 0, 2**62)
    assert len(all_events(path)) == 5 and [one.name for one in tmp_path.iterdir()] == ["a.parquet"]


def test_it_stops_when_asked(tmp_path):
    bars, seen = walk(9, MINUTE), []
    found = record_prices(
        Made(part(bars, 0, 2), part(bars, 2, 4), part(bars, 4, 9)), tmp_path / "a.parquet", 0, 2**62,
        on_progress=seen.append, stop=lambda: len(seen) == 2,
    )  # fmt: skip
    assert (found.rows, found.stopped, seen) == (4, True, [bars.time[1], bars.time[3]])


def test_a_long_recording_is_saved_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "_RECORDING_PER_SAVING", -1.0)
    bars, path, seen = walk(9, MINUTE), tmp_path / "a.parquet", []

    class Looking(Made):
        def batches(self, *arguments):
            for one in super().batches(*arguments):
                yield one
                seen.append(len(all_events(path)))

    record_prices(Looking(part(bars, 0, 2), part(bars, 2, 5), part(bars, 5, 9)), path, 0, 2**62, save_seconds=-1.0)
    assert seen == [2, 5, 9]
    np.testing.assert_array_equal(all_events(path).open, bars.open)


def test_files_of_other_things_are_left_as_they_are(tmp_path):
    path = write(tmp_path / "a.parquet", walk(4, MINUTE))
    before = path.read_bytes()
    for other in (About("made", "ABC", "A", 1, None, "1m", "none", "UTC"), DAYS):
        with pytest.raises(DataError, match=r"holds other events .* expected a new file, or one of the same events"):
            record_prices(Made(walk(9, MINUTE), about=other), path, 0, 2**62)
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not a Parquet file of events"):
        record_prices(Made(walk(9, MINUTE)), tmp_path / "b.parquet", 0, 2**62)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        record_prices(Made(walk(9, MINUTE)), tmp_path / "file" / "a.parquet", 0, 2**62)
    assert path.read_bytes() == before


def test_two_recordings_at_once_do_not_meet(tmp_path):
    bars = walk(50, MINUTE)
    threads = [
        threading.Thread(
            target=record_prices,
            args=(Made(*(part(bars, k, k + 5) for k in range(0, 50, 5))), tmp_path / name, 0, 2**62),
            kwargs={"save_seconds": -1.0},
        )
        for name in ("a.parquet", "b.parquet")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(all_events(tmp_path / name)) for name in ("a.parquet", "b.parquet")] == [50, 50]
