"""Recording the symbols of `mm-env record-prices`, and the result of each.

Books are polled at the same time, all else is recorded one symbol after the other.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.cli.progress import progress_of
from mm_env.errors import DataError, SourceError, UsageError
from mm_env.interrupt import Stopped, StopRequest

if TYPE_CHECKING:
    from mm_env.data.providers import PriceRecording, PriceSource

logger = logging.getLogger(__name__)
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
_FOREVER = 36_500 * DAY


def record_symbols(
    sources: dict[str, PriceSource], paths: dict[str, Path], what: tuple[str, ...], start: str | None, end: str | None,
    interval: str, seconds: float | None, stop: StopRequest,
) -> dict[str, PriceRecording | Exception]:  # fmt: skip
    """Result of each symbol: its recording, or the error that ended it."""

    if "books" in what:
        begin = time.time_ns()
        finish = begin + (_FOREVER if seconds is None else round(seconds * SECOND))
        if seconds is None:
            logger.info("polling until Ctrl-C")
        with _progress("books", 0 if seconds is None else len(sources) * seconds) as progress:

            def poll(name: str) -> PriceRecording | Exception:
                return _one(sources[name], paths[name], lambda: (begin, finish), stop, progress)

            with ThreadPoolExecutor(len(sources)) as pool:
                return dict(zip(sources, pool.map(poll, sources), strict=True))
    found: dict[str, PriceRecording | Exception] = {}
    for name, source in sources.items():
        if stop():
            break

        def span(source: PriceSource = source) -> tuple[int, int]:
            return _span(source, what, start, end, interval)

        found[name] = _one(source, paths[name], span, stop, None)
    return found


def _one(
    source: PriceSource,
    path: Path,
    span: Callable[[], tuple[int, int]],
    stop: StopRequest,
    shared: Callable[[int], None] | None,
) -> PriceRecording | Exception:
    """Record one symbol, with a progress of its own unless it shares one; an error is logged and returned."""
    from mm_env.data.providers import record_prices

    try:
        begin, finish = span()
        with contextlib.ExitStack() as closing:
            total = (finish - begin) / SECOND
            advance = shared or closing.enter_context(_progress(source.name, total))
            found = record_prices(source, path, begin, finish, on_progress=_advance_to(begin, finish, advance), stop=stop)
    except Stopped:
        return Stopped(f"{source.name}: stopped before anything was recorded")
    except (SourceError, DataError) as error:
        logger.warning("failed: %s", error)
        return error
    if found.failed is not None:
        logger.warning("failed: %s", found.failed)
    return found


def _progress(what: str, seconds: float) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """How far it is in the time that is recorded; nothing where that has no end."""
    if seconds <= 0.0:
        return contextlib.nullcontext(lambda more: None)
    return progress_of(f"{what} [s of record]", max(1, round(seconds)))


def _advance_to(begin: int, finish: int, advance: Callable[[int], None]) -> Callable[[int], None]:
    reached = begin

    def advance_to(to: int) -> None:
        nonlocal reached
        more = (min(to, finish) - reached) // SECOND
        if more > 0:
            advance(more)
            reached += more * SECOND

    return advance_to


def _span(source: PriceSource, what: tuple[str, ...], start: str | None, end: str | None, interval: str) -> tuple[int, int]:
    finish = time.time_ns() if end is None else _nanoseconds("--end", end, source)
    days = 1 if what != ("bars",) else 365 if interval == "1d" else 5
    begin = finish - days * DAY if start is None else _nanoseconds("--start", start, source)
    if begin >= finish:
        raise UsageError(f"--start {start} and --end {end or 'now'}: expected a start before the end")
    return begin, finish


def _nanoseconds(option: str, text: str, source: PriceSource) -> int:
    from mm_env.data.providers import parse_time

    try:
        return parse_time(text, source.zone)
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r}: expected a date or a time from 1900 to 2200, as 2024-01-02 or 2024-01-02T09:30"
        ) from error


def recording_line(one: PriceRecording) -> str:
    """One line about a symbol: file, rows, first and last time, gaps, flaws."""
    about = one.about
    head = f"{one.path}: {about.symbol} at {about.venue or about.source}"
    if not one.rows:
        return f"{head}, nothing was recorded: no file"
    kind = "bars" if about.interval else "events"
    adjusted = f", adjusted for {about.adjusted}" if about.adjusted else ""
    tail = f"{one.rows} {kind} from {_date(one.first)} to {_date(one.last)}, {one.new} new{adjusted}"
    gaps = f", {one.gaps} gaps" if one.gaps else ""
    flaws = "".join(f"\n  {example}" for example in one.report.examples)
    return f"{head}, {tail}, {one.report.malformed} malformed{gaps}{flaws}"


def _date(ns: int | None) -> str | None:
    return None if ns is None else datetime.fromtimestamp(ns / SECOND, UTC).isoformat(timespec="seconds")


def failures(found: dict[str, PriceRecording | Exception]) -> list[str]:
    """Reason of each symbol that failed."""
    from mm_env.data.providers import PriceRecording

    reasons = [one.failed if isinstance(one, PriceRecording) else str(one) for one in found.values()]
    return [reason for reason in reasons if reason is not None]


def recording_figures(one: PriceRecording) -> dict[str, Any]:
    """The same as `recording_line`, under stable names."""
    about = one.about
    return {
        "file": str(one.path), "source": about.source, "symbol": about.symbol, "venue": about.venue,
        "interval": about.interval, "adjusted": about.adjusted, "rows": one.rows, "new": one.new, "repeated": one.repeated,
        "gaps": one.gaps,
        "malformed": one.report.malformed, "examples": one.report.examples, "first": _date(one.first),
        "last": _date(one.last), "failed": one.failed, "stopped": one.stopped,
    }  # fmt: skip
