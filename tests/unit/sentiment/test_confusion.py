"""The confusion of a scorer with the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from mm_env.sentiment import (
    NEUTRAL_BAND,
    bundled_headlines,
    class_of,
    get_scorer,
    measure_confusion,
)
from mm_env.sentiment.confusion import NEUTRAL_NAME


class Table:
    """Scores by a table, so that a confusion can be counted by hand."""

    name = "table"
    neutral_band = NEUTRAL_BAND

    def __init__(self, scores: ArrayLike) -> None:
        self.scores = np.asarray(scores, dtype=np.float64)
        self.key = f"table-{self.scores.tobytes().hex()}"

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        assert len(texts) == len(self.scores)
        return self.scores


def test_neutral_name_has_no_sentiment() -> None:
    assert get_scorer("vader").score([NEUTRAL_NAME])[0] == 0


def test_confusion_of_a_perfect_scorer() -> None:
    polarity = np.array([headline.polarity for headline in bundled_headlines()])
    counts = np.bincount(class_of(polarity), minlength=3)
    confusion = measure_confusion(Table(polarity))
    expected = (np.diag(counts) + 1.0) / (counts[:, None] + 3.0)
    np.testing.assert_allclose(confusion.truth_given_class, expected, rtol=1e-12)


def test_confusion_rows_are_scored_classes() -> None:
    # everything scored positive: the last row is the truth's own shares, the others know nothing
    truth = class_of([headline.polarity for headline in bundled_headlines()])
    counts = np.bincount(truth, minlength=3)
    confusion = measure_confusion(Table(np.ones(len(truth))))
    np.testing.assert_allclose(confusion.truth_given_class[:2], 1 / 3)
    np.testing.assert_allclose(confusion.truth_given_class[2], (counts + 1) / (counts.sum() + 3))


def test_magnitude_is_of_the_true_class() -> None:
    by_class: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for headline in bundled_headlines():
        by_class[int(class_of(headline.polarity))].append(abs(headline.polarity))
    for name in ("tfidf", "vader", "none"):
        magnitude = measure_confusion(get_scorer(name)).magnitude
        np.testing.assert_allclose(magnitude, [np.mean(by_class[k]) for k in range(3)], rtol=1e-12)


def test_confusion_of_vader_is_informative_kept_and_safe_to_share() -> None:
    confusion = measure_confusion(get_scorer("vader"))
    matrix = confusion.truth_given_class
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    assert matrix[0, 0] > matrix[2, 0]
    assert matrix[2, 2] > matrix[0, 2]
    assert measure_confusion(get_scorer("vader")) is confusion
    for shared in (matrix, confusion.magnitude):
        with pytest.raises(ValueError, match="read-only"):
            shared[0] = 1.0
