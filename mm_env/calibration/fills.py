"""Fill rates by distance from the mid: the exponential law of Avellaneda & Stoikov.

At times a window apart an order is thought to stand at a distance from the mid on either side, without a queue before it. It
is reached where a trade within the window goes that far. With arrivals of rate λ(δ) that has probability 1 - exp(-λ(δ) w),
and log λ(δ) = log A - k δ is fitted by maximum likelihood to the counts.
Source: Avellaneda & Stoikov 2008; Fernandez-Tapia 2015 (estimation from the depth that trades reach).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.curvature import curvature_errors
from mm_env.calibration.prices import Mids
from mm_env.data.events import Events
from mm_env.errors import DataError
from mm_env.extras import require

_FEWEST = 10  # reached orders at the nearest distance


@dataclass(frozen=True, eq=False)
class FillIntensity:
    """λ(δ) = A exp(-k δ) [1/s] for an order on one side.

    rate: A [1/s]; decay: k [1/currency]; both with standard errors, windows taken as independent
    distances: (D,) [currency]; reached: (D,) orders of `tried` that were reached; fitted: (D,) how many the law expects
    """

    rate: float
    rate_error: float
    decay: float
    decay_error: float
    distances: NDArray[np.float64]
    reached: NDArray[np.int64]
    fitted: NDArray[np.float64]
    tried: int


def fit_intensity(events: Events, distances: Sequence[float], window_seconds: float = 1.0) -> FillIntensity:
    """Fit the law to trades and mids of one symbol.

    distances: [currency] from the mid, two or more, rising, above 0
    window_seconds: [s] for which an order stands

    Raises DataError for distances that are not so, and where fewer than 10 orders at the nearest one are reached.
    """
    require("scipy")
    from scipy.optimize import minimize

    depth = np.asarray(distances, dtype=np.float64)
    if depth.size < 2 or depth[0] <= 0.0 or (np.diff(depth) <= 0.0).any() or not window_seconds > 0.0:
        raise DataError(f"distances {depth.tolist()}, window {window_seconds:g} s; expected two or more, rising, above 0")
    reach = _reach(events, round(window_seconds * 1e9))
    reached = (reach[:, None] >= depth).sum(axis=0)
    tried = len(reach)
    if reached[0] < _FEWEST:
        raise DataError(f"{reached[0]} of {tried} orders at {depth[0]:g} are reached; expected {_FEWEST} or more")

    def lost(theta: NDArray[np.float64]) -> float:
        """Minus the log-likelihood of the depth that each window reached: a multinomial over the distances."""
        hit = _probability(theta, depth, window_seconds)
        cells = np.concatenate(([1.0 - hit[0]], -np.diff(hit), [hit[-1]]))
        counts = np.concatenate(([tried - reached[0]], -np.diff(reached), [reached[-1]]))
        return -float((counts * np.log(np.maximum(cells, 1e-300))).sum())

    share = np.clip(reached / tried, 0.5 / tried, 1.0 - 0.5 / tried)
    slope, level = np.polyfit(depth, np.log(-np.log1p(-share) / window_seconds), 1)
    start = np.array([level, np.log(max(-slope, 1e-3 / depth[-1]))])
    found = minimize(lost, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-8, "maxiter": 4000})
    errors = curvature_errors(lost, found.x)
    rate, decay = (float(value) for value in np.exp(found.x))
    return FillIntensity(
        rate=rate,
        rate_error=rate * errors[0],
        decay=decay,
        decay_error=decay * errors[1],
        distances=depth,
        reached=reached,
        fitted=tried * _probability(found.x, depth, window_seconds),
        tried=tried,
    )


def _probability(theta: NDArray[np.float64], depth: NDArray[np.float64], window: float) -> NDArray[np.float64]:
    return np.asarray(-np.expm1(-window * np.exp(theta[0] - np.exp(theta[1]) * depth)))


def _reach(events: Events, window: int) -> NDArray[np.float64]:
    """(2n,) [currency] how far trades went from the mid at the beginning of each window, down and up; -inf without any."""
    mids = Mids.of(events)
    traded = (events.kind == "trade") & np.isfinite(events.price)
    time, price = events.time[traded], events.price[traded]
    edges = np.arange(mids.time[0], events.time[-1] - window + 1, window)
    if edges.size == 0 or time.size == 0:
        raise DataError(f"{time.size} trades in {edges.size} windows; expected one or more of both")
    which = (time - edges[0]) // window
    inside = (which >= 0) & (which < edges.size)
    which, price = which[inside], price[inside]
    mid = mids.at(edges)
    down, up = np.full(edges.size, -np.inf), np.full(edges.size, -np.inf)
    np.maximum.at(down, which, mid[which] - price)
    np.maximum.at(up, which, price - mid[which])
    return np.concatenate([down, up])
