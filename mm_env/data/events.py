"""One format for market data of any source: a Parquet file with a row for each event, in order of time.

column | type | what
------ | ---- | ----
time | int64 | [ns] since 1970 in UTC
kind | string | one of `KINDS`
side | int8 | 1: an order to buy, the bid side of a book, a trade that a buyer began; -1: the other; 0: not known
price | float64 | [currency]; NaN where there is none
size | float64 | of the event, in the units of the source
order | int64 | identity of the order, of a trade that of the one that stood; 0 where there is none
bid_prices, bid_sizes, ask_prices, ask_sizes | list of L float64 | book after the event, best first; NaN past its last level

Binance reports no individual orders: there `order` of a trade is the venue's own time [ms], which the fills of one taker
share.

A file of bars (open, high, low, close, volume) has the same columns and four more. There `time` is when a bar ends, `kind`
is bar, `price` its close, `size` its volume, and the book is NaN:

column | type | what
------ | ---- | ----
start | int64 | [ns] since 1970 in UTC, when the bar begins
open, high, low | float64 | [currency]

Source, symbol, venue, levels and tick, and of bars their interval, stand in the metadata of the file. Files are written and
read in batches, so that a day of any length fits in memory.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import DataError
from mm_env.extras import require
from mm_env.files import partial_path, put_in_place

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("limit", "reduce", "delete", "trade", "hidden", "cross", "halt", "depth", "quote", "bar")
"""A new limit order; part of one cancelled; all of one; a trade against the visible book, against a hidden order, in an
auction; a halt or its end; levels that changed (sources without orders); a new best bid or offer; a bar that ended."""
BOOK = ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")
BAR = ("start", "open", "high", "low")
BATCH_ROWS = 100_000
_MOST_EXAMPLES = 10  # malformed lines that a report quotes


@dataclass(frozen=True)
class About:
    """Metadata of a file of events.

    tick: [currency] smallest step of prices, None where not known
    interval: of bars, as 1m or 1d; adjusted: for what their prices are adjusted: none, splits, all (splits and dividends);
    time_zone: of the exchange, in which its days begin; None for what are no bars
    """

    source: str
    symbol: str
    venue: str
    levels: int
    tick: float | None = None
    interval: str | None = None
    adjusted: str | None = None
    time_zone: str | None = None


@dataclass
class ReadReport:
    """Counts of the rows of a source: events and malformed ones.

    rows: read; events: kept; malformed: rows that could not be read; examples: the first few of these, with their line
    """

    rows: int = 0
    events: int = 0
    malformed: int = 0
    examples: list[str] = field(default_factory=list)

    def reject(self, place: str, reason: str) -> None:
        """Count a malformed row."""
        self.malformed += 1
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(f"{place}: {reason}")

    def describe(self) -> str:
        """Return one line, and one for each malformed row that is quoted."""
        lines = [f"{self.events} events of {self.rows} rows, {self.malformed} malformed"]
        return "\n  ".join([*lines, *self.examples])


@dataclass(frozen=True, eq=False)
class Events:
    """A batch of events; columns as the module says, n rows and L levels."""

    time: NDArray[np.int64]
    kind: NDArray[np.object_]
    side: NDArray[np.int8]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    order: NDArray[np.int64]
    bid_prices: NDArray[np.float64]
    bid_sizes: NDArray[np.float64]
    ask_prices: NDArray[np.float64]
    ask_sizes: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.time)

    def where(self, mask: NDArray[np.bool_]) -> Events:
        """Return the events of a mask (n,)."""
        return type(self)(**{name: getattr(self, name)[mask] for name in self.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class Bars(Events):
    """A batch of bars: events of the kind bar, and further columns; all (n,)."""

    start: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        start: NDArray[np.int64],
        end: NDArray[np.int64],
        open_high_low_close: NDArray[np.float64],
        volume: NDArray[np.float64],
    ) -> Bars:
        """Bars from their begin and end (n,) [ns], prices (n, 4) and volume (n,)."""
        n = len(start)
        empty = np.full((n, 1), np.nan)
        return cls(
            time=end, kind=np.full(n, "bar", dtype=object), side=np.zeros(n, np.int8), price=open_high_low_close[:, 3],
            size=volume, order=np.zeros(n, np.int64), bid_prices=empty, bid_sizes=empty, ask_prices=empty, ask_sizes=empty,
            start=start, open=open_high_low_close[:, 0], high=open_high_low_close[:, 1], low=open_high_low_close[:, 2],
        )  # fmt: skip


def _schema(about: About) -> pa.Schema:
    import pyarrow as pa

    plain = [
        ("time", pa.int64()), ("kind", pa.string()), ("side", pa.int8()), ("price", pa.float64()), ("size", pa.float64()),
        ("order", pa.int64()),
    ]  # fmt: skip
    book = [(name, pa.list_(pa.float64(), about.levels)) for name in BOOK]
    bar = [] if about.interval is None else [(name, pa.int64() if name == "start" else pa.float64()) for name in BAR]
    return pa.schema([*plain, *book, *bar], metadata={"mm_env": json.dumps(asdict(about))})


class EventWriter:
    """Writes batches to a file that appears whole, when the writer is left without an error, or not at all.

    Raises DataError for events that go back in time or do not fit the columns.
    """

    def __init__(self, path: Path, about: About) -> None:
        """Write to `path`; nothing is there before the end."""
        self.path, self.about = path, about
        self.events = 0
        self._last: int | None = None
        self._partial = partial_path(path)
        self._writer: Any = None

    def __enter__(self) -> EventWriter:
        """Open the file."""
        require("pyarrow")
        import pyarrow.parquet as pq

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._partial, _schema(self.about), compression="zstd")
        return self

    def write(self, events: Events) -> None:
        """Add events, which come after those before them."""
        import pyarrow as pa

        if len(events) == 0:
            return
        last = events.time[0] if self._last is None else self._last
        late = np.flatnonzero(np.diff(events.time, prepend=last) < 0)
        if late.size:
            at = self.events + int(late[0])
            raise DataError(f"{self.path}: event {at + 1} is earlier than the one before it; expected times that never fall")
        book = []
        for name in BOOK:
            values = np.ascontiguousarray(getattr(events, name), dtype=np.float64)
            if values.shape != (len(events), self.about.levels):
                raise DataError(f"{self.path}: {name} {values.shape}; expected {(len(events), self.about.levels)}")
            book.append(pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), self.about.levels))
        columns = [
            pa.array(events.time), pa.array(events.kind, pa.string()), pa.array(events.side, pa.int8()),
            pa.array(events.price), pa.array(events.size), pa.array(events.order), *book,
        ]  # fmt: skip
        if self.about.interval is not None:
            columns += [pa.array(getattr(events, name)) for name in BAR]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=_schema(self.about)))
        self._last = int(events.time[-1])
        self.events += len(events)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Move the file to its place, or leave nothing."""
        try:
            self._writer.close()
            if kind is None:
                put_in_place(self._partial, self.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                self._partial.unlink()


def about_events(path: Path) -> About:
    """Metadata of a file of events; raises DataError for a file in another form."""
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a Parquet file of events: {error}") from error
    if b"mm_env" not in metadata:
        raise DataError(f"{path}: a Parquet file of another form; expected one that mm-env convert wrote")
    return About(**json.loads(metadata[b"mm_env"]))


def read_events(path: Path, batch_rows: int = BATCH_ROWS) -> Iterator[Events]:
    """Yield the events of a file in batches, `Bars` of a file of bars; raises DataError for a file in another form."""
    require("pyarrow")
    import pyarrow.parquet as pq

    about = about_events(path)
    levels = about.levels
    form, more = (Events, ()) if about.interval is None else (Bars, BAR)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_rows):
            plain = {
                name: batch.column(name).to_numpy(zero_copy_only=False)
                for name in ("time", "side", "price", "size", "order", *more)
            }
            book = {name: batch.column(name).flatten().to_numpy(zero_copy_only=False).reshape(-1, levels) for name in BOOK}
            yield form(kind=np.array(batch.column("kind").to_pylist(), dtype=object), **plain, **book)


def join_events(parts: Sequence[Events]) -> Events:
    """Join batches, one or more, into one."""
    form = type(parts[0])
    return form(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in form.__dataclass_fields__})


def all_events(path: Path) -> Events:
    """All events of a file at once."""
    parts = list(read_events(path))
    if not parts:
        raise DataError(f"{path}: no events")
    return join_events(parts)
