"""The options of readers, and what a reader returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mm_env.data.events import About, Events


@dataclass(frozen=True)
class ReadOptions:
    """Options of readers; each uses those that its row in `mm_env.data.readers.READERS` names.

    symbol, venue: of files that do not name them
    levels: of the book that is kept of a stream of changes
    coarse_tick: [currency] ticks into which levels are added up; None: the venue's own
    quotes: file of quotes beside that of trades
    columns: our name of a column -> the file's
    time_unit: of times since 1970: s, ms, us or ns; None: dates
    """

    symbol: str = ""
    venue: str = ""
    levels: int = 20
    coarse_tick: float | None = None
    quotes: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    time_unit: str | None = None


class Reading(NamedTuple):
    """Metadata of the events of a file, and the events in batches."""

    about: About
    events: Iterator[Events]
