"""Cancel rates by level of the book, from events with orders.

The rate at a level is the quantity cancelled there over the quantity that rested there, integrated over time; errors are
those of blocks of time. Source: Cont, Stoikov & Talreja 2010 (cancel rates by distance).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import Events
from mm_env.errors import DataError

_BLOCKS = 20  # of time


@dataclass(frozen=True, eq=False)
class CancelRates:
    """Rates by level, of both sides together, level 1 first.

    rate: (L,) [1/s] share of the resting quantity that is cancelled in a second, NaN where nothing rests; error: (L,)
    share: of the cancelled quantity, what is in the levels of the book; NaN where nothing is cancelled
    """

    rate: NDArray[np.float64]
    error: NDArray[np.float64]
    share: float


def cancel_rates(events: Events) -> CancelRates:
    """Rates of the levels that the events' book has.

    Raises DataError for events that span no time.
    """
    seconds = np.diff(events.time) * 1e-9
    if len(seconds) == 0 or seconds.sum() <= 0.0:
        raise DataError(f"{len(events)} events that span no time; expected two or more at different times")
    since = events.time - events.time[0]
    block = np.minimum(since * _BLOCKS // int(since[-1]), _BLOCKS - 1)
    levels = events.bid_prices.shape[1]
    rested, gone = np.zeros((_BLOCKS, levels)), np.zeros((_BLOCKS, levels))
    for sizes in (events.bid_sizes, events.ask_sizes):
        held = np.nan_to_num(sizes[:-1]) * seconds[:, None]
        for level in range(levels):
            rested[:, level] += np.bincount(block[:-1], held[:, level], minlength=_BLOCKS)
    cancelled = np.isin(events.kind, ("reduce", "delete"))
    cancelled[0] = False  # the book before it is not known
    for side, prices in ((1, events.bid_prices), (-1, events.ask_prices)):
        rows = np.flatnonzero(cancelled & (events.side == side))
        stood = prices[rows - 1] == events.price[rows, None]
        there = stood.any(axis=1)
        np.add.at(gone, (block[rows[there]], stood[there].argmax(axis=1)), events.size[rows[there]])
    total, whole = rested.sum(axis=0), float(events.size[cancelled].sum())
    nothing = np.full(levels, np.nan)
    rate = np.divide(gone.sum(axis=0), total, out=nothing.copy(), where=total > 0.0)
    rest = gone - np.nan_to_num(rate) * rested
    spread = np.sqrt((rest**2).sum(axis=0) * _BLOCKS / (_BLOCKS - 1))
    error = np.divide(spread, total, out=nothing.copy(), where=total > 0.0)
    return CancelRates(rate, error, float(gone.sum()) / whole if whole > 0.0 else math.nan)
