"""Classic-v0 keeps the promises that MultiVenue-v0 keeps: checkers, paths, autoreset, saved states, buffers, errors."""

import copy
import hashlib
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import mm_env  # noqa: F401, registers the id
from mm_env.envs.classic import ClassicEnv
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.envs.wrappers import DiscreteQuotes, VectorDiscreteQuotes
from mm_env.errors import ConfigError

ID = "mm_env/Classic-v0"
SHORT = {"episode": {"horizon": 0.025}}  # 5 steps
HAWKES = {**SHORT, "flow": {"arrivals": "hawkes"}, "mid": {"move": "brownian"}}
CONFIGS = {"poisson": SHORT, "hawkes": HAWKES}


def make(number: int = 3, **arguments) -> ClassicVectorEnv:
    envs = gym.make_vec(ID, num_envs=number, **({"config": SHORT} | arguments))
    assert isinstance(envs, ClassicVectorEnv)
    return envs


def actions_of(i: int, steps: int) -> np.ndarray:
    return np.random.default_rng(i).uniform(-1.0, 1.0, (steps, 2)).astype(np.float32)


def play(envs: gym.vector.VectorEnv, seed, steps: int = 8) -> np.ndarray:
    """(N, steps + 1, columns) observations, reward, cash, inventory and mid over an end of episode."""
    actions = np.stack([actions_of(i, steps) for i in range(envs.num_envs)])
    observation, info = envs.reset(seed=seed)
    rows = []
    for k in range(steps + 1):
        reward = np.zeros(envs.num_envs)
        if k > 0:
            observation, reward, _, _, info = envs.step(actions[:, k - 1])
        rows.append(np.column_stack([observation, reward, info["cash"], info["inventory"], info["mid"]]))
    return np.stack(rows, axis=1)


@pytest.mark.parametrize("mode", ["residual", "absolute"])
@pytest.mark.parametrize("config", ["as2008", "cj", "hawkes"])
def test_the_checkers_of_gymnasium_and_stable_baselines_find_nothing_to_say(mode, config):
    check_env(gym.make(ID, action_mode=mode, config=config).unwrapped)
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(gym.make(ID, action_mode=mode, config=config).unwrapped)
    checker.check_env(DiscreteQuotes(gym.make(ID, action_mode=mode, config=config)))


