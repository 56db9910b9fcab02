"""Events as hftbacktest's array, so that its queue models and order books replay them.

The book of the first event is a snapshot; each change of the visible book after it is an event with the new size of a level,
and each trade, of visible and of hidden orders, one of its own. Of one event the trade comes first, then the levels that are
gone, then those that changed, so that no book in between is crossed.

What leaves the visible levels at their far end may still stand, so it is left as it was until the book reaches there again.
The visible levels are therefore right at all times, and those beyond them are the last that was known.

Source of the format: hftbacktest 2.4, `types.py` (event flags and dtype).
"""

from __future__ import annotations

import heapq
import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from mm_env.data.events import About, Events
from mm_env.data.exporters.base import ExportOptions
from mm_env.errors import DataError, UsageError
from mm_env.files import partial_path, put_in_place

EVENT_DTYPE = np.dtype(
    [
        ("ev", "<u8"),
        ("exch_ts", "<i8"),
        ("local_ts", "<i8"),
        ("px", "<f8"),
        ("qty", "<f8"),
        ("order_id", "<u8"),
        ("ival", "<i8"),
        ("fval", "<f8"),
    ],
    align=True,
)
DEPTH_EVENT, TRADE_EVENT, DEPTH_SNAPSHOT_EVENT = 1, 2, 4
EXCH_EVENT, LOCAL_EVENT, BUY_EVENT, SELL_EVENT = 1 << 31, 1 << 30, 1 << 29, 1 << 28
_BOTH = EXCH_EVENT | LOCAL_EVENT
# A trade whose taker is not known has neither flag: it is published, and fills no order.
_TAKER = {1: BUY_EVENT, -1: SELL_EVENT, 0: 0}

Row = tuple[int, int, float, float]
Level = tuple[float, float]


class _Side:
    """One side of hftbacktest's book: the visible levels, and those that left at the far end."""

    def __init__(self, sign: int) -> None:
        """sign: 1 for bids, where higher is better, -1 for asks."""
        self._sign = sign
        self._seen: dict[float, float] = {}
        self._hidden: dict[float, float] = {}
        self._nearest: list[float] = []  # heap of the prices that are hidden, the best first

    def update(self, prices: list[float], sizes: list[float]) -> tuple[list[Level], list[Level]]:
        """Levels that are gone and levels that changed, from the visible ones, best first."""
        now = {price: size for price, size in zip(prices, sizes, strict=True) if price == price}  # less those that are NaN
        for price, size in now.items():
            if not size > 0.0:
                raise DataError(f"size {size!r} of the level at {price!r}; expected in hftbacktest's form: above 0")
        # Fewer levels than there is room for are all there are.
        far = self._sign * prices[len(now) - 1] if len(now) == len(prices) else -np.inf
        gone = []
        for price, size in self._seen.items():
            if price in now:
                continue
            if self._sign * price > far:
                gone.append((price, 0.0))
            else:
                self._hidden[price] = size
                heapq.heappush(self._nearest, -self._sign * price)
        while self._nearest and -self._nearest[0] >= far:
            price = -self._sign * heapq.heappop(self._nearest)
            size = self._hidden.pop(price)
            if price in now:
                self._seen[price] = size
            else:
                gone.append((price, 0.0))
        changed = [(price, size) for price, size in now.items() if self._seen.get(price) != size]
        self._seen = now
        return gone, changed


def hftbacktest_rows(events: Iterable[Events], latency_ns: int = 0) -> Iterator[np.ndarray]:
    """Yield the rows of each batch of events, (n,) EVENT_DTYPE.

    latency_ns: [ns] from the venue to the observer

    Raises DataError for a latency below zero, and for trades and levels without a price or a size.
    """
    if latency_ns < 0:
        raise DataError(f"latency {latency_ns} ns; expected 0 or more")
    bids, asks = _Side(1), _Side(-1)
    begun = False
    for batch in events:
        rows: list[Row] = []
        plain = zip(*(getattr(batch, name).tolist() for name in ("time", "kind", "side", "price", "size")), strict=True)
        books = zip(
            *(getattr(batch, name).tolist() for name in ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")), strict=True
        )
        for (time, kind, side, price, size), (bid_prices, bid_sizes, ask_prices, ask_sizes) in zip(
            plain, books, strict=True
        ):
            trade = [_trade(time, side, price, size)] if kind in ("trade", "hidden") else []
            change = DEPTH_EVENT if begun else DEPTH_SNAPSHOT_EVENT
            buys, sells = bids.update(bid_prices, bid_sizes), asks.update(ask_prices, ask_sizes)
            book = [
                (change | flag, time, level, lots)
                for part in range(2)  # gone, changed
                for flag, levels in ((BUY_EVENT, buys[part]), (SELL_EVENT, sells[part]))
                for level, lots in levels
            ]
            rows += trade + book if begun else book + trade
            begun = True
        yield _array(rows, latency_ns)


def _trade(time: int, side: int, price: float, size: float) -> Row:
    if not (np.isfinite(price) and size > 0.0):
        raise DataError(f"trade of {size!r} at {price!r}; expected in hftbacktest's form: a price, and a size above 0")
    return TRADE_EVENT | _TAKER[side], time, price, size


def _array(rows: list[Row], latency_ns: int) -> np.ndarray:
    array = np.zeros(len(rows), EVENT_DTYPE)
    if rows:
        ev, times, prices, sizes = zip(*rows, strict=True)
        array["ev"] = np.array(ev, np.uint64) | np.uint64(_BOTH)
        array["exch_ts"] = times
        array["local_ts"] = array["exch_ts"] + latency_ns
        array["px"], array["qty"] = prices, sizes
    return array


def export_hftbacktest(events: Iterable[Events], about: About, target: Path, options: ExportOptions) -> list[Path]:
    """Write `target`, where it ends in .npz, else an .npz of the stem's name into that folder; return its path.

    Raises UsageError for a latency that is not finite, DataError as `write_array` does.
    """
    if not math.isfinite(options.latency_ms):
        raise UsageError(f"latency_ms {options.latency_ms}: expected a finite number, 0 or more")
    path = target if target.suffix == ".npz" else target / f"{options.stem}.npz"
    write_array(events, path, round(options.latency_ms * 1e6))
    return [path]


def write_array(events: Iterable[Events], path: Path, latency_ns: int = 0) -> int:
    """Write an npz that `hftbacktest.BacktestAsset().data(path)` reads; whole or not at all. Returns the number of rows.

    Raises DataError for no rows, a name that hftbacktest does not read, and what `hftbacktest_rows` raises it for.
    """
    if path.suffix != ".npz":
        raise DataError(f"{path}: expected a name that ends in .npz, by which hftbacktest knows the form")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    count = 0
    try:
        # The header of an array holds its length, which is known at the end only.
        with tempfile.TemporaryFile(dir=path.parent) as raw:
            for rows in hftbacktest_rows(events, latency_ns):
                raw.write(rows.tobytes())
                count += len(rows)
            if count == 0:
                raise DataError("no events with a book or a trade; expected one or more")
            raw.seek(0)
            header = {"descr": EVENT_DTYPE.descr, "fortran_order": False, "shape": (count,)}
            with (
                zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
                archive.open("data.npy", "w", force_zip64=True) as file,
            ):
                np.lib.format.write_array_header_1_0(file, header)  # hftbacktest reads no other version
                shutil.copyfileobj(raw, file, 1 << 20)
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return count
