"""The bundled headlines: written for this project, each with the true polarity of its news."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

PLACEHOLDER = "{company}"


@dataclass(frozen=True, slots=True)
class Headline:
    """One bundled headline.

    text: holds `{company}` where scope is "symbol"
    polarity: [-1 to 1] what the news truly means for the price, whatever its words suggest
    scope: "symbol" or "macro" (market-wide)
    kind: subject, such as earnings, legal, rates
    """

    text: str
    polarity: float
    scope: str
    kind: str

    def about(self, company: str) -> str:
        """Return the text with the company's name or ticker in its place."""
        return self.text.replace(PLACEHOLDER, company)


@lru_cache(maxsize=1)
def bundled_headlines() -> tuple[Headline, ...]:
    """Return all bundled headlines, in the order of their file."""
    text = files("mm_env.sentiment").joinpath("data/headlines.csv").read_text(encoding="utf-8")
    return tuple(
        Headline(row["headline"], float(row["polarity"]), row["scope"], row["kind"])
        for row in csv.DictReader(text.splitlines())
    )
