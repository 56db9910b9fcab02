"""Quantiles of the binomial law, against SciPy's."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from mm_env.risk.tails import _binomial_quantile


@pytest.mark.parametrize("n", [1, 5, 20, 256, 1000, 100_000])
@pytest.mark.parametrize("probability", [0.001, 0.05, 0.37, 0.5, 0.99])
@pytest.mark.parametrize("level", [0.005, 0.025, 0.1])
def test_quantiles_of_the_binomial_law(n, probability, level):
    assert _binomial_quantile(level, n, probability) == binom.ppf(level, n, probability)
    assert n - _binomial_quantile(level, n, 1.0 - probability) == binom.isf(level, n, probability)
