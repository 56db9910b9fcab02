"""Plain tables of trades and of quotes, CSV or Parquet, with names of columns that the user maps."""

from __future__ import annotations

import heapq
import io
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mm_env.data.events import DataError, Events, ReadReport

TRADES = ("time", "price", "size")
QUOTES = ("time", "bid", "ask")
QUOTE_SIZES = ("bid_size", "ask_size")
OPTIONAL = ("side", *QUOTE_SIZES)
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_SIDES = {"buy": 1, "b": 1, "1": 1, "1.0": 1, "sell": -1, "s": -1, "-1": -1, "-1.0": -1, "": 0, "0": 0}
_CHUNK = 50_000  # rows


def read_tables(
    trades: Path | None,
    quotes: Path | None,
    report: ReadReport,
    columns: Mapping[str, str] | None = None,
    time_unit: str | None = None,
) -> Iterator[Events]:
    """Yield trades and quotes in order of time, in batches, with the last quote as the book of one level.

    columns: our name -> the file's, for `TRADES`, `QUOTES` and `OPTIONAL`; a column that is not named has our name. `side`
        is buy or sell (also b, s, 1, -1) of who began a trade; without it, a trade above the mid was a buyer's, below it a
        seller's, and at the mid or without a quote its side is 0 (Lee & Ready 1991, without their test of ticks)
    time_unit: one of `UNITS` since 1970; None: dates, of UTC where they have no zone

    At equal times quotes come before trades. Rows that cannot be read, or whose time falls, are counted in `report` with
    their number. Raises DataError for a file that is absent or lacks a column, and for an unknown unit or name of a column.
    """
    named = dict(columns or {})
    unknown = sorted(set(named) - {*TRADES, *QUOTES, *OPTIONAL})
    if unknown:
        raise DataError(f"columns {', '.join(unknown)}; allowed: {', '.join(dict.fromkeys((*TRADES, *QUOTES, *OPTIONAL)))}")
    if time_unit is not None and time_unit not in UNITS:
        raise DataError(f"unit of time {time_unit!r}; allowed: {', '.join(UNITS)}, or none for dates")
    if trades is None and quotes is None:
        raise DataError("no file; allowed: one of trades, of quotes, or both")
    streams = [
        _tuples(rank, _rows(path, wanted, optional, named, time_unit, report))
        for rank, (path, wanted, optional) in enumerate(((quotes, QUOTES, QUOTE_SIZES), (trades, TRADES, ("side",))))
        if path is not None
    ]
    yield from merge_streams(streams, report)


def merge_streams(
    streams: Sequence[Iterator[tuple[Any, ...]]],
    report: ReadReport,
    quote: tuple[float, float, float, float] = (math.nan,) * 4,
    failures: tuple[type[Exception], ...] = (),
) -> Iterator[Events]:
    """Yield trades and quotes in order of time, in batches, with the last quote as the book of one level.

    streams: each rising in time, of (time [ns], 0, bid, ask, bid size, ask size) and (time [ns], 1, price, size, side), the
        side 0 where it is to be told from the quote
    quote: bid, ask and their sizes before the first row, NaN where there is none
    failures: errors of a stream that are raised only after what came before them has been yielded
    """
    rows: list[tuple[Any, ...]] = []
    failed: Exception | None = None
    try:
        for time, rank, *values in heapq.merge(*streams):
            if rank == 0:
                bid, ask, bid_size, ask_size = values
                quote = (bid, ask, bid_size, ask_size)
                rows.append((time, "quote", 0, math.nan, math.nan, *quote))
            else:
                price, size, side = values
                rows.append((time, "trade", side or _side(price, *quote[:2]), price, size, *quote))
            if len(rows) == _CHUNK:
                report.events += len(rows)
                whole, rows = rows, []
                yield _events(whole)
    except failures as error:
        failed = error
    if rows:
        report.events += len(rows)
        yield _events(rows)
    if failed is not None:
        raise failed


def _side(price: float, bid: float, ask: float) -> int:
    """Who began a trade at that price: the buyer above the mid, the seller below, 0 where it cannot be told."""
    mid = 0.5 * (bid + ask)
    return int(price > mid) - int(price < mid)


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
        time = np.where(bad, np.iinfo(np.int64).min, table["time"].fillna(0).to_numpy(np.int64))
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
    if name == "side":
        return cells.astype(object).where(cells.notna(), "").astype(str).str.strip().str.casefold().map(_SIDES)
    if name != "time":
        return pd.to_numeric(cells, errors="coerce").astype(np.float64)
    if unit is None:
        stamps = pd.to_datetime(cells, utc=True, errors="coerce", format=None if _is_time(cells) else "ISO8601")
        whole = stamps.astype("datetime64[ns, UTC]")
        return whole.astype(np.int64).astype(object).where(stamps.notna())
    return cells.map(lambda cell: _nanoseconds(cell, unit))


def _is_time(cells: pd.Series[Any]) -> bool:
    return pd.api.types.is_datetime64_any_dtype(cells)


def _nanoseconds(cell: Any, unit: str) -> Any:
    """Whole nanoseconds, without the rounding of a float where the cell has digits enough."""
    from decimal import Decimal, InvalidOperation

    try:
        return int(Decimal(str(cell).strip()) * UNITS[unit])
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _events(rows: Sequence[tuple[Any, ...]]) -> Events:
    time, kind, side, price, size, bid, ask, bid_size, ask_size = zip(*rows, strict=True)
    bids, asks, bid_sizes, ask_sizes = (np.array(one, np.float64)[:, None] for one in (bid, ask, bid_size, ask_size))
    return Events(
        time=np.array(time, np.int64),
        kind=np.array(kind, dtype=object),
        side=np.array(side, np.int8),
        price=np.array(price, np.float64),
        size=np.array(size, np.float64),
        order=np.zeros(len(rows), np.int64),
        bid_prices=bids,
        bid_sizes=bid_sizes,
        ask_prices=asks,
        ask_sizes=ask_sizes,
    )
