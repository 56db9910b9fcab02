"""The default scorer: word and character TF-IDF of the normalised headline, and a logistic regression on it.

Weights are arrays of a NumPy archive, read with pickle forbidden. `training.fit` makes them.
Source: Salton & Buckley 1988 (term weighting); Wang & Manning 2012 (n-grams with a linear model on short texts).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.sentiment.domain import normalise, reading_rules

WEIGHTS = "data/tfidf.npz"
NEGATIVE, POSITIVE, NEUTRAL = 0, 1, 2
"""Columns of probabilities, and labels of training data."""

FIELDS = ("word", "char")
_ANALYSERS: dict[str, dict[str, Any]] = {
    "word": {"ngram_range": (1, 3), "token_pattern": r"(?u)\b\w[\w'-]*\b"},
    "char": {"ngram_range": (2, 5), "analyzer": "char_wb"},
}


def vectorizer(field: str, **more: Any) -> Any:
    """A scikit-learn `TfidfVectorizer` for the "word" or the "char" n-grams of a headline."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(preprocessor=normalise, sublinear_tf=True, dtype=np.float32, **_ANALYSERS[field], **more)


class TfidfScorer:
    """P(positive) - P(negative) by TF-IDF and logistic regression."""

    name = "tfidf"

    def __init__(self, weights: bytes | None = None) -> None:
        """Read the shipped weights, or those of another archive of `training.fit`."""
        data = files("mm_env.sentiment").joinpath(WEIGHTS).read_bytes() if weights is None else weights
        self.key = f"tfidf-{hashlib.sha256(data + reading_rules()).hexdigest()[:16]}"
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            self._arrays = dict(archive)
        self.neutral_band = float(self._arrays["neutral_band"])

    @cached_property
    def _vectorizers(self) -> list[Any]:
        made = []
        for field in FIELDS:
            terms = self._arrays[f"{field}_terms"].tobytes().decode().split("\n")
            fitted = vectorizer(field, vocabulary={term: k for k, term in enumerate(terms)})
            fitted.idf_ = self._arrays[f"{field}_idf"].astype(np.float32)
            made.append(fitted)
        return made

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n, 3) float64 of negative, positive, neutral."""
        logits = np.tile(self._arrays["intercept"].astype(np.float64), (len(texts), 1))
        if len(texts) == 0:
            return logits
        for field, fitted in zip(FIELDS, self._vectorizers, strict=True):
            logits += fitted.transform(texts) @ self._arrays[f"{field}_coefficients"].astype(np.float32).T
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 [-1 to 1] P(positive) - P(negative) of each text."""
        p = self.probabilities(texts)
        return np.asarray(p[:, POSITIVE] - p[:, NEGATIVE])
