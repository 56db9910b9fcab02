"""Laws of the classic market at fixed seeds; false-alarm rates are those of `classic_checks`, 1e-4 a test."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scipy import stats

import mm_env  # noqa: F401, registers the id
from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.market.classic import build_classic
from tests.statistical.classic_checks import (
    ALARM,
    check_depths,
    check_fills,
    check_independence,
    check_ledger,
    check_mid,
    check_moments,
    simulate,
)

RULES = ("linear", "exponential")


@pytest.mark.parametrize("move", ["lattice", "brownian"])
@pytest.mark.parametrize("rule", RULES)
def test_an_episode_of_avellaneda_stoikov_has_its_laws(rule, move):
    sample = simulate({"flow": {"fill_rule": rule}, "mid": {"move": move}}, 10_000)
    check_depths(sample)
    check_ledger(sample)
    check_fills(sample)
    check_mid(sample)
    check_independence(sample)
    check_moments(sample, build_classic(sample.config).depths())


@pytest.mark.parametrize("policy", ["as_symmetric", "glft", "cj", "fixed"])
@pytest.mark.parametrize("rule", RULES)
def test_every_policy_has_the_moments_of_its_depths(policy, rule):
    config = {
        "policy": {"name": policy, "risk_aversion": 0.5, "terminal_penalty": 0.2, "inventory_penalty": 0.5},
        "flow": {"fill_rule": rule, "arrival_rate": 100.0, "fill_decay": 1.1},
        "mid": {"volatility": 1.3},
        "episode": {"horizon": 0.7, "step": 0.01, "inventory_limit": 9, "initial_inventory": 2},
    }
    sample = simulate(config, 10_000, seed=2)
    check_ledger(sample)
    check_moments(sample, build_classic(sample.config).depths())


@pytest.mark.parametrize("rule", RULES)
def test_the_fill_rules_hold_up_to_certainty(rule):
    """Depths past the mid: at -0.2 a linear fill has probability 0.945, at -0.9 it is certain, the other rule's is not."""
    for action, depth in ((-0.6, -0.2), (-0.95, -0.9), (1.0, 3.0)):
        sample = simulate({"flow": {"fill_rule": rule}, "episode": {"horizon": 0.1}}, 5000, action=action)
        assert sample.depth == pytest.approx(depth, abs=1e-6)
        if rule == "linear" and depth == -0.9:
            assert sample.filled.all()
        else:
            check_fills(sample)


def test_hawkes_without_excitation_is_the_exponential_rule():
    flow = {"hawkes_mu": 140.0, "hawkes_alpha": 0.0, "arrivals": "hawkes"}
    sample = simulate({"flow": flow}, 3000, action=-0.2)
    twin = load_config({"flow": {"fill_rule": "exponential"}}, ClassicConfig)
    check_ledger(sample)
    poisson = type(sample)(
        twin, *(getattr(sample, name) for name in ("mid", "inventory", "cash", "depth", "filled", "profit"))
    )
    check_fills(poisson)
    check_independence(poisson)


def arrivals(flow: dict[str, Any], horizon: float, number: int, seed: int = 5) -> np.ndarray:
    """(N, 2) sells and buys of an episode of Hawkes arrivals, in steps of a tenth of it."""
    config = {"flow": {"arrivals": "hawkes", **flow}, "episode": {"horizon": horizon, "step": horizon / 10}}
    envs: Any = gym.make_vec("mm_env/Classic-v0", num_envs=number, config=config)
    envs.reset(seed=seed)
    for _ in range(10):
        envs.step(np.zeros((number, 2)))
    counts: np.ndarray = envs.batch.states["arrivals"].copy()
    return counts


ONE_SIDED = {"hawkes_mu": 10.0, "hawkes_alpha": 40.0, "hawkes_beta": 60.0, "hawkes_cross_side": 0.0}


@pytest.mark.parametrize(("window", "ratio"), [(0.02, 2.406), (0.1, 5.541), (0.5, 8.200), (2.0, 8.800)])
def test_hawkes_counts_have_the_mean_and_variance_of_theory(window, ratio):
    """VALIDATION section 4; two sides of 10,000 envs, and errors that know the kurtosis."""
    counts = arrivals(ONE_SIDED, window, 10_000).ravel()
    mean = 30.0 * window
    assert abs(counts.mean() - mean) < stats.norm.ppf(1 - ALARM / 2) * np.sqrt(ratio * mean / counts.size)
    squares = (counts - mean) ** 2
    assert abs(squares.mean() / mean - ratio) < stats.norm.ppf(1 - ALARM / 2) * squares.std() / np.sqrt(counts.size) / mean


def test_excitation_crosses_to_the_other_side():
    """Two sides in one: the sum of both is a Hawkes process of twice the baseline and ratio α(1 + c)/β."""
    flow = {"hawkes_mu": 20.0, "hawkes_alpha": 30.0, "hawkes_beta": 60.0, "hawkes_cross_side": 0.6}
    both = arrivals(flow, 0.5, 10_000)
    total, n, omega = both.sum(axis=1), 0.8, 12.0
    mean, kappa = 2 * 20.0 / (1 - n) * 0.5, 1 / (1 - n)
    expected = kappa**2 + (1 - kappa**2) * -np.expm1(-omega * 0.5) / (omega * 0.5)
    squares = (total - mean) ** 2 / mean
    assert abs(total.mean() - mean) < stats.norm.ppf(1 - ALARM / 2) * np.sqrt(expected * mean / total.size)
    assert abs(squares.mean() - expected) < stats.norm.ppf(1 - ALARM / 2) * squares.std() / np.sqrt(total.size)
    crossed = np.corrcoef(both.T)[0, 1]
    apart = np.corrcoef(arrivals(flow | {"hawkes_cross_side": 0.0}, 0.5, 10_000).T)[0, 1]
    assert crossed > 0.5 and abs(apart) < stats.norm.ppf(1 - ALARM / 2) / np.sqrt(10_000)


def test_what_is_quoted_changes_neither_the_mid_nor_who_arrives():
    one = simulate({"flow": {"arrivals": "hawkes"}, "mid": {"move": "brownian"}}, 200, action=1.0)
    other = simulate({"flow": {"arrivals": "hawkes"}, "mid": {"move": "brownian"}}, 200, action=-0.5)
    np.testing.assert_array_equal(one.mid, other.mid)
    assert other.filled.sum() > 10 * one.filled.sum()
