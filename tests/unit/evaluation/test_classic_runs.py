"""Episodes of the classic environment: as many as asked for, of the policy asked for, the same for the same seed."""

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.evaluation import classic_runs
from mm_env.evaluation.classic_runs import play_classic
from mm_env.policies.registry import get_policy

SHORT = {"episode": {"horizon": 0.1, "initial_inventory": 2}}


def market(**sections) -> ClassicConfig:
    return load_config(SHORT | sections, ClassicConfig)


def test_blocks_hold_further_episodes_of_their_envs(monkeypatch):
    monkeypatch.setattr(classic_runs, "BLOCK", 10)
    runs = play_classic(market(), 25, seed=3)
    assert runs.profit.shape == runs.inventory.shape == runs.reward.shape == (25,) and runs.arrivals.shape == (25, 2)
    assert np.array_equal(runs.profit[:10], play_classic(market(), 10, seed=3).profit)
    assert len(np.unique(runs.profit)) == 25
    assert not np.array_equal(runs.profit, play_classic(market(), 25, seed=4).profit)


def test_rewards_are_profits_less_penalties():
    assert play_classic(market(), 50, 1).reward == pytest.approx(play_classic(market(), 50, 1).profit)
    fined = play_classic(market(reward={"terminal_penalty": 0.5}), 50, 1)
    assert fined.reward == pytest.approx(fined.profit - 0.5 * fined.inventory**2)


def test_the_default_policy_by_name_plays_as_by_default_and_another_does_not():
    default = play_classic(market(), 40, 2)
    assert np.array_equal(play_classic(market(), 40, 2, get_policy("as")).profit, default.profit)
    assert not np.array_equal(play_classic(market(), 40, 2, get_policy("fixed")).profit, default.profit)


def test_arrivals_are_counted_with_hawkes_flow():
    hawkes = {"arrivals": "hawkes", "hawkes_mu": 100.0, "hawkes_alpha": 0.0}
    assert play_classic(market(flow=hawkes), 2000, 2).arrivals.mean() == pytest.approx(10.0, abs=4 * np.sqrt(10 / 4000))
    assert (play_classic(market(), 10, 2).arrivals == 0).all()
