"""Events as hftbacktest's array, so that its queue models and order books replay them.

Each change of the visible book is an event with the new size of a level, and each trade one of its own. What leaves the
visible levels at their far end may still stand, so it is left as it was until it is seen again.

Source of the format: hftbacktest 2, `types.py` (event flags and dtype).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mm_env.calibration.events import DataError, Events
from mm_env.recording.files import partial_path

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

Row = tuple[int, int, int, float, float]


class HftbacktestArray:
    """Collects rows of EVENT_DTYPE from batches of events."""

    def __init__(self, latency_ns: int = 0) -> None:
        """latency_ns: [ns] from the venue to who sees it.

        Raises DataError for one below zero.
        """
        if latency_ns < 0:
            raise DataError(f"latency {latency_ns} ns; allowed: 0 or more")
        self.latency = latency_ns
        self._known: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self._begun = False
        self._parts: list[np.ndarray] = []

    def add(self, events: Events) -> None:
        """Add events, which come after those before them."""
        rows: list[Row] = []
        columns = (events.bid_prices, events.bid_sizes, events.ask_prices, events.ask_sizes)
        books = zip(*(column.tolist() for column in columns), strict=True)
        plain = zip(events.time.tolist(), events.kind.tolist(), events.side.tolist(), strict=True)
        for k, ((time, kind, side), (bids, bid_sizes, asks, ask_sizes)) in enumerate(zip(plain, books, strict=True)):
            if kind in ("trade", "hidden") and side != 0:
                flag = BUY_EVENT if side > 0 else SELL_EVENT
                rows.append((TRADE_EVENT | flag, time, time, float(events.price[k]), float(events.size[k])))
            change = DEPTH_EVENT if self._begun else DEPTH_SNAPSHOT_EVENT
            for flag, known, prices, sizes, sign in (
                (BUY_EVENT, self._known[0], bids, bid_sizes, 1.0),
                (SELL_EVENT, self._known[1], asks, ask_sizes, -1.0),
            ):
                rows += [(change | flag, time, time, price, size) for price, size in _changes(known, prices, sizes, sign)]
            self._begun = True
        part = np.zeros(len(rows), EVENT_DTYPE)
        if rows:
            ev, exchange, local, price, size = zip(*rows, strict=True)
            part["ev"] = np.array(ev, np.uint64) | np.uint64(_BOTH)
            part["exch_ts"], part["local_ts"] = exchange, np.array(local) + self.latency
            part["px"], part["qty"] = price, size
        self._parts.append(part)

    def array(self) -> np.ndarray:
        """All rows so far, (n,) EVENT_DTYPE."""
        return np.concatenate([np.zeros(0, EVENT_DTYPE), *self._parts])


def _changes(known: dict[float, float], prices: list[float], sizes: list[float], sign: float) -> list[tuple[float, float]]:
    """New sizes of levels, by price, and what is known of them brought up to date."""
    now = {price: size for price, size in zip(prices, sizes, strict=True) if price == price}  # less those that are NaN
    whole = len(now) < len(prices)
    worst = min((sign * price for price in now), default=0.0)
    gone = [price for price in known if price not in now and (whole or sign * price > worst)]
    changed = [(price, size) for price, size in now.items() if known.get(price) != size]
    for price in gone:
        del known[price]
    known.update(changed)
    return [(price, 0.0) for price in gone] + changed


def export_hftbacktest(events: Iterable[Events], path: Path, latency_ns: int = 0) -> int:
    """Write an npz that `hftbacktest.BacktestAsset().data(path)` reads; whole or not at all. Returns the number of rows.

    Raises DataError for no events and for a latency below zero.
    """
    collected = HftbacktestArray(latency_ns)
    for batch in events:
        collected.add(batch)
    rows = collected.array()
    if len(rows) == 0:
        raise DataError("no events; allowed: one or more")
    partial = partial_path(path)
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, data=rows)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return len(rows)
