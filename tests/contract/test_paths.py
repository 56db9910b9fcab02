"""The path of env i depends on the seed and on i: not on N, threads, the way of making, or who looked."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import mm_env  # noqa: F401, registers the id

ID = "mm_env/MultiVenue-v0"
SHORT = {"episode": {"steps": 4, "burn_in_seconds": 2.0}}


def actions_of(i: int, steps: int) -> np.ndarray:
    return np.random.default_rng(i).uniform(-1.0, 1.0, (steps, 6)).astype(np.float32)


def play(envs: gym.vector.VectorEnv, seed, steps: int = 7) -> dict[str, np.ndarray]:
    """Observations, rewards and figures of all envs over an end of episode; env axis first."""
    actions = np.stack([actions_of(i, steps) for i in range(envs.num_envs)])
    observation, info = envs.reset(seed=seed)
    seen = [(observation, np.zeros(envs.num_envs), info["cash"], info["inventory"], info["value_at_risk"])]
    for k in range(steps):
        observation, reward, _, _, info = envs.step(actions[:, k])
        seen.append((observation, reward, info["cash"], info["inventory"], info["value_at_risk"]))
    names = ("observation", "reward", "cash", "inventory", "value_at_risk")
    return {name: np.stack([row[k] for row in seen], axis=1) for k, name in enumerate(names)}


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


@pytest.fixture(scope="module")
def seven() -> dict[str, np.ndarray]:
    return play(gym.make_vec(ID, num_envs=7, config=SHORT), seed=11)


def test_the_envs_differ_from_each_other(seven):
    assert len(np.unique(seven["observation"][:, 1], axis=0)) == 7
    assert len(np.unique(seven["cash"][:, 3])) == 7


def test_an_episode_differs_from_the_one_before(seven):
    assert not np.array_equal(seven["observation"][:, 0], seven["observation"][:, 5])


@pytest.mark.parametrize(("number", "threads"), [(1, None), (1024, 1), (1024, 2)])
def test_the_number_of_envs_and_of_threads_changes_nothing(seven, number, threads):
    many = play(gym.make_vec(ID, num_envs=number, num_threads=threads, config=SHORT), seed=11)
    few = min(number, 7)
    assert_same({k: v[:few] for k, v in many.items()}, {k: v[:few] for k, v in seven.items()})


def test_two_threads_are_used_where_there_is_work_for_them():
    assert gym.make_vec(ID, num_envs=1024, num_threads=2, config=SHORT).batch.threads == 2


def test_make_plays_what_env_0_of_make_vec_plays(seven):
    env = gym.make(ID, config=SHORT)
    observation, info = env.reset(seed=11)
    rows = [(observation, 0.0, info["cash"], info["inventory"], info["value_at_risk"])]
    ended = False
    for action in actions_of(0, 7):
        if ended:
            observation, info = env.reset()
            reward, ended = 0.0, False
        else:
            observation, reward, _, ended, info = env.step(action)
        rows.append((observation, reward, info["cash"], info["inventory"], info["value_at_risk"]))
    single = {name: np.stack([row[k] for row in rows]) for k, name in enumerate(seven)}
    assert_same(single, {name: values[0] for name, values in seven.items()})


def test_a_list_seeds_each_env_as_if_it_were_alone():
    seeds = [5, 3, 2**70]
    native = play(gym.make_vec(ID, num_envs=3, config=SHORT), seeds)
    for i, seed in enumerate(seeds):
        alone = gym.make_vec(ID, num_envs=1, config=SHORT)
        observation, _ = alone.reset(seed=seed)
        np.testing.assert_array_equal(observation[0], native["observation"][i, 0])
    synchronous = gym.make_vec(ID, num_envs=3, vectorization_mode="sync", config=SHORT)
    assert_same(play(synchronous, seeds), native)


def test_a_seed_repeats_and_no_seed_goes_on():
    envs = gym.make_vec(ID, num_envs=2, config=SHORT)
    first, _ = envs.reset(seed=1)
    second, _ = envs.reset()
    again, _ = envs.reset(seed=1)
    after, _ = envs.reset()
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(second, after)
    assert not np.array_equal(first, second)


def test_without_any_seed_the_path_is_fresh():
    one, other = (gym.make_vec(ID, num_envs=1, config=SHORT).reset()[0] for _ in range(2))
    assert not np.array_equal(one, other)


def test_a_seed_of_none_in_a_list_keeps_that_key():
    envs = gym.make_vec(ID, num_envs=2, config=SHORT)
    envs.reset(seed=1)
    going_on, _ = envs.reset()
    envs.reset(seed=1)
    mixed, _ = envs.reset(seed=[8, None])
    np.testing.assert_array_equal(mixed[1], going_on[1])
    assert not np.array_equal(mixed[0], going_on[0])


def test_what_an_agent_does_changes_nothing_in_its_next_episode():
    quiet, busy = gym.make(ID, config=SHORT), gym.make(ID, config=SHORT)
    for env, size in ((quiet, 0.0), (busy, 1.0)):
        env.reset(seed=3)
        for _ in range(4):
            env.step(np.full(6, size, np.float32))
    assert quiet.unwrapped.batch.states["cash"][0] != busy.unwrapped.batch.states["cash"][0]
    np.testing.assert_array_equal(quiet.reset()[0], busy.reset()[0])


@pytest.mark.parametrize("seed", [1, [1, 2, 3]])
def test_no_episode_of_evaluation_is_one_of_training(seed):
    envs = gym.make_vec(ID, num_envs=3, config=SHORT)

    def keys(count: int, **arguments) -> set[tuple[int, int, int]]:
        """(key, key, episode) of the next episodes: all that an episode's random numbers derive from."""
        seen = set()
        for k in range(count):
            envs.reset(**(arguments if k == 0 else {}))
            states = envs.batch.states
            seen |= set(zip(*states["key"].T.tolist(), states["episode"].tolist(), strict=True))
        return seen

    training = keys(4, seed=seed)
    evaluation = keys(4, seed=seed, options={"evaluation": True})
    assert len(training) == len(evaluation) == 12
    assert not training & evaluation
    assert keys(4, seed=seed) == training
    assert keys(4, seed=seed, options={"evaluation": True}) == evaluation
    switched = keys(3, options={"evaluation": False})
    assert {key[:2] for key in switched} == {key[:2] for key in training}, "back to the keys of training"
    assert not switched & training, "and goes on counting episodes"


