"""The share of the optimum that an agent recovers."""

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config, override
from mm_env.evaluation.comparison import Bootstrap
from mm_env.evaluation.evaluation import VALUES, Evaluation, evaluate
from mm_env.evaluation.recovered import recovered_shares
from mm_env.policies import get_policy
from mm_env.theory.lattice import Lattice
from mm_env.theory.optimal import best_constant_depth, optimal_policy

CJ = load_config(
    {
        "episode": {"step": 0.02, "inventory_limit": 20},
        "reward": {"inventory_penalty": 1.0, "terminal_penalty": 0.1},
        "policy": {"name": "cj"},
        "flow": {"arrival_rate": 40.0},
    },
    ClassicConfig,
)


def evaluation(reward) -> Evaluation:
    rest = {name: np.zeros(len(reward)) for name in VALUES if name not in ("reward", "profit")}
    return Evaluation(reward=reward, profit=2.0 * reward, **rest, reward_terms={}, attribution={})


def test_the_recovered_share_is_0_of_the_best_constant_and_1_of_the_optimum():
    lattice = Lattice.of(CJ)
    optimum = optimal_policy(lattice, 1.0, 0.1).start
    depth, constant = best_constant_depth(lattice, 1.0, 0.1)
    noise = np.random.default_rng(0).normal(0.0, 1.0, 100)
    exact = {
        "half": [evaluation(np.full(100, 0.5 * (optimum + constant)))],
        "both": [evaluation(np.full(100, optimum)), evaluation(np.full(100, constant))],
        "noisy": [evaluation(optimum + noise)],
    }
    found = recovered_shares(CJ, exact, Bootstrap(100))
    assert found["half"]["recovered"] == pytest.approx(0.5) == found["half"]["recovered_low"]
    assert found["both"]["recovered"] == pytest.approx(0.5) and found["both"]["recovered_low"] == pytest.approx(0.0)
    width = found["noisy"]["recovered_high"] - found["noisy"]["recovered_low"]
    assert width == pytest.approx(2 * 1.96 * noise.std() / 10.0 / (optimum - constant), rel=0.15)
    assert (found["half"]["optimal_value"], found["half"]["constant_value"]) == (optimum, constant)
    # played: seed fixed, 99.99 % intervals (a false alarm in 5000) hold the constant's 0; cj nearly is the optimum
    low, high = CJ.policy.absolute_min_depth, CJ.policy.absolute_max_depth
    action = 2.0 * (depth - low) / (high - low) - 1.0
    played = {name: [evaluate(get_policy(name), CJ, 1500, 1)] for name in ("cj", f"constant:{action:.6f}")}
    bootstrap = Bootstrap(1500, confidence=0.9999)
    shares = list(recovered_shares(CJ, played, bootstrap).values())
    assert shares[0]["recovered_high"] > 0.9 and shares[0]["recovered_low"] > shares[1]["recovered_high"]
    assert shares[1]["recovered_low"] < 0.0 < shares[1]["recovered_high"] < 0.5


# at 2.8 arrivals a step a constant depth at which all fill is the optimum
@pytest.mark.parametrize("changes", [{"flow.arrivals": "hawkes"}, {"reward.profit": 0.5}, {"flow.arrival_rate": 140.0}])
def test_no_share_is_told_where_the_optimum_is_not_known_or_nothing_can_be_gained(changes):
    assert recovered_shares(override(CJ, changes), {"cj": [evaluation(np.zeros(4))]}, Bootstrap(4)) == {}
