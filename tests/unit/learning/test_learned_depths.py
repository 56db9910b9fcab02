"""The depths that are drawn of a trained agent are those that it quotes in its market."""

import numpy as np
import pytest

pytest.importorskip("torch")

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config, override
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.learning.learned_depths import learned_depths
from mm_env.learning.trained import TrainedAgent

CJ = override(load_config("cj", ClassicConfig), {"episode.step": 0.02, "episode.inventory_limit": 4})


class Model:
    """Chooses by time and inventory alone, some of it past the bounds, and drives the inventory to its limits."""

    observation_space = ClassicVectorEnv(1, CJ).single_observation_space

    def predict(self, rows, *_, deterministic):
        assert deterministic
        return np.stack([rows[:, 0] - 2.0 * rows[:, 1], 0.5 * rows[:, 0] + 4.0 * rows[:, 1]], axis=1), None


def agent(algo: str = "ppo", action_mode: str = "absolute") -> TrainedAgent:
    return TrainedAgent(algo, Model(), None, CJ, action_mode)


def test_the_depths_by_step_and_inventory_are_those_of_the_episodes():
    bid, ask = learned_depths(agent(), CJ)
    assert bid.shape == ask.shape == (50, 9)
    envs = ClassicVectorEnv(20, CJ, action_mode="absolute", autoreset_mode="Disabled")
    _, infos = envs.reset(seed=0)
    seen = set()
    for step in range(50):
        inventory = infos["inventory"].copy()
        _, _, _, _, infos = envs.step(np.clip(agent().act(envs), -1.0, 1.0))
        for i, q in enumerate(inventory.tolist()):
            seen.add(q)
            for depths, said, limit in ((bid, "bid_depth", 4), (ask, "ask_depth", -4)):
                expected = np.inf if q == limit else infos[said][i]
                assert depths[step, q + 4] == pytest.approx(expected, abs=1e-5)
    assert seen == set(range(-4, 5))


def test_agents_whose_depths_do_not_follow_from_time_and_inventory_are_refused():
    for other in (agent("recurrent_ppo"), agent("dqn"), agent(action_mode="residual")):
        with pytest.raises(ValueError, match="expected an agent without a memory that acts in absolute mode"):
            learned_depths(other, CJ)
    with pytest.raises(ValueError, match=r"episode\.observations 'full': expected 'closed_form'"):
        learned_depths(agent(), override(CJ, {"episode.observations": "full"}))
