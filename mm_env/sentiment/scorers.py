"""Scorers: a headline's text in, a score in [-1, 1] out. The score is all that an agent sees of the news."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import UsageError, nearest_hint

NEUTRAL_BAND = 0.05
"""Of VADER's scores, those strictly within +-NEUTRAL_BAND are neutral. Source: Hutto & Gilbert 2014, as they advise."""


class Scorer(Protocol):
    """What gives a headline its score; offline, and the same for the same text at any time.

    name: what `get_scorer` knows it by
    key: names the scorer and its weights; scores are kept under it
    neutral_band: [0 to 1] scores strictly within +-neutral_band are neutral
    """

    name: str
    key: str
    neutral_band: float

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
    key = "vader"
    neutral_band = NEUTRAL_BAND

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
    key = "none"
    neutral_band = NEUTRAL_BAND

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 zeros."""
        return np.zeros(len(texts), dtype=np.float64)


class FlippedScorer:
    """Another scorer with its sign turned: what a wrong model of sentiment costs."""

    def __init__(self, scorer: Scorer) -> None:
        self.name, self.key, self.neutral_band = f"{FLIPPED}{scorer.name}", f"{FLIPPED}{scorer.key}", scorer.neutral_band
        self._scorer = scorer

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 [-1 to 1] the opposite of the other's score of each text."""
        return -self._scorer.score(texts)


def _tfidf() -> Scorer:
    from mm_env.sentiment.linear import TfidfScorer

    return TfidfScorer()


def _minilm() -> Scorer:
    from mm_env.sentiment.minilm import MiniLmScorer

    return MiniLmScorer()


_SCORERS: dict[str, Callable[[], Scorer]] = {"tfidf": _tfidf, "minilm": _minilm, "vader": VaderScorer, "none": NoScorer}
SCORER_NAMES = tuple(_SCORERS)
TRANSFORMER = "transformer:"
"""Before a path or a name of the Hugging Face hub."""
FLIPPED = "flipped:"
"""Before the name of another scorer."""
PERFECT = "perfect"
"""In a market's `news.scorer`: the score is the headline's true polarity, which no text says; no scorer has that name."""


@cache
def get_scorer(name: str) -> Scorer:
    """Return the scorer of that name, the same object each time.

    name: one of `SCORER_NAMES`; `transformer:` and the folder or the cached name of a Hugging Face sequence classifier;
        `flipped:` and one of these, for its opposite

    Raises UsageError for any other name, for a transformer that is not there, and where the packages are not installed.
    """
    if name.startswith(TRANSFORMER):
        from mm_env.sentiment.transformer import TransformerScorer

        return TransformerScorer(name.removeprefix(TRANSFORMER))
    if name.startswith(FLIPPED):
        return FlippedScorer(get_scorer(name.removeprefix(FLIPPED)))
    if name == PERFECT:
        raise UsageError(
            f"scorer {PERFECT!r}: no text says the truth; expected as a market's news.scorer alone, not flipped"
        )
    if name not in _SCORERS:
        known_names = ", ".join(repr(known) for known in (*SCORER_NAMES, f"{TRANSFORMER}PATH_OR_NAME", f"{FLIPPED}NAME"))
        hint = nearest_hint(name, [*SCORER_NAMES, PERFECT])
        raise UsageError(f"unknown scorer {name!r}; expected {known_names}, and {PERFECT!r} in a market{hint}")
    try:
        return _SCORERS[name]()
    except ImportError as error:
        raise UsageError(f"scorer {name!r}: {error}") from error


def class_of(score: ArrayLike, neutral_band: float = NEUTRAL_BAND) -> NDArray[np.int64]:
    """Return the class of each score or polarity: 0 negative, 1 neutral, 2 positive.

    score: any shape, float64 [-1 to 1]
    neutral_band: [0 to 1] the scorer's; scores strictly within it are neutral
    """
    value = np.asarray(score, dtype=np.float64)
    return 1 + (value >= neutral_band).astype(np.int64) - (value <= -neutral_band).astype(np.int64)
