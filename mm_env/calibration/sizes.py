"""The law of order sizes: a power tail, and from where on it holds.

Source: Clauset, Shalizi & Newman 2009 (discrete power laws: maximum likelihood, and the smallest distance of Kolmogorov and
Smirnov for the beginning of the tail).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import DataError
from mm_env.extras import require

_FEWEST = 50  # sizes in a tail
_CANDIDATES = 60  # beginnings that are tried
_LARGEST = 50.0  # exponent


@dataclass(frozen=True)
class PowerTail:
    """P(size = s) proportional to s^-exponent for whole s from `start` on.

    error: standard error of the exponent; tail_exponent: of P(size >= s), one less; share: of the sizes that are in the tail
    distance: Kolmogorov and Smirnov's, of the tail from the law
    """

    exponent: float
    error: float
    start: int
    share: float
    distance: float

    @property
    def tail_exponent(self) -> float:
        """Exponent of the survival function."""
        return self.exponent - 1.0


def fit_tail(sizes: ArrayLike, start: int | None = None) -> PowerTail:
    """Fit a discrete power law to the tail of whole sizes.

    sizes: (n,) whole, above 0, in lots
    start: where the tail begins; None: where the law is nearest to the data

    Raises DataError for sizes that are not whole and above 0, and fewer than 50 in the tail.
    """
    values = np.asarray(sizes, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not ((values >= 1) & (values == np.floor(values))).all():
        raise DataError(f"sizes of shape {values.shape}; expected whole numbers of lots, 1 or more")
    distinct, counts = np.unique(values.astype(np.int64), return_counts=True)
    left = counts[::-1].cumsum()[::-1]  # sizes at or above each
    allowed = distinct[left >= _FEWEST]
    if start is not None:
        allowed = np.array([start]) if int(counts[distinct >= start].sum()) >= _FEWEST else allowed[:0]
    if allowed.size == 0:
        raise DataError(
            f"{values.size} sizes, tail from {start or int(distinct[0])}; expected {_FEWEST} or more in the tail"
        )
    picked = allowed[np.unique(np.linspace(0, allowed.size - 1, _CANDIDATES).round().astype(int))]
    fits = [_fit(distinct[distinct >= first], counts[distinct >= first], int(first), values.size) for first in picked]
    return min(fits, key=lambda fit: fit.distance)


def _fit(distinct: NDArray[np.int64], counts: NDArray[np.int64], first: int, number: int) -> PowerTail:
    require("scipy")
    from scipy.optimize import minimize_scalar
    from scipy.special import zeta

    n = int(counts.sum())
    logs = float((counts * np.log(distinct)).sum())

    def lost(exponent: float) -> float:
        return n * math.log(zeta(exponent, first)) + exponent * logs

    exponent = float(minimize_scalar(lost, bounds=(1.0 + 1e-6, _LARGEST), method="bounded", options={"xatol": 1e-8}).x)
    step = 1e-4 * exponent
    curvature = (lost(exponent + step) - 2.0 * lost(exponent) + lost(exponent - step)) / step**2
    law = 1.0 - zeta(exponent, distinct + 1) / zeta(exponent, first)
    seen = np.cumsum(counts) / n
    before = np.concatenate(([0.0], law[:-1]))
    gaps = np.concatenate([np.abs(seen - law), np.abs(np.concatenate(([0.0], seen[:-1])) - np.maximum(before, 0.0))])
    error = 1.0 / math.sqrt(curvature) if curvature > 0.0 else math.nan
    return PowerTail(exponent, error, first, n / number, float(gaps.max()))
