"""Which truth lies behind a score.

A tape that states no polarity has its truth drawn from this: a score taken as the truth would make every
scorer perfect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mm_env.sentiment.cache import scored as scored_once
from mm_env.sentiment.headlines import bundled_headlines
from mm_env.sentiment.scorers import Scorer, class_of

NEUTRAL_NAME = "Acme"
"""Fills the placeholder; no word of a sentiment lexicon."""

SMOOTHING = 1.0
"""Added to every count (Laplace): a truth is not impossible for being absent from a few hundred headlines."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """How a scorer errs; classes are 0 negative, 1 neutral, 2 positive. The arrays are read-only.

    truth_given_class: (3, 3) float64 probability of the true class (column) given the scored one (row)
    magnitude: (3,) float64 [0 to 1] mean absolute polarity of each true class
    """

    truth_given_class: NDArray[np.float64]
    magnitude: NDArray[np.float64]


@lru_cache(maxsize=16)
def measure_confusion(scorer: Scorer) -> Confusion:
    """Measure a scorer's confusion on the bundled headlines; kept for each scorer object."""
    headlines = bundled_headlines()
    polarity = np.array([headline.polarity for headline in headlines])
    truth = class_of(polarity)
    score = scored_once(scorer, [headline.about(NEUTRAL_NAME) for headline in headlines])
    scored = class_of(score, scorer.neutral_band)

    counts = np.full((3, 3), SMOOTHING)
    np.add.at(counts, (scored, truth), 1.0)
    truth_given_class = counts / counts.sum(axis=1, keepdims=True)
    magnitude = np.array([np.abs(polarity[truth == true_class]).mean() for true_class in range(3)])
    truth_given_class.setflags(write=False)
    magnitude.setflags(write=False)
    return Confusion(truth_given_class, magnitude)
