"""What a source of headlines is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

LONGEST_WAIT_SECONDS = 30.0
"""Of what a server may ask a client to wait before it tries again within a poll; a longer wait ends the poll."""
RETRIES = 3
BUSY = (429, 500, 502, 503, 504)
"""Answers after which it is worth to try again."""
REMEMBERED = 20_000
"""Headlines that a source knows to have told already."""


class SourceError(Exception):
    """A source could not be read this time; the message names it and says why, and holds no key."""


@dataclass(frozen=True)
class HeadlineItem:
    """One headline about one symbol.

    identity: the same for the same headline at each poll, and of no other in its source
    time: when it was published, in UTC; when it was polled, where the source does not say
    symbol: "" for a market-wide one
    source: name of its source; url: of the article, "" where there is none
    """

    identity: str
    time: datetime
    symbol: str
    headline: str
    source: str
    url: str


class HeadlineSource(Protocol):
    """What can be asked for news again and again."""

    name: str

    def poll(self) -> list[HeadlineItem]:
        """Return the headlines that no earlier poll returned, in the order of the source.

        Raises SourceError where the source cannot be read; the next poll may succeed.
        """
        ...


def retries(backoff_seconds: float) -> Any:
    """urllib3's rule of when to try again: `RETRIES` times, as late as the server asks, not where it asks for too long."""
    from urllib3.exceptions import MaxRetryError, ResponseError
    from urllib3.util import Retry

    class Patient(Retry):
        def increment(self, *arguments: Any, **named: Any) -> Retry:  # type: ignore[override]
            response = named.get("response")
            if response is not None and (self.get_retry_after(response) or 0.0) > LONGEST_WAIT_SECONDS:
                raise MaxRetryError(named.get("_pool"), "", ResponseError("asked to wait"))  # type: ignore[arg-type]
            return super().increment(*arguments, **named)

    return Patient(
        total=RETRIES, status_forcelist=BUSY, backoff_factor=backoff_seconds, backoff_jitter=backoff_seconds,
        backoff_max=LONGEST_WAIT_SECONDS, raise_on_status=False,
    )  # fmt: skip


class Told:
    """Identities of the last headlines that were told."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def __contains__(self, identity: str) -> bool:
        return identity in self._known

    def is_new(self, identity: str) -> bool:
        """Whether this is the first time; it is remembered."""
        if identity in self._known:
            return False
        self._known[identity] = None
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return True
