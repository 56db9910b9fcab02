"""A comparison of three agents, for its table and its figures."""

import numpy as np
import pytest

from mm_env.evaluation.comparison import compare
from mm_env.evaluation.evaluation import VALUES, Evaluation


def evaluation(reward) -> Evaluation:
    rest = {name: np.zeros(len(reward)) for name in VALUES if name not in ("reward", "profit")}
    return Evaluation(reward=reward, profit=2.0 * reward, **rest, reward_terms={}, attribution={})


@pytest.fixture(scope="module")
def compared():
    """The baseline, one that gains 10, and one that is far away."""
    noise = np.random.default_rng(0).normal(0.0, 3.0, (3, 50))
    values = {"as": noise[0], "glft$": noise[1] + 10.0, "random": noise[2] - 5000.0}
    evaluations = {name: [evaluation(reward)] for name, reward in values.items()}
    return compare(evaluations, "as"), evaluations
