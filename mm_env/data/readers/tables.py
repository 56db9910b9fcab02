"""Plain tables of trades and of quotes, CSV or Parquet, with names of columns that the user maps."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.data.events import About, Events, ReadReport
from mm_env.data.merging import merge_streams
from mm_env.data.readers.base import Reading, ReadOptions
from mm_env.errors import DataError
from mm_env.extras import require
from mm_env.times import iso_times

if TYPE_CHECKING:
    import pandas as pd

TRADES = ("time", "price", "size")
QUOTES = ("time", "bid", "ask")
QUOTE_SIZES = ("bid_size", "ask_size")
OPTIONAL = ("side", *QUOTE_SIZES)
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_SIDES = {"buy": 1, "b": 1, "1": 1, "1.0": 1, "sell": -1, "s": -1, "-1": -1, "-1.0": -1, "": 0, "0": 0}
_CHUNK = 50_000  # rows


def is_table(path: Path) -> bool:
    """Whether the name of a file ends in .csv, .parquet or .pq."""
    return path.suffix.lower() in (".csv", ".parquet", ".pq")


def read_tables(path: Path, options: ReadOptions, report: ReadReport) -> Reading:
    """Open a table of trades, with `options.quotes` beside it; see `table_events`."""
    about = About("tables", options.symbol, options.venue, 1)
    return Reading(about, table_events(path, options.quotes, report, options.columns, options.time_unit))


def table_events(
    trades: Path | None,
    quotes: Path | None,
    report: ReadReport,
    columns: Mapping[str, str] | None = None,
    time_unit: str | None = None,
) -> Iterator[Events]:
    """Yield trades and quotes in order of time, in batches, with the last quote as the book of one level.

    columns: our name -> the file's, for `TRADES`, `QUOTES` and `OPTIONAL`; a column that is not named has our name. `side`
        is buy or sell (also b, s, 1, -1) of the taker of a trade; without it, a trade above the mid was a buyer's, below it
        a seller's, and at the mid or without a quote its side is 0 (Lee & Ready 1991, without their test of ticks)
    time_unit: one of `UNITS` since 1970; None: dates, of UTC where they have no zone

    At equal times quotes come before trades. Rows that cannot be read, or whose time falls, are counted in `report` with
    their number. Raises DataError for a file that is absent or lacks a column, and for an unknown unit or name of a column.
    """
    named = dict(columns or {})
    unknown = sorted(set(named) - {*TRADES, *QUOTES, *OPTIONAL})
    if unknown:
        raise DataError(
            f"columns {', '.join(unknown)}; expected one of {', '.join(dict.fromkeys((*TRADES, *QUOTES, *OPTIONAL)))}"
        )
    if time_unit is not None and time_unit not in UNITS:
        raise DataError(f"unit of time {time_unit!r}; expected one of {', '.join(UNITS)}, or none for dates")
    if trades is None and quotes is None:
        raise DataError("no file; expected one of trades, of quotes, or both")
    streams = [
        _tuples(rank, _rows(path, wanted, optional, named, time_unit, report))
        for rank, (path, wanted, optional) in enumerate(((quotes, QUOTES, QUOTE_SIZES), (trades, TRADES, ("side",))))
        if path is not None
    ]
    yield from merge_streams(streams, report)


def _tuples(rank: int, tables: Iterator[pd.DataFrame]) -> Iterator[tuple[Any, ...]]:
    """Time, rank, and the other columns of each row."""
    for table in tables:
        time, *others = (table[name].tolist() for name in table.columns)
        yield from zip(time, itertools.repeat(rank), *others, strict=False)


def _rows(
    path: Path,
    wanted: tuple[str, ...],
    optional: tuple[str, ...],
    named: Mapping[str, str],
    unit: str | None,
    report: ReadReport,
) -> Iterator[pd.DataFrame]:
    """Tables of numbers, `time` in nanoseconds, of the rows that could be read."""
    import pandas as pd

    line, latest = 0, None
    for raw in _chunks(path):
        missing = [named.get(name, name) for name in wanted if named.get(name, name) not in raw.columns]
        missing += [named[name] for name in optional if name in named and named[name] not in raw.columns]
        if missing:
            raise DataError(f"{path}: no column {', '.join(missing)}; found: {', '.join(map(str, raw.columns))}")
        picked = {name: raw[named.get(name, name)] for name in (*wanted, *optional) if named.get(name, name) in raw.columns}
        table = pd.DataFrame({name: _parsed(name, cells, unit) for name, cells in picked.items()})
        report.rows += len(table)
        bad = table[list(wanted)].isna().any(axis=1).to_numpy()
        if "bid" in table:
            bad = bad | (table["bid"] >= table["ask"]).to_numpy()
        if "side" in table:
            bad = bad | table["side"].isna().to_numpy()
        time = np.where(bad, np.iinfo(np.int64).min, table["time"].to_numpy(object)).astype(np.int64)
        before = np.maximum.accumulate(np.concatenate(([time.min() if latest is None else latest], time)))[:-1]
        late = ~bad & (time < before)
        for k in np.flatnonzero(bad | late):
            cells = ", ".join(f"{name} {picked[name].iloc[k]!r}" for name in picked)
            reason = "earlier than the row before it" if late[k] else "not to be read"
            report.reject(f"{path.name}, row {line + int(k) + 1}", f"{reason}: {cells[:120]}")
        line += len(table)
        good = table[~(bad | late)].reset_index(drop=True)
        if len(good):
            good["time"] = good["time"].astype(np.int64)
            latest = int(good["time"].iloc[-1])
            for name in optional:
                good[name] = good.get(name, 0 if name == "side" else np.nan)
            yield good[[*wanted, *optional]]


def _chunks(path: Path) -> Iterator[pd.DataFrame]:
    """Tables of cells as they stand in the file."""
    require("pyarrow")
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            with pq.ParquetFile(path) as file:
                yield from (batch.to_pandas() for batch in file.iter_batches(_CHUNK))
            return
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
            header = text.readline()
            while lines := list(itertools.islice(text, _CHUNK)):
                width = header.count(",")
                whole = [one if one.count(",") == width else "\n" for one in lines]  # another number of cells: an empty row
                yield pd.read_csv(
                    io.StringIO(header + "".join(whole)), dtype=str, skip_blank_lines=False, keep_default_na=False,
                    skipinitialspace=True, quoting=3,
                )  # fmt: skip
    except (OSError, pa.ArrowException, pd.errors.ParserError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _parsed(name: str, cells: pd.Series[Any], unit: str | None) -> pd.Series[Any]:
    import pandas as pd

    if name == "side":
        return cells.astype(object).where(cells.notna(), "").astype(str).str.strip().str.casefold().map(_SIDES)
    if name != "time":
        return pd.to_numeric(cells, errors="coerce").astype(np.float64)
    if unit is None:
        dates = pd.api.types.is_datetime64_any_dtype(cells)
        stamps = pd.to_datetime(cells, utc=True, errors="coerce") if dates else iso_times(cells.tolist())
        stamps.index = cells.index
        whole = stamps.astype("datetime64[ns, UTC]")
        return whole.astype(np.int64).astype(object).where(stamps.notna())
    return cells.map(lambda cell: _nanoseconds(cell, unit))


def _nanoseconds(cell: Any, unit: str) -> Any:
    """Whole nanoseconds, without the rounding of a float where the cell has digits enough."""
    from decimal import Decimal, InvalidOperation

    try:
        return int(Decimal(str(cell).strip()) * UNITS[unit])
    except (InvalidOperation, ValueError, OverflowError):
        return None
