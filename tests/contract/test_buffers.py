"""Nothing that an environment has returned is written to again."""

import copy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import mm_env  # noqa: F401, registers the id

ID = "mm_env/MultiVenue-v0"
SHORT = {"episode": {"steps": 3, "burn_in_seconds": 2.0}}


def assert_equal(one, other) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, np.ndarray) and one.dtype == object:
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    else:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_of_the_vector_env(mode):
    envs = gym.make_vec(ID, num_envs=40, num_threads=2, config=SHORT, autoreset_mode=mode)
    kept, copies = [], []

    def keep(returned: tuple) -> None:
        kept.append(returned)
        copies.append(copy.deepcopy(returned))

    keep(envs.reset(seed=0))
    for k in range(8):
        keep(envs.step(np.full((40, 6), 0.1 * k, np.float32)))
    keep(envs.reset(options={"reset_mask": np.arange(40) % 2 == 0}))
    keep(envs.step(np.zeros((40, 6), np.float32)))
    for returned, copied in zip(kept, copies, strict=True):
        for one, other in zip(returned, copied, strict=True):
            assert_equal(one, other)


def test_of_the_scalar_env():
    env = gym.make(ID, config=SHORT).unwrapped
    kept, copies = [], []
    for k in range(7):
        returned = env.reset(seed=1) if k % 4 == 0 else env.step(np.full(6, 0.5))
        kept.append(returned)
        copies.append(copy.deepcopy(returned))
    for returned, copied in zip(kept, copies, strict=True):
        for one, other in zip(returned, copied, strict=True):
            assert_equal(one, other)


def test_actions_are_left_alone():
    envs = gym.make_vec(ID, num_envs=2, config=SHORT)
    envs.reset(seed=0)
    actions = np.full((2, 6), 0.25)
    envs.step(actions)
    assert (actions == 0.25).all()


def test_what_a_caller_does_to_an_observation_changes_nothing():
    one, other = (gym.make_vec(ID, num_envs=2, config=SHORT) for _ in range(2))
    for envs in (one, other):
        envs.reset(seed=0)
    for _ in range(5):
        changed, _, _, truncated, info = one.step(np.zeros((2, 6)))
        expected, *_ = other.step(np.zeros((2, 6)))
        np.testing.assert_array_equal(changed, expected)
        changed += 3.0
        truncated |= True
        info["pnl"] += 7.0
