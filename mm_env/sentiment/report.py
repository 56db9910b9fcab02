"""Counts of the rows of a file of headlines, and why rows were dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_NAMES_TOLD = 3  # in one line


@dataclass(frozen=True)
class TapeReport:
    """Counts of rows: read = kept + empty + outside_session + unknown_symbol + duplicates + past_end.

    out_of_order: rows with a time before that of a usable row above them, sorted
    without_polarity: kept rows whose truth the file does not state; it is drawn from the confusion matrix of `scorer`
    replaced_bytes: bytes that were not UTF-8
    first_timestamp, last_timestamp: of the kept rows, as the file writes them
    unknown_names: the distinct unknown symbols in the order of the file
    ignored_columns: columns that a tape has no use for
    seconds_per_second: real seconds in one of the episode; None where the file states decision steps
    part: share of the tape's span that one episode plays
    """

    path: str
    read: int
    kept: int
    scorer: str
    empty: int
    outside_session: int
    unknown_symbol: int
    duplicates: int
    past_end: int
    out_of_order: int
    without_polarity: int
    replaced_bytes: int
    first_timestamp: str
    last_timestamp: str
    unknown_names: tuple[str, ...]
    ignored_columns: tuple[str, ...]
    seconds_per_second: float | None
    part: float

    def describe(self) -> str:
        """Return one readable line: what was kept, and every count that is not 0."""
        notes = (
            (self.empty, "empty"),
            (self.outside_session, "outside the session"),
            (self.unknown_symbol, f"of unknown symbols ({some(self.unknown_names)})"),
            (self.duplicates, "duplicates"),
            (self.past_end, "past the episode's end"),
            (self.out_of_order, "out of order, sorted"),
            (self.replaced_bytes, "undecodable bytes replaced"),
            (self.without_polarity, f"without polarity (truth drawn from the confusion matrix of {self.scorer})"),
        )
        dropped = "".join(f", {count} {what}" for count, what in notes if count)
        ignored = f", columns ignored: {some(self.ignored_columns)}" if self.ignored_columns else ""
        pace = "" if self.seconds_per_second is None else f", {self.seconds_per_second:.4g} s a second of the episode"
        if self.part < 1.0:
            pace += f", of which each plays {100 * self.part:.1f} % from a random place"
        span = f"{self.first_timestamp} to {self.last_timestamp}"
        return f"{self.path}: {self.kept} of {self.read} headlines, {span}{pace}{dropped}{ignored}"


def some(names: Sequence[str]) -> str:
    """Return the first few names, separated by commas, and an ellipsis where there are more."""
    return ", ".join(names[:_NAMES_TOLD]) + (", …" if len(names) > _NAMES_TOLD else "")
