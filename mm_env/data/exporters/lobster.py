"""Events with orders as LOBSTER's pair of files, a message and an order book CSV, for tools that read those.

Source of the format: Huang & Polak 2011, LOBSTER: limit order book reconstruction system.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import About, Events
from mm_env.data.exporters.base import ExportOptions
from mm_env.data.readers.lobster import UNITS, ZONE
from mm_env.errors import DataError
from mm_env.files import partial_path, put_in_place

TYPES = {"limit": 1, "reduce": 2, "delete": 3, "trade": 4, "hidden": 5, "cross": 6, "halt": 7}
_SIDED = ("limit", "reduce", "delete", "trade", "hidden")
_NO_LEVEL = 9_999_999_999  # price where the book has no further level; negative among the bids


def export_lobster(events: Iterable[Events], about: About, folder: Path, options: ExportOptions) -> list[Path]:
    """Write SYMBOL_DAY_START_END_message_L.csv and ..._orderbook_L.csv of one day; both appear whole or not at all.

    START and END are the times of the first and of the last event [ms since midnight].

    Returns both paths. Raises DataError for kinds, sides and numbers that the format does not know, for more than one day,
    and for no events.
    """
    lot = options.lot
    if not (math.isfinite(lot) and lot > 0.0):
        raise DataError(f"lot {lot}; expected a finite number above 0")
    symbol = about.symbol or "events"
    if "/" in symbol or "\\" in symbol:
        raise DataError(f"symbol {symbol!r}; expected in the names of LOBSTER's files: without / and \\")
    folder.mkdir(parents=True, exist_ok=True)
    partial = [partial_path(folder / f"{symbol}_{part}.csv") for part in ("message", "orderbook")]
    first: int | None = None
    origin = end = last = 0
    try:
        with ExitStack() as stack:
            messages, books = (stack.enter_context(path.open("w", encoding="ascii", newline="\n")) for path in partial)
            for batch in events:
                if len(batch) == 0:
                    continue
                if first is None:
                    first = int(batch.time[0])
                    origin, end = _bounds(_day(first))
                last = int(batch.time[-1])
                if last >= end:
                    raise DataError(
                        f"events of {_day(first)} and of {_day(last)} in New York; expected one day a pair of files"
                    )
                messages.write(_lines(_messages(batch, origin, lot)))
                books.write(_lines(_books(batch, lot)))
        if first is None:
            raise DataError("no events; expected one or more")
        stem = f"{symbol}_{_day(first)}_{(first - origin) // 10**6}_{(last - origin) // 10**6}"
        paths = [folder / f"{stem}_{part}_{about.levels}.csv" for part in ("message", "orderbook")]
        for source, path in zip(partial, paths, strict=True):
            put_in_place(source, path)
        return paths
    finally:
        for path in partial:
            path.unlink(missing_ok=True)


def events_of_day(events: Iterable[Events], day: date) -> Iterator[Events]:
    """Yield the events of one day in New York."""
    begin, end = _bounds(day)
    for batch in events:
        inside = (batch.time >= begin) & (batch.time < end)
        if inside.any():
            yield batch.where(inside)


def _day(nanoseconds: int) -> date:
    return datetime.fromtimestamp(nanoseconds // 10**9, ZONE).date()  # whole seconds: a float of ns rounds past midnight


def _bounds(day: date) -> tuple[int, int]:
    """[ns] beginning and end of a day in New York, which is an hour longer or shorter where the clocks change."""
    begin, end = (datetime.combine(one, time(), ZONE) for one in (day, day + timedelta(days=1)))
    return round(begin.timestamp()) * 10**9, round(end.timestamp()) * 10**9


def _messages(e: Events, origin: int, lot: float) -> list[list[str]]:
    unknown = sorted(set(e.kind) - set(TYPES))
    if unknown:
        raise DataError(f"events of kind {', '.join(unknown)}; expected in LOBSTER's form: {', '.join(TYPES)}")
    no_side = np.flatnonzero((e.side == 0) & np.isin(e.kind, _SIDED))
    if no_side.size:
        raise DataError(f"side 0 of a {e.kind[no_side[0]]}; expected in LOBSTER's form: 1 or -1")
    since = e.time - origin
    traded = np.isin(e.kind, ("trade", "hidden"))
    halt = e.kind == "halt"
    return [
        [f"{moment // 10**9}.{moment % 10**9:09d}".rstrip("0").rstrip(".") for moment in since.tolist()],
        [str(TYPES[kind]) for kind in e.kind],
        _text(e.order),
        _text(_whole(np.where(halt, 0.0, e.size), lot, "size")),
        _text(np.where(halt, -1, _prices(np.where(halt, 0.0, e.price)))),
        _text(np.where(e.side == 0, -1, np.where(traded, -e.side, e.side))),
    ]


def _books(e: Events, lot: float) -> list[list[str]]:
    columns = []
    for level in range(e.bid_prices.shape[1]):
        for sign, prices, sizes in ((1, e.ask_prices, e.ask_sizes), (-1, e.bid_prices, e.bid_sizes)):
            empty = np.isnan(prices[:, level])
            price = _prices(np.where(empty, 0.0, prices[:, level]))
            size = _whole(np.where(empty, 0.0, sizes[:, level]), lot, "size")
            columns += [_text(np.where(empty, sign * _NO_LEVEL, price)), _text(size)]
    return columns


def _prices(values: NDArray[np.float64]) -> NDArray[np.int64]:
    highest = (_NO_LEVEL - 1) / UNITS
    wrong = np.flatnonzero((values < 0.0) | (values > highest))
    if wrong.size:
        raise DataError(f"price {float(values[wrong[0]])!r}; expected in LOBSTER's form: 0 to {highest!r}")
    return _whole(values, 1.0 / UNITS, "price")


def _whole(values: NDArray[np.float64], unit: float, what: str) -> NDArray[np.int64]:
    """Values in whole units; the tolerance is the rounding error of a float, which grows with the number."""
    scaled = values / unit
    whole = np.rint(scaled)
    noise = 1e-9 + 16.0 * np.spacing(np.abs(scaled))
    wrong = np.flatnonzero(~(np.abs(scaled - whole) <= noise) | ((whole == 0.0) & (values != 0.0)))
    if wrong.size:
        raise DataError(f"{what} {float(values[wrong[0]])!r}; expected in LOBSTER's form: multiples of {unit:g}")
    return whole.astype(np.int64)


def _text(values: NDArray[np.int64]) -> list[str]:
    return [str(value) for value in values.tolist()]


def _lines(columns: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in zip(*columns, strict=True))
