"""Trades and quotes of several streams come out in order of time, trades with the quote before them."""

import math

import numpy as np
import pytest

from mm_env.data import merging
from mm_env.data.events import ReadReport
from mm_env.data.merging import merge_streams
from tests.unit.data.made_events import joined

QUOTES = [(10, 0, 99.0, 101.0, 1.0, 2.0), (30, 0, 100.0, 102.0, 3.0, 4.0)]
TRADES = [
    (5, 1, 100.5, 1.0, 0),
    (10, 1, 100.5, 2.0, 0),
    (20, 1, 99.5, 3.0, 0),
    (30, 1, 101.0, 4.0, 0),
    (40, 1, 100.0, 5.0, 1),
]


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_streams_are_merged_and_sides_decided_by_the_quote_before(monkeypatch, batch):
    monkeypatch.setattr(merging, "_BATCH", batch)
    report = ReadReport()
    parts = list(merge_streams([iter(QUOTES), iter(TRADES)], report))
    assert all(len(part) <= batch for part in parts) and report.events == 7
    events = joined(parts)
    assert events.time.tolist() == [5, 10, 10, 20, 30, 30, 40]
    assert events.kind.tolist() == ["trade", "quote", "trade", "trade", "quote", "trade", "trade"]
    assert events.side.tolist() == [0, 0, 1, -1, 0, 0, 1]  # no quote yet; above, below and at the mid; stated
    np.testing.assert_array_equal(events.bid_prices[:, 0], [math.nan, 99, 99, 99, 100, 100, 100])
    np.testing.assert_array_equal(events.ask_sizes[:, 0], [math.nan, 2, 2, 2, 4, 4, 4])


def test_the_book_before_the_first_row_may_be_known():
    (events,) = merge_streams([iter(TRADES[:1])], ReadReport(), quote=(99.0, 100.0, 1.0, 1.0))
    assert events.side.tolist() == [1] and events.bid_prices.tolist() == [[99.0]]


def test_a_stream_that_fails_yields_first_what_came_before():
    def failing():
        yield TRADES[0]
        raise OSError("gone")

    merged = merge_streams([failing()], ReadReport(), failures=(OSError,))
    assert next(merged).time.tolist() == [5]
    with pytest.raises(OSError, match="gone"):
        next(merged)
    with pytest.raises(OSError, match="gone"):
        next(merge_streams([failing()], ReadReport()))
