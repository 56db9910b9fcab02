"""The protocol of a source of prices, times, intervals, and bars from rows."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from mm_env.data.events import About, Bars, Events, ReadReport

SECOND = 1_000_000_000  # [ns]
INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "1d": 86_400}
"""Length of a bar [s]; a day is one of the exchange."""
Book = tuple[list[float], list[float], list[float], list[float]]
"""Bid prices and sizes, ask prices and sizes, best first; NaN past the last level."""
YEARS = (1900, 2200)
"""Years that can be recorded; nanoseconds in 64 bits reach little further."""


class PriceSource(Protocol):
    """Events of one symbol from a provider.

    name: for messages; live: whether it reports events from now on only, none of the past
    """

    name: str
    live: bool

    @property
    def about(self) -> About:
        """Metadata of its events; raises SourceError where the provider has to be asked and cannot be read."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of dates that name none; raises SourceError as `about` does."""
        ...

    def batches(self, start: int, end: int, report: ReadReport, book: Book) -> Generator[Events]:
        """Yield events from `start` to `end` [ns], the end excluded, in order of time; bars by their start.

        book: before the first event; report: counts rows, and those that cannot be read with their place

        Raises SourceError where the provider cannot be read, Stopped where it was asked to stop while it waited. Before
        either, also where Stopped is thrown into it, it yields the events that it holds back.
        """
        ...


def parse_time(text: str, zone: ZoneInfo) -> int:
    """Nanoseconds since 1970 of a date or a time, in `zone` unless it names another.

    Raises ValueError for another text, and for a year that is not among `YEARS`.
    """
    when = datetime.fromisoformat(text)
    if not YEARS[0] <= when.year <= YEARS[1]:
        raise ValueError(f"year {when.year}; expected a number from {YEARS[0]} to {YEARS[1]}")
    when = when.replace(tzinfo=zone) if when.tzinfo is None else when
    return nanoseconds(when)


def nanoseconds(when: datetime) -> int:
    """Nanoseconds since 1970; keeps whole microseconds, which a float of seconds would lose."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def bar_end(start: int, interval: str, zone: ZoneInfo) -> int:
    """End of a bar [ns]: after its interval; a day ends at midnight of the exchange."""
    if interval != "1d":
        return start + INTERVALS[interval] * SECOND
    day = datetime.fromtimestamp(start // SECOND, zone).date() + timedelta(days=1)
    return nanoseconds(midnight(day, zone))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Beginning of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def bars_of(
    rows: list[tuple[int, float, float, float, float, float]], about: About, zone: ZoneInfo, report: ReadReport, name: str
) -> Bars:
    """Completed bars from rows (start [ns], open, high, low, close, volume).

    A row without prices, or with an open or a close outside low to high, is malformed. A bar that has not ended may still
    change, and is left out.
    """
    assert about.interval is not None
    now = time.time_ns()
    kept = []
    for row in rows:
        report.rows += 1
        start, *values = row
        end = bar_end(start, about.interval, zone)
        reason = _flaw(*values)
        if reason is not None:
            report.reject(f"{name}, bar of {datetime.fromtimestamp(start // SECOND, zone).isoformat()}", reason)
        elif end <= now:
            report.events += 1
            kept.append((start, end, *values))
    table = np.array([row[2:] for row in kept], dtype=np.float64).reshape(-1, 5)
    starts, ends = (np.array([row[k] for row in kept], dtype=np.int64) for k in (0, 1))
    return Bars.of(starts, ends, table[:, :4], table[:, 4])


def _flaw(open_: float, high: float, low: float, close: float, volume: float) -> str | None:
    found = f"open {open_:g}, high {high:g}, low {low:g}, close {close:g}, volume {volume:g}"
    if not all(np.isfinite((open_, high, low, close))) or low <= 0.0:
        return f"no prices: {found}"
    slack = 1e-6 * high  # adjusted prices are rounded
    if not low - slack <= min(open_, close) <= max(open_, close) <= high + slack:
        return f"prices outside low to high: {found}"
    return None if volume >= 0.0 else f"no volume: {found}"
