"""Quantiles of a stream in memory of a fixed size: counts in bins whose width grows with the value.

Source: Masson, Rim & Lee 2019, DDSketch (relative error of any quantile; sketches add up).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import UsageError

ACCURACY = 0.01
"""Relative error of a quantile, at most."""
SMALLEST, LARGEST = 1e-2, 1e10
"""Sizes up to the first count as zero; none may be past the second."""
_GROWTH = (1.0 + ACCURACY) / (1.0 - ACCURACY)
_SIDE = math.ceil(math.log(LARGEST / SMALLEST) / math.log(_GROWTH))  # bins of one sign
BINS = 2 * _SIDE + 1


class Sketch:
    """T streams of values side by side, as those of a path at T times.

    counts: (T, BINS) int64 values seen in each bin: negative ones from the largest size down, zero, positive ones
    """

    def __init__(self, streams: int, counts: NDArray[np.int64] | None = None) -> None:
        """Start empty, or with counts, which are kept and added to."""
        self.counts = np.zeros((streams, BINS), np.int64) if counts is None else counts

    def add(self, stream: int, values: ArrayLike) -> None:
        """Count values of one stream; raises `UsageError` for one that is not finite or past LARGEST in size."""
        x = np.asarray(values, np.float64)
        size = np.abs(x)
        if not np.all(size <= LARGEST):
            raise UsageError(f"a value of {x[~(size <= LARGEST)][0]}: expected a finite number of size up to {LARGEST:g}")
        bins = np.ceil(np.log(np.maximum(size, SMALLEST) / SMALLEST) / math.log(_GROWTH)).astype(np.int64)
        self.counts[stream] += np.bincount(_SIDE + np.sign(x).astype(np.int64) * bins, minlength=BINS)

    def quantiles(self, probabilities: Sequence[float]) -> NDArray[np.float64]:
        """(T, len(probabilities)) float64 the order statistic of rank ceil(p n), to ACCURACY; NaN of an empty stream."""
        up = SMALLEST * _GROWTH ** np.arange(1, _SIDE + 1) * 2.0 / (1.0 + _GROWTH)
        middle = np.concatenate([-up[::-1], [0.0], up])
        total = self.counts.sum(axis=1)
        below = self.counts.cumsum(axis=1)
        found = np.full((len(self.counts), len(probabilities)), np.nan)
        for t in np.flatnonzero(total):
            ranks = np.maximum(1, np.ceil(np.asarray(probabilities) * total[t] - 1e-9))
            found[t] = middle[np.searchsorted(below[t], ranks)]
        return found
