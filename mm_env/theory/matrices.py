"""The exponential of a small matrix, by scaling and squaring."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_TERMS = 20  # of the series of a matrix of norm 1/2: 0.5^20 / 20! is far below rounding
_NORM = 0.5


def exponential(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(matrix), (n, n). One without negative entries comes out without any, and every entry to a few roundings.

    Raises ValueError for what is not a finite square matrix. Source: Moler & Van Loan 2003, section 3.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise ValueError(f"a matrix of shape {matrix.shape}; expected (n, n), finite")
    norm = float(np.abs(matrix).sum(axis=1).max())
    halvings = max(0, math.ceil(math.log2(norm / _NORM))) if norm > 0.0 else 0
    small = matrix / 2.0**halvings
    term = np.eye(matrix.shape[0])
    total = term.copy()
    for k in range(1, _TERMS):
        term = term @ small / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total
