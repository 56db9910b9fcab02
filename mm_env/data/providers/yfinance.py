"""Bars of Yahoo Finance, by yfinance. No key is needed; Yahoo allows its data for personal use.

Yahoo has minutes of the last 30 days, other bars within a day of the last 60 (hours: 730), and days of all years.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from mm_env.data.events import About, Events, ReadReport
from mm_env.data.providers.base import INTERVALS, SECOND, Book, bars_of
from mm_env.errors import SourceError, check_choice
from mm_env.interrupt import Stopped
from mm_env.network import BUSY_STATUSES, RetryPolicy, ServerBusy, check_address, retry_after

ADJUSTED = ("splits", "all")
_CHART = "/v8/finance/chart/"
_DAY = 86_400 * SECOND
_LONGEST = {"1m": 7, "5m": 59, "15m": 59, "30m": 59, "1h": 729}  # days that one answer may span
_NONE_THEN = "Data doesn't exist for"  # of a span before the first bar
_COLUMNS = ["Open", "High", "Low", "Close", "Volume"]


def yahoo_session(base_url: str | None = None, retry: RetryPolicy | None = None) -> Any:
    """A session for `YahooBars` that retries a busy server; one serves many symbols.

    base_url: of a mirror or a proxy in place of Yahoo's hosts

    Raises UsageError for an invalid address, ImportError where the extra `[prices]` is not installed.
    """
    from curl_cffi.requests import Session
    from curl_cffi.requests.exceptions import RequestException

    if base_url is not None:
        check_address(base_url)
    policy = retry or RetryPolicy()

    class Retrying(Session):  # type: ignore[type-arg]
        def request(self, method: Any, url: str, **options: Any) -> Any:  # type: ignore[override]
            parts = urlsplit(url)
            if base_url is not None:
                url = base_url.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")
            if not parts.path.startswith(_CHART):
                return super().request(method, url, **options)

            def once() -> Any:
                try:
                    answer = super(Retrying, self).request(method, url, **options)
                except RequestException as error:
                    raise ServerBusy(f"no answer: {' '.join(str(error).split())[:200]}") from error
                if answer.status_code in BUSY_STATUSES:
                    raise ServerBusy(f"HTTP {answer.status_code}", retry_after(answer.headers))
                if answer.status_code == 404:  # yfinance would ask elsewhere, and lose the reason
                    raise SourceError(f"{name}: HTTP 404: {_description(answer)}")
                return answer

            name = f"yfinance {unquote(parts.path[len(_CHART) :])}"
            return policy.call(name, once)

    return Retrying(impersonate="chrome")


class YahooBars:
    """Bars of a symbol; a day begins at midnight at the exchange."""

    live = False

    def __init__(
        self,
        symbol: str,
        interval: str = "1d",
        adjusted: str = "splits",
        *,
        session: Any = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        """Prepare requests; none is sent yet.

        interval: one of `INTERVALS`
        adjusted: one of `ADJUSTED`; all: for splits and dividends. Yahoo knows no prices that are not adjusted
        session: of `yahoo_session`

        Raises UsageError for another interval or adjustment, ImportError where the extra `[prices]` is not installed.
        """
        import yfinance

        check_choice("yfinance: interval", interval, INTERVALS)
        check_choice("yfinance: prices adjusted for", adjusted, ADJUSTED)
        self.name = f"yfinance {symbol}"
        self._symbol, self._interval, self._adjusted, self._timeout = symbol, interval, adjusted, timeout_seconds
        self._ticker: Any = yfinance.Ticker(symbol, session=session or yahoo_session())

    @cached_property
    def zone(self) -> ZoneInfo:
        """Time zone of the exchange, which Yahoo is asked for; raises SourceError."""
        self._history(period="5d", interval="1d")
        name = (self._ticker.history_metadata or {}).get("exchangeTimezoneName")
        if not name:
            raise SourceError(f"{self.name}: no prices: Yahoo does not know the symbol, or has none of the last days")
        return ZoneInfo(name)

    @cached_property
    def about(self) -> About:
        """Metadata of its bars; raises SourceError."""
        zone = self.zone
        venue = str((self._ticker.history_metadata or {}).get("exchangeName") or "")
        return About("yfinance", self._symbol, venue, 1, None, self._interval, self._adjusted, zone.key)

    def batches(self, start: int, end: int, report: ReadReport, book: Book) -> Generator[Events]:
        """Yield bars, as `PriceSource` says; a span too long for one answer is requested in parts."""
        days = _LONGEST.get(self._interval)
        step = end - start if days is None else days * _DAY
        for low in range(start, end, max(step, 1)):
            high = min(low + step, end)
            table = self._history(start=self._time(low), end=self._time(high), interval=self._interval)
            if table is None or table.empty:
                continue
            stamps = table.index.as_unit("ns").asi8.tolist()
            cells = table[_COLUMNS].to_numpy(dtype=float).tolist()
            rows = [(stamp, *row) for stamp, row in zip(stamps, cells, strict=True) if low <= stamp < high]
            yield bars_of(rows, self.about, self.zone, report, self.name)

    def _time(self, ns: int) -> datetime:
        return datetime.fromtimestamp(-(-ns // SECOND), self.zone)  # rounded up: Yahoo counts whole seconds

    def _history(self, **span: Any) -> Any:
        """A table of bars, None where there are none; raises SourceError."""
        from yfinance.exceptions import YFException, YFPricesMissingError

        try:
            with _raising_errors():
                return self._ticker.history(
                    **span, auto_adjust=self._adjusted == "all", actions=False, keepna=True, timeout=self._timeout
                )
        except (SourceError, Stopped):
            raise
        except YFPricesMissingError as error:
            if error.yahoo_reason is None or error.yahoo_reason.startswith(_NONE_THEN):
                return None
            reason = error.yahoo_reason
        except YFException as error:
            reason = str(error)
        except OSError as error:  # of curl_cffi
            reason = f"no answer: {error}"
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            reason = f"an answer that cannot be read: {type(error).__name__}: {error}"
        raise SourceError(f"{self.name}: {' '.join(reason.split())[:300]}")


def _description(answer: Any) -> str:
    """Yahoo's description of an error."""
    try:
        return str(answer.json()["chart"]["error"]["description"])
    except (KeyError, TypeError, ValueError):
        return "not found"


@contextlib.contextmanager
def _raising_errors() -> Iterator[None]:
    """While entered, yfinance raises errors that it would only log, and its own deprecation warnings stay silent."""
    import yfinance

    debug = yfinance.config.debug
    before = debug.hide_exceptions
    debug.hide_exceptions = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        debug.hide_exceptions = before
