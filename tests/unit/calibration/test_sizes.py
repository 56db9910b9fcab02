"""The power tail of sizes is found within its errors, and where it begins."""

import numpy as np
import pytest

from mm_env.calibration.sizes import fit_tail
from mm_env.errors import DataError


def zipf(exponent, start, size, seed):
    """Discrete power law from `start` on, by inversion."""
    support = np.arange(start, 200_000)
    weight = support**-exponent
    return np.random.default_rng(seed).choice(support, size, p=weight / weight.sum())


def test_a_power_tail_is_found_within_its_error():
    z = []
    for seed in range(20):
        fit = fit_tail(zipf(2.6, 3, 4000, seed), 3)
        z.append((fit.exponent - 2.6) / fit.error)
        assert fit.tail_exponent == fit.exponent - 1.0
    assert abs(np.mean(z)) < 0.7
    assert 0.6 < np.std(z) < 1.5


def test_the_beginning_of_the_tail_is_where_the_law_begins():
    rng = np.random.default_rng(0)
    sizes = np.concatenate([rng.integers(1, 20, 6000), zipf(2.5, 20, 4000, 1)])
    fit = fit_tail(sizes)
    assert 15 <= fit.start <= 30
    assert fit.exponent == pytest.approx(2.5, abs=0.15)
    assert fit.distance < 0.03
    assert fit_tail(sizes, 1).distance > 0.2


@pytest.mark.parametrize("sizes", [[], [1.5] * 60, [0] * 60, [1] * 10])
def test_sizes_that_are_none(sizes):
    with pytest.raises(DataError, match=r"expected whole numbers of lots|expected 50 or more in the tail"):
        fit_tail(sizes)
