"""Trades and order books of crypto exchanges, by ccxt: public data, for which no key is needed.

Past trades are requested page by page, as far back as an exchange publishes them. Books are polled, as exchanges rarely
publish historical order books; trades between two polls are put between their books. Changes of the book between two polls
are not seen. A book without a time of its exchange has that of this machine's clock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import numpy as np

from mm_env.data.events import BOOK, About, Events, ReadReport
from mm_env.data.providers.base import SECOND, Book
from mm_env.errors import SourceError, UsageError, nearest_hint
from mm_env.interrupt import Stopped, pause
from mm_env.network import KnownItems, RetryPolicy, ServerBusy, check_address, retry_after, without_passwords

WHAT = ("trades", "books")
_MS = 1_000_000  # [ns]
_PAGE = 1000
_SIDES = {"buy": 1, "sell": -1}
Row = tuple[int, str, int, float, float]
"""Time [ns], kind, side, price, size."""
Timed = tuple[Row, Book]


class CcxtSource:
    """Trades, books, or both of a symbol; with books it is live, and reports events from now on."""

    zone = ZoneInfo("UTC")

    def __init__(
        self,
        exchange: str,
        symbol: str,
        what: tuple[str, ...] = ("trades",),
        *,
        levels: int = 10,
        every_seconds: float = 1.0,
        base_url: str | None = None,
        timeout_seconds: float = 15.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Prepare requests; none is sent yet.

        exchange: of ccxt's, as binance; symbol: as BTC/USDT, or BTC/USDT:USDT of a perpetual
        what: of `WHAT`; levels: of the book; every_seconds: [s] from the beginning of a poll to that of the next
        base_url: of a mirror or a proxy in place of the exchange's hosts

        Raises UsageError for an exchange that ccxt does not know, an invalid address and another `what`, ImportError
        where the extra `[prices]` is not installed.
        """
        import ccxt

        if base_url is not None:
            check_address(base_url)
        if exchange not in ccxt.exchanges:
            hint = nearest_hint(exchange, ccxt.exchanges)
            raise UsageError(f"exchange {exchange!r}: expected one of the {len(ccxt.exchanges)} that ccxt knows{hint}")
        if not what or set(what) - set(WHAT):
            raise UsageError(f"ccxt: {', '.join(what) or 'nothing'}: expected one or both of {', '.join(WHAT)}")
        self.name = f"{exchange} {symbol}"
        self.live = "books" in what
        self._symbol, self._what, self._levels, self._every = symbol, what, levels, every_seconds
        self._retry = retry or RetryPolicy()
        self._exchange: Any = getattr(ccxt, exchange)({"timeout": round(timeout_seconds * 1000)})
        self._any_depth = False
        if base_url is not None:
            self._exchange.urls["api"] = _with_host(self._exchange.urls["api"], base_url.rstrip("/"))

    @cached_property
    def about(self) -> About:
        """Metadata of its events; raises SourceError where the exchange cannot be read or does not know the symbol."""
        import ccxt

        markets = self._call(self._exchange.load_markets)
        if self._symbol not in markets:
            raise SourceError(f"{self.name}: no such symbol{nearest_hint(self._symbol, markets)}")
        step = (markets[self._symbol].get("precision") or {}).get("price")
        if step is not None and self._exchange.precisionMode == ccxt.DECIMAL_PLACES:
            step = 10.0**-step
        tick = float(step) if step and self._exchange.precisionMode != ccxt.SIGNIFICANT_DIGITS else None
        return About("ccxt", self._symbol, self._exchange.id, self._levels if self.live else 1, tick)

    def batches(self, start: int, end: int, report: ReadReport, book: Book) -> Generator[Events]:
        """Yield events, as `PriceSource` says; when live, from now to `end` and one batch a poll."""
        if self.live:
            yield from self._polls(end, report, book)
            return
        for rows in self._pages(start, end, report):
            report.events += len(rows)
            yield _events([(row, book) for row in rows], self.about.levels)

    def _pages(self, start: int, end: int, report: ReadReport) -> Iterator[list[Row]]:
        """Trades from `start` to `end`, in order of time within and over pages."""
        known = KnownItems()
        since, latest, misses, most, full = start // _MS, start, 0, 2, False
        while since * _MS < end and misses < 2:
            fresh, answered = self._trades(since, known, report)
            rows = []
            for row in fresh:
                if latest <= row[0] < end:
                    rows.append(row)
                elif start <= row[0] < latest:
                    report.reject(self.name, f"a trade at {row[0]} reported after one at {latest}")
            if rows:
                latest = rows[-1][0]
                yield rows
            # nothing new: the end, or an answer full of one millisecond, of which the rest cannot be requested
            if fresh and full:
                report.reject(self.name, f"more trades at {since - 1} ms than an answer holds")
            full = not fresh and answered >= most  # as many as the longest answer so far
            most = max(most, answered)
            misses = 0 if fresh else misses + 1
            since = max([since + (not fresh), *(row[0] // _MS for row in fresh)])

    def _polls(self, end: int, report: ReadReport, book: Book) -> Generator[Events]:
        """Yield the events of a poll after the next one, as trades may be reported late."""
        known = KnownItems()
        since = time.time_ns() // _MS
        queue = _Queue(book, report, self.name)

        def ready(*, everything: bool) -> Events:
            rows = queue.ready(everything=everything)
            report.events += len(rows)
            return _events(rows, self.about.levels)

        while True:
            begun = time.monotonic()
            last = time.time_ns() >= end
            try:
                if "trades" in self._what:
                    fresh, _ = self._trades(since, known, report)
                    queue.waiting += [(row, None) for row in fresh]
                    since = max([since, *(row[0] // _MS for row in fresh)])
                polled = self._book(report)
                if polled is not None:
                    queue.waiting.append(polled)
                yield ready(everything=last)
                if last:
                    return
                left = min(begun + self._every - time.monotonic(), (end - time.time_ns()) / SECOND)
                pause(max(0.0, left), self._retry.stop)
            except (SourceError, Stopped):
                yield ready(everything=True)
                raise

    def _trades(self, since: int, known: KnownItems, report: ReadReport) -> tuple[list[Row], int]:
        """New trades from `since` [ms], in order of time, and how many trades the answer held."""
        answers = self._call(lambda: self._exchange.fetch_trades(self._symbol, since, _PAGE))
        rows = []
        for number, answer in enumerate(answers, 1):
            identity = str(answer.get("id") or (answer.get("timestamp"), answer.get("price"), answer.get("amount")))
            if not known.add(identity):
                continue
            report.rows += 1
            stamp, price, size = (answer.get(name) for name in ("timestamp", "price", "amount"))
            if not (stamp and _positive(price) and _positive(size)):
                reason = f"time {stamp}, price {price}, size {size}"
                report.reject(f"{self.name}, trade {number} from {since} ms, id {answer.get('id')}", reason)
                continue
            rows.append((int(stamp) * _MS, "trade", _SIDES.get(answer.get("side"), 0), float(price), float(size)))
        rows.sort(key=lambda row: row[0])
        return rows, len(answers)

    def _book(self, report: ReadReport) -> Timed | None:
        """Current book; None for one that cannot be used."""
        answer = self._call(self._fetch_book)
        report.rows += 1
        stamp = int(answer["timestamp"]) * _MS if answer.get("timestamp") else time.time_ns()
        bids, asks = (answer.get(side) or [] for side in ("bids", "asks"))
        levels = [[(level[0], level[1]) for level in side[: self._levels]] for side in (bids, asks)]
        flat = [number for side in levels for level in side for number in level]
        if not all(map(_positive, flat)) or (bids and asks and not bids[0][0] < asks[0][0]):
            report.reject(f"{self.name}, book at {stamp}", f"bids {bids[:1]}, asks {asks[:1]}")
            return None
        bid_prices, bid_sizes, ask_prices, ask_sizes = (
            [float(level[k]) for level in side] + [math.nan] * (self._levels - len(side)) for side in levels for k in (0, 1)
        )
        return (stamp, "depth", 0, math.nan, math.nan), (bid_prices, bid_sizes, ask_prices, ask_sizes)

    def _fetch_book(self) -> Any:
        import ccxt

        if not self._any_depth:
            try:
                return self._exchange.fetch_order_book(self._symbol, self._levels)
            except ccxt.NetworkError:
                raise
            except (ccxt.BadRequest, ccxt.ExchangeError):
                self._any_depth = True  # some offer certain depths only, and a default one where none is named
        return self._exchange.fetch_order_book(self._symbol)

    def _call(self, request: Callable[[], Any]) -> Any:
        """Return the answer; raises SourceError."""
        import ccxt

        def once() -> Any:
            try:
                return request()
            except ccxt.NetworkError as error:
                after = retry_after(self._exchange.last_response_headers)
                raise ServerBusy(self._reason(error), after) from error

        try:
            return self._retry.call(self.name, once)
        except ccxt.AuthenticationError as error:
            reason = f"asks for a key, and only public data are recorded: {self._reason(error)}"
        except ccxt.NotSupported:
            reason = f"does not publish {' and '.join(self._what)}"
        except ccxt.BaseError as error:
            reason = self._reason(error)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            reason = f"an answer that cannot be read: {type(error).__name__}: {error}"
        raise SourceError(f"{self.name}: {reason}")

    def _reason(self, error: Exception) -> str:
        return f"{type(error).__name__}: {without_passwords(str(error))[:200]}"


class _Queue:
    """Rows that wait for the poll after theirs, so that late trades find their place.

    waiting: rows with their book; None for a trade, which has the book before it
    """

    def __init__(self, book: Book, report: ReadReport, name: str) -> None:
        self.waiting: list[tuple[Row, Book | None]] = []
        self._book, self._report, self._name = book, report, name
        self._until = self._written = 0

    def ready(self, *, everything: bool) -> list[Timed]:
        """Rows up to the latest of the poll before, or all, in order of time; a book that has not changed is left out."""
        self.waiting.sort(key=lambda pair: pair[0][0])
        rows: list[Timed] = []
        rest: list[tuple[Row, Book | None]] = []
        for row, own in self.waiting:
            if row[0] > self._until and not everything:
                rest.append((row, own))
            elif row[0] < self._written:
                self._report.reject(self._name, f"a {row[1]} at {row[0]} reported after an event at {self._written}")
            elif own is None or not _same(own, self._book):
                self._book, self._written = own or self._book, row[0]
                rows.append((row, self._book))
        self.waiting = rest
        self._until = max([self._until, *(row[0] for row, _ in rest)])
        return rows


def _with_host(addresses: Any, base_url: str) -> Any:
    """Addresses of an exchange, a text or a tree of texts, with another host."""
    if isinstance(addresses, dict):
        return {name: _with_host(one, base_url) for name, one in addresses.items()}
    if not isinstance(addresses, str):
        return addresses
    parts, host = urlsplit(addresses), urlsplit(base_url)
    return urlunsplit((host.scheme, host.netloc, host.path + parts.path, "", ""))


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and 0.0 < value < math.inf


def _same(a: Book, b: Book) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def _events(rows: list[tuple[Row, Book]], levels: int) -> Events:
    n = len(rows)
    time_, kind, side, price, size = (np.array([row[k] for row, _ in rows], dtype=object) for k in range(5))
    books = {name: np.array([book[k] for _, book in rows], np.float64).reshape(n, levels) for k, name in enumerate(BOOK)}
    return Events(
        time=time_.astype(np.int64), kind=kind, side=side.astype(np.int8), price=price.astype(np.float64),
        size=size.astype(np.float64), order=np.zeros(n, np.int64), **books,
    )  # fmt: skip
