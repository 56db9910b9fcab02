"""Laws that the kernels read as tables and scales: decays, quantiles, sizes, the stationary law of regimes."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

KNOTS = 64  # of the quantile function of the placement distance
SIZES = 256  # equally likely sizes of a maker's order
_TERMS = 2048  # of a sum that are added one by one


def half_life_factor(dt: float, half_life: float) -> float:
    """Decay over `dt` of something that halves in `half_life`."""
    return 0.5 ** (dt / half_life)


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def placement_quantiles(offset: float, exponent: float, limit: float) -> np.ndarray:
    """Quantiles (KNOTS,) [ticks] of the distance d >= 0 with density ∝ (offset + d)^-(1 + exponent), cut at `limit`.

    Source: Bouchaud, Mézard & Potters 2002, equation 1.
    """
    u = np.linspace(0.0, 1.0, KNOTS)
    tail = (1.0 + limit / offset) ** -exponent
    return offset * (((1.0 - u) + u * tail) ** (-1.0 / exponent) - 1.0)


def geometric_sizes(mean: float) -> np.ndarray:
    """SIZES equally likely integers whose law is the geometric on 1, 2, … of that mean, to the table's grain."""
    if mean == 1.0:
        return np.ones(SIZES, np.uint16)
    u = (np.arange(SIZES) + 0.5) / SIZES
    return np.ceil(np.log1p(-u) / math.log1p(-1.0 / mean)).astype(np.uint16)


def sizes_of_quantiles(quantiles: list[int]) -> np.ndarray:
    """SIZES equally likely sizes [lots] of a law given by its quantiles at 0, 1/(n-1), …, 1."""
    at = np.linspace(0.0, len(quantiles) - 1.0, SIZES)
    return np.sort(np.asarray(quantiles))[np.rint(at).astype(int)].astype(np.uint16)


def lomax_mean(scale: float, exponent: float, largest: int) -> float:
    """Mean [lots] of min(1 + floor(X), largest), X Lomax: the sum of its survival function.

    Past _TERMS the sum is an integral with its end corrections (Euler-Maclaurin), exact to 1e-11 there.
    """
    first = min(largest, _TERMS)
    total = 1.0 + float(np.sum((1.0 + np.arange(1, first) / scale) ** -exponent))
    if largest > first:
        low, high = 1.0 + first / scale, 1.0 + (largest - 1) / scale
        total += scale / (exponent - 1.0) * (low ** (1.0 - exponent) - high ** (1.0 - exponent))
        total += 0.5 * (low**-exponent + high**-exponent)
        total += exponent / (12.0 * scale) * (low ** (-exponent - 1.0) - high ** (-exponent - 1.0))
    return total


@cache
def lomax_scale(mean: float, exponent: float, largest: int) -> float:
    """Scale [lots] that gives the discretised, capped size its mean; the cap bounds what can be reached."""
    if mean <= 1.0:
        return 1e-9
    low, high = 1e-9, 1e9
    if lomax_mean(high, exponent, largest) < mean:
        raise ValueError(f"taker_size_mean_lots {mean:g} cannot be reached below taker_size_max_lots {largest}")
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if lomax_mean(middle, exponent, largest) < mean else (low, middle)
    return high


def stationary_law(next_probabilities: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """Share of time in each regime of the semi-Markov chain (R,)."""
    count = len(durations)
    if count == 1:
        return np.ones(1)
    system = np.vstack([next_probabilities.T - np.eye(count), np.ones(count)])
    visits = np.linalg.lstsq(system, np.append(np.zeros(count), 1.0), rcond=None)[0]
    weights = np.maximum(visits, 0.0) * durations
    return weights / weights.sum()
