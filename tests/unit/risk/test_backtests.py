"""Backtests of value at risk: published figures, scipy's laws, and series by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mm_env.risk.backtests import (
    acceptance_region,
    binomial_cumulative,
    chi_square_tail,
    christoffersen,
    christoffersen_counts,
    kupiec,
    traffic_light,
)


@pytest.mark.parametrize(
    "probability, periods, region",
    [(0.01, 255, (1, 6)), (0.01, 510, (2, 10)), (0.01, 1000, (5, 16)),
     (0.05, 255, (7, 20)), (0.05, 510, (17, 35)), (0.05, 1000, (38, 64))],
)  # fmt: skip
def test_kupiec_accepts_as_published(probability, periods, region):
    """N < 7, 1 < N < 11, …; of the first N = 0 is rejected too, with 5.13."""
    assert acceptance_region(periods, probability) == region
    outside = [n for n in (region[0] - 1, region[1] + 1) if n >= 0]
    assert not any(kupiec(n, periods, probability).accepted for n in outside)


def test_no_exception_in_255_days():
    found = kupiec(0, 255, 0.01)
    assert found.statistic == pytest.approx(5.13, abs=5e-3) and not found.accepted
    assert found.statistic == pytest.approx(-2 * 255 * math.log(0.99))


def test_as_many_as_stated_has_no_evidence_against_it():
    assert kupiec(5, 100, 0.05).statistic == 0.0 and kupiec(5, 100, 0.05).p_value == 1.0


def test_christoffersen_as_published():
    found = christoffersen_counts([218, 14, 14, 6], 20, 252, 0.05)
    ratios = [test.statistic for test in (found.unconditional, found.independence, found.conditional)]
    assert ratios == pytest.approx([3.9126, 9.5296, 13.4421], abs=5e-5)
    assert christoffersen_counts([217, 14, 14, 6], 20, 252, 0.05).independence.statistic == pytest.approx(9.489, abs=5e-4)


@pytest.mark.parametrize("implied_first, n00, ratio", [(True, 218, 9.5296), (False, 217, 9.4886)])
def test_transitions_are_counted_in_the_series(implied_first, n00, ratio):
    """14 runs of exceptions, of which six are longer: 20 exceptions in 252 days, the first and last without."""
    series = [0] * 10 + [1, 1, 0, 0] * 6 + [1, 0] * 8
    series += [0] * (252 - len(series))
    found = christoffersen(series, 0.05, implied_first=implied_first)
    assert (found.n00, found.n01, found.n10, found.n11) == (n00, 14, 14, 6)
    assert found.independence.statistic == pytest.approx(ratio, abs=5e-5)
    assert found.conditional.degrees == 2 and not found.conditional.accepted
    assert christoffersen(series[::-1], 0.05, implied_first=implied_first).independence.statistic == pytest.approx(
        ratio, abs=5e-5
    )


def test_an_exception_on_the_first_day_is_a_transition_only_by_the_convention():
    series = [1, 0, 0, 1, 1, 0]
    with_first, without = christoffersen(series, 0.3), christoffersen(series, 0.3, implied_first=False)
    assert (with_first.n00, with_first.n01, with_first.n10, with_first.n11) == (1, 2, 2, 1)
    assert (without.n00, without.n01, without.n10, without.n11) == (1, 1, 2, 1)


@pytest.mark.parametrize("series", [[0] * 50, [1] * 50, [0] * 49 + [1]])
def test_series_without_a_kind_of_transition_have_finite_ratios(series):
    found = christoffersen(series, 0.1)
    assert all(math.isfinite(test.statistic) for test in (found.unconditional, found.independence, found.conditional))
    assert found.independence.statistic == pytest.approx(0.0, abs=0.2) or sum(series) == 50


def test_independent_exceptions_are_rejected_as_often_as_stated():
    """2000 series of 1000 days at 20 %, each test at 5 %: 3 % to 7 % is four standard errors. Clusters are found."""
    rng = np.random.default_rng(8)
    independent = [christoffersen(rng.uniform(size=1000) < 0.2, 0.2) for _ in range(2000)]
    for name in ("unconditional", "independence", "conditional"):
        assert 0.03 < np.mean([not getattr(found, name).accepted for found in independent]) < 0.07, name
    clustered = [christoffersen(np.repeat(rng.uniform(size=500) < 0.2, 2), 0.2) for _ in range(200)]
    assert all(not found.independence.accepted for found in clustered)


def test_the_basel_zones_and_their_probabilities():
    published = [8.11, 28.58, 54.32, 75.81, 89.22, 95.88, 98.63, 99.60, 99.89, 99.97, 99.99]
    assert [round(100 * binomial_cumulative(n, 250, 0.01), 2) for n in range(11)] == published
    zones = [traffic_light(n) for n in range(12)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2
    assert traffic_light(250) == "red"


@given(st.integers(1, 1500), st.floats(0.001, 0.5), st.data())
def test_binomial_probabilities_are_those_of_scipy(periods, probability, data):
    n = data.draw(st.integers(0, periods))
    assert binomial_cumulative(n, periods, probability) == pytest.approx(stats.binom.cdf(n, periods, probability), rel=1e-8)


@pytest.mark.parametrize("degrees", [1, 2])
@pytest.mark.parametrize("x", [0.0, 0.5, 3.84, 40.0])
def test_chi_square_tails_are_those_of_scipy(degrees, x):
    assert chi_square_tail(x, degrees) == pytest.approx(stats.chi2.sf(x, degrees), rel=1e-12)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="3 degrees of freedom; expected 1 or 2"):
        chi_square_tail(1.0, 3)
    for arguments in ((-1, 10, 0.1), (11, 10, 0.1), (0, 0, 0.1), (1, 10, 0.0), (1, 10, 1.0)):
        with pytest.raises(ValueError, match="expected 0 to as many as periods"):
            kupiec(*arguments)
    with pytest.raises(ValueError, match=r"confidence 1.0; expected a number inside"):
        kupiec(1, 10, 0.1, confidence=1.0)
    with pytest.raises(ValueError, match="expected 252 or 251 transitions"):
        christoffersen_counts([200, 14, 14, 6], 20, 252, 0.05)
    with pytest.raises(ValueError, match="at least two periods"):
        christoffersen([True], 0.05)
