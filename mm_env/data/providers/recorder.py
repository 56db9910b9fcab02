"""Records a source into a Parquet file of events; an existing file is continued."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import (
    BATCH_ROWS,
    BOOK,
    About,
    Bars,
    Events,
    EventWriter,
    ReadReport,
    about_events,
    join_events,
    read_events,
)
from mm_env.data.providers.base import Book, PriceSource
from mm_env.errors import DataError, SourceError
from mm_env.interrupt import Stopped, pause

logger = logging.getLogger(__name__)
_SAVE_SECONDS = 60.0
_GAP_SECONDS = 5.0  # before a live source that failed is read again
_RECORDING_PER_SAVING = 20.0  # [s] of recording for a second of saving
_SAME_CLOSE = 1e-4  # relative difference up to which a close that is reported twice is the same


@dataclass
class PriceRecording:
    """Result of a recording.

    rows: in the file; new: of these, added now; repeated: reported again and not stored twice
    first, last: [ns] times in the file
    gaps: times that a live source could not be read for a while; report: counts of the rows that the source reported
    failed: why the source could not be read to the end; stopped: was asked to stop
    """

    path: Path
    about: About
    rows: int = 0
    new: int = 0
    repeated: int = 0
    gaps: int = 0
    first: int | None = None
    last: int | None = None
    report: ReadReport = field(default_factory=ReadReport)
    failed: str | None = None
    stopped: bool = False


def record_prices(
    source: PriceSource,
    path: Path,
    start: int,
    end: int,
    *,
    on_progress: Callable[[int], None] = lambda reached: None,
    stop: Callable[[], bool] = lambda: False,
    save_seconds: float = _SAVE_SECONDS,
) -> PriceRecording:
    """Record from `start` to `end` [ns], the end excluded; an existing file is continued from its last row.

    on_progress: called with the time [ns] that has been reached; stop: checked between two batches
    save_seconds: [s] between two savings, longer for large files; the file is also saved at the end

    The file is whole after each saving, and keeps its earlier rows. Where the source fails or is stopped, the rows so far
    are saved, and the same call resumes there; a live source that has reported something is read again until the end.
    Raises DataError for a file of other events and for one whose prices have been adjusted since, SourceError where the
    source cannot be read at all.
    """
    file = _File(path, source.about)
    found = PriceRecording(path, file.about, file.rows, first=file.first, last=file.last)
    begin = start if file.resume is None else max(start, file.resume)
    saving = _Saving(file, save_seconds)
    try:
        while True:
            try:
                batches = source.batches(begin, end, found.report, file.book)
                for batch in batches:
                    found.failed = None
                    file.add(batch, found)
                    if len(batch):
                        on_progress(int(batch.time[-1]))
                    saving.now_and_then()
                    if stop():
                        file.add(batches.throw(Stopped()), found)  # the events that it holds back; most hold none, and raise
                        raise Stopped
                break
            except SourceError as error:
                found.failed = str(error)
            if not (source.live and found.new) or time.time_ns() >= end:
                break
            found.gaps += 1
            logger.warning("failed, retrying: %s", found.failed)
            pause(_GAP_SECONDS, stop)
    except Stopped:
        found.stopped = True
    finally:
        file.save()
    found.rows, found.first, found.last = file.rows, file.first, file.last
    return found


class _Saving:
    """Saves a file at intervals that grow with the time that saving takes."""

    def __init__(self, file: _File, seconds: float) -> None:
        self._file, self._seconds = file, seconds
        self._saved, self._pause = time.monotonic(), seconds

    def now_and_then(self) -> None:
        if time.monotonic() - self._saved > self._pause:
            took = self._file.save()
            self._saved, self._pause = time.monotonic(), max(self._seconds, _RECORDING_PER_SAVING * took)


class _File:
    """A growing file of events: new rows wait until they are saved together with those in the file."""

    def __init__(self, path: Path, about: About) -> None:
        self.path, self.about = path, about
        self.rows = 0
        self.first: int | None = None
        self.last: int | None = None
        self.resume: int | None = None  # [ns] from where to record on
        nothing = [np.nan] * about.levels
        self.book: Book = (nothing, nothing, nothing, nothing)
        self._known: Counter[tuple[Any, ...]] = Counter()  # rows of the last time in the file, which will be reported again
        self._close = np.nan  # of the last bar in the file
        self._boundary: int | None = None
        self._waiting: list[Events] = []
        self._writer: EventWriter | None = None
        if path.exists():
            self._load()

    def _load(self) -> None:
        there = about_events(self.path)
        if replace(there, tick=None) != replace(self.about, tick=None):
            ours, theirs = asdict(self.about), asdict(there)
            changes = ", ".join(f"{name} {theirs[name]!r} for {ours[name]!r}" for name in ours if theirs[name] != ours[name])
            raise DataError(f"{self.path}: holds other events ({changes}); expected a new file, or one of the same events")
        self.about = there
        for events in read_events(self.path):
            if self.first is None:
                self.first = int(events.time[0])
            self._note(events)
            if self._boundary != self.last:
                self._known.clear()
            self._boundary = self.last
            self._known.update(_keys(events.where(events.time == self._boundary)))
            self.resume = int(events.start[-1]) if isinstance(events, Bars) else self.last
            self._close = float(events.price[-1])

    def _note(self, events: Events) -> None:
        self.rows += len(events)
        self.last = int(events.time[-1])
        columns = (getattr(events, name)[-1].tolist() for name in BOOK)
        self.book = (next(columns), next(columns), next(columns), next(columns))

    def add(self, events: Events, found: PriceRecording) -> None:
        """Add the events that are not in the file; raises DataError for a bar that is in it with another price."""
        fresh = self._fresh(events, found)
        if not fresh.any():
            return
        kept = events.where(fresh)
        if self.first is None:
            self.first = int(kept.time[0])
        self._note(kept)
        found.new += len(kept)
        self._waiting.append(kept)
        if sum(map(len, self._waiting)) >= BATCH_ROWS:
            self._write()

    def _fresh(self, events: Events, found: PriceRecording) -> NDArray[np.bool_]:
        """(n,) bool, events later than the file, or of its last time and not in it yet."""
        fresh = np.ones(len(events), dtype=bool)
        if self.last is None:
            return fresh
        for k in np.flatnonzero(events.time < self.last):
            fresh[k] = False
            found.report.reject(self.path.name, f"a {events.kind[k]} at {events.time[k]}, before the last one of the file")
        if not self._known:
            return fresh
        for k in np.flatnonzero(events.time == self._boundary):
            (key,) = _keys(events.where(np.arange(len(events)) == k))
            if isinstance(events, Bars) and not abs(events.price[k] / self._close - 1.0) < _SAME_CLOSE:
                raise DataError(
                    f"{self.path}: its last bar closes at {self._close:g}, and is now reported to close at "
                    f"{events.price[k]:g}: prices were adjusted since; expected a new file"
                )
            if self._known[key] > 0:
                self._known[key] -= 1
                fresh[k] = False
                found.repeated += 1
        return fresh

    def _write(self) -> None:
        try:
            if self._writer is None:
                writer = EventWriter(self.path, self.about)
                writer.__enter__()
                self._writer = writer
                if self.path.exists():
                    for part in read_events(self.path):
                        writer.write(part)
            if self._waiting:
                self._writer.write(join_events(self._waiting))
                self._waiting = []
        except BaseException as error:
            self._give_up(error)
            raise

    def save(self) -> float:
        """Save the file; return how long it took [s]. Raises DataError where it cannot be written."""
        begun = time.monotonic()
        if self._waiting:
            self._write()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.__exit__(None, None, None)
        return time.monotonic() - begun

    def _give_up(self, error: BaseException) -> None:
        self._waiting = []
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.__exit__(type(error), error, None)
        if isinstance(error, OSError):
            raise DataError(f"{self.path}: cannot be written: {error.strerror}; the file is as it was saved last") from error


def _keys(events: Events) -> list[tuple[Any, ...]]:
    """Keys that distinguish events of one time: price and size of a trade, for others also the best of their book."""
    if isinstance(events, Bars):
        return [("bar",)] * len(events)
    columns = [events.price, events.size, *(getattr(events, name)[:, 0] for name in BOOK)]
    rows = zip(events.kind, *(np.where(np.isnan(column), -1.0, column).tolist() for column in columns), strict=True)
    return [row[:3] if row[0] == "trade" else row for row in rows]
