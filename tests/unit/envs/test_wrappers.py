import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401, registers the id
from mm_env.envs.wrappers import DISTANCES, DiscreteQuotes, VectorDiscreteQuotes

ID = "mm_env/MultiVenue-v0"
# VaR passes this limit, so that the default policy hedges
HEDGING = {"risk": {"portfolio_var_limit": 5.0}, "episode": {"steps": 400}}


def test_the_table_is_the_one_in_the_docstring():
    env = DiscreteQuotes(gym.make(ID))
    rows = [line.split("|")[1:-1] for line in DiscreteQuotes.__doc__.splitlines() if line.strip().startswith("|")][2:]
    cells = [[cell.strip() for cell in row] for row in rows]
    said = {int(row[k]): (float(row[k + 1]), float(row[k + 2])) for row in cells for k in (0, 4)}
    assert said == dict(enumerate(env.table))
    assert env.action_space == gym.spaces.Discrete(len(DISTANCES) ** 2)


@pytest.mark.parametrize("mode", ["residual", "absolute"])
def test_an_action_quotes_its_pair_in_every_symbol_and_leaves_the_hedge(mode):
    env = DiscreteQuotes(gym.make(ID, action_mode=mode, config=HEDGING), distances=(-0.25, 0.75, 1.0))
    env.reset(seed=0)
    hedged = 0
    for k in range(300):
        action = env.action(k % 9)
        default = env.unwrapped.default_action()
        pair = ((-0.25, 0.75, 1.0)[k % 9 // 3], (-0.25, 0.75, 1.0)[k % 9 % 3])
        np.testing.assert_array_equal(action[0::3], np.float32(pair[0]))
        np.testing.assert_array_equal(action[1::3], np.float32(pair[1]))
        np.testing.assert_array_equal(action[2::3], default[2::3])
        hedged += default[2::3].any()
        env.step(k % 9)
    assert (hedged > 0) == (mode == "absolute"), "in residual mode 0 is the default hedge"


def test_the_vector_wrapper_does_the_same():
    single, envs = (
        DiscreteQuotes(gym.make(ID, config=HEDGING)),
        VectorDiscreteQuotes(gym.make_vec(ID, num_envs=3, config=HEDGING)),
    )
    assert envs.action_space == gym.spaces.MultiDiscrete([16, 16, 16])
    assert envs.single_action_space == single.action_space and envs.table == single.table
    single.reset(seed=5)
    envs.reset(seed=5)
    for k in range(10):
        expected, reward, *_ = single.step(k)
        observation, rewards, *_ = envs.step(np.array([k, 15 - k, 3]))
        np.testing.assert_array_equal(observation[0], expected)
        assert rewards[0] == reward
    assert len({envs.unwrapped.batch.states["quote"][i].tobytes() for i in range(3)}) == 3


@pytest.mark.parametrize("distances", [(), (0.0, 0.0), (0.0, 1.5), (float("nan"),)])
def test_distances_that_are_no_grid_are_refused(distances):
    with pytest.raises(ValueError, match="expected at least one number, each once, from -1 to 1"):
        DiscreteQuotes(gym.make(ID), distances)


@pytest.mark.parametrize("action", [16, -1, 0.5])
def test_actions_outside_the_table_are_refused(action):
    env = DiscreteQuotes(gym.make(ID))
    env.reset(seed=0)
    with pytest.raises(ValueError, match="expected"):
        env.step(action)
    envs = VectorDiscreteQuotes(gym.make_vec(ID, num_envs=2))
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="expected"):
        envs.step(np.array([0, action]))
    with pytest.raises(ValueError, match=r"expected 2 whole number\(s\)"):
        envs.step(np.array([0]))
