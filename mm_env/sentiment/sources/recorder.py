"""Polls sources into a file of headlines that `load_tape` reads; the file is whole after each poll."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mm_env.errors import RecordingError, SourceError
from mm_env.extras import require
from mm_env.files import write_bytes
from mm_env.interrupt import Stopped, pause
from mm_env.sentiment.sources.base import HeadlineItem, HeadlineSource

HEADER = ("timestamp", "symbol", "headline", "source", "url", "identity", "received")


@dataclass(frozen=True)
class PollReport:
    """One poll of all sources: the number of new headlines of each, and the errors of the others.

    total: headlines in the file
    """

    new: dict[str, int]
    failed: dict[str, str]
    total: int


def record_headlines(
    sources: Sequence[HeadlineSource],
    path: Path,
    *,
    every_seconds: float = 60.0,
    for_seconds: float | None = None,
    on_poll: Callable[[PollReport], None] = lambda report: None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Poll the sources repeatedly, and store new headlines; return the number of headlines in the file.

    path: CSV, or Parquet by its ending; an existing file is added to, and no headline is stored twice
    every_seconds: [s] from the beginning of a poll to that of the next
    for_seconds: [s] after which no poll begins; 0: one poll; None: until `stop()` is true
    on_poll: called after each poll; stop: checked between two sources, and while waiting

    A source that fails stands in the report, and is polled again at the next poll. The file is rewritten after each poll
    with new headlines, whole or not at all. `timestamp` is when a headline was published, `received` when it was polled.
    Raises RecordingError for an existing file that is no recording, and where the file cannot be written.
    """
    rows = _existing(path)
    known = {_key(row) for row in rows}
    begun = time.monotonic()
    while True:
        polled = time.monotonic()
        fresh, report = _poll(sources, known, len(rows), stop)
        rows += fresh
        if fresh or not path.exists():
            _write(path, rows)
        on_poll(report)
        next_poll = polled + every_seconds
        if for_seconds is not None and next_poll > begun + for_seconds:
            return len(rows)
        try:
            pause(next_poll - time.monotonic(), stop)
        except Stopped:
            return len(rows)


def _poll(
    sources: Sequence[HeadlineSource], known: set[tuple[str, str, str]], total: int, stop: Callable[[], bool]
) -> tuple[list[dict[str, str]], PollReport]:
    """New rows of all sources, whose keys are added to `known`, and the report."""
    rows: list[dict[str, str]] = []
    new: dict[str, int] = {}
    failed: dict[str, str] = {}
    for source in sources:
        if stop():
            break
        try:
            items = source.poll()
        except SourceError as error:
            failed[source.name] = str(error)
            continue
        fresh = [row for row in map(_row, items) if _key(row) not in known]
        known.update(map(_key, fresh))
        rows += fresh
        new[source.name] = new.get(source.name, 0) + len(fresh)
    return rows, PollReport(new, failed, total + len(rows))


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    """Key of a headline; feeds whose addresses differ in the query alone share the name of their source."""
    return row["source"], row["symbol"], row["identity"]


def _row(item: HeadlineItem) -> dict[str, str]:
    stamps = (item.time.astimezone(UTC), datetime.now(UTC))
    published, received = (stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z") for stamp in stamps)
    return dict(
        zip(HEADER, (published, item.symbol, item.headline, item.source, item.url, item.identity, received), strict=True)
    )


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def _existing(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    try:
        found = _read_parquet(path) if _is_parquet(path) else _read_csv(path)
    except (OSError, ValueError, csv.Error) as error:
        raise RecordingError(f"{path}: headlines cannot be added: {error}; expected a new file, or a recording") from error
    return found


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        _check_header(reader.fieldnames or [])
        rows = list(reader)
    if any(None in row or None in row.values() for row in rows):
        raise ValueError("a row has more or fewer cells than the header")
    return rows


def _read_parquet(path: Path) -> list[dict[str, str]]:
    require("pyarrow")
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    _check_header(table.column_names)
    return [{name: str(value) for name, value in row.items()} for row in table.to_pylist()]


def _check_header(names: Sequence[str]) -> None:
    if tuple(names) != HEADER:
        raise ValueError(f"columns {', '.join(names) or 'none'}, where a recording has {', '.join(HEADER)}")


def _write(path: Path, rows: Sequence[dict[str, str]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, _parquet(rows) if _is_parquet(path) else _csv(rows))
    except OSError as error:
        raise RecordingError(f"{path}: headlines cannot be written: {error.strerror}; the file is as it was") from error


def _parquet(rows: Sequence[dict[str, str]]) -> bytes:
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    schema = pa.schema([(name, pa.string()) for name in HEADER])
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink)
    return bytes(sink.getvalue().to_pybytes())


def _csv(rows: Sequence[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
