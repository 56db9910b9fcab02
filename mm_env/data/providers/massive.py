"""Trades, quotes and bars of Massive (formerly Polygon.io). Its key is read from the environment alone.

Times are those of the tape (SIP); sizes of quotes are as the provider reports them. Corrected and cancelled trades are left
out. Source: Holden & Jacobsen 2014 (which trades of the tape count).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from mm_env.data.events import About, Events, ReadReport
from mm_env.data.merging import merge_streams
from mm_env.data.providers.base import Book, bars_of
from mm_env.errors import SourceError, UsageError, check_choice
from mm_env.interrupt import Stopped
from mm_env.network import MassiveClient, RetryPolicy

WHAT = ("trades", "quotes")
ADJUSTED = ("splits", "none")
_SPANS = {
    "1m": (1, "minute"), "5m": (5, "minute"), "15m": (15, "minute"), "30m": (30, "minute"), "1h": (1, "hour"),
    "1d": (1, "day"),
}  # fmt: skip
_PAGE = 50_000
_BATCH = 5_000  # bars


class _Provider:
    """Base of trades, quotes and bars: the client, the name, the time zone."""

    live = False

    def __init__(self, symbol: str, base_url: str | None, timeout_seconds: float, retry: RetryPolicy | None) -> None:
        self._symbol, self._client = symbol, MassiveClient(base_url, timeout_seconds, retry or RetryPolicy())
        self.name = f"massive {symbol}"
        self.zone = ZoneInfo("UTC" if symbol.startswith(("X:", "C:")) else "America/New_York")

    def __repr__(self) -> str:
        """Return the symbol; never the key."""
        return f"{type(self).__name__}({self._symbol!r})"


class MassiveTape(_Provider):
    """Trades, quotes of the national best bid and offer, or both; trades then have the quote before them as their book."""

    def __init__(
        self,
        symbol: str,
        what: tuple[str, ...] = WHAT,
        *,
        tick: float | None = None,
        base_url: str | None = None,
        timeout_seconds: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Prepare requests; none is sent yet.

        what: of `WHAT`; tick: [currency] smallest step of prices, which the provider does not report

        Raises UsageError without a key in the environment, for an invalid address and for another `what`.
        """
        super().__init__(symbol, base_url, timeout_seconds, retry)
        if not what or set(what) - set(WHAT):
            raise UsageError(f"massive: {', '.join(what) or 'nothing'}: expected bars, or one or both of {', '.join(WHAT)}")
        self._what = what
        self.about = About("massive", symbol, "consolidated", 1, tick)

    def batches(self, start: int, end: int, report: ReadReport, book: Book) -> Generator[Events]:
        """Yield events, as `PriceSource` says."""
        streams = []
        if "quotes" in self._what:
            streams.append(self._read("quote", _quote, start, end, report))
        if "trades" in self._what:
            streams.append(self._read("trade", _trade, start, end, report))
        bid_prices, bid_sizes, ask_prices, ask_sizes = book
        quote = (bid_prices[0], ask_prices[0], bid_sizes[0], ask_sizes[0])
        yield from merge_streams(streams, report, quote, (SourceError, Stopped))

    def _read(
        self,
        kind: str,
        row: Callable[[Any], tuple[Any, ...] | None],
        start: int,
        end: int,
        report: ReadReport,
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of one kind, rising in time."""
        latest = start
        span = {"timestamp_gte": start, "timestamp_lt": end, "order": "asc", "sort": "timestamp", "limit": _PAGE}
        answers = self._client.items(self.name, lambda client: getattr(client, f"list_{kind}s")(self._symbol, **span))
        for number, answer in enumerate(answers, 1):
            report.rows += 1
            try:
                found = row(answer)
                if found is not None and found[0] < latest:
                    raise ValueError(f"earlier than the one before it: {found[0]} after {latest}")
            except (TypeError, ValueError) as error:
                report.reject(f"{self.name}, {kind} {number} from the start", str(error)[:120])
                continue
            if found is not None:
                latest = found[0]
                yield found


class MassiveBars(_Provider):
    """Bars of all trades that count; a day begins at midnight in New York, that of coins and currencies in UTC."""

    def __init__(
        self,
        symbol: str,
        interval: str = "1d",
        adjusted: str = "splits",
        *,
        base_url: str | None = None,
        timeout_seconds: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Prepare requests; none is sent yet.

        interval: one of `INTERVALS`; adjusted: one of `ADJUSTED`, as the provider knows no prices adjusted for dividends

        Raises UsageError without a key in the environment, for an invalid address, another interval or adjustment.
        """
        super().__init__(symbol, base_url, timeout_seconds, retry)
        check_choice("massive: interval", interval, _SPANS)
        check_choice("massive: prices adjusted for", adjusted, ADJUSTED)
        self.about = About("massive", symbol, "consolidated", 1, None, interval, adjusted, self.zone.key)

    def batches(self, start: int, end: int, report: ReadReport, book: Book) -> Generator[Events]:
        """Yield bars, as `PriceSource` says."""
        assert self.about.interval is not None
        multiplier, span = _SPANS[self.about.interval]
        answers = self._client.items(
            self.name,
            lambda client: client.list_aggs(
                self._symbol,
                multiplier,
                span,
                start // 1_000_000,
                (end - 1) // 1_000_000,
                adjusted=self.about.adjusted == "splits",
                sort="asc",
                limit=_PAGE,
            ),
        )
        number = 0
        while part := list(islice(answers, _BATCH)):
            rows = []
            for answer in part:
                number += 1
                try:
                    row = _bar(answer)
                except (TypeError, ValueError) as error:
                    report.rows += 1
                    report.reject(f"{self.name}, bar {number} from the start", str(error)[:120])
                    continue
                if start <= row[0] < end:  # the provider widens a span to whole bars
                    rows.append(row)
            yield bars_of(rows, self.about, self.zone, report, self.name)


def _trade(answer: Any) -> tuple[Any, ...] | None:
    """A row for `merge_streams`; None for a trade that was corrected."""
    if answer.correction not in (None, 0):
        return None
    size = answer.size if answer.decimal_size is None else answer.decimal_size
    return _stamp(answer), 1, _positive("price", answer.price), _positive("size", size), 0


def _quote(answer: Any) -> tuple[Any, ...]:
    """A row for `merge_streams`; a price of 0 is that of a side without a quote."""
    bid, ask = (_side(price) for price in (answer.bid_price, answer.ask_price))
    if bid >= ask:
        raise ValueError(f"bid {bid:g} and ask {ask:g}")
    sizes = (
        math.nan if math.isnan(price) or size is None else float(size)
        for price, size in ((bid, answer.bid_size), (ask, answer.ask_size))
    )
    return _stamp(answer), 0, bid, ask, *sizes


def _bar(answer: Any) -> tuple[int, float, float, float, float, float]:
    prices = (float(price) for price in (answer.open, answer.high, answer.low, answer.close))
    open_, high, low, close = prices
    return _whole(answer.timestamp) * 1_000_000, open_, high, low, close, float(answer.volume)


def _stamp(answer: Any) -> int:
    """[ns] of the tape; coins and currencies have none, and the time of the exchange."""
    return _whole(answer.participant_timestamp if answer.sip_timestamp is None else answer.sip_timestamp)


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"no time: {value!r}")
    return value


def _positive(name: str, value: Any) -> float:
    number = float(value)
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} {value!r}")
    return number


def _side(price: Any) -> float:
    value = 0.0 if price is None else float(price)
    return value if 0.0 < value < math.inf else math.nan
