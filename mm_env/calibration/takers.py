"""Takers of a recording, and their sizes relative to the touch.

Source: Farmer, Gillemot, Lillo, Mike & Sen 2004, What really causes large price changes? (most takers that empty the best
price take just what stands there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import About, Events

Floats = NDArray[np.float64]
_EQUAL = 1e-9  # of the touch, in which a size equals it
_HALVINGS = 40


def takers(events: Events, about: About) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Time [ns], side (0 sells, 1 buys), size of each taker: trades of one side and time are one."""
    first, side, size = _grouped(events, about)
    return events.time[first], side, size


def _grouped(events: Events, about: About) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Of each taker the row of its first trade, its side, and its size."""
    rows = np.flatnonzero((events.kind == "trade") & (events.side != 0))
    clock = (events.order if about.source == "binance" else events.time)[rows]
    groups, first, member = np.unique(
        np.stack([clock, events.side[rows].astype(np.int64)]), axis=1, return_index=True, return_inverse=True
    )
    size = np.bincount(member.ravel(), events.size[rows], minlength=groups.shape[1])
    order = np.argsort(first, kind="stable")
    start = rows[first[order]]
    return start, (events.side[start] > 0).astype(np.int64), size[order].astype(np.float64)


@dataclass(frozen=True, eq=False)
class TouchShares:
    """Sizes of takers relative to the touch.

    count: takers that were seen
    equal, beyond: shares of them that were seen to take just what stood at the best price, and more than that
    whole: share of them that take what stands at the best price, and just that
    through: share of the other takers that go past the best price where it has less than they want
    sizes: (n,) [units of the data] of takers that took another size than what stood there
    weights: (n,) how many of the others each of them stands for, with those that wanted more than stood there and stopped
    """

    count: int
    equal: float
    beyond: float
    whole: float
    through: float
    sizes: Floats
    weights: Floats


def touch_shares(pieces: Sequence[Events], about: About) -> TouchShares:
    """Choices of the takers in pieces of a recording.

    The others' sizes are taken to be independent of what stands at the touch. Of those that want size x a share F(x) meets
    less, and 1 - through of these stop and were seen to take just what stood there: each that was seen stands for
    1 / (1 - (1 - through) F(x)), and through is such that as many go past the touch as were seen to.
    """
    found = [_beside_touch(piece, about) for piece in pieces]
    size, touch = (np.concatenate([one[k] for one in found]) for k in (0, 1))
    own = np.abs(size - touch) > _EQUAL * touch
    if not own.any():
        every = float(len(size) > 0)
        return TouchShares(len(size), every, 0.0, every, 1.0, size[:0], size[:0])
    sizes, beyond = size[own], int(np.count_nonzero(size[own] > touch[own]))
    less = np.searchsorted(np.sort(touch), sizes) / len(touch)

    def weights(through: float) -> Floats:
        return np.asarray(1.0 / np.maximum(1.0 - (1.0 - through) * less, 1.0 / len(size)))

    low, high = 0.0, 1.0  # those that go past the touch are the more the larger the share
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle * float(less @ weights(middle)) < beyond else (low, middle)
    of_each = weights(high)
    whole = max(0.0, 1.0 - float(of_each.sum()) / len(size))
    return TouchShares(len(size), float(np.mean(~own)), beyond / len(size), whole, high, sizes, of_each)


def _beside_touch(events: Events, about: About) -> tuple[Floats, Floats]:
    """Sizes of takers, and what stood at the best price that they met, where both are known."""
    first, side, size = _grouped(events, about)
    later = first > 0
    first, side, size = first[later], side[later], size[later]
    touch = np.where(side > 0, events.ask_sizes[first - 1, 0], events.bid_sizes[first - 1, 0])
    known = np.isfinite(touch) & (touch > 0.0)
    return size[known], touch[known]
