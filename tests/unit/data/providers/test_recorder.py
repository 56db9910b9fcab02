"""Recordings are continued without gaps or repeats, and survive failures."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")
from mm_env.data import merging
from mm_env.data.events import all_events, read_events
from mm_env.data.providers import (
    record_prices,
    recorder,
)
from mm_env.errors import DataError, SourceError
from mm_env.network import RetryPolicy
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
