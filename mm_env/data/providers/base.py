"""What a source of prices is, how it waits for a server that is busy, and what times and intervals mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import numpy as np

from mm_env.data.events import About, Bars, Events, ReadReport
from mm_env.interrupt import Stopped
from mm_env.sentiment.sources.base import BUSY, SourceError

T = TypeVar("T")
SECOND = 1_000_000_000  # [ns]
INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "1d": 86_400}
"""Of bars [s]; a day is one of the exchange."""
Book = tuple[list[float], list[float], list[float], list[float]]
"""Bid prices and sizes, ask prices and sizes, best first; NaN past the last level."""
YEARS = (1900, 2200)
"""Of which records may be asked for; nanoseconds in 64 bits reach little further."""
_LONGEST_WAIT_SECONDS = 60.0
_NAP_SECONDS = 0.2

__all__ = ["BUSY", "INTERVALS", "SECOND", "Book", "Busy", "Patience", "PriceSource", "SourceError", "bars_of", "moment"]


class PriceSource(Protocol):
    """What events of one symbol can be recorded from.

    name: for messages; live: whether it tells what happens from now on, and nothing of the past
    """

    name: str
    live: bool

    @property
    def about(self) -> About:
        """What its events share; raises SourceError where the source has to be asked and cannot be read."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """Of dates that name none; raises SourceError as `about` does."""
        ...

    def batches(self, start: int, end: int, report: ReadReport, book: Book) -> Generator[Events]:
        """Yield events from `start` to `end` [ns], the end excluded, in order of time; bars by their start.

        book: before the first event; report: counts rows, and those that cannot be read with their place

        Raises SourceError where the source cannot be read, Stopped where it was asked to stop while it waited. Before
        either, also where Stopped is thrown into it, it yields what it holds back.
        """
        ...


class Busy(Exception):
    """An answer after which it is worth to ask again.

    retry_after: [s] that the server asks to wait, None where it does not
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        """Keep both."""
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Patience:
    """How often a busy server is asked again.

    retries: after the first time; backoff_seconds: [s] before the first of these, doubled for each further one, where the
    server does not say itself; stop: asked while waiting
    """

    retries: int = 6
    backoff_seconds: float = 1.0
    stop: Callable[[], bool] = lambda: False

    def wait(self, k: int, retry_after: float | None) -> float | None:
        """[s] before retry k, from 0; None where it is not worth to go on."""
        if k >= self.retries or (retry_after or 0.0) > _LONGEST_WAIT_SECONDS:
            return None
        return min(self.backoff_seconds * 2.0**k, _LONGEST_WAIT_SECONDS) if retry_after is None else retry_after

    def ask(self, name: str, question: Callable[[], T]) -> T:
        """The answer; raises SourceError where the server stays busy, Stopped where it was asked to stop."""
        k = 0
        while True:
            try:
                return question()
            except Busy as error:
                busy = error
            wait = self.wait(k, busy.retry_after)
            if wait is None:
                asked = "" if busy.retry_after is None else f", asks to wait {busy.retry_after:g} s"
                raise SourceError(f"{name}: {busy}{asked}; asked {k + 1} times")
            self.nap(wait)
            k += 1

    def nap(self, seconds: float) -> None:
        """Wait; raises Stopped where it was asked to stop."""
        until = time.monotonic() + seconds
        while True:
            if self.stop():
                raise Stopped
            left = until - time.monotonic()
            if left <= 0.0:
                return
            time.sleep(min(_NAP_SECONDS, left))


def retry_after(headers: Any) -> float | None:
    """[s] that an answer asks to wait, in seconds or as a date; None where it does not."""
    from email.utils import parsedate_to_datetime

    text = str((headers or {}).get("Retry-After") or "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def check_address(base_url: str | None) -> None:
    """Raise ValueError for an address that is none."""
    if base_url is not None and (urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname):
        raise ValueError(f"address {base_url!r}; allowed: one that begins with http:// or https://")


def moment(text: str, zone: ZoneInfo) -> int:
    """[ns] since 1970 of a date or a time, in `zone` unless it says otherwise.

    Raises ValueError for another text, and for a year that is not among `YEARS`.
    """
    when = datetime.fromisoformat(text)
    if not YEARS[0] <= when.year <= YEARS[1]:
        raise ValueError(f"year {when.year}; allowed: {YEARS[0]} to {YEARS[1]}")
    when = when.replace(tzinfo=zone) if when.tzinfo is None else when
    return nanoseconds(when)


def nanoseconds(when: datetime) -> int:
    """Whole microseconds are kept, as a float of seconds would not."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def bar_end(start: int, interval: str, zone: ZoneInfo) -> int:
    """[ns] when a bar ends: after its interval, that of a day at midnight of the exchange."""
    if interval != "1d":
        return start + INTERVALS[interval] * SECOND
    day = datetime.fromtimestamp(start // SECOND, zone).date() + timedelta(days=1)
    return nanoseconds(midnight(day, zone))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def bars_of(
    rows: list[tuple[int, float, float, float, float, float]], about: About, zone: ZoneInfo, report: ReadReport, name: str
) -> Bars:
    """Bars that have ended, of rows (start [ns], open, high, low, close, volume).

    A row whose prices are not there, or whose close or open is not between low and high, is malformed; one that has not
    ended would change, and is left out.
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
    told = f"open {open_:g}, high {high:g}, low {low:g}, close {close:g}, volume {volume:g}"
    if not all(np.isfinite((open_, high, low, close))) or low <= 0.0:
        return f"no prices: {told}"
    slack = 1e-6 * high  # adjusted prices are rounded
    if not low - slack <= min(open_, close) <= max(open_, close) <= high + slack:
        return f"prices outside low to high: {told}"
    return None if volume >= 0.0 else f"no volume: {told}"
