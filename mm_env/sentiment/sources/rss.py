"""RSS and Atom feeds, polled with conditional requests, retries and time limits."""

from __future__ import annotations

import calendar
import io
import re
import time
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from mm_env.errors import SourceError
from mm_env.network import KnownItems, RetryPolicy, check_address, public_address
from mm_env.sentiment.sources.base import HeadlineItem

_AGENT = "mm_env headline recorder"
_HALF = re.compile("[\ud800-\udfff]")
_LARGEST = 10_000_000  # bytes of a feed
_CHUNK = 65_536


class RssSource:
    """A feed; each of its headlines is about one symbol, or market-wide.

    undated: headlines so far without a time of their own
    malformed: polls so far whose answer was not well-formed, and was read as far as possible
    """

    def __init__(
        self,
        url: str,
        symbol: str = "",
        *,
        timeout_seconds: float = 15.0,
        backoff_seconds: float = 0.5,
        largest_bytes: int = _LARGEST,
    ) -> None:
        """Prepare to poll; no request is sent yet.

        timeout_seconds: [s] for a connection, for each part of the answer, and for all of it
        backoff_seconds: [s] before the first retry, doubled for each further one

        Raises UsageError for an invalid address, ImportError where the extra `[news]` is not installed.
        """
        import requests
        from requests.adapters import HTTPAdapter

        check_address(url, "feed")
        self.name = public_address(url)
        self.undated = self.malformed = 0
        self._url, self._symbol = url, symbol
        self._timeout, self._largest = timeout_seconds, largest_bytes
        self._tags: dict[str, str] = {}
        self._known = KnownItems()
        self._session = requests.Session()
        self._session.headers["User-Agent"] = _AGENT
        retry = RetryPolicy(retries=3, backoff_seconds=backoff_seconds, longest_wait_seconds=30.0)
        for scheme in ("http://", "https://"):  # a server that stays busy is shown by its status
            self._session.mount(scheme, HTTPAdapter(max_retries=retry.for_urllib3(raise_on_status=False)))

    def poll(self) -> list[HeadlineItem]:
        """Return the headlines that no earlier poll returned.

        Raises SourceError for an answer that does not come, is an error, is too large, or is no feed.
        """
        answer = self._ask()
        if answer is None:
            return []
        content, headers = answer
        malformed = self.malformed
        items = self._read(content, headers)
        tags = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
        # none of an answer that could not be read whole: the rest of it would never come again
        self._tags = (
            {} if self.malformed > malformed else {to: headers[name] for to, name in tags.items() if name in headers}
        )
        return items

    def _ask(self) -> tuple[bytes, Any] | None:
        """Body and headers, or None where nothing has changed."""
        import requests
        from urllib3.exceptions import HTTPError

        try:
            with self._session.get(self._url, headers=self._tags, timeout=self._timeout, stream=True) as answer:
                if answer.status_code == 304:
                    return None
                if not answer.ok:
                    raise SourceError(f"{self.name}: HTTP {answer.status_code} {answer.reason or ''}".rstrip())
                return self._body(answer), answer.headers
        except (requests.RequestException, HTTPError) as error:
            reason = _reason(error)
        raise SourceError(f"{self.name}: {reason}")  # outside: the error that it came from holds the whole address

    def _body(self, answer: Any) -> bytes:
        latest = time.monotonic() + self._timeout
        body = bytearray()
        while chunk := answer.raw.read1(_CHUNK, decode_content=True):  # what has arrived, without waiting for more
            body += chunk
            if len(body) > self._largest:
                raise SourceError(f"{self.name}: more than {self._largest:,} bytes")
            if time.monotonic() > latest:
                raise SourceError(f"{self.name}: no whole answer within {self._timeout:g} s")
        return bytes(body)

    def _read(self, content: bytes, headers: Any) -> list[HeadlineItem]:
        import feedparser

        kind = {"content-type": headers["Content-Type"]} if "Content-Type" in headers else {}
        feed = feedparser.parse(
            io.BytesIO(content), response_headers=kind
        )  # plain bytes might name a file, and feedparser would open it
        broken = bool(feed.bozo) and not isinstance(feed.bozo_exception, feedparser.CharacterEncodingOverride)
        if not feed.entries and (broken or not feed.get("version")):
            reason = " ".join(str(feed.bozo_exception).split()) if broken else "no feed"
            raise SourceError(f"{self.name}: the answer is not RSS or Atom: {reason}")
        self.malformed += broken
        items = (self._item(entry) for entry in feed.entries)
        return [item for item in items if item is not None and self._known.add(item.identity)]

    def _item(self, entry: Any) -> HeadlineItem | None:
        headline = plain(entry.get("title", ""))
        if not headline:
            return None
        stamp: Any = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")
        identity = entry.get("id") or entry.get("link") or headline
        try:
            published = datetime.fromtimestamp(calendar.timegm(stamp), UTC)
        except (TypeError, ValueError, OverflowError):  # no date, or an invalid one
            published = datetime.now(UTC)
            self.undated += identity not in self._known
        return HeadlineItem(identity, published, self._symbol, headline, self.name, entry.get("link", ""))


def _reason(error: Exception) -> str:
    import requests
    import urllib3.exceptions

    kinds = {
        requests.exceptions.Timeout: "no answer in time",
        urllib3.exceptions.TimeoutError: "no answer in time",
        urllib3.exceptions.ProtocolError: "the connection broke off",
        urllib3.exceptions.DecodeError: "an answer that cannot be decoded",
        requests.exceptions.SSLError: "no trustworthy connection",
        requests.exceptions.ConnectionError: "no connection",
        requests.exceptions.RetryError: "too many failed tries",
        requests.exceptions.TooManyRedirects: "redirected too often",
    }
    return next((text for kind, text in kinds.items() if isinstance(error, kind)), type(error).__name__)


class _Text(HTMLParser):
    """The text between the tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain(title: str) -> str:
    """A title on one line, without tags, its entities resolved, and without halves of characters."""
    reader = _Text()
    reader.feed(_HALF.sub("\ufffd", title))
    reader.close()
    return " ".join("".join(reader.parts).split())
