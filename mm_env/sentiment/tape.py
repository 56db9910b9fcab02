"""A tape: the headlines of a file with their times in an episode, their symbols, truths and scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mm_env.config.session import Session
from mm_env.errors import TapeError, UsageError
from mm_env.sentiment.bank import Bank, bundled_bank
from mm_env.sentiment.cache import scored
from mm_env.sentiment.reading import Table, read_table
from mm_env.sentiment.report import TapeReport
from mm_env.sentiment.rows import stated_polarities, usable_rows
from mm_env.sentiment.scorers import Scorer
from mm_env.sentiment.times import fitted_pace, into_episode, step_seconds_of, timestamp_seconds_of

__all__ = ["Bank", "Tape", "TapeError", "TapeReport", "bundled_bank", "load_tape"]


@dataclass(frozen=True, eq=False)
class Tape:
    """Headlines in the order in which they come.

    time_seconds: (n,) float64 [s] ascending, from the start of the tape
    latest_start_seconds: [s] an episode plays the tape from a place between its start and there; 0: all of it fits
    symbol: (n,) int32 index into the market's symbols, -1 for market-wide
    polarity: (n,) float64 [-1 to 1] true polarity; NaN where the file does not state it
    has_polarity: (n,) bool whether the file states it
    score: (n,) float64 [-1 to 1] the scorer's
    text: n headlines
    report: what became of the rows of the file
    """

    time_seconds: NDArray[np.float64]
    latest_start_seconds: float
    symbol: NDArray[np.int32]
    polarity: NDArray[np.float64]
    has_polarity: NDArray[np.bool_]
    score: NDArray[np.float64]
    text: tuple[str, ...]
    report: TapeReport


def load_tape(
    path: str | Path,
    symbols: Sequence[str],
    scorer: Scorer,
    *,
    step_seconds: float,
    episode_seconds: float,
    seconds_per_episode_second: float | None = None,
    most_per_second: float = math.inf,
    session: str | None = None,
) -> Tape:
    """Read headlines from CSV or Parquet and place them on the clock of an episode.

    path: columns `headline`, and `timestamp` (dates, or numbers of seconds) or `step` (whole decision
        steps from 0); optional `symbol` (empty: market-wide) and `polarity` (-1 to 1; empty: not stated)
    symbols: the market's, matched in any case; rows of others are dropped and counted
    step_seconds: [s] length of a decision step
    episode_seconds: [s] later steps are dropped and counted; timestamps continue, and an episode plays a part
    seconds_per_episode_second: real seconds in one of the episode; None: as many as fit the file's span into the episode, or
        fewer where headlines would come more densely than `most_per_second`
    session: hours as `Session.parse` reads them; rows outside them are dropped and counted, as no opening auction would
        take them up, and the time between two sessions is left out
    most_per_second: [1/s] headlines that touch a symbol, its own and market-wide ones, averaged over symbols

    Raises TapeError for a file that cannot be used, ValueError for durations that are not above 0 and for a session that
    cannot be read.
    """
    _check_duration("step_seconds", step_seconds)
    _check_duration("episode_seconds", episode_seconds)
    if seconds_per_episode_second is not None:
        _check_duration("seconds_per_episode_second", seconds_per_episode_second)
    table = read_table(path)
    clock = "step" if "step" in table.columns else "timestamp"
    for name, value in {"seconds_per_episode_second": seconds_per_episode_second, "session": session}.items():
        if clock == "step" and value is not None:
            raise TapeError(f"{path}: column 'step' fixes the times; {name} goes with a column 'timestamp' only")
    if clock == "step":
        seconds = step_seconds_of(table, step_seconds)
    else:
        seconds = timestamp_seconds_of(table, None if session is None else Session.parse(session))
    stated = stated_polarities(table)
    rows = usable_rows(table, seconds, symbols)

    usable = seconds[rows.index]
    order = np.argsort(usable, kind="stable")
    time = usable[order]
    pace = None
    if clock == "timestamp":
        pace = seconds_per_episode_second or _pace(time, rows.symbol, len(symbols), episode_seconds, most_per_second)
        time = into_episode(time, episode_seconds, pace)
    inside = (time < episode_seconds) | (clock == "timestamp")
    if not inside.any():
        raise TapeError(f"{path}: no usable row: all come past the episode's end at {episode_seconds:g} s")
    kept = order[inside]
    polarity = stated[rows.index[kept]]
    text = tuple(rows.text[k] for k in kept)
    first, last = (_written(table, clock, int(rows.index[k])) for k in (kept[0], kept[-1]))
    report = TapeReport(
        path=str(path),
        read=len(table.places),
        kept=len(kept),
        scorer=scorer.name,
        empty=rows.empty,
        outside_session=rows.outside_session,
        unknown_symbol=rows.unknown_symbol,
        duplicates=rows.duplicates,
        past_end=len(order) - len(kept),
        out_of_order=int(np.count_nonzero(usable < np.maximum.accumulate(usable))),
        without_polarity=int(np.count_nonzero(np.isnan(polarity))),
        replaced_bytes=table.replaced_bytes,
        first_timestamp=first,
        last_timestamp=last,
        unknown_names=rows.unknown_names,
        ignored_columns=table.ignored,
        seconds_per_second=pace,
        part=1.0 if pace is None or time[-1] <= episode_seconds else episode_seconds / float(time[-1]),
    )
    return Tape(
        time_seconds=time[inside],
        latest_start_seconds=max(0.0, float(time[-1]) - episode_seconds) if clock == "timestamp" else 0.0,
        symbol=rows.symbol[kept],
        polarity=polarity,
        has_polarity=~np.isnan(polarity),
        score=scored(scorer, text),
        text=text,
        report=report,
    )


def _pace(time: NDArray[np.float64], symbol: NDArray[np.int32], symbols: int, episode: float, most: float) -> float:
    """Real seconds in one of the episode: the span fits, unless headlines would come more densely than `most` a second.

    time: (n,) float64 [s] ascending; symbol: (n,) int32, -1 market-wide
    """
    fitted = fitted_pace(time, episode)
    touching = np.count_nonzero(symbol < 0) + np.count_nonzero(symbol >= 0) / symbols
    span = float(time[-1] - time[0])
    return min(fitted, most * span / touching) if span > 0 and most > 0 else fitted


def _check_duration(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{name} {value!r}; expected a finite number above 0")


def _written(table: Table, clock: str, row: int) -> str:
    cell = table.columns[clock][row]
    return f"step {cell}" if clock == "step" else cell
