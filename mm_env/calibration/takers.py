"""Takers of a record, and how they choose their sizes by what stands at the touch.

Source: Farmer, Gillemot, Lillo, Mike & Sen 2004, What really causes large price changes? (most takers that empty the best
price take just what stands there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.events import About, Events

Floats = NDArray[np.float64]
_EQUAL = 1e-9  # of the touch, in which a size equals it


def takers(events: Events, about: About) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Time [ns], side (0 sells, 1 buys), size of each taker: trades of one side and time (the venue's, if told) are one."""
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
    """How takers choose.

    whole: share of takers that take what stands at the best price, and just that
    through: share of the other takers that go past the best price where it has less than they want
    sizes: (n,) [units of the data] of takers that took another size than what stood there
    """

    whole: float
    through: float
    sizes: Floats


def touch_shares(pieces: Sequence[Events], about: About) -> TouchShares:
    """Choices of the takers in pieces of a record.

    Of the others, who take a size of their own, those that would have gone past the best price are as many as if sizes and
    touches were independent; those of them that did not go were seen to take just what stood there, and are none of `whole`.
    """
    found = [_beside_touch(piece, about) for piece in pieces]
    size, touch = (np.concatenate([one[k] for one in found]) for k in (0, 1))
    if len(size) == 0:
        return TouchShares(0.0, 1.0, size)
    equal = np.abs(size - touch) <= _EQUAL * touch
    if equal.all():
        return TouchShares(1.0, 1.0, size)
    own, beside = size[~equal], touch[~equal]
    wanted = float(np.searchsorted(np.sort(beside), own).mean()) / len(own)  # P(touch < size), were they independent
    beyond = float(np.mean(own > beside))
    through = min(1.0, beyond / wanted) if wanted > 0.0 else 1.0
    choosing = len(own) / len(size) / (1.0 - wanted * (1.0 - through))  # these, and those that stopped
    return TouchShares(max(0.0, 1.0 - choosing), through, own)


def _beside_touch(events: Events, about: About) -> tuple[Floats, Floats]:
    """Sizes of takers, and what stood at the best price that they met, where both are known."""
    first, side, size = _grouped(events, about)
    later = first > 0
    first, side, size = first[later], side[later], size[later]
    touch = np.where(side > 0, events.ask_sizes[first - 1, 0], events.bid_sizes[first - 1, 0])
    known = np.isfinite(touch) & (touch > 0.0)
    return size[known], touch[known]