def test_make_and_make_vec_give_the_native_classes_and_small_spaces():
    env = gym.make(ID)
    assert isinstance(env.unwrapped, ClassicEnv)
    envs = gym.make_vec(ID, num_envs=3, autoreset_mode=AutoresetMode.SAME_STEP)
    assert isinstance(envs, ClassicVectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.observation_space == gym.spaces.Box(-10.0, 10.0, (3,), np.float32)
    assert env.action_space == gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    assert envs.action_space.shape == (3, 2) and envs.action_names == ["bid", "ask"]
    assert env.unwrapped.observation_names == ["time", "inventory", "mid"]
    assert env.unwrapped.default_policy.name == "as" and gym.make(ID, config="cj").unwrapped.default_policy.name == "cj"
    assert gym.make(ID, config="hawkes").observation_space.shape == (8,)


def test_the_grid_of_quotes_works_here_as_well():
    envs = VectorDiscreteQuotes(make(4))
    envs.reset(seed=0)
    default = envs.unwrapped.batch.states["default_depth"].copy()
    infos = envs.step(np.array([0, 5, 10, 15]))[4]
    distance = np.array([-0.5, 0.0, 0.5, 1.0]) * 5.0
    np.testing.assert_allclose(infos["bid_depth"], default[:, 0] * (1 + distance), rtol=1e-6)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize(("number", "threads"), [(1, None), (5000, 1), (5000, 2)])
def test_the_number_of_envs_and_of_threads_changes_nothing(config, number, threads):
    seven = play(make(7, config=CONFIGS[config]), seed=11)
    envs = make(number, config=CONFIGS[config], num_threads=threads)
    assert envs.batch.threads == (threads if threads and number > 1 else 1)
    many = play(envs, seed=11)
    np.testing.assert_array_equal(many[:7], seven[: min(number, 7)])
    assert len(np.unique(seven[..., -1], axis=0)) >= 5, "mids of different envs differ, but for chance on the lattice"
    assert not np.array_equal(seven[:, 1], seven[:, 7]), "and so do episodes"


@pytest.mark.parametrize("config", CONFIGS)
def test_make_plays_what_env_0_of_make_vec_plays(config):
    vector = play(make(2, config=CONFIGS[config]), seed=11)[0]
    env, ended = gym.make(ID, config=CONFIGS[config]), False
    observation, info = env.reset(seed=11)
    reward = 0.0
    for k in range(9):
        if ended:
            observation, info = env.reset()
            reward, ended = 0.0, False
        elif k > 0:
            observation, reward, terminated, ended, info = env.step(actions_of(0, 8)[k - 1])
            assert isinstance(reward, float) and terminated is False
            assert sum(info["reward_terms"].values()) == pytest.approx(reward)
            assert sum(info["attribution"].values()) == pytest.approx(info["pnl"], abs=1e-9)
        np.testing.assert_array_equal([*observation, reward, info["cash"], info["inventory"], info["mid"]], vector[k])


def test_seeds_lists_of_seeds_and_none():
    envs = make(2)
    first, second, again = play(envs, 1), play(envs, None), play(envs, 1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    listed = play(make(3), [5, 3, 2**70])
    for i, seed in enumerate([5, 3, 2**70]):
        # an env seeded in a list is env 0 of that seed, here with the actions of env i
        alone = make(1)
        alone.reset(seed=seed)
        for k in range(5):
            observation = alone.step(actions_of(i, 8)[None, k])[0]
            np.testing.assert_array_equal(observation[0], listed[i, k + 1, :3].astype(np.float32))
    with pytest.raises(ValueError, match=r"seed -1: expected whole numbers"):
        envs.reset(seed=-1)


def test_two_policies_on_a_seed_see_the_same_mid_and_the_same_arrivals():
    for config in CONFIGS.values():
        quiet, busy = make(50, config=config, action_mode="absolute"), make(50, config=config, action_mode="absolute")
        for envs in (quiet, busy):
            envs.reset(seed=4)
        for _ in range(4):
            one = quiet.step(np.full((50, 2), 1.0))[4]
            other = busy.step(np.full((50, 2), -1.0))[4]
            np.testing.assert_array_equal(one["mid"], other["mid"])
        np.testing.assert_array_equal(quiet.batch.states["arrivals"], busy.batch.states["arrivals"])
        assert busy.batch.states["fills"].sum() > 10 * quiet.batch.states["fills"].sum()


def test_no_episode_of_evaluation_is_one_of_training():
    envs = make(3)

    def keys(**arguments) -> set[tuple[int, ...]]:
        envs.reset(**arguments)
        return {tuple(key) for key in envs.batch.states["key"].tolist()}

    training, evaluation = keys(seed=1), keys(seed=1, options={"evaluation": True})
    assert len(training | evaluation) == 6
    assert keys(seed=1, options={"evaluation": True}) == evaluation


def test_next_step_resets_after_the_end_and_rewards_nothing():
    envs = make(2, autoreset_mode=AutoresetMode.NEXT_STEP)
    envs.reset(seed=0)
    for k in range(12):
        observation, reward, terminated, truncated, info = envs.step(np.ones((2, 2)))
        assert not terminated.any() and truncated.tolist() == [k % 6 == 4] * 2
        if k % 6 == 5:
            assert not reward.any() and not info["pnl"].any() and not observation.any()


def test_same_step_keeps_the_last_observation_and_info():
    by_hand, envs = make(4, autoreset_mode="Disabled"), make(4, autoreset_mode=AutoresetMode.SAME_STEP)
    for both in (by_hand, envs):
        both.reset(seed=2)
        both.step(np.zeros((4, 2)))
        both.reset(options={"reset_mask": np.array([True, False, False, True])})
    for _ in range(11):
        expected, reward, _, ends, last = by_hand.step(np.full((4, 2), -0.2))
        observation, rewards, _, truncated, info = envs.step(np.full((4, 2), -0.2))
        np.testing.assert_array_equal(reward, rewards)
        np.testing.assert_array_equal(ends, truncated)
        assert ("final_obs" in info) == ends.any()
        if ends.any():
            np.testing.assert_array_equal(info["_final_obs"], ends)
            for i in np.flatnonzero(ends):
                np.testing.assert_array_equal(info["final_obs"][i], expected[i])
                assert info["final_info"]["pnl"][i] == last["pnl"][i]
            expected, last = by_hand.reset(options={"reset_mask": ends})
        np.testing.assert_array_equal(observation, expected)
        np.testing.assert_array_equal(info["cash"], last["cash"])


def test_disabled_and_the_scalar_env_want_a_reset():
    envs, env = make(2, autoreset_mode="Disabled"), gym.make(ID, config=SHORT)
    with pytest.raises(ResetNeeded, match="reset"):
        envs.step(np.zeros((2, 2)))
    envs.reset(seed=0)
    env.reset(seed=0)
    for _ in range(5):
        envs.step(np.zeros((2, 2)))
        env.step(np.zeros(2, np.float32))
    with pytest.raises(ResetNeeded, match="env 0 has ended"):
        envs.step(np.zeros((2, 2)))
    with pytest.raises(ResetNeeded, match="env 0 has ended"):
        env.step(np.zeros(2, np.float32))


def course(envs: ClassicVectorEnv) -> str:
    """Digest of what the envs do over ends of episodes, a reset and a switch to evaluation."""
    digest = hashlib.sha256()
    for k in range(12):
        actions = np.random.default_rng(k).uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        observation, reward, _, truncated, info = envs.step(actions)
        for array in (observation, reward, truncated, info["cash"], info["attribution"]["revaluation"]):
            digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(envs.reset()[0].tobytes())
    digest.update(envs.reset(options={"evaluation": True})[1]["mid"].tobytes())
    digest.update(envs.step(np.zeros(envs.action_space.shape))[4]["mid"].tobytes())
    digest.update(envs.np_random.random(3).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("config", [SHORT, HAWKES, {**SHORT, "policy": {"name": "cj"}}], ids=["as", "hawkes", "cj"])
def test_states_pickles_and_copies_continue_bit_for_bit(config):
    envs = make(3, config=config)
    envs.reset(seed=9)
    for k in range(3):
        envs.step(np.full((3, 2), 0.2 * k))
    state = envs.save_state()
    twins = [pickle.loads(pickle.dumps(envs)), copy.deepcopy(envs), make(3, config=config)]
    twins[-1].load_state(state)
    expected = course(envs)
    assert [course(twin) for twin in twins] == [expected] * 3
    envs.load_state(state)
    assert course(envs) == expected
    for other in (make(4, config=config), make(3, config=config, action_mode="absolute"), make(3, config="as2008")):
        with pytest.raises(ValueError, match=r"saved state: .*expected"):
            other.load_state(state)
    with pytest.raises(ValueError, match="not a saved state"):
        envs.load_state(state[:100])


def test_the_scalar_env_saves_and_pickles():
    env = gym.make(ID, config=HAWKES).unwrapped
    env.reset(seed=3)
    env.step(np.full(2, 0.5))
    other, twin = gym.make(ID, config=HAWKES).unwrapped, pickle.loads(pickle.dumps(env))
    other.load_state(env.save_state())
    expected = env.step(np.full(2, -0.5))
    for returned in (other.step(np.full(2, -0.5)), twin.step(np.full(2, -0.5))):
        np.testing.assert_array_equal(returned[0], expected[0])
        assert returned[1:] == expected[1:]


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
def test_nothing_that_was_returned_is_written_to_again(mode):
    envs = make(4500, num_threads=2, autoreset_mode=mode)
    kept, copies = [], []

    def keep(returned: tuple) -> None:
        kept.append(returned)
        copies.append(copy.deepcopy(returned))

    keep(envs.reset(seed=0))
    for k in range(8):
        actions = np.full((4500, 2), 0.1 * k)
        keep(envs.step(actions))
        assert (actions == 0.1 * k).all()
    keep(envs.reset(options={"reset_mask": np.arange(4500) % 2 == 0}))
    keep(envs.step(np.zeros((4500, 2))))
    for returned, copied in zip(kept, copies, strict=True):
        for one, other in zip(returned, copied, strict=True):
            assert_equal(one, other)


def test_what_a_caller_does_to_returned_arrays_changes_nothing():
    one, other = make(2), make(2)
    for envs in (one, other):
        envs.reset(seed=0)
    for _ in range(8):
        changed, _, _, truncated, info = one.step(np.zeros((2, 2)))
        expected, *_ = other.step(np.zeros((2, 2)))
        np.testing.assert_array_equal(changed, expected)
        changed += 3.0
        truncated |= True
        info["pnl"] += 7.0


def test_a_new_config_holds_from_the_next_reset_of_each_env():
    envs = make(3, autoreset_mode="Disabled")
    envs.reset(seed=0)
    new = {**SHORT, "mid": {"start_price": 50.0}, "policy": {"name": "cj"}, "reward": {"inventory_penalty": 1.0}}
    mask = np.array([False, True, False])
    infos = envs.reset(options={"config": new, "reset_mask": mask})[1]
    assert infos["mid"].tolist() == [100.0, 50.0, 100.0]
    assert envs.config.policy.name == "cj" and envs.episode_config(0).policy.name == "as"
    depth = envs.batch.states["default_depth"]
    assert depth[0, 0] == depth[2, 0] != depth[1, 0]
    expected = make(3, autoreset_mode="Disabled")
    expected.reset(seed=0)
    np.testing.assert_array_equal(envs.step(np.zeros((3, 2)))[0][[0, 2]], expected.step(np.zeros((3, 2)))[0][[0, 2]])
    twin = make(3, config=new, autoreset_mode="Disabled")
    twin.load_state(envs.save_state())
    assert len(twin.assignment.markets) == 2
    np.testing.assert_array_equal(twin.step(np.ones((3, 2)))[0], envs.step(np.ones((3, 2)))[0])
    with pytest.raises(ValueError, match=r"episode\.observations 'full': expected 'closed_form'"):
        envs.set_config("hawkes")
    with pytest.raises(ConfigError, match="unknown key"):
        envs.set_config({"gamma": 1.0})


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (np.zeros((3, 3)), r"actions of shape \(3, 3\): expected \(3, 2\)"),
        (np.full((3, 2), 1.5), r"actions\[0, 0\] \(bid of env 0\) is 1.5: expected a number from -1 to 1"),
        (np.full((3, 2), np.nan), "is nan: expected"),
        ("buy", "actions: expected numbers"),
    ],
)
def test_actions_that_are_not_allowed(actions, said):
    envs = make(3)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=said):
        envs.step(actions)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"num_envs": 0}, "num_envs 0: expected whole numbers from 1"),
        ({"action_mode": "relative"}, "action_mode 'relative': expected one of 'residual', 'absolute'"),
        ({"autoreset_mode": "Never"}, "autoreset_mode 'Never'"),
        ({"num_threads": 0}, "num_threads 0"),
        ({"config": "as2007"}, "nearest: 'as2008'"),
    ],
)
def test_arguments_that_are_not_allowed(arguments, said):
    with pytest.raises(ValueError, match=said):
        ClassicVectorEnv(**arguments)


def test_a_closed_env_refuses():
    envs = make(2)
    envs.reset(seed=0)
    envs.close()
    with pytest.raises(ValueError, match="closed"):
        envs.step(np.zeros((2, 2)))
