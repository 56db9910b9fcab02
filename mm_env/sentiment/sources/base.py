"""The protocol of a source of headlines, and a headline of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class HeadlineItem:
    """One headline about one symbol.

    identity: the same at each poll, and unique in its source
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
    """A source that can be polled for news."""

    name: str

    def poll(self) -> list[HeadlineItem]:
        """Return the headlines that no earlier poll returned, in the order of the source.

        Raises SourceError where the source cannot be read; the next poll may succeed.
        """
        ...
