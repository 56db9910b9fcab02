"""Every autoreset mode against the same episodes, reset by hand."""

from collections.abc import Iterator
from typing import NamedTuple

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

import mm_env  # noqa: F401, registers the id

ID = "mm_env/MultiVenue-v0"
SHORT = {"episode": {"steps": 3, "burn_in_seconds": 2.0}}
START = (2, 0)  # steps that env 0 and env 1 have behind them, so that they end at different times
DECISIONS = 9


class Row(NamedTuple):
    """What one env returned from a step, or from a reset."""

    observation: np.ndarray
    reward: float
    cash: float
    end: bool


def make(mode: AutoresetMode) -> gym.vector.VectorEnv:
    envs = gym.make_vec(ID, num_envs=2, config=SHORT, autoreset_mode=mode)
    envs.reset(seed=7)
    for _ in range(2):
        envs.step(np.zeros((2, 6), np.float32))
    envs.reset(options={"reset_mask": np.array([False, True])})
    return envs


def action(i: int, step: int) -> np.ndarray:
    return np.random.default_rng([i, step]).uniform(-1.0, 1.0, 6).astype(np.float32)


def by_hand(i: int) -> Iterator[Row]:
    """What env i goes through when whatever has ended is reset by its mask."""
    envs, step = make(AutoresetMode.DISABLED), START[i]
    while True:
        ended = envs.ended
        if ended.any():
            observation, info = envs.reset(options={"reset_mask": ended})
            if ended[i]:
                step = 0
                yield Row(observation[i], 0.0, info["cash"][i], False)
        actions = np.zeros((2, 6), np.float32)
        actions[i] = action(i, step)
        observation, reward, _, truncated, info = envs.step(actions)
        step += 1
        yield Row(observation[i], reward[i], info["cash"][i], truncated[i])


def test_next_step():
    envs, rows, steps, ends = make(AutoresetMode.NEXT_STEP), [by_hand(0), by_hand(1)], list(START), 0
    ended = np.zeros(2, bool)
    for _ in range(DECISIONS):
        actions = np.stack([np.ones(6, np.float32) if ended[i] else action(i, steps[i]) for i in range(2)])
        observation, reward, terminated, truncated, info = envs.step(actions)
        assert not terminated.any() and "final_obs" not in info
        for i in range(2):
            row = next(rows[i])
            np.testing.assert_array_equal(observation[i], row.observation)
            assert (reward[i], info["cash"][i], truncated[i]) == row[1:]
            steps[i] = 0 if ended[i] else steps[i] + 1
        ended = truncated
        ends += truncated.sum()
    assert ends == 5


def test_same_step():
    envs, rows, steps, ends = make(AutoresetMode.SAME_STEP), [by_hand(0), by_hand(1)], list(START), 0
    for _ in range(DECISIONS):
        actions = np.stack([action(i, steps[i]) for i in range(2)])
        observation, reward, terminated, truncated, info = envs.step(actions)
        assert not terminated.any()
        assert ("final_obs" in info) == ("final_info" in info) == truncated.any()
        for i in range(2):
            row = next(rows[i])
            steps[i] = (steps[i] + 1) % 3
            assert (reward[i], truncated[i]) == (row.reward, row.end)
            if row.end:
                assert info["_final_obs"][i] and info["_final_info"][i]
                np.testing.assert_array_equal(info["final_obs"][i], row.observation)
                assert info["final_info"]["cash"][i] == row.cash != 0.0
                row = next(rows[i])
            elif truncated.any():
                assert info["final_obs"][i] is None
                assert not info["_final_obs"][i] and not info["_final_info"][i]
            np.testing.assert_array_equal(observation[i], row.observation)
            assert info["cash"][i] == row.cash
        ends += truncated.sum()
    assert ends == 6


def test_same_step_keeps_the_fills_of_the_last_step():
    hurried = {"episode": {"steps": 2, "burn_in_seconds": 2.0}, "symbols": [{"name": "XYZ", "activity": 20.0}]}
    envs = gym.make_vec(ID, num_envs=1, config=hurried, autoreset_mode=AutoresetMode.SAME_STEP, record=True)
    envs.reset(seed=1)
    cash = 0.0
    for _ in range(2):
        _, _, _, truncated, info = envs.step(np.full((1, 3), -1.0))
        fills = envs.fills()
        sign = 1 - 2 * fills["side"].astype(int)
        cash -= (sign * fills["price"] * 0.01 * 100.0 * fills["quantity"] + fills["fee"]).sum()
    assert truncated[0] and len(fills) > 0
    assert info["final_info"]["cash"][0] == pytest.approx(cash)
    assert info["cash"][0] == 0.0


def test_disabled_wants_a_reset_of_what_has_ended():
    envs = make(AutoresetMode.DISABLED)
    _, _, _, truncated, _ = envs.step(np.zeros((2, 6)))
    assert truncated.tolist() == [True, False]
    with pytest.raises(ResetNeeded, match="env 0 has ended"):
        envs.step(np.zeros((2, 6)))
    envs.reset(options={"reset_mask": truncated})
    _, _, _, truncated, _ = envs.step(np.zeros((2, 6)))
    assert not truncated.any()


def test_the_scalar_env_wants_a_reset_after_the_end():
    env = gym.make(ID, config=SHORT)
    env.reset(seed=0)
    for _ in range(3):
        _, _, terminated, truncated, _ = env.step(np.zeros(6, np.float32))
    assert (terminated, truncated) == (False, True)
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(np.zeros(6, np.float32))
    env.reset()
    env.step(np.zeros(6, np.float32))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_gymnasiums_statistics_are_those_of_the_episodes(mode):
    envs = RecordEpisodeStatistics(make(mode))
    envs.reset(seed=1)
    total = np.zeros(2)
    for _ in range(3):
        _, reward, _, truncated, info = envs.step(np.zeros((2, 6), np.float32))
        total += reward
    assert truncated.all()
    np.testing.assert_allclose(info["episode"]["r"], total)
    assert info["episode"]["l"].tolist() == [3, 3]


def test_infos_become_lists_of_dictionaries():
    envs = DictInfoToList(make(AutoresetMode.SAME_STEP))
    _, _, _, truncated, infos = envs.step(np.ones((2, 6), np.float32))  # hedges, so that cash moves
    assert truncated.tolist() == [True, False]
    assert "final_info" in infos[0] and "final_info" not in infos[1]
    assert infos[0]["final_info"]["cash"] != 0.0
    assert sum(infos[1]["attribution"].values()) == pytest.approx(infos[1]["pnl"], abs=1e-6)
