"""Scorers: a headline's text in, a score in [-1, 1] out. The score is all that an agent sees of the news."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.sentiment.suggest import did_you_mean

NEUTRAL_BAND = 0.05
"""Scores strictly within +-NEUTRAL_BAND are neutral. Source: Hutto & Gilbert 2014, as they advise."""


class Scorer(Protocol):
    """What gives a headline its score; offline, and the same for the same text at any time."""

    @property
    def name(self) -> str:
        """The name that `get_scorer` knows it by."""
        ...

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 [-1 to 1], one score a text; each depends on its own text alone."""
        ...

    def __hash__(self) -> int:
        """Return the key under which what is measured of it is kept."""
        ...


class VaderScorer:
    """The compound score of VADER, a lexicon with rules for negation, degree and emphasis.

    Source: Hutto & Gilbert 2014, VADER: a parsimonious rule-based model for sentiment analysis of social
    media text.
    """

    name = "vader"

    def __init__(self) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self._analyzer: Any = SentimentIntensityAnalyzer()

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 [-1 to 1] the compound score of each text."""
        compound = (self._analyzer.polarity_scores(text)["compound"] for text in texts)
        return np.fromiter(compound, dtype=np.float64, count=len(texts))


class NoScorer:
    """Says nothing about any headline: the agent that does not read the news."""

    name = "none"

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 zeros."""
        return np.zeros(len(texts), dtype=np.float64)


_SCORERS: dict[str, Callable[[], Scorer]] = {"vader": VaderScorer, "none": NoScorer}
SCORER_NAMES = tuple(_SCORERS)


@cache
def get_scorer(name: str) -> Scorer:
    """Return the scorer of that name, the same object each time.

    name: one of `SCORER_NAMES`

    Raises ValueError for any other name.
    """
    if name not in _SCORERS:
        allowed = ", ".join(repr(known) for known in SCORER_NAMES)
        raise ValueError(f"unknown scorer {name!r}; allowed: {allowed}{did_you_mean(name, SCORER_NAMES)}")
    return _SCORERS[name]()


def class_of(score: ArrayLike) -> NDArray[np.int64]:
    """Return the class of each score or polarity: 0 negative, 1 neutral, 2 positive.

    score: any shape, float64 [-1 to 1]
    """
    value = np.asarray(score, dtype=np.float64)
    return 1 + (value >= NEUTRAL_BAND).astype(np.int64) - (value <= -NEUTRAL_BAND).astype(np.int64)
