"""Ticker news of Massive (formerly Polygon.io). Its key is read from the environment alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from mm_env.network import KnownItems, MassiveClient, RetryPolicy
from mm_env.sentiment.sources.base import HeadlineItem
from mm_env.sentiment.sources.rss import plain

_RETRY = RetryPolicy(retries=3, backoff_seconds=0.5, longest_wait_seconds=30.0)  # of a poll; the next poll tries again
_MOST = 5_000  # headlines of a symbol in one poll
_PAGE = 1000
_OVERLAP = timedelta(hours=1)


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
        """Prepare to poll; no request is sent yet.

        since: in UTC, of the first poll; None: the last 24 hours. Later polls continue from what they have seen

        Raises UsageError without a key in `mm_env.network.MASSIVE_KEY_VARIABLES` and for an invalid address, ImportError
        where the extra `[news]` is not installed.
        """
        self.name = f"massive {symbol}"
        self._symbol, self._client = symbol, MassiveClient(base_url, timeout_seconds, _RETRY)
        self._since = since or datetime.now(UTC) - timedelta(days=1)
        self._known = KnownItems()

    def __repr__(self) -> str:
        """Return the symbol; never the key."""
        return f"MassiveSource({self._symbol!r})"

    def poll(self) -> list[HeadlineItem]:
        """Return the headlines that no earlier poll returned.

        Raises SourceError where an answer does not come or is an error.
        """
        items = self._articles()
        newest = max([self._since, *(item.time for item in items)])
        # late articles are requested again, and a date in the future hides nothing
        self._since = max(self._since, min(newest, datetime.now(UTC)) - _OVERLAP)
        return [item for item in items if self._known.add(item.identity)]

    def _articles(self) -> list[HeadlineItem]:
        answers = self._client.items(
            self.name,
            lambda client: map(
                self._item,
                client.list_ticker_news(
                    ticker=self._symbol,
                    published_utc_gte=_stamp(self._since),
                    order="asc",
                    sort="published_utc",
                    limit=_PAGE,
                ),
            ),
        )
        return [item for item in islice(answers, _MOST) if item is not None]

    def _item(self, answer: Any) -> HeadlineItem | None:
        headline, published = plain(answer.title or ""), _time(answer.published_utc)
        if not headline or published is None:
            return None
        url = answer.article_url or ""
        return HeadlineItem(answer.id or url or headline, published, self._symbol, headline, self.name, url)


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str | None) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
