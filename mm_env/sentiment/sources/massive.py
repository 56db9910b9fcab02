"""Ticker news of Massive (formerly Polygon.io). Its key is read from the environment alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from mm_env.sentiment.sources.base import HeadlineItem, SourceError, Told, retries
from mm_env.sentiment.sources.rss import plain

KEY_VARIABLES = ("MASSIVE_API_KEY", "POLYGON_API_KEY")
_MOST = 5_000  # headlines of a symbol in one poll
_PAGE = 1000
_OVERLAP = timedelta(hours=1)


class StrictJson:
    """What the client decodes answers with; its own reader takes one that is no JSON for an empty one."""

    @staticmethod
    def loads(text: str) -> Any:
        """What the text holds; raises TypeError for what is no JSON, which the client does not swallow."""
        try:
            return json.loads(text)
        except ValueError as error:
            raise TypeError(f"no JSON: {error}") from None


def massive_key() -> str:
    """The key that stands in one of `KEY_VARIABLES`; raises ValueError where none does."""
    key = next((value for name in KEY_VARIABLES if (value := os.environ.get(name, "").strip())), None)
    if key is None:
        raise ValueError(f"massive: no key; allowed: one in the environment variable {' or '.join(KEY_VARIABLES)}")
    return key


def redacted(text: str, key: str) -> str:
    """A reason of the provider on one line, without the key."""
    return " ".join(text.replace(key, "(key)").split())[:300]


class MassiveSource:
    """News about a symbol; an article about several symbols is one headline of each."""

    def __init__(
        self,
        symbol: str,
        *,
        since: datetime | None = None,
        base_url: str | None = None,
        timeout_seconds: float = 15.0,
    ) -> None:
        """Prepare to poll; nothing is asked yet.

        since: in UTC, of the first poll; None: the last 24 hours. Later polls go on from what they have seen

        Raises ValueError without a key in `KEY_VARIABLES`, ImportError where the extra `[news]` is not installed.
        """
        from massive import RESTClient

        key = massive_key()
        self.name = f"massive {symbol}"
        self._symbol, self._key = symbol, key
        options: dict[str, Any] = {} if base_url is None else {"base": base_url}
        self._client: Any = RESTClient(
            key,
            connect_timeout=timeout_seconds,
            read_timeout=timeout_seconds,
            connection_pool_kw={"retries": retries(0.5)},
            custom_json=StrictJson,
            **options,
        )
        self._since = since or datetime.now(UTC) - timedelta(days=1)
        self._told = Told()

    def __repr__(self) -> str:
        """Return the symbol; never the key."""
        return f"MassiveSource({self._symbol!r})"

    def poll(self) -> list[HeadlineItem]:
        """Return the headlines that no earlier poll returned.

        Raises SourceError where an answer does not come or is an error.
        """
        items = self._ask()
        newest = max([self._since, *(item.time for item in items)])
        # what is told late is asked for again, and a date in the future hides nothing
        self._since = max(self._since, min(newest, datetime.now(UTC)) - _OVERLAP)
        return [item for item in items if self._told.is_new(item.identity)]

    def _ask(self) -> list[HeadlineItem]:
        try:
            answers: Iterable[Any] = self._client.list_ticker_news(
                ticker=self._symbol, published_utc_gte=_stamp(self._since), order="asc", sort="published_utc", limit=_PAGE
            )
            return [item for item in map(self._item, islice(answers, _MOST)) if item is not None]
        except failures() as error:
            reason = reason_of(error)
        raise SourceError(
            f"{self.name}: {redacted(reason, self._key)}"
        )  # outside: an error that it came from might hold the key

    def _item(self, answer: Any) -> HeadlineItem | None:
        headline, published = plain(answer.title or ""), _time(answer.published_utc)
        if not headline or published is None:
            return None
        url = answer.article_url or ""
        return HeadlineItem(answer.id or url or headline, published, self._symbol, headline, self.name, url)


def failures() -> tuple[type[Exception], ...]:
    """What the client raises where an answer does not come, is an error, or cannot be read."""
    from massive.exceptions import BadResponse
    from urllib3.exceptions import HTTPError

    return BadResponse, HTTPError, AttributeError, TypeError, ValueError


def reason_of(error: Exception) -> str:
    """Say why one of `failures` came; it may hold the key (see `redacted`)."""
    answered, absent, *_ = failures()
    if isinstance(error, answered):
        return str(error)
    if isinstance(error, absent):
        return f"no answer: {getattr(error, 'reason', None) or error}"
    return f"an answer that cannot be read: {error}"


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str | None) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
