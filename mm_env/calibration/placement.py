"""Distances of limit orders from the market: quantiles, the share inside the spread, and the power tail.

Distances are counted away from the market, from the mid and from the best price of the order's own side, both just before
it; an order inside the spread has a negative distance from the best. What lies behind the best follows p(d) proportional
to (offset + d)^-(1 + exponent), d = 1, 2, … An order is only seen within the levels of the book, and the likelihood knows
how far these reached; the quantiles are those of what is seen. Errors are those of blocks of time.
Source: Bouchaud, Mézard & Potters 2002 (the law of distances, with an exponent near 0.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.calibration.queues import BLOCKS, block_ratio
from mm_env.data.events import Events
from mm_env.errors import DataError
from mm_env.extras import require

Floats = NDArray[np.float64]
_FEWEST = 100  # limit orders; as many behind the best for a tail
_QUANTILES = 65
_RESAMPLES = 200
_DECADE = 10.0  # offsets that the book must show behind the best
_BLURRED = 0.25  # relative error above which a tail says nothing
_BOUNDS = ((math.log(0.01), math.log(1e4)), (math.log(0.05), math.log(20.0)))


@dataclass(frozen=True, eq=False)
class PlacementTail:
    """The law of distances behind the best price.

    exponent: of P(distance > d); offset: [ticks]; both with standard errors
    distances: (k,) int64 [ticks] from 1 on, evenly on a logarithmic scale; seen: (k,) int64 orders there or beyond;
    expected: (k,) how many the law says
    """

    exponent: float
    exponent_error: float
    offset: float
    offset_error: float
    distances: NDArray[np.int64]
    seen: NDArray[np.int64]
    expected: Floats


@dataclass(frozen=True, eq=False)
class Placement:
    """Where limit orders of both sides are placed; shares of all that are seen.

    orders: how many; shares: (k,) 0 to 1; from_mid, from_best: (k,) [ticks] quantiles; errors: (k,) NaN at 0 and 1, whose
    quantiles are extremes
    inside: share that improves on the best price; at_best: that joins it; both with standard errors
    reach: [ticks] median, over orders, of how far behind the best the book was seen; inf where it was seen whole
    tail: None where the book is seen too short a way, or orders are too few, for an exponent
    """

    orders: int
    shares: Floats
    from_mid: Floats
    from_mid_error: Floats
    from_best: Floats
    from_best_error: Floats
    inside: float
    inside_error: float
    at_best: float
    at_best_error: float
    reach: float
    tail: PlacementTail | None


def fit_placement(events: Events, tick: float, quantiles: int = _QUANTILES, seed: int = 0) -> Placement:
    """Describe the limit orders of events with orders and a book.

    tick: [currency] above 0; quantiles: how many, the extremes among them; seed: of the blocks that are drawn for errors

    Raises DataError for another tick, fewer than 2 quantiles, and fewer than 100 orders that find a bid and an ask.
    """
    if not tick > 0.0 or quantiles < 2:
        raise DataError(f"tick {tick:g}, {quantiles} quantiles; expected above 0, 2 or more")
    block, mid, best, reach = _distances(events, tick)
    if len(mid) < _FEWEST:
        raise DataError(f"{len(mid)} limit orders in a book with a bid and an ask; expected {_FEWEST} or more")
    shares = np.linspace(0.0, 1.0, quantiles)
    held = np.bincount(block, minlength=BLOCKS).astype(np.float64)
    chosen = [np.bincount(block[where], minlength=BLOCKS).astype(np.float64) for where in (best < 0.0, best == 0.0)]
    (inside, at_best), (inside_error, at_best_error) = block_ratio(np.stack(chosen, axis=1), np.stack([held, held], axis=1))
    return Placement(
        orders=len(mid),
        shares=shares,
        from_mid=np.quantile(mid, shares, method="inverted_cdf"),
        from_mid_error=_quantile_errors(mid, block, shares, seed),
        from_best=np.quantile(best, shares, method="inverted_cdf"),
        from_best_error=_quantile_errors(best, block, shares, seed),
        inside=float(inside),
        inside_error=float(inside_error),
        at_best=float(at_best),
        at_best_error=float(at_best_error),
        reach=float(np.median(reach)),
        tail=_tail(block, best, reach),
    )


def _distances(events: Events, tick: float) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """Block, ticks from the mid and from the best, and how far the book was seen, of each limit order."""
    mids = 0.5 * (events.bid_prices[:, 0] + events.ask_prices[:, 0])
    span = max(1, int(events.time[-1] - events.time[0])) if len(events) else 1
    found: list[tuple[NDArray[np.int64], Floats, Floats, Floats]] = []
    for side, prices in ((1, events.bid_prices), (-1, events.ask_prices)):
        rows = np.flatnonzero((events.kind == "limit") & (events.side == side))
        rows = rows[rows > 0]
        rows = rows[np.isfinite(mids[rows - 1])]
        before = prices[rows - 1]
        shown = np.isfinite(before).sum(axis=1)
        worst = before[np.arange(len(rows)), shown - 1]
        # rounded, as floats miss whole and half ticks; adding 0.0 turns -0.0 into 0.0
        mid = np.rint(2.0 * side * (mids[rows - 1] - events.price[rows]) / tick) / 2.0 + 0.0
        best = np.rint(side * (before[:, 0] - events.price[rows]) / tick) + 0.0
        reach = np.rint(side * (before[:, 0] - worst) / tick)
        block = np.minimum((events.time[rows] - events.time[0]) * BLOCKS // span, BLOCKS - 1)
        found.append((block, mid, best, np.where(shown < prices.shape[1], np.inf, reach)))
    block, mid, best, reach = (np.concatenate(column) for column in zip(*found, strict=True))
    return block, mid, best, reach


def _quantile_errors(values: Floats, block: NDArray[np.int64], shares: Floats, seed: int) -> Floats:
    """Spread of the quantiles over blocks of time drawn with replacement."""
    distinct, which = np.unique(values, return_inverse=True)
    counts = np.bincount(block * len(distinct) + which, minlength=BLOCKS * len(distinct)).reshape(BLOCKS, -1)
    rng = np.random.default_rng(seed)
    drawn = np.zeros((_RESAMPLES, len(shares)))
    for row in drawn:
        below = np.cumsum(counts[rng.integers(BLOCKS, size=BLOCKS)].sum(axis=0))
        row[:] = distinct[np.minimum(np.searchsorted(below, shares * below[-1]), len(distinct) - 1)]
    return np.where((shares > 0.0) & (shares < 1.0), drawn.std(axis=0), np.nan)


def _tail(block: NDArray[np.int64], best: Floats, reach: Floats) -> PlacementTail | None:
    """The law behind the best; None where it cannot be identified, as within less than a decade of distances."""
    require("scipy")
    from scipy.optimize import minimize

    behind = best >= 1.0
    if np.count_nonzero(behind) < _FEWEST:
        return None
    d, far = best[behind], np.maximum(reach[behind], best[behind])
    cells, which = np.unique(np.stack([d, far]), axis=1, return_inverse=True)
    width = cells.shape[1]
    counts = np.bincount(block[behind] * width + which.ravel(), minlength=BLOCKS * width).reshape(BLOCKS, width)

    def lost(theta: Floats) -> Floats:
        """(BLOCKS,) minus the log-likelihood of each block."""
        logs = -(1.0 + math.exp(theta[1])) * np.log(math.exp(theta[0]) + cells[0])
        return np.asarray(-(counts @ (logs - np.log(_beyond(theta, 1.0) - _beyond(theta, cells[1] + 1.0)))))

    found = minimize(lambda theta: lost(theta).sum(), [math.log(2.0), 0.0], method="L-BFGS-B", bounds=_BOUNDS)
    low, high = np.array(_BOUNDS).T
    offset, exponent = (float(value) for value in np.exp(found.x))
    if (found.x < low + 0.01).any() or (found.x > high - 0.01).any() or np.median(far) < _DECADE * max(1.0, offset):
        return None
    offset_error, exponent_error = np.exp(found.x) * _sandwich(lost, found.x)
    if not exponent_error < _BLURRED * exponent:
        return None
    distances = np.unique(np.geomspace(1.0, d.max(), _QUANTILES).round())
    ends, number = np.unique(far, return_counts=True)
    past = _beyond(found.x, ends + 1.0)
    share = np.maximum(_beyond(found.x, distances)[:, None] - past, 0.0) / (_beyond(found.x, 1.0) - past)
    return PlacementTail(
        exponent=exponent,
        exponent_error=float(exponent_error),
        offset=offset,
        offset_error=float(offset_error),
        distances=distances.astype(np.int64),
        seen=len(d) - np.searchsorted(np.sort(d), distances),
        expected=share @ number,
    )


def _beyond(theta: Floats, distance: ArrayLike) -> Floats:
    """Weight of all distances from this one on; 0 past what is inf, where the whole book is seen."""
    require("scipy")
    from scipy.special import zeta

    place = np.asarray(distance, dtype=np.float64)
    finite = np.where(np.isfinite(place), place, 1.0)
    return np.where(np.isfinite(place), zeta(1.0 + math.exp(theta[1]), math.exp(theta[0]) + finite), 0.0)


def _sandwich(lost: Callable[[Floats], Floats], theta: Floats) -> Floats:
    """Standard errors (2,) at a minimum of the sum of the blocks' losses, from how the blocks' slopes differ."""
    step = 1e-4 * np.eye(2)
    slopes = np.stack([(lost(theta + one) - lost(theta - one)) / 2e-4 for one in step], axis=1)
    bend = np.stack(
        [
            [
                (lost(theta + a + b) - lost(theta + a - b) - lost(theta - a + b) + lost(theta - a - b)).sum() / 4e-8
                for b in step
            ]
            for a in step
        ]
    )
    bread = np.linalg.pinv(bend)
    return np.asarray(np.sqrt(np.diag(bread @ (slopes.T @ slopes * (BLOCKS / (BLOCKS - 1))) @ bread)))
