"""Standard errors from the curvature of a likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def curvature_errors(lost: Callable[[NDArray[np.float64]], float], theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard errors (2,) of two parameters, from the curvature of minus a log-likelihood at its minimum."""
    step = 1e-4
    eye = step * np.eye(2)
    hessian = np.array(
        [
            [
                (lost(theta + a + b) - lost(theta + a - b) - lost(theta - a + b) + lost(theta - a - b)) / (4 * step * step)
                for b in eye
            ]
            for a in eye
        ]
    )
    covariance = np.linalg.pinv(hessian)
    return np.asarray(np.sqrt(np.maximum(np.diag(covariance), 0.0)))
