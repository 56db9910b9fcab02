"""The checkers of gymnasium and of stable-baselines3 find nothing to say; a warning is an error in all tests."""

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env

import mm_env  # noqa: F401, registers the id
from mm_env.envs.wrappers import DiscreteQuotes

ID = "mm_env/MultiVenue-v0"
MODES = ("residual", "absolute")


@pytest.mark.parametrize("mode", MODES)
def test_gymnasium_accepts_the_env(mode):
    check_env(gym.make(ID, action_mode=mode).unwrapped)


@pytest.mark.parametrize("mode", MODES)
def test_stable_baselines_accepts_the_env(mode):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(gym.make(ID, action_mode=mode).unwrapped)


@pytest.mark.parametrize("mode", MODES)
def test_stable_baselines_accepts_the_discrete_wrapper(mode):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(DiscreteQuotes(gym.make(ID, action_mode=mode)))
