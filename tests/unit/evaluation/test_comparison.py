"""Paired statistics over episodes, against scipy, closed forms, and laws of which the interval must hold the truth."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from mm_env.errors import UsageError
from mm_env.evaluation.comparison import (
    PAIRED,
    Bootstrap,
    compare,
    compare_seeds,
    conditional_value_at_risk,
    interquartile_mean,
    mean,
    pairing_correlation,
    probability_of_improvement,
    sharpe_ratio,
)
from mm_env.evaluation.evaluation import VALUES, Evaluation


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def evaluation(reward, **values) -> Evaluation:
    """Episodes of that reward, which is their profit too, and nothing else unless said."""
    reward = np.asarray(reward, np.float64)
    given = {"reward": reward, "profit": reward.copy()} | values
    rest = {name: np.zeros(len(reward)) for name in VALUES if name not in given}
    return Evaluation(**given, **rest, reward_terms={}, attribution={})


def test_the_interquartile_mean_is_the_trimmed_mean():
    x = rng().standard_cauchy((7, 400))
    np.testing.assert_allclose(interquartile_mean(x), stats.trim_mean(x, 0.25, axis=-1))
    # of 5 values 1.25 go at either end: a quarter of the second and fourth
    assert interquartile_mean([50.0, 1.0, 2.0, 4.0, -9.0]) == pytest.approx((0.75 * 1.0 + 2.0 + 0.75 * 4.0) / 2.5)


def test_cvar_is_the_mean_of_the_worst_with_the_edge_by_its_share():
    x = np.arange(40.0)[::-1]
    assert conditional_value_at_risk(x) == 0.5
    assert conditional_value_at_risk(x[:30], 0.05) == pytest.approx((10.0 + 0.5 * 11.0) / 1.5)
    assert conditional_value_at_risk(x, 1.0) == x.mean()
    normal = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    expected = -stats.norm.pdf(stats.norm.ppf(0.05)) / 0.05
    assert conditional_value_at_risk(normal) == pytest.approx(expected, rel=1e-3)


def test_the_sharpe_ratio_is_over_episodes_and_does_not_exist_without_spread():
    x = rng().normal(3.0, 2.0, (2, 50))
    np.testing.assert_allclose(sharpe_ratio(x), x.mean(axis=1) / x.std(axis=1, ddof=1))
    assert np.isnan(sharpe_ratio(np.full(9, 0.1)))


def test_the_probability_of_improvement_counts_ties_by_half():
    assert probability_of_improvement([1.0, 2.0, 0.0, -3.0]) == 0.625
    x, y = rng().normal(0.7, 1.0, 20_000), rng(1).normal(0.0, 1.0, 20_000)
    assert probability_of_improvement(x - y) == pytest.approx(stats.norm.cdf(0.7 / 2**0.5), abs=0.012)  # 4 sd


@pytest.mark.parametrize("statistic", [mean, interquartile_mean, conditional_value_at_risk])
def test_intervals_agree_with_scipy(statistic):
    x = rng().lognormal(0.0, 1.0, 300)
    found = Bootstrap(300, seed=1, resamples=6000).interval(x, statistic)
    theirs = stats.bootstrap(
        (x,), lambda v, axis: statistic(v), n_resamples=6000, method="percentile", random_state=rng(2), vectorized=True
    ).confidence_interval
    assert found.value == pytest.approx(float(statistic(x)))
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.08 * (theirs.high - theirs.low))


def test_intervals_hold_the_truth_as_often_as_they_say():
    # Of 1000 samples of 100 normal values; percentile intervals of that many hold it in 94.3 %. The bounds are 4.4 sd away:
    # a false alarm in 100,000, while intervals of 90 % or 98 % would raise one.
    samples = rng(5).normal(2.0, 3.0, (1000, 100))
    held = 0
    for k, x in enumerate(samples):
        found = Bootstrap(100, seed=k, resamples=400).interval(x)
        held += found.low <= 2.0 <= found.high
    assert 911 <= held <= 975


def test_intervals_of_several_seeds_hold_the_luck_of_training():
    # Mean of 8 seeds of sd 1, episodes of sd 1 shared by all (80 of them). Percentile intervals of 8 values are narrower by
    # sqrt(7/8) and hold the truth in about 90 %; intervals over episodes alone would in about 42 %. Bounds 4.4 sd away.
    draws = rng(6)
    held = 0
    for k in range(400):
        x = draws.normal(0.0, 1.0, (8, 1)) + draws.normal(0.0, 1.0, (1, 80))
        found = Bootstrap(80, seed=k, resamples=300).interval(x)
        held += found.low <= 0.0 <= found.high
    assert 0.90 * 400 - 4.4 * 6.0 <= held <= 0.95 * 400 + 4.4 * 4.4


def test_two_seeds_apart_span_the_interval_and_alike_they_are_one():
    x = rng().normal(0.0, 1.0, 200)
    bootstrap = Bootstrap(200, seed=1)
    apart = bootstrap.interval(np.stack([x, x + 50.0]))
    one = bootstrap.interval(x)
    assert apart.value == pytest.approx(x.mean() + 25.0)
    assert apart.low == pytest.approx(x.mean(), abs=0.3) and apart.high == pytest.approx(x.mean() + 50.0, abs=0.3)
    alike = bootstrap.interval(np.stack([x, x, x]))
    assert (alike.value, alike.low, alike.high) == pytest.approx((one.value, one.low, one.high))


def test_seeds_of_the_bootstrap_make_the_same_draws_and_others_make_others():
    x = rng().normal(0.0, 1.0, (4, 60)) + rng(1).normal(0.0, 3.0, (4, 1))
    assert Bootstrap(60, seed=3).interval(x) == Bootstrap(60, seed=3).interval(x) != Bootstrap(60, seed=4).interval(x)
    shared, other = Bootstrap(60, seed=3), Bootstrap(60, seed=4)
    other.chosen = shared.chosen  # so that only the draws of the seeds may differ
    assert shared.interval(x) != other.interval(x)


def test_many_resamples_in_blocks_are_those_at_once():
    x = rng().normal(0.0, 1.0, (2, 3000))
    bootstrap = Bootstrap(3000, seed=1, resamples=2000)  # 12 million values: 3 blocks
    drawn = np.random.default_rng([1, 2]).integers(2, size=(2000, 2))
    means = np.take_along_axis(np.stack([row[bootstrap.chosen].mean(axis=1) for row in x], axis=1), drawn, axis=1).mean(
        axis=1
    )
    found = bootstrap.interval(x)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


@pytest.fixture(scope="module")
def rows():
    """A baseline, one that gains 1 on the same noise of sd 10, and one of two training seeds that gain 2 and 4."""
    draws = rng(9)
    noise = draws.normal(0.0, 10.0, 400)
    own = [draws.normal(0.0, 1.0, 400) for _ in range(4)]
    over = (np.arange(400) % 4) / 4.0
    return {
        "base": [evaluation(noise + own[0], over_limit=over, breaches=40.0 * over)],
        "better": [evaluation(noise + own[1] + 1.0, over_limit=over - 0.25, breaches=40.0 * over)],
        "trained": [evaluation(noise + own[2] + 2.0), evaluation(noise + own[3] + 4.0)],
    }


def test_differences_are_paired(rows):
    base, better, trained = compare(rows, "base")
    assert [row["agent"] for row in (base, better, trained)] == ["base", "better", "trained"]
    assert [row["seeds"] for row in (base, better, trained)] == [1, 1, 2] and base["episodes"] == 400
    less = rows["better"][0].reward - rows["base"][0].reward
    assert better["reward_difference"] == pytest.approx(less.mean())
    half = stats.norm.ppf(0.975) * less.std() / 20.0
    assert better["reward_difference_low"] == pytest.approx(less.mean() - half, abs=0.15 * half)
    assert better["reward_difference_high"] == pytest.approx(less.mean() + half, abs=0.15 * half)
    assert better["reward_low"] < base["reward_high"]  # without pairing nothing would be seen
    assert better["correlation"] == pytest.approx(100.0 / 101.0, abs=0.01)
    assert better["improvement"] == pytest.approx((less > 0).mean())
    assert better["over_limit_difference"] == pytest.approx(-0.25)
    assert better["breaches_difference"] == 0.0 and better["breaches"] == pytest.approx(15.0)
    assert not any(f"{name}_difference" in base for name in PAIRED) and "improvement" not in base
    assert base["reward_iqm_low"] < base["reward_iqm"] < base["reward_iqm_high"]
    assert base["cvar"] == pytest.approx(np.sort(rows["base"][0].profit)[:20].mean())


def test_a_row_of_several_seeds_is_their_mean_and_each_has_a_row_of_its_own(rows):
    trained = compare(rows, "base")[2]
    own = compare_seeds(rows, "base")
    assert [row["agent"] for row in own] == ["trained (0)", "trained (1)"]
    assert trained["reward_difference"] == pytest.approx(np.mean([row["reward_difference"] for row in own]))
    assert [row["reward_difference"] for row in own] == pytest.approx([2.0, 4.0], abs=0.3)
    assert trained["reward_difference_low"] < 2.3 and trained["reward_difference_high"] > 3.7  # either may be drawn twice
    assert all(row["reward_difference_high"] - row["reward_difference_low"] < 0.5 for row in own)
    assert compare_seeds({"base": rows["base"]}, "base") == []


def test_a_baseline_of_several_seeds_is_their_mean(rows):
    found = compare(rows, "trained")[0]
    reference = np.mean([one.reward for one in rows["trained"]], axis=0)
    assert found["reward_difference"] == pytest.approx((rows["base"][0].reward - reference).mean())


def test_figures_that_do_not_exist_are_none(rows):
    flat = {"base": rows["base"], "flat": [evaluation(np.full(400, 3.0))]}
    row = compare(flat, "base")[1]
    assert row["sharpe"] is row["sharpe_low"] is row["sharpe_high"] is None and row["correlation"] is None
    assert row["reward"] == row["reward_low"] == row["reward_high"] == pytest.approx(3.0)
    assert pairing_correlation([1.0, 2.0], [2.0, 1.0]) == pytest.approx(-1.0)


def test_what_cannot_be_compared_is_refused(rows):
    with pytest.raises(ValueError, match="1 episode"):
        Bootstrap(1)
    short = {"base": rows["base"], "short": [evaluation(np.zeros(399))]}
    with pytest.raises(ValueError, match=r"shape \(1, 399\): expected 400 finite numbers"):
        compare(short, "base")
    with pytest.raises(UsageError, match=r"^baseline 'nobody': expected one of 'base', "):
        compare(rows, "nobody")
    broken = dataclasses.replace(rows["base"][0], drawdown=np.full(400, np.nan))
    with pytest.raises(ValueError, match="400 finite numbers"):
        compare({"base": [broken]}, "base")
