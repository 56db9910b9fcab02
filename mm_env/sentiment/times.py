"""Times of the headlines of a file, in seconds, and their places in an episode."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
from numpy.typing import NDArray

from mm_env.config.session import Session
from mm_env.sentiment.reading import Table
from mm_env.times import iso_times

FIT_MARGIN = 0.01
"""Share of the episode left free before the first and after the last headline when the span is fitted."""

_ALLOWED_DATES = "dates as 2020-02-05T19:43:00Z, or in one other format for all rows, or numbers of seconds"
# "now", or a time of day alone: pandas would take the date from the day on which the file is read
_DAY = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_UNITS_FROM = (1e11, 1e14, 1e17)  # above it a number since 1970 is milli-, micro-, nanoseconds, not seconds of the year 5138
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_LEAST_DATE = 1e8  # seconds since 1970; smaller numbers count from an origin of the file's own
_UNDATED = re.compile(r"\D*|\d{1,2}:\d{2}.*")


def step_seconds_of(table: Table, step_seconds: float) -> NDArray[np.float64]:
    """Return (n,) float64 [s] the start of each row's decision step.

    Raises TapeError for a step that is not a whole number from 0.
    """
    steps = np.array([_number(cell) for cell in table.columns["step"]])
    bad = ~(np.isfinite(steps) & (steps >= 0) & (steps == np.floor(steps)))
    if bad.any():
        table.reject(int(np.argmax(bad)), "step", "whole numbers from 0")
    return steps * step_seconds


def timestamp_seconds_of(table: Table, session: Session | None = None) -> NDArray[np.float64]:
    """Return (n,) float64 [s] each row's time after an origin that all rows share; without a zone it is UTC.

    session: hours outside of which the clock stands; rows outside them have NaN

    A column mostly of numbers holds seconds (past 1e11 milli-, past 1e14 micro-, past 1e17 nanoseconds since 1970), or
    days where all are written as YYYYMMDD; any other holds dates.
    Raises TapeError for the first timestamp that cannot be read, and for numbers that are no dates where there is a session.
    """
    times = _since_1970(table)
    if session is None:
        return times
    if times.max() < _LEAST_DATE:
        table.reject(int(np.argmax(times)), "timestamp", "dates, or seconds since 1970, as there is a session")
    return session.clock(times)


def _since_1970(table: Table) -> NDArray[np.float64]:
    """(n,) float64 [s] since 1970, or since the origin of a file whose numbers are no dates."""
    cells = table.columns["timestamp"]
    numbers = np.array([_number(cell) for cell in cells])
    finite = np.isfinite(numbers)
    if 2 * np.count_nonzero(finite) > len(cells):
        if not finite.all():
            table.reject(int(np.argmin(finite)), "timestamp", "numbers of seconds, as in the other rows")
        if all(_DAY.fullmatch(cell) for cell in cells):
            return _dates(table, cells)
        units = np.searchsorted(_UNITS_FROM, np.abs(numbers).max(), side="right")
        return np.asarray(numbers * 1000.0**-units)
    return _dates(table, cells)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _dates(table: Table, cells: list[str]) -> NDArray[np.float64]:
    import pandas as pd

    for row, cell in enumerate(cells):
        if _UNDATED.fullmatch(cell):
            table.reject(row, "timestamp", _ALLOWED_DATES)
    stamps = iso_times(cells)
    far = (stamps.dt.year < _FIRST_YEAR) | (stamps.dt.year > _LAST_YEAR)
    if far.any():
        table.reject(int(np.argmax(far)), "timestamp", f"years {_FIRST_YEAR} to {_LAST_YEAR}")
    left = np.flatnonzero(stamps.isna())
    if left.size:
        # pandas takes the format of the first of them for all: one guessed row by row would find the month of
        # 05/02 and of 13/02 in different places
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on which format it took
            stamps.iloc[left] = pd.to_datetime([cells[k] for k in left], utc=True, errors="coerce")
    if stamps.isna().any():
        table.reject(int(np.argmax(stamps.isna())), "timestamp", _ALLOWED_DATES)
    return np.asarray((stamps - pd.Timestamp(0, tz="UTC")).dt.total_seconds(), dtype=np.float64)


def fitted_pace(seconds: NDArray[np.float64], episode_seconds: float) -> float:
    """Real seconds in one of the episode that fit first to last into it, `FIT_MARGIN` free at either end.

    seconds: (n,) float64 [s] ascending
    """
    span = float(seconds[-1] - seconds[0])
    return span / (episode_seconds * (1 - 2 * FIT_MARGIN)) if span > 0 else 1.0


def into_episode(seconds: NDArray[np.float64], episode_seconds: float, pace: float) -> NDArray[np.float64]:
    """Map real times linearly on the tape's own clock, in seconds of an episode.

    seconds: (n,) float64 [s] ascending
    pace: real seconds in one of the episode

    Returns (n,) float64 [s]. A tape that is shorter than the episode starts after `FIT_MARGIN` of it or, where it would not
    fit otherwise, at once; the times of a longer one continue past the episode's end.
    """
    since_first: NDArray[np.float64] = (seconds - seconds[0]) / pace
    room = episode_seconds - float(since_first[-1])
    return since_first + max(0.0, min(FIT_MARGIN * episode_seconds, 0.5 * room))
