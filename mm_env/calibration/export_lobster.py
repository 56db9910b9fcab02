"""Events with orders as LOBSTER's pair of files, a message and an order book CSV, for tools that read those.

Source of the format: Huang & Polak 2011, LOBSTER: limit order book reconstruction system.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.events import About, DataError, Events
from mm_env.calibration.lobster import UNITS, ZONE
from mm_env.recording.files import partial_path

TYPES = {"limit": 1, "reduce": 2, "delete": 3, "trade": 4, "hidden": 5, "cross": 6, "halt": 7}
_NO_PRICE = {"ask": 9_999_999_999, "bid": -9_999_999_999}
_DAY = 86_400 * 10**9


def export_lobster(events: Iterable[Events], about: About, folder: Path, lot: float = 1.0) -> tuple[Path, Path]:
    """Write SYMBOL_DAY_START_END_message_L.csv and ..._orderbook_L.csv of one day; both appear whole or not at all.

    lot: [units of size] in a unit of the files, where sizes are whole

    Returns their paths. Raises DataError for kinds and numbers that the format does not know, for more than one day, and
    for no events.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {part: partial_path(folder / f"{about.symbol or 'events'}_{part}.csv") for part in ("message", "orderbook")}
    origin = first = last = None
    try:
        with ExitStack() as stack:
            files = {part: stack.enter_context(name.open("w", encoding="ascii")) for part, name in names.items()}
            for batch in events:
                if len(batch) == 0:
                    continue
                if origin is None:
                    origin, first = _midnight(int(batch.time[0])), int(batch.time[0])
                last = int(batch.time[-1])
                if last - origin >= _DAY:
                    raise DataError("events of more than one day in New York; allowed: one day a pair of files")
                files["message"].write(_lines(_messages(batch, origin, lot)))
                files["orderbook"].write(_lines(_books(batch, lot)))
        if origin is None or first is None or last is None:
            raise DataError("no events; allowed: one or more")
        day = datetime.fromtimestamp(first / 1e9, ZONE).date()
        stem = f"{about.symbol or 'events'}_{day}_{(first - origin) // 10**6}_{(last - origin) // 10**6}"
        paths = (folder / f"{stem}_message_{about.levels}.csv", folder / f"{stem}_orderbook_{about.levels}.csv")
        for part, path in zip(names, paths, strict=True):
            names[part].replace(path)
        return paths
    finally:
        for name in names.values():
            name.unlink(missing_ok=True)


def _midnight(time: int) -> int:
    """[ns] beginning of the day in New York."""
    local = datetime.fromtimestamp(time / 1e9, UTC).astimezone(ZONE)
    return round(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 10**9


def _messages(e: Events, origin: int, lot: float) -> list[list[str]]:
    unknown = sorted(set(e.kind) - set(TYPES))
    if unknown:
        raise DataError(f"events of kind {', '.join(unknown)}; allowed in LOBSTER's form: {', '.join(TYPES)}")
    since = e.time - origin
    traded = np.isin(e.kind, ("trade", "hidden"))
    halt = e.kind == "halt"
    return [
        [f"{time // 10**9}.{time % 10**9:09d}".rstrip("0").rstrip(".") for time in since.tolist()],
        [str(TYPES[kind]) for kind in e.kind],
        _text(e.order),
        _text(np.where(halt, 0, _whole(np.where(halt, 0.0, e.size), 1.0 / lot, "size"))),
        _text(np.where(halt, -1, _whole(np.where(halt, 0.0, e.price), UNITS, "price"))),
        _text(np.where(e.side == 0, -1, np.where(traded, -e.side, e.side))),
    ]


def _books(e: Events, lot: float) -> list[list[str]]:
    columns = []
    for level in range(e.bid_prices.shape[1]):
        for side, prices, sizes in (("ask", e.ask_prices, e.ask_sizes), ("bid", e.bid_prices, e.bid_sizes)):
            empty = np.isnan(prices[:, level])
            price = _whole(np.where(empty, 0.0, prices[:, level]), UNITS, "price")
            size = _whole(np.where(empty, 0.0, sizes[:, level]), 1.0 / lot, "size")
            columns += [_text(np.where(empty, _NO_PRICE[side], price)), _text(size)]
    return columns


def _whole(values: NDArray[np.float64], scale: float, what: str) -> NDArray[np.int64]:
    scaled = values * scale
    whole = np.rint(scaled)
    wrong = np.flatnonzero(~(np.abs(scaled - whole) <= 1e-4 + 1e-9 * np.abs(whole)))
    if wrong.size:
        raise DataError(f"{what} {values[wrong[0]]:g}; allowed in LOBSTER's form: multiples of {1.0 / scale:g}")
    return whole.astype(np.int64)


def _text(values: NDArray[np.int64]) -> list[str]:
    return [str(value) for value in values.tolist()]


def _lines(columns: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in zip(*columns, strict=True))
