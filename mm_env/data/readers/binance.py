"""Raw Binance streams: depth differences, best bid and offer, trades; each line the local time [ns] and the venue's JSON.

A book is built from a snapshot, where the file holds one, and the differences; the last reported best bid and offer
overrides it, as differences come up to 100 ms later. Without a snapshot, levels that have not changed yet are missing. A
coarse tick adds up the levels that fall into it, away from the other side, so that few levels show a wide book; the sums
stand at the coarse prices.
Source: Binance, "How to manage a local order book correctly".
"""

from __future__ import annotations

import bisect
import gzip
import itertools
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from mm_env.data.events import About, Events, ReadReport
from mm_env.data.readers.base import Reading, ReadOptions
from mm_env.errors import DataError

_PEEK = 2000  # lines in which symbol and tick are looked for
_BATCH = 20_000  # events
_SAME = 1e-6  # share of a tick below which a price is on the level
_LINE = re.compile(r"\d+ \{")
_STREAMS = ("depth", "bookTicker", "trade", "aggTrade")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    kind: Any = gzip.open if path.suffix == ".gz" else open
    with kind(path, "rt", encoding="utf-8", errors="replace") as file:
        yield file


def is_binance(path: Path) -> bool:
    """Whether one of the first lines of a file is a local time [ns] and JSON."""
    try:
        with _opened(path) as file:
            return any(_LINE.match(line) for line in itertools.islice(file, _PEEK))
    except (OSError, EOFError):
        return False


def read_binance(path: Path, options: ReadOptions, report: ReadReport) -> Reading:
    """Open a stream: `depth` after a difference, `quote` at a new best bid or offer, `trade` with the side of its taker.

    Lines that cannot be read, or whose local time falls, are counted in `report`; a difference older than the book is left
    out. Raises DataError for a file without a stream of Binance, and for a coarse tick that is no multiple of the tick.
    """
    about = _about(path, options)
    return Reading(about, _batches(path, about, report))


def _about(path: Path, options: ReadOptions) -> About:
    """Metadata of the events, from the first lines."""
    symbol, decimals = "", 0
    try:
        with _opened(path) as file:
            for line in itertools.islice(file, _PEEK):
                try:
                    message = json.loads(line.partition(" ")[2])
                    data = message["data"]
                    symbol = str(data["s"])
                except (ValueError, KeyError, TypeError):
                    continue
                prices = [data[key] for key in "pba" if isinstance(data.get(key), str)]
                prices += [level[0] for key in "ba" if isinstance(data.get(key), list) for level in data[key]]
                decimals = max([decimals, *(len(price.rstrip("0").partition(".")[2]) for price in prices)])
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if not symbol:
        raise DataError(f"{path}: no stream of Binance in its first {_PEEK} lines; expected nanoseconds, a space, JSON")
    tick = 10.0**-decimals
    coarse_tick = options.coarse_tick
    if coarse_tick is not None:
        if not (tick <= coarse_tick < math.inf and abs(coarse_tick / tick - round(coarse_tick / tick)) < 1e-6):
            raise DataError(f"{path}: coarse tick {coarse_tick:g}; expected a multiple of the tick, {tick:g}")
        tick = coarse_tick
    return About("binance", symbol, options.venue, options.levels, tick)


@dataclass
class _Side:
    """One side of a book: sizes by price, and the prices ascending; sign 1 for bids, -1 for asks.

    tick: [currency] of the levels that `top` returns
    """

    sign: int
    tick: float
    sizes: dict[float, float] = field(default_factory=dict)
    prices: list[float] = field(default_factory=list)  # times sign: the best is the last
    known_top: tuple[list[float], list[float]] | None = None

    def __post_init__(self) -> None:
        """Count the digits after which prices on the ticks have none."""
        exponent = Decimal(str(self.tick)).as_tuple().exponent
        self.decimals = -exponent if isinstance(exponent, int) else 0

    def put(self, price: float, size: float) -> None:
        key = self.sign * price
        if self.sizes.get(price, 0.0) == size:
            return
        self.known_top = None
        if size > 0.0:
            if price not in self.sizes:
                bisect.insort(self.prices, key)
            self.sizes[price] = size
        elif self.sizes.pop(price, None) is not None:
            del self.prices[bisect.bisect_left(self.prices, key)]

    def lead(self, price: float, size: float) -> None:
        """Set the reported best level; any better level is gone."""
        while self.prices and self.prices[-1] > self.sign * price:
            del self.sizes[self.sign * self.prices.pop()]
            self.known_top = None
        self.put(price, size)

    def top(self, levels: int) -> tuple[list[float], list[float]]:
        """Prices and sizes of the best levels, NaN past the last; the lists are shared until the side changes."""
        if self.known_top is None:
            total: dict[int, float] = {}
            for key in reversed(self.prices):
                level = math.floor(key / self.tick + _SAME)  # times sign, a lower one is further away on either side
                if level not in total and len(total) == levels:
                    break
                total[level] = total.get(level, 0.0) + self.sizes[self.sign * key]
            rest = [math.nan] * (levels - len(total))
            prices = [round(self.sign * level * self.tick, self.decimals) for level in total]
            self.known_top = prices + rest, [*total.values(), *rest]
        return self.known_top


