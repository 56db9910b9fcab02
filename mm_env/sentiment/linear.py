"""The default scorer: word and character TF-IDF of the normalised headline, and a logistic regression on it.

Weights are arrays of a NumPy archive, read with pickle forbidden. `training.fit` makes them.
Source: Salton & Buckley 1988 (term weighting); Wang & Manning 2012 (n-grams with a linear model on short texts).
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from mm_env.sentiment.domain import normalise, reading_rules

WEIGHTS = "data/tfidf.npz"
NEGATIVE, POSITIVE, NEUTRAL = 0, 1, 2
"""Columns of probabilities, and labels of training data."""

FIELDS = ("word", "char")
_TOKEN = re.compile(r"\b\w[\w'-]*\b")
_LONGEST_PHRASE = 3  # words
_CHARACTERS = range(2, 6)  # lengths of n-grams of characters


def ngrams(field: str, plain: str) -> list[str]:
    """The "word" or the "char" n-grams of a normalised headline, with repeats; those of characters stay within a word."""
    if field == "word":
        words = _TOKEN.findall(plain)
        return [" ".join(words[i : i + n]) for n in range(1, _LONGEST_PHRASE + 1) for i in range(len(words) - n + 1)]
    found = []
    for word in plain.split():
        padded = f" {word} "
        for n in _CHARACTERS:
            found += [padded[i : i + n] for i in range(max(1, len(padded) - n + 1))]
            if len(padded) <= n:  # longer n-grams would repeat this one
                break
    return found


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
    def _fields(self) -> list[tuple[dict[str, int], NDArray[np.float32], NDArray[np.float32]]]:
        """Of each field: columns of its n-grams, (terms,) inverse document frequencies, (terms, 3) coefficients."""
        made = []
        for field in FIELDS:
            terms = self._arrays[f"{field}_terms"].tobytes().decode().split("\n")
            idf, coefficients = (self._arrays[f"{field}_{name}"].astype(np.float32) for name in ("idf", "coefficients"))
            made.append(({term: k for k, term in enumerate(terms)}, idf, np.ascontiguousarray(coefficients.T)))
        return made

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n, 3) float64 of negative, positive, neutral."""
        logits = np.tile(self._arrays["intercept"].astype(np.float64), (len(texts), 1))
        for row, text in enumerate(texts):
            plain = normalise(text)
            for field, (columns, idf, coefficients) in zip(FIELDS, self._fields, strict=True):
                known = Counter(columns[term] for term in ngrams(field, plain) if term in columns)
                logits[row] += _logits(known, idf, coefficients)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 [-1 to 1] P(positive) - P(negative) of each text."""
        p = self.probabilities(texts)
        return np.asarray(p[:, POSITIVE] - p[:, NEGATIVE])


def _logits(counts: Counter[int], idf: NDArray[np.float32], coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3,) contribution of a field: unit vector of (1 + log count) × idf, times its coefficients.

    Sums run one after the other, in float32, as sparse products of SciPy do: a score is the same to the last bit.
    """
    if not counts:
        return np.zeros(3, np.float32)
    ordered = sorted(counts.items())
    column = np.array([k for k, _ in ordered])
    weight = (np.log(np.array([n for _, n in ordered], np.float32)) + np.float32(1.0)) * idf[column]
    length = np.sqrt(np.add.accumulate((weight * weight).astype(np.float64))[-1])
    unit = (weight / length).astype(np.float32)
    return np.asarray(np.add.accumulate(unit[:, None] * coefficients[column], axis=0)[-1], np.float32)
