"""Backtests of an expected shortfall: are losses past the value at risk as large as it says?

With profits X_t, value at risk VaR_t and expected shortfall ES_t at the same tail probability a, both counted above 0, and
I_t = 1 where X_t + VaR_t < 0, N of T periods:

    Z1 = sum(X_t I_t / ES_t) / N + 1          of the losses past VaR alone, whether VaR is right or not
    Z2 = sum(X_t I_t / ES_t) / (T a) + 1      of their number and size together

Both expect 0 of a right figure, and fall below where it is too small: the tests are one-sided. Their laws depend, weakly, on
the tail of the profits, so critical values are simulated; the published ones are -0.70 at 5 % and -1.8 at 0.01 % for Z2 of
250 days at 2.5 %, nearly whatever the tail.

Source: Acerbi & Székely 2014, tests 1 and 2.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import UsageError

DRAWS = 4000
_AT_A_TIME = 2_000_000  # numbers that are drawn


def conditional_z(profit: ArrayLike, value_at_risk: ArrayLike, expected_shortfall: ArrayLike) -> float | None:
    """Z1; None where no loss passed its value at risk.

    profit, value_at_risk, expected_shortfall: (T,) [currency], the latter two above 0

    Raises UsageError for figures that are not above 0.
    """
    total, exceptions, _ = _tail_sum(profit, value_at_risk, expected_shortfall)
    return total / exceptions + 1.0 if exceptions else None


def unconditional_z(
    profit: ArrayLike, value_at_risk: ArrayLike, expected_shortfall: ArrayLike, tail_probability: float
) -> float:
    """Z2; 1 where no loss passed its value at risk.

    profit, value_at_risk, expected_shortfall: (T,) [currency], the latter two above 0, both at tail_probability

    Raises UsageError for figures that are not above 0, and for a probability outside (0, 1).
    """
    if not 0.0 < tail_probability < 1.0:
        raise UsageError(f"tail probability {tail_probability!r}; expected a number inside (0, 1)")
    total, _, periods = _tail_sum(profit, value_at_risk, expected_shortfall)
    return total / (periods * tail_probability) + 1.0


def _tail_sum(profit: ArrayLike, value_at_risk: ArrayLike, expected_shortfall: ArrayLike) -> tuple[float, int, int]:
    x, var, es = (np.asarray(values, np.float64) for values in (profit, value_at_risk, expected_shortfall))
    if x.ndim != 1 or x.shape != var.shape or x.shape != es.shape or not len(x):
        raise UsageError(f"shapes {x.shape}, {var.shape}, {es.shape}; expected (T,) each, at least one period")
    if not (var > 0.0).all() or not (es > 0.0).all():
        raise UsageError("a value at risk or expected shortfall that is not above 0: expected periods that have some risk")
    past = x + var < 0.0
    return float((x[past] / es[past]).sum()), int(past.sum()), len(x)


@cache
def critical_values(
    periods: int,
    tail_probability: float,
    significance: float = 0.05,
    degrees: float = math.inf,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """(Z1, Z2) below which a right figure falls with probability `significance`, simulated.

    degrees: of freedom of Student's t that the profits follow; inf: the normal law
    draws: samples of `periods` profits behind the quantiles; seed: of them
    """
    z1, z2 = simulated_z(periods, tail_probability, degrees, draws, seed)
    return float(np.nanquantile(z1, significance)), float(np.quantile(z2, significance))


def simulated_z(
    periods: int, tail_probability: float, degrees: float, draws: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(draws,) Z1 (NaN where no loss passed) and Z2 of a right figure."""
    rng = np.random.default_rng(seed)
    var, es = tail_of(tail_probability, degrees)
    z1, z2 = np.empty(draws), np.empty(draws)
    step = max(1, _AT_A_TIME // periods)
    for low in range(0, draws, step):
        size = (min(step, draws - low), periods)
        x = rng.standard_normal(size) if math.isinf(degrees) else rng.standard_t(degrees, size)
        past = x < -var
        total, count = np.where(past, x, 0.0).sum(axis=1) / es, past.sum(axis=1)
        z1[low : low + step] = np.where(count > 0, total / np.maximum(count, 1) + 1.0, np.nan)
        z2[low : low + step] = total / (periods * tail_probability) + 1.0
    return z1, z2


def tail_of(tail_probability: float, degrees: float = math.inf) -> tuple[float, float]:
    """(value at risk, expected shortfall) of a standard normal law, or of Student's t with whole degrees of freedom.

    Source: McNeil, Frey & Embrechts 2005, example 2.19.
    """
    if math.isinf(degrees):
        z = NormalDist().inv_cdf(1.0 - tail_probability)
        return z, NormalDist().pdf(z) / tail_probability
    from mm_env.evaluation.estimates import student_t_quantile

    n = int(degrees)
    t = student_t_quantile(1.0 - tail_probability, n)
    log_density = (
        math.lgamma(0.5 * (n + 1))
        - math.lgamma(0.5 * n)
        - 0.5 * math.log(n * math.pi)
        - 0.5 * (n + 1) * math.log1p(t * t / n)
    )
    return t, math.exp(log_density) / tail_probability * (n + t * t) / (n - 1)
