"""A user's mistake: an error that names the argument, its value and what is allowed."""

import threading
import time

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import mm_env  # noqa: F401, registers the id
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError, TapeError
from mm_env.sim.step import step_range

ID = "mm_env/MultiVenue-v0"


@pytest.fixture(scope="module")
def envs() -> gym.vector.VectorEnv:
    made = gym.make_vec(ID, num_envs=2, config={"episode": {"burn_in_seconds": 0.0}})
    made.reset(seed=0)
    return made


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"num_envs": 0}, ValueError, "num_envs 0: expected whole numbers from 1"),
        ({"num_threads": 1.5}, ValueError, "num_threads 1.5: expected whole numbers from 1"),
        ({"action_mode": "residul"}, ValueError, "action_mode 'residul': expected .*nearest: 'residual'"),
        ({"render_mode": "rgb_arry"}, ValueError, "render_mode 'rgb_arry': expected .*nearest: 'rgb_array'"),
        ({"autoreset_mode": "Disable"}, ValueError, "autoreset_mode 'Disable': expected .*nearest: 'Disabled'"),
        ({"config": "two_symbol"}, ConfigError, "nearest: 'two_symbols'"),
        ({"config": {"news": {"scorer": "vade"}}}, ConfigError, "news.scorer: unknown scorer 'vade'.*'vader'"),
        ({"config": {"news": {"source": "tape", "tape": "no/such.csv"}}}, TapeError, "such.csv"),
    ],
)
def test_of_the_constructor(arguments, error, said):
    with pytest.raises(error, match=said):
        gym.make_vec(ID, **arguments)


@pytest.mark.parametrize(
    ("seed", "options", "said"),
    [
        (-1, {}, "seed -1: expected whole numbers from 0"),
        ([1], {}, "a list of 1 seeds: expected 2, one an env"),
        ([1, 0.5], {}, r"seed 0\.5: expected"),
        (None, {"reset_maks": 1}, "options: key 'reset_maks': expected .*nearest: 'reset_mask'"),
        (None, {"reset_mask": [True, True]}, r"reset_mask'\] \[True, True\]: expected \(2,\) bool array"),
        (None, {"reset_mask": np.zeros(2, bool)}, "with a True in it"),
        (None, {"reset_mask": np.ones(3, bool)}, r"expected \(2,\) bool array"),
        (None, {"evaluation": "yes"}, "'yes': expected True or False"),
    ],
)
def test_of_reset(envs, seed, options, said):
    with pytest.raises(ValueError, match=said):
        envs.reset(seed=seed, options=options)


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (np.zeros((2, 5)), r"actions of shape \(2, 5\): expected \(2, 6\).*XYZ.bid"),
        (np.zeros(6), r"actions of shape \(6,\): expected \(2, 6\)"),
        ([[0.0] * 6, [0.0] * 4 + [1.1, 0.0]], r"actions\[1, 4\] \(ABC.ask of env 1\) is 1.1"),
        ([[0.0] * 6, [np.nan] + [0.0] * 5], r"actions\[1, 0\] \(XYZ.bid of env 1\) is nan"),
        ([[np.inf] + [0.0] * 5, [0.0] * 6], r"actions\[0, 0\] .*is inf"),
        ([["a"] * 6] * 2, "actions: expected numbers in an array"),
        (None, "actions.*expected"),
    ],
)
def test_of_step(envs, actions, said):
    before = envs.batch.states.tobytes()
    with pytest.raises(ValueError, match=said):
        envs.step(actions)
    assert envs.batch.states.tobytes() == before


def test_rounding_at_the_bounds_is_forgiven(envs):
    before = envs.batch.states["step"].copy()
    envs.step(np.full((2, 6), np.float32(1.0) + np.finfo(np.float32).eps))
    assert (envs.batch.states["step"] == before + 1).all()


def test_before_the_first_reset():
    envs = gym.make_vec(ID, num_envs=2)
    for call in (lambda: envs.step(np.zeros((2, 6))), envs.default_action, envs.episode_config):
        with pytest.raises(ResetNeeded, match="reset"):
            call()
    with pytest.raises(ResetNeeded, match="the first reset is of all envs"):
        envs.reset(options={"reset_mask": np.array([True, False])})


def test_after_close():
    envs = gym.make_vec(ID, num_envs=64, num_threads=2)
    envs.reset(seed=0)
    envs.close()
    envs.close()
    for call in (envs.reset, lambda: envs.step(np.zeros((64, 6)))):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_logs_need_a_recording_environment(envs):
    for call in (envs.fills, envs.headlines):
        with pytest.raises(ValueError, match="record=True"):
            call()


def test_a_read_only_action_compiles_nothing_anew():
    env = MultiVenueVectorEnv(2, num_threads=1)
    env.reset(seed=0)
    actions = np.zeros((2, 6), np.float32)
    env.step(actions)
    before = len(step_range.signatures)
    actions.setflags(write=False)
    env.step(actions)
    assert len(step_range.signatures) == before
    env.close()


def test_an_interrupt_leaves_no_thread_at_work(monkeypatch):
    env = MultiVenueVectorEnv(256, num_threads=2)
    env.reset(seed=0)
    main, calls = threading.get_ident(), []

    def interrupted(*arguments):
        calls.append(threading.get_ident())
        if threading.get_ident() == main:
            raise KeyboardInterrupt
        time.sleep(0.01)
        step_range(*arguments)

    monkeypatch.setattr("mm_env.sim.batch.step_range", interrupted)
    with pytest.raises(KeyboardInterrupt):
        env.step(np.zeros((256, 6), np.float32))
    done = len(calls)
    time.sleep(0.1)
    assert len(calls) == done < 16
    env.close()


def test_an_env_may_walk_the_path_of_a_later_one():
    whole, later = (gym.make_vec(ID, num_envs=n, config={"episode": {"steps": 5}}) for n in (5, 2))
    rows = whole.reset(seed=4)[0]
    np.testing.assert_array_equal(later.reset(seed=4, options={"first": 3})[0], rows[3:])
    for options, seed in (({"first": -1}, 4), ({"first": 1.5}, 4), ({"first": 1}, None), ({"first": 1}, [4, 5])):
        with pytest.raises(ValueError, match=r"options\['first'\].*expected whole numbers from 0, with one seed for all"):
            later.reset(seed=seed, options=options)
