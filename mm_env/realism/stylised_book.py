"""Stylised facts of the book: spreads, imbalance, impact, signature plot, each with an error over independent envs.

Arrays are (T, E, S) as in `mm_env.realism.stylised`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.realism.stylised import Floats, Measured, jackknife, log_log_slope, moves, products


def spread_shares(spread: ArrayLike, valid: ArrayLike, widest: int = 10) -> Measured:
    """Share of time at each spread: (widest,) at 1, 2, … ticks, the last being `widest` or more.

    spread: (T, E, S) int [ticks] consolidated; valid: (T, E, S) bool both sides exist

    Locked and crossed venues, which are about to be traded back, count as one tick. Source: Dayri & Rosenbaum 2015.
    """
    ticks = np.clip(np.asarray(spread), 1, widest)
    both = np.asarray(valid, bool)
    counts = np.stack([((ticks == k) & both).sum(axis=(0, 2)) for k in range(1, widest + 1)], axis=-1)
    return jackknife(counts, lambda s: s / s.sum())


def signature(mid: ArrayLike, steps: Sequence[int], grid_seconds: float) -> Measured:
    """Signature plot: variance of the mid a second, by the interval at which it is looked at.

    mid: (T, E, S) [ticks]; steps: L intervals in grid steps; grid_seconds: [s]; returns a curve (L,) [ticks²/s], the mean
        over symbols

    Flat where the mid is a martingale; above its end where moves revert, below where they trend.
    Source: Andersen, Bollerslev, Diebold & Labys 2000.
    """
    sums = _realised(mid, steps, grid_seconds)
    return jackknife(sums, lambda s: (s / len(sums)).mean(axis=1))


def signature_ratio(mid: ArrayLike, short: int, long: int, grid_seconds: float) -> Measured:
    """Realised variance a second at a short interval over that at a long one, [grid steps]: 1 for a martingale."""
    return jackknife(_realised(mid, (short, long), grid_seconds), lambda s: float((s[0] / s[1]).mean()))


def _realised(mid: ArrayLike, steps: Sequence[int], grid_seconds: float) -> Floats:
    """(E, L, S) mean square of the moves a second."""
    rates = []
    for step in steps:
        r = moves(mid, step)
        rates.append(products(r, r) / (len(r) * step * grid_seconds))
    return np.stack(rates, axis=1)


@dataclass(frozen=True)
class Prediction:
    """The next mid move against the imbalance.

    slope: [ticks] of the expected move by going from balance to imbalance 1
    correlation: of both
    centres: (B,) float64 middles of the bins of the imbalance
    by_bin: (B,) [ticks] mean move of each; NaN where none fell
    """

    slope: Measured
    correlation: Measured
    centres: Floats
    by_bin: Measured


def imbalance_prediction(imbalance: ArrayLike, mid: ArrayLike, steps: int, bins: int = 10) -> Prediction:
    """How far the imbalance of the touch says where the mid goes next.

    imbalance: (T, E, S) [-1, 1] bid less ask size at the best prices, over their sum; mid: (T, E, S) [ticks]
    steps: horizon of the move, and time between observations [grid steps]

    Source: Gould & Bonart 2016; Cartea, Donnelly & Jaimungal 2018.
    """
    x = np.asarray(imbalance, np.float64)[:-steps:steps]
    path = np.asarray(mid, np.float64)
    y = (path[steps:] - path[:-steps])[::steps]
    moments = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1).sum(axis=(0, 2))
    slope = jackknife(moments, lambda s: _line(s)[0])
    correlation = jackknife(moments, lambda s: _line(s)[1])
    which = np.minimum(((x + 1.0) * 0.5 * bins).astype(int), bins - 1)
    sums = np.stack(
        [np.stack([(which == k).sum(axis=(0, 2)), np.where(which == k, y, 0.0).sum(axis=(0, 2))], -1) for k in range(bins)],
        1,
    )
    by_bin = jackknife(sums, lambda s: np.divide(s[:, 1], s[:, 0], out=np.full(bins, math.nan), where=s[:, 0] > 0))
    return Prediction(slope, correlation, (np.arange(bins) + 0.5) * 2.0 / bins - 1.0, by_bin)


def _line(s: Floats) -> tuple[float, float]:
    """(slope, correlation) of sums of 1, x, y, x², y², xy; NaN where one of both does not vary."""
    n, x, y, xx, yy, xy = s
    a, b, c = n * xx - x * x, n * yy - y * y, n * xy - x * y
    return (float(c / a), float(c / math.sqrt(a * b))) if a > 0.0 and b > 0.0 else (math.nan, math.nan)


@dataclass(frozen=True)
class Impact:
    """Mean move that an order causes, by its size.

    sizes: (L,) float64 [lots]
    curve: (L,) [ticks]
    exponent: the move grows as size**exponent; NaN where a mean move is not above zero
    bend: exponent of the larger half of the sizes less that of the smaller half, the middle size being in both: 0 for a
        power law, above 0 where a fixed cost and a line are all there is, whatever exponent a fit makes of them
    prefactor: [ticks] of the fitted law at one lot
    """

    sizes: Floats
    curve: Measured
    exponent: Measured
    bend: Measured
    prefactor: float


def impact(sizes: ArrayLike, response: ArrayLike) -> Impact:
    """Mean response by size, and the power law fitted to it by least squares of the logarithms.

    sizes: (L,) [lots] ascending, 3 or more
    response: (E, L) [ticks] moves in the order's direction, one a pair of envs with and without it

    The error of the exponent leaves out one env at a time: sizes that share an env are not independent.
    Source: Almgren, Thum, Hauptmann & Li 2005 (exponent 0.6); Bouchaud, Farmer & Lillo 2009, section 5 (about 0.5).
    """
    x = np.asarray(sizes, np.float64)
    each: NDArray[np.float64] = np.asarray(response, np.float64)
    rows, half = len(each), len(x) // 2

    def mean(total: Floats) -> Floats:
        return np.asarray(total[:-1] / total[-1])

    def bend(total: Floats) -> float:
        y = mean(total)
        return log_log_slope(x[half:], y[half:]) - log_log_slope(x[: half + 1], y[: half + 1])

    sums = np.concatenate([each, np.ones((rows, 1))], axis=1)
    curve = jackknife(sums, mean)
    exponent = jackknife(sums, lambda s: log_log_slope(x, mean(s)))
    fitted = np.log(curve.value).mean() - exponent.value * np.log(x).mean() if (curve.value > 0).all() else math.nan
    return Impact(x, curve, exponent, jackknife(sums, bend), float(np.exp(fitted)))
