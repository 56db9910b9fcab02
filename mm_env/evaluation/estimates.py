"""Estimates over independent episodes, each with its standard error and an interval.

An episode is one observation: a path of profit levels, or its steps, are not independent, and no figure here is taken
over them or annualised.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import UsageError

CONFIDENCE = 0.99
FEWEST_FOR_MOMENTS = 10  # episodes; the skewness and kurtosis of fewer say nothing


@dataclass(frozen=True)
class Estimate:
    """A figure with what is known of its error; None where the episodes are too few (or too alike) to say.

    value: the estimate
    error: its standard error
    low, high: ends of the interval of that confidence
    episodes: independent observations behind it
    """

    value: float | None
    error: float | None
    low: float | None
    high: float | None
    episodes: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the fields under their names."""
        return asdict(self)


def mean_estimate(values: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Mean with the interval of Student's t.

    values: (E,) float64 one an independent episode
    """
    x = _episodes(values)
    if x.size < 2:
        return Estimate(float(x[0]) if x.size else None, None, None, None, x.size)
    return _estimate(float(x.mean()), float(x.std(ddof=1)) / math.sqrt(x.size), x.size, confidence)


def sharpe_ratio(profits: ArrayLike) -> NDArray[np.float64]:
    """Mean over the last axis over standard deviation, of episodes' profits, not annualised; NaN where all are alike."""
    x = np.asarray(profits, np.float64)
    deviation = x.std(axis=-1, ddof=1)
    flat = deviation <= 1e-12 * np.abs(x).max(axis=-1)
    return np.asarray(np.where(flat, np.nan, x.mean(axis=-1) / np.where(flat, 1.0, deviation)))


def sharpe_estimate(profits: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Sharpe ratio over episodes: mean of the episodes' profits over their standard deviation, not annualised.

    profits: (E,) float64 [currency] final profit of each episode

    The error is that of the delta method for independent draws of any law with four moments,
    sqrt((1 - skew·SR + (kurtosis - 1)/4·SR²) / E); for a normal law it is Lo's sqrt((1 + SR²/2) / E). Fewer than
    `FEWEST_FOR_MOMENTS` episodes have none.
    Source: Lo 2002 (independent normal); Mertens 2002 (skewness and kurtosis).
    """
    x = _episodes(profits)
    ratio = float(sharpe_ratio(x)) if x.size >= 2 else math.nan
    if math.isnan(ratio):
        return Estimate(None, None, None, None, x.size)
    if x.size < FEWEST_FOR_MOMENTS:
        return Estimate(ratio, None, None, None, x.size)
    z = (x - x.mean()) / x.std()
    skew, kurtosis = float((z**3).mean()), float((z**4).mean())
    variance = 1.0 - skew * ratio + 0.25 * (kurtosis - 1.0) * ratio * ratio
    return _estimate(ratio, math.sqrt(max(variance, 0.0) / x.size), x.size, confidence)


def ratio_estimate(numerators: ArrayLike, denominators: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Sum over sum, with an error that takes the episodes, not what happens inside them, as independent.

    numerators, denominators: (E,) float64 of each episode

    None where the denominators sum to zero. Source: Cochran 1977, chapter 6.
    """
    y, x = _episodes(numerators), _episodes(denominators)
    if y.size != x.size:
        raise UsageError(f"{y.size} numerators and {x.size} denominators; one of each an episode is needed")
    total = float(x.sum())
    if total == 0.0:
        return Estimate(None, None, None, None, y.size)
    ratio = float(y.sum()) / total
    if y.size < 2:
        return Estimate(ratio, None, None, None, y.size)
    residual = y - ratio * x
    error = math.sqrt(y.size / (y.size - 1) * float(residual @ residual)) / abs(total)
    return _estimate(ratio, error, y.size, confidence)


def below_high(profit: ArrayLike) -> NDArray[np.float64]:
    """A profit path less its highest point so far, the start at 0 included: at most 0 [as profit]."""
    path = np.asarray(profit, dtype=np.float64)
    return path - np.maximum.accumulate(np.maximum(path, 0.0))


def student_t_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t with whole degrees of freedom.

    Solves the closed form of the distribution by bisection. Source: Abramowitz & Stegun 1964, 26.7.3 and 26.7.4.
    Raises UsageError outside 0 < probability < 1 and below one degree.
    """
    if not 0.0 < probability < 1.0 or degrees < 1:
        raise UsageError(f"probability {probability!r} and {degrees!r} degrees; expected a number inside (0, 1), at least 1")
    if probability < 0.5:
        return -student_t_quantile(1.0 - probability, degrees)
    if degrees > 100_000:  # the closed form has that many terms, and the law is normal to five digits
        return NormalDist().inv_cdf(probability)
    low, high = 0.0, 1.0
    while _t_distribution(high, degrees) < probability:
        high *= 2.0
    while high - low > 1e-12 * high:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if _t_distribution(middle, degrees) < probability else (low, middle)
    return 0.5 * (low + high)


def _t_distribution(t: float, degrees: int) -> float:
    angle = math.atan(t / math.sqrt(degrees))
    cosine = math.cos(angle)
    odd = degrees % 2
    terms = np.ones(degrees // 2)
    k = np.arange(1, degrees // 2)
    terms[1:] = np.cumprod((2 * k / (2 * k + 1) if odd else (2 * k - 1) / (2 * k)) * cosine**2)
    series = math.sin(angle) * float(terms.sum())
    between = (angle + series * cosine) * 2.0 / math.pi if odd else series
    return 0.5 + 0.5 * between


def _episodes(values: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise UsageError(f"an array of shape {x.shape}; expected one finite number an episode")
    return x


def _estimate(value: float, error: float, episodes: int, confidence: float) -> Estimate:
    reach = student_t_quantile(0.5 + 0.5 * confidence, episodes - 1) * error
    return Estimate(value, error, value - reach, value + reach, episodes)
