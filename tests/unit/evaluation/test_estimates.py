"""Estimates over episodes: against scipy, by Monte Carlo, and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from mm_env.evaluation.estimates import (
    FEWEST_FOR_MOMENTS,
    below_high,
    mean_estimate,
    ratio_estimate,
    sharpe_estimate,
    student_t_quantile,
)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 30, 99, 1001])
@pytest.mark.parametrize("probability", [0.001, 0.3, 0.5, 0.975, 0.995, 0.99999])
def test_student_quantiles_are_those_of_scipy(probability, degrees):
    assert student_t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("probability, degrees", [(0.0, 3), (1.0, 3), (0.5, 0), (math.nan, 3)])
def test_student_quantiles_exist_inside_the_law_alone(probability, degrees):
    with pytest.raises(ValueError, match="expected"):
        student_t_quantile(probability, degrees)


def test_a_mean_has_the_interval_of_student():
    x = np.random.default_rng(1).normal(3.0, 2.0, 17)
    found = mean_estimate(x, confidence=0.95)
    low, high = stats.t.interval(0.95, 16, x.mean(), stats.sem(x))
    assert (found.value, found.error) == pytest.approx((x.mean(), stats.sem(x)))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.episodes == 17


def test_one_episode_has_a_mean_and_no_error():
    found = mean_estimate([5.0])
    assert (found.value, found.error, found.low, found.high, found.episodes) == (5.0, None, None, None, 1)


def test_a_sharpe_ratio_is_mean_over_sd_and_its_error_by_hand():
    x = np.array([1.0, 2.0, 3.0, 4.0, 9.0] * 4)
    found = sharpe_estimate(x)
    ratio = x.mean() / x.std(ddof=1)
    skew, kurtosis = stats.skew(x), stats.kurtosis(x, fisher=False)
    assert found.value == pytest.approx(ratio)
    assert found.error == pytest.approx(math.sqrt((1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2) / 20))


@pytest.mark.parametrize("law", ["exponential", "normal"])
def test_the_error_of_a_sharpe_ratio_is_its_sd_over_samples(law):
    # 4000 samples give the sd to 1.1 % for a normal estimator; 6 % is more than four of that, kurtosis included
    rng = np.random.default_rng(7)
    samples = rng.exponential(1.0, (4000, 400)) - 0.5 if law == "exponential" else rng.normal(1.5, 1.0, (4000, 400))
    found = [sharpe_estimate(x) for x in samples[:400]]
    ratios = samples.mean(axis=1) / samples.std(axis=1, ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(ratios.std(), rel=0.06)
    if law == "normal":  # Lo 2002
        assert ratios.std() == pytest.approx(math.sqrt((1 + 1.5**2 / 2) / 400), rel=0.06)


def test_a_sharpe_ratio_needs_profits_that_differ_and_an_error_needs_moments():
    assert sharpe_estimate([4.0, 4.0, 4.0]).value is None
    assert sharpe_estimate([4.0]).value is None
    few = sharpe_estimate(np.arange(FEWEST_FOR_MOMENTS - 1.0))
    assert few.value is not None and few.error is None
    assert sharpe_estimate(np.arange(float(FEWEST_FOR_MOMENTS))).error is not None


def test_a_ratio_of_sums_has_the_error_of_a_jackknife_over_episodes():
    rng = np.random.default_rng(3)
    x = rng.uniform(50.0, 150.0, 300)
    y = 0.3 * x + rng.normal(0.0, 10.0, 300)
    found = ratio_estimate(y, x)
    left_out = (y.sum() - y) / (x.sum() - x)
    jackknife = math.sqrt(299 / 300 * ((left_out - left_out.mean()) ** 2).sum())
    assert found.value == pytest.approx(y.sum() / x.sum())
    assert found.error == pytest.approx(jackknife, rel=0.01)


def test_a_ratio_without_a_denominator_does_not_exist():
    assert ratio_estimate([0.0, 0.0], [0.0, 0.0]).value is None
    with pytest.raises(ValueError, match="one of each an episode"):
        ratio_estimate([1.0], [1.0, 2.0])


@pytest.mark.parametrize("values", [[1.0, math.nan], [math.inf, 1.0], [[1.0, 2.0]]])
def test_what_is_no_finite_number_an_episode_is_refused(values):
    with pytest.raises(ValueError, match="one finite number an episode"):
        mean_estimate(values)


@pytest.mark.parametrize(
    "path, expected",
    [([], 0.0), ([1.0, 2.0, 3.0], 0.0), ([-2.0, 5.0], 2.0), ([5.0, 1.0, 6.0, 3.5], 4.0), ([-1.0, -3.0], 3.0)],
)
def test_a_drawdown_counts_from_the_highest_point_the_start_included(path, expected):
    assert -below_high(path).min(initial=0.0) == expected
