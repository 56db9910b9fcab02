"""Trades and quotes of several streams, merged in order of time into events."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mm_env.data.events import Events, ReadReport

_BATCH = 50_000  # events


def merge_streams(
    streams: Sequence[Iterator[tuple[Any, ...]]],
    report: ReadReport,
    quote: tuple[float, float, float, float] = (math.nan,) * 4,
    failures: tuple[type[Exception], ...] = (),
) -> Iterator[Events]:
    """Yield trades and quotes in order of time, in batches, with the last quote as the book of one level.

    streams: each rising in time, of (time [ns], 0, bid, ask, bid size, ask size) and (time [ns], 1, price, size, side), the
        side 0 where the quote decides it
    quote: bid, ask and their sizes before the first row, NaN where there is none
    failures: errors of a stream that are raised only after what came before them has been yielded
    """
    rows: list[tuple[Any, ...]] = []
    failed: Exception | None = None
    try:
        for time, rank, *values in heapq.merge(*streams):
            if rank == 0:
                bid, ask, bid_size, ask_size = values
                quote = (bid, ask, bid_size, ask_size)
                rows.append((time, "quote", 0, math.nan, math.nan, *quote))
            else:
                price, size, side = values
                rows.append((time, "trade", side or _side(price, *quote[:2]), price, size, *quote))
            if len(rows) == _BATCH:
                report.events += len(rows)
                whole, rows = rows, []
                yield _events(whole)
    except failures as error:
        failed = error
    if rows:
        report.events += len(rows)
        yield _events(rows)
    if failed is not None:
        raise failed


def _side(price: float, bid: float, ask: float) -> int:
    """Side that began a trade at that price: 1 above the mid, -1 below, 0 where it is not known."""
    mid = 0.5 * (bid + ask)
    return int(price > mid) - int(price < mid)


def _events(rows: Sequence[tuple[Any, ...]]) -> Events:
    time, kind, side, price, size, bid, ask, bid_size, ask_size = zip(*rows, strict=True)
    bids, asks, bid_sizes, ask_sizes = (np.array(one, np.float64)[:, None] for one in (bid, ask, bid_size, ask_size))
    return Events(
        time=np.array(time, np.int64),
        kind=np.array(kind, dtype=object),
        side=np.array(side, np.int8),
        price=np.array(price, np.float64),
        size=np.array(size, np.float64),
        order=np.zeros(len(rows), np.int64),
        bid_prices=bids,
        bid_sizes=bid_sizes,
        ask_prices=asks,
        ask_sizes=ask_sizes,
    )