def test_a_mask_resets_some_envs_and_leaves_the_others_where_they_are():
    mask = np.array([True, False, True])
    masked, left = (gym.make_vec(ID, num_envs=3, config=SHORT, autoreset_mode="Disabled") for _ in range(2))
    for envs in (masked, left):
        envs.reset(seed=6)
        envs.step(np.zeros((3, 6)))
    before = masked.batch.states.copy()
    observation, info = masked.reset(seed=[6, None, 9], options={"reset_mask": mask})
    assert masked.batch.states[1] == before[1]
    assert masked.batch.states["step"].tolist() == [0, 1, 0]
    assert info["pnl"][1] == before["pnl"][1] and info["pnl"][[0, 2]].tolist() == [0.0, 0.0]
    alone, _ = gym.make_vec(ID, num_envs=1, config=SHORT).reset(seed=9)
    np.testing.assert_array_equal(observation[2], alone[0])
    after, *_ = masked.step(np.zeros((3, 6)))
    expected, *_ = left.step(np.zeros((3, 6)))
    np.testing.assert_array_equal(after[1], expected[1])


def test_looking_changes_nothing():
    watched = gym.make_vec(
        ID, num_envs=2, config=SHORT, render_mode="ansi", record=True, autoreset_mode=AutoresetMode.SAME_STEP
    )
    alone = gym.make_vec(ID, num_envs=2, config=SHORT, autoreset_mode=AutoresetMode.SAME_STEP)
    for envs in (watched, alone):
        envs.reset(seed=2)
    for k in range(6):
        action = np.full((2, 6), 0.1 * k, np.float32)
        watched.render()
        watched.fills(1)
        watched.headlines(1)
        watched.save_state()
        watched.default_policy.act(watched)
        watched.default_policy.explain(watched)
        one, other = watched.step(action), alone.step(action)
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
