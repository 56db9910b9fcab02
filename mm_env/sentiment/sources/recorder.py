"""Sources polled into a file of headlines that `load_tape` reads, whole after every poll."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mm_env.errors import UsageError
from mm_env.files import write_bytes
from mm_env.sentiment.sources.base import HeadlineItem, HeadlineSource, SourceError

HEADER = ("timestamp", "symbol", "headline", "source", "url", "identity", "received")
_NAP_SECONDS = 0.2  # between two looks at whether to stop


class RecordingError(UsageError):
    """A file that headlines cannot be added to; the message names it. The file is left as it is."""


@dataclass(frozen=True)
class PollReport:
    """One poll of all sources: headlines of each that were new, and what went wrong with the others.

    total: headlines in the file
    """

    new: dict[str, int]
    failed: dict[str, str]
    total: int


def record(
    sources: Sequence[HeadlineSource],
    path: Path,
    *,
    every_seconds: float = 60.0,
    for_seconds: float | None = None,
    tell: Callable[[PollReport], None] = lambda report: None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Poll the sources now and then, and keep what is new; return the number of headlines in the file.

    path: CSV, or Parquet by its ending; a file that is there is added to, and what it holds is not kept twice
    every_seconds: [s] from the beginning of a poll to that of the next
    for_seconds: [s] after which no poll begins; 0: one poll; None: until asked to stop
    tell: called after each poll; stop: asked between two sources, and while waiting

    A source that fails stands in the report, and is asked again at the next poll. The file is written anew after each poll
    that brought something, whole or not at all. `timestamp` is when a headline was published, `received` when it was polled.
    Raises RecordingError for a file that is there and is no recording, and where the file cannot be written.
    """
    rows = _existing(path)
    known = {_key(row) for row in rows}
    begun = time.monotonic()
    while True:
        polled = time.monotonic()
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
        if sum(new.values()) or not path.exists():
            _write(path, rows)
        tell(PollReport(new, failed, len(rows)))
        following = polled + every_seconds
        if for_seconds is not None and following > begun + for_seconds:
            return len(rows)
        while time.monotonic() < following:
            if stop():
                return len(rows)
            time.sleep(min(_NAP_SECONDS, max(0.0, following - time.monotonic())))
        if stop():
            return len(rows)


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    """What tells a headline from any other; feeds that differ behind the question mark alone share their source's name."""
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
        raise RecordingError(f"{path}: headlines cannot be added: {error}; allowed: a new file, or a recording") from error
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
