"""Venues of one symbol compared: shares of trading and of depth, and the basis between their mids.

All is measured over the time in which each venue has a book. The basis is a venue's mid minus the first venue's, each
second; its half-life is that of an autoregression of order one, which noise that lasts for less than a second shortens: the
autocorrelation shows whether the law holds. Errors are those of blocks of time.
Source: Hasbrouck 1995 (one security, many markets); Garbade & Silber 1983 (convergence of two prices).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.prices import Mids
from mm_env.calibration.queues import BLOCKS, block_ratio
from mm_env.data.events import Events
from mm_env.errors import DataError

Floats = NDArray[np.float64]
LAGS = 60  # of the reported autocorrelation
_SECOND = 1_000_000_000  # [ns]
_FEWEST = 60  # seconds
_RESAMPLES = 400


@dataclass(frozen=True, eq=False)
class Basis:
    """A venue's mid minus the first venue's, each second [currency].

    median, interquartile_range: [currency], with standard errors
    persistence: of a deviation over a second; half_life: [s], with standard errors; NaN where deviations do not fade, or
    change their sign each second
    autocorrelation: (lags,) over 1, 2, … seconds, that persistence would make a geometric series
    """

    median: float
    median_error: float
    interquartile_range: float
    interquartile_range_error: float
    persistence: float
    persistence_error: float
    half_life: float
    half_life_error: float
    autocorrelation: Floats


@dataclass(frozen=True, eq=False)
class Venues:
    """Venues in the order given.

    seconds: that they have in common
    volume, depth: venue -> share of takers' volume and of the depth at the touch over time, each with its standard error
    basis: venue -> its basis against the first, of all but that
    """

    seconds: float
    volume: dict[str, tuple[float, float]]
    depth: dict[str, tuple[float, float]]
    basis: dict[str, Basis]


def compare_venues(events: Mapping[str, Events], seed: int = 0) -> Venues:
    """Compare venues of one symbol, whose prices and sizes are in the same units.

    seed: of the blocks that are drawn for errors

    Raises DataError for fewer than two venues, less than a minute in common, and a venue without a mid.
    """
    if len(events) < 2:
        raise DataError(f"{len(events)} venues; expected two or more")
    mids = {venue: Mids.of(one) for venue, one in events.items()}
    start = max(int(one.time[0]) for one in mids.values())
    end = min(int(one.time[-1]) for one in events.values())
    if end - start < _FEWEST * _SECOND:
        raise DataError(
            f"{max(0, end - start) / 1e9:g} s that {', '.join(events)} have in common; expected {_FEWEST} s or more"
        )
    edges = np.linspace(start, end, BLOCKS + 1).astype(np.int64)
    volume = np.stack([_volume(one, edges) for one in events.values()], axis=1)
    depth = np.stack([_depth(one, edges) for one in events.values()], axis=1)
    grid = np.arange(start, end + 1, _SECOND)
    first, *others = mids
    return Venues(
        seconds=(end - start) * 1e-9,
        volume=_shares(volume, list(events)),
        depth=_shares(depth, list(events)),
        basis={venue: _basis(mids[venue].at(grid) - mids[first].at(grid), seed) for venue in others},
    )


def _volume(events: Events, edges: NDArray[np.int64]) -> Floats:
    """(BLOCKS,) size that takers traded."""
    traded = (events.kind == "trade") & (events.time >= edges[0]) & (events.time < edges[-1])
    place = np.searchsorted(edges, events.time[traded], side="right") - 1
    return np.bincount(place, events.size[traded], minlength=BLOCKS).astype(np.float64)


def _depth(events: Events, edges: NDArray[np.int64]) -> Floats:
    """(BLOCKS,) integral over time [size s] of the depth of both sides at the touch; a side that is empty has none."""
    size = np.nansum([events.bid_sizes[:, 0], events.ask_sizes[:, 0]], axis=0)
    since = (events.time - events.time[0]) * 1e-9
    grown = np.concatenate(([0.0], np.cumsum(size[:-1] * np.diff(since))))
    return np.asarray(np.diff(np.interp((edges - events.time[0]) * 1e-9, since, grown)))


def _shares(parts: Floats, venues: list[str]) -> dict[str, tuple[float, float]]:
    share, error = block_ratio(parts, np.repeat(parts.sum(axis=1, keepdims=True), parts.shape[1], axis=1))
    return {venue: (float(share[k]), float(error[k])) for k, venue in enumerate(venues)}


def _basis(path: Floats, seed: int) -> Basis:
    blocks = np.array_split(path, BLOCKS)
    rng = np.random.default_rng(seed)
    drawn = [np.concatenate([blocks[k] for k in rng.integers(BLOCKS, size=BLOCKS)]) for _ in range(_RESAMPLES)]
    quarters = np.array([np.quantile(one, (0.25, 0.5, 0.75)) for one in (path, *drawn)])
    persistence, error = _persistence(path - path.mean())
    fades = 0.0 < persistence < 1.0
    rate = -math.log(persistence) if fades else math.nan
    return Basis(
        median=float(quarters[0, 1]),
        median_error=float(quarters[1:, 1].std()),
        interquartile_range=float(quarters[0, 2] - quarters[0, 0]),
        interquartile_range_error=float((quarters[1:, 2] - quarters[1:, 0]).std()),
        persistence=persistence,
        persistence_error=error,
        half_life=math.log(2.0) / rate,
        half_life_error=math.log(2.0) * error / (persistence * rate**2) if fades else math.nan,
        autocorrelation=_autocorrelation(path - path.mean()),
    )


def _persistence(path: Floats) -> tuple[float, float]:
    """Coefficient of an autoregression of order one, freed of its bias of -(1 + 3 phi) / n (Marriott & Pope 1954)."""
    before, after = path[:-1], path[1:]
    square = float(before @ before)
    if square == 0.0:
        return math.nan, math.nan
    raw = float(before @ after) / square
    score = np.array([one.sum() for one in np.array_split(before * (after - raw * before), BLOCKS)])
    error = math.sqrt(float((score**2).sum()) * BLOCKS / (BLOCKS - 1)) / square
    return raw + (1.0 + 3.0 * raw) / len(before), error


def _autocorrelation(path: Floats) -> Floats:
    square = float(path @ path)
    lags = range(1, min(LAGS, len(path) // 2) + 1)
    return np.array([float(path[:-lag] @ path[lag:]) / square if square > 0.0 else math.nan for lag in lags])