class _Book:
    """Known part of the book of a symbol."""

    def __init__(self, levels: int, tick: float) -> None:
        self.levels, self.tick = levels, tick
        self.bids, self.asks = _Side(1, tick), _Side(-1, tick)
        self.last = -1  # update of the snapshot or of the last difference
        self.quote: tuple[int, float, float, float, float] | None = None

    def snapshot(self, message: dict[str, Any]) -> None:
        update = int(message["lastUpdateId"])
        levels = {name: _levels(message[name]) for name in ("bids", "asks")}
        self.bids, self.asks, self.last = _Side(1, self.tick), _Side(-1, self.tick), update
        for name, side in (("bids", self.bids), ("asks", self.asks)):
            for price, size in levels[name]:
                side.put(price, size)
        self._lead()

    def change(self, data: dict[str, Any]) -> bool:
        """Apply a difference; False for one that is older than what is known."""
        update, bids, asks = int(data["u"]), _levels(data["b"]), _levels(data["a"])
        if update <= self.last:
            return False
        self.last = update
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                side.put(price, size)
        self._lead()
        return True

    def best(self, data: dict[str, Any]) -> None:
        bid, bid_size, ask, ask_size = (float(data[key]) for key in "bBaA")
        if not bid < ask:
            raise ValueError(f"bid {bid:g} and ask {ask:g}")
        self.quote = (int(data["u"]), bid, bid_size, ask, ask_size)
        self._lead()

    def _lead(self) -> None:
        """Apply the last reported best bid and offer, unless a later difference has come."""
        if self.quote is not None and self.quote[0] >= self.last:
            self.bids.lead(*self.quote[1:3])
            self.asks.lead(*self.quote[3:5])

    def rows(self) -> tuple[list[float], list[float], list[float], list[float]]:
        return *self.bids.top(self.levels), *self.asks.top(self.levels)


def _levels(pairs: list[list[str]]) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size in pairs]


def _batches(path: Path, about: About, report: ReadReport) -> Iterator[Events]:
    assert about.tick is not None
    book = _Book(about.levels, about.tick)
    rows: list[tuple[Any, ...]] = []
    latest = -1
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            report.rows += 1
            try:
                row = _event(line, book, about.symbol)
                if row is not None and row[0] < latest:
                    raise ValueError(f"time {row[0]} after {latest}")
            except (ValueError, KeyError, TypeError) as error:
                reason = f"no {error}" if isinstance(error, KeyError) else str(error)
                report.reject(f"{path.name}, line {number}", f"{' '.join(reason.split())[:120]}: {line.strip()[:60]!r}")
                continue
            if row is None:
                continue
            latest = row[0]
            rows.append((*row, *book.rows()))
            report.events += 1
            if len(rows) == _BATCH:
                yield _batch(rows)
                rows = []
    if rows:
        yield _batch(rows)


def _event(line: str, book: _Book, symbol: str) -> tuple[int, str, int, float, float, int] | None:
    """Time, kind, side, price, size, order of a line; None for one that is no event. Raises what a malformed line brings."""
    stamp, _, text = line.partition(" ")
    time, message = int(stamp), json.loads(text)
    if "lastUpdateId" in message:
        book.snapshot(message)
        return None
    kind = str(message["stream"]).partition("@")[2].partition("@")[0]
    data = message["data"]
    if kind not in _STREAMS:
        raise ValueError(f"stream {message['stream']!r}; expected one of {', '.join(_STREAMS)}")
    if data["s"] != symbol:
        raise ValueError(f"symbol {data['s']!r} in a file of {symbol!r}")
    if kind == "bookTicker":
        book.best(data)
        return time, "quote", 0, math.nan, math.nan, 0
    if kind == "depth":
        return (time, "depth", 0, math.nan, math.nan, 0) if book.change(data) else None
    return time, "trade", -1 if data["m"] else 1, float(data["p"]), float(data["q"]), int(data["T"])


def _batch(rows: list[tuple[Any, ...]]) -> Events:
    time, kind, side, price, size, order, bid_prices, bid_sizes, ask_prices, ask_sizes = zip(*rows, strict=True)
    return Events(
        time=np.array(time, np.int64),
        kind=np.array(kind, dtype=object),
        side=np.array(side, np.int8),
        price=np.array(price),
        size=np.array(size),
        order=np.array(order, np.int64),
        bid_prices=np.array(bid_prices),
        bid_sizes=np.array(bid_sizes),
        ask_prices=np.array(ask_prices),
        ask_sizes=np.array(ask_sizes),
    )
