"""Volatility by scale, correlation of symbols, spread and tick regime, from mids and spreads of events.

Source: Hayashi & Yoshida 2005 (covariance of asynchronous prices); Andersen, Bollerslev, Diebold &
Labys 2000 (volatility signature); Dayri & Rosenbaum 2015 (spread and tick).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.data.events import Events
from mm_env.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mids:
    """Mids of one symbol at the times at which they changed: time (n,) int64 [ns] rising, price (n,) [currency]."""

    time: NDArray[np.int64]
    price: Floats

    @classmethod
    def of(cls, events: Events) -> Mids:
        """Of the first level of a book, where both sides are there; of events of one time the last one; of bars the closes.

        Raises DataError where no mid is there.
        """
        mid = 0.5 * (events.bid_prices[:, 0] + events.ask_prices[:, 0])
        mid = np.where(events.kind == "bar", events.price, mid)
        known = np.isfinite(mid)
        last = np.append(np.diff(events.time[known]) > 0, True) if known.any() else np.zeros(0, bool)
        time, price = events.time[known][last], mid[known][last]
        if time.size == 0:
            raise DataError("no event with a bid and an ask; expected events with a book, or bars")
        changed = np.append(True, np.diff(price) != 0.0)
        return cls(time[changed], price[changed])

    def at(self, times: NDArray[np.int64]) -> Floats:
        """Price that held at each of the times [ns]; NaN before the first."""
        place = np.searchsorted(self.time, times, side="right") - 1
        return np.where(place >= 0, self.price[np.maximum(place, 0)], np.nan)


def moves(mids: Mids, seconds: float, start: int, end: int) -> Floats:
    """(n,) [bps] logarithmic moves over steps that do not overlap, from `start` to `end` [ns], of the last reported price.

    Raises DataError for fewer than two steps.
    """
    step = round(seconds * 1e9)
    if step < 1 or (end - start) // step < 2:
        raise DataError(f"steps of {seconds:g} s in {(end - start) / 1e9:g} s; expected two or more steps")
    path = mids.at(np.arange(start, end + 1, step))
    return np.asarray(1e4 * np.diff(np.log(path[np.isfinite(path)])))


def volatility(mids: Mids, seconds: float, start: int, end: int) -> tuple[float, float]:
    """Volatility [bps/sqrt(s)] of moves over `seconds`, and its standard error from the moves' fourth moments."""
    return volatility_of_moves(moves(mids, seconds, start, end), seconds)


def volatility_of_moves(r: Floats, seconds: float) -> tuple[float, float]:
    """Volatility [bps/sqrt(s)] of moves r (n,) [bps] over `seconds` each, and its standard error."""
    variance = float((r**2).mean())
    error = float(np.std(r**2) / np.sqrt(len(r)))
    return float(np.sqrt(variance / seconds)), (0.5 * error / float(np.sqrt(variance * seconds)) if variance > 0.0 else 0.0)


def correlation(a: Mids, b: Mids, seconds: float) -> tuple[float, float]:
    """Correlation of moves over `seconds` that do not overlap, and Fisher's standard error of it.

    Both are looked at where both are known. Raises DataError as `moves` does, and where either does not move.
    """
    start, end = int(max(a.time[0], b.time[0])), int(min(a.time[-1], b.time[-1]))
    x, y = (moves(one, seconds, start, end) for one in (a, b))
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        raise DataError(f"a price that does not move over steps of {seconds:g} s; expected two that do")
    r = float(np.corrcoef(x, y)[0, 1])
    return r, (1.0 - r * r) / float(np.sqrt(max(1, len(x) - 3)))


def hayashi_yoshida(a: Mids, b: Mids) -> float:
    """Correlation over all pairs of moves whose intervals overlap, with no grid to choose.

    It sees what the moves have in common at once; where one price follows the other late, it is below the correlation of
    long moves. Raises DataError where either does not move.
    """
    x, y = (np.diff(np.log(one.price)) for one in (a, b))
    if x.size == 0 or y.size == 0:
        raise DataError("a price that does not move; expected two that do")
    # moves of b whose interval (start, end] overlaps that of each move of a
    first = np.searchsorted(b.time[1:], a.time[:-1], side="right")
    last = np.searchsorted(b.time[:-1], a.time[1:], side="left")
    total = np.concatenate(([0.0], np.cumsum(y)))
    covariance = float((x * (total[np.maximum(first, last)] - total[first])).sum())
    begin, end = max(a.time[0], b.time[0]), min(a.time[-1], b.time[-1])
    inside = [float((r[(one.time[1:] > begin) & (one.time[:-1] < end)] ** 2).sum()) for one, r in ((a, x), (b, y))]
    return covariance / float(np.sqrt(inside[0] * inside[1]))


@dataclass(frozen=True)
class Spread:
    """Spread over time: mean and median [ticks], and the share of time in which it is one tick."""

    mean_ticks: float
    median_ticks: float
    one_tick_share: float


def spread(events: Events, tick: float) -> Spread:
    """Weighted by how long each spread lasted; raises DataError without two events that have a book, or for a tick of 0."""
    ticks = (events.ask_prices[:, 0] - events.bid_prices[:, 0]) / tick if tick > 0.0 else np.zeros(0)
    known = np.isfinite(ticks)
    if np.count_nonzero(known) < 2:
        raise DataError(f"tick {tick:g}, {np.count_nonzero(known)} events with a book; expected above 0, two or more")
    lasted = np.diff(events.time[known]).astype(np.float64)
    value = np.rint(ticks[known][:-1])
    median = weighted_quantile(value, lasted, 0.5)
    return Spread(float(np.average(value, weights=lasted)), median, float(lasted[value <= 1.0].sum() / lasted.sum()))


def weighted_quantile(values: ArrayLike, weights: ArrayLike, share: float) -> float:
    """Smallest value at which the weights of those up to it reach `share` of all."""
    value, weight = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.argsort(value, kind="stable")
    reached = np.cumsum(weight[order])
    return float(value[order][int(np.searchsorted(reached, share * reached[-1]))])
