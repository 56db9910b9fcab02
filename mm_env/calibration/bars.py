"""Estimates from bars: volatility by scale, of the range within a bar and a year, and correlation of symbols.

A move is that of the log close from one bar to the next; of bars within a day, moves over gaps (a night, a missing bar) are
counted apart.
Source: Parkinson 1980 (variance from the range); Lo & MacKinlay 1988 (ratio of variances by scale).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.prices import Mids, hayashi_yoshida
from mm_env.data.events import About, Bars
from mm_env.errors import DataError

Floats = NDArray[np.float64]
YEAR_SECONDS = 365.25 * 86_400
SCALES = (1, 5, 20)  # bars
_LEAST = 3  # moves behind an estimate


@dataclass(frozen=True)
class BarSummary:
    """Estimates of one file of bars, each (value, standard error); None where there are fewer than three moves.

    first, last: [ns] when the first bar begins and the last one ends; seconds: between these
    gaps: moves over gaps, of bars within a day
    volatility: bars -> [bps/sqrt(bar)]; range_volatility: [bps/sqrt(bar)] from high and low; gap: [bps] of a move over one
    per_second: [bps/sqrt(s)] of moves from bar to bar, of bars within a day, which is what a market's volatility is given in
    a_year: [%] of all moves
    """

    about: About
    bars: int
    first: int
    last: int
    seconds: float
    gaps: int
    mean_volume: float
    volatility: dict[int, tuple[float, float]]
    range_volatility: tuple[float, float] | None
    per_second: tuple[float, float] | None
    gap: tuple[float, float] | None
    a_year: tuple[float, float] | None


def summarise_bars(bars: Bars, about: About) -> BarSummary:
    """Estimate all that the bars allow; raises DataError for fewer than two bars."""
    if len(bars) < 2:
        raise DataError(f"{len(bars)} bars; expected two or more")
    moves, joined = moves_of(bars, about)
    seconds = float(bars.time[-1] - bars.start[0]) * 1e-9
    volatility: dict[int, tuple[float, float]] = {}
    for scale in SCALES:
        n = len(moves) // scale
        whole = joined[: n * scale].reshape(n, scale).all(axis=1)
        found = _root_mean_square(moves[: n * scale].reshape(n, scale).sum(axis=1)[whole])
        if found is not None:
            volatility[scale] = (found[0] / scale**0.5, found[1] / scale**0.5)
    span = 1e4 * np.log(bars.high / bars.low) / (4.0 * np.log(2.0)) ** 0.5
    length = float(np.median(bars.time - bars.start)) * 1e-9
    near = None if about.interval == "1d" else _root_mean_square(moves[joined])
    every = _root_mean_square(moves)
    pace = (len(moves) / (seconds / YEAR_SECONDS)) ** 0.5 / 100.0  # from bps a move to percent a year
    return BarSummary(
        about=about,
        bars=len(bars),
        first=int(bars.start[0]),
        last=int(bars.time[-1]),
        seconds=seconds,
        gaps=int(np.count_nonzero(~joined)),
        mean_volume=float(bars.size.mean()),
        volatility=volatility,
        range_volatility=_root_mean_square(span),
        per_second=None if near is None else (near[0] / length**0.5, near[1] / length**0.5),
        gap=_root_mean_square(moves[~joined]),
        a_year=None if every is None else (every[0] * pace, every[1] * pace),
    )


def moves_of(bars: Bars, about: About) -> tuple[Floats, NDArray[np.bool_]]:
    """Moves (n - 1,) [bps] from bar to bar, and whether each is over no gap; between days there is none."""
    moves = 1e4 * np.diff(np.log(bars.price))
    joined = np.ones(len(moves), dtype=bool) if about.interval == "1d" else bars.start[1:] == bars.time[:-1]
    return moves, joined


@dataclass(frozen=True)
class Correlation:
    """Of two symbols: bars that both have, Pearson's correlation of moves between these, and its standard error.

    overlapping: Hayashi & Yoshida's, of all moves that overlap in time
    """

    bars: int
    value: float
    error: float
    overlapping: float


def correlations(files: Mapping[str, Bars]) -> dict[tuple[str, str], Correlation]:
    """Of each two symbols, by their names; left out where they have fewer than four bars in common, or one does not move."""
    names = list(files)
    found = {}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            one = _correlation(files[a], files[b])
            if one is not None:
                found[a, b] = one
    return found


def _correlation(a: Bars, b: Bars) -> Correlation | None:
    common, here, there = np.intersect1d(a.time, b.time, return_indices=True)
    x, y = np.diff(np.log(a.price[here])), np.diff(np.log(b.price[there]))
    if len(x) < _LEAST or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return None
    r = float(np.corrcoef(x, y)[0, 1])
    error = (1.0 - r * r) / max(1, len(x) - 3) ** 0.5
    return Correlation(len(common), r, error, hayashi_yoshida(Mids.of(a), Mids.of(b)))


def _root_mean_square(moves: Floats) -> tuple[float, float] | None:
    """With its standard error, from the fourth moment."""
    if len(moves) < _LEAST:
        return None
    square = moves**2
    root = float(square.mean() ** 0.5)
    return root, (float(np.std(square) / len(moves) ** 0.5) / (2.0 * root) if root > 0.0 else 0.0)
