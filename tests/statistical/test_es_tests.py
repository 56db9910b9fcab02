"""Acerbi & Székely's tests: on samples of known laws they reject as often as they say, and wrong figures far more often.

Fixed seeds. Each bound on a share of 400 samples that should be 5 % is passed by chance with a probability of at most 1e-3
(binomial); the power against a figure of the wrong law is far above its bound.
"""

import math

import numpy as np
import pytest

from mm_env.risk.es_tests import conditional_z, critical_values, simulated_z, tail_of, unconditional_z

TAIL, PERIODS, SAMPLES = 0.025, 500, 400
LEAST, MOST = 0.0175, 0.0925  # a binomial of 400 at 5 % lies outside with a probability of 1e-3


def drawn(degrees, seed):
    rng = np.random.default_rng(seed)
    size = (SAMPLES, PERIODS)
    return rng.standard_normal(size) if math.isinf(degrees) else rng.standard_t(degrees, size)


def rejected(profits, var, es, degrees):
    at = critical_values(PERIODS, TAIL, 0.05, degrees)
    figures = np.full(PERIODS, var), np.full(PERIODS, es)
    z1 = [conditional_z(x, *figures) for x in profits]
    z2 = [unconditional_z(x, *figures, TAIL) for x in profits]
    return np.mean([z is not None and z < at[0] for z in z1]), np.mean([z < at[1] for z in z2])


@pytest.mark.parametrize("degrees", [math.inf, 5.0])
def test_a_right_figure_is_rejected_as_often_as_stated(degrees):
    for share in rejected(drawn(degrees, 11), *tail_of(TAIL, degrees), degrees):
        assert LEAST <= share <= MOST


def test_a_normal_figure_of_fat_tails_is_rejected():
    profits = drawn(5.0, 12) / math.sqrt(5.0 / 3.0)  # of unit variance, as the figure takes it to be
    z1, z2 = rejected(profits, *tail_of(TAIL), math.inf)
    assert z1 > 0.6 and z2 > 0.12  # Z2 at fewer, smaller exceptions of 97.5 % hardly sees it


def test_a_figure_a_fifth_too_small_is_rejected_and_one_too_large_is_not():
    var, es = tail_of(TAIL)
    small = rejected(drawn(math.inf, 13), 0.8 * var, 0.8 * es, math.inf)
    assert small[1] > 0.95  # the number of exceptions tells at once
    large = rejected(drawn(math.inf, 13), 1.2 * var, 1.2 * es, math.inf)
    assert large[1] == 0.0 and large[0] < MOST  # fewer losses pass, so that their mean is less sure


def test_only_z1_looks_at_the_size_alone():
    """With the right number of exceptions but losses past VaR that are half as large again, Z1 rejects nearly always."""
    var, es = tail_of(TAIL)
    profits = drawn(math.inf, 14)
    profits = np.where(profits < -var, -var + 1.5 * (profits + var) - 0.3, profits)
    assert rejected(profits, var, es, math.inf)[0] > 0.95


def test_the_published_critical_values_of_z2_are_found():
    """250 days at 2.5 %: -0.70 at 5 % (normal and t with ten degrees), -1.8 at 0.01 %; 40 000 samples."""
    for degrees in (math.inf, 10.0):
        z2 = simulated_z(250, TAIL, degrees, 40_000, 5)[1]
        assert np.quantile(z2, 0.05) == pytest.approx(-0.70, abs=0.03)
    assert np.quantile(z2, 1e-4) == pytest.approx(-1.8, abs=0.25)


def test_the_mean_of_both_is_zero_for_a_right_figure():
    for degrees in (math.inf, 5.0):
        z1, z2 = simulated_z(PERIODS, TAIL, degrees, 4000, 6)
        for z in (z1, z2):
            assert abs(np.nanmean(z)) < 4.0 * np.nanstd(z) / math.sqrt(4000)


def test_tail_figures_are_those_of_the_laws():
    var, es = tail_of(0.01)
    assert (var, es) == pytest.approx((2.32635, 2.66521), abs=1e-5)
    var, es = tail_of(0.025, 4.0)  # McNeil, Frey & Embrechts: 3.9 of the quantile 2.78
    x = -np.sort(-np.random.default_rng(2).standard_t(4.0, 2_000_000))[:50_000]
    assert (var, es) == pytest.approx((x[-1], x.mean()), rel=0.02)


def test_samples_that_cannot_be_tested_are_refused():
    ones = np.ones(5)
    assert conditional_z(ones, ones, ones) is None and unconditional_z(ones, ones, ones, 0.1) == 1.0
    with pytest.raises(ValueError, match="not above 0"):
        conditional_z(ones, np.zeros(5), ones)
    with pytest.raises(ValueError, match="shapes"):
        conditional_z(ones, ones[:3], ones)
    with pytest.raises(ValueError, match=r"tail probability 1\.0"):
        unconditional_z(ones, ones, ones, 1.0)
