"""The adapter for stable-baselines3 against the native vector environment behind it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

import mm_env.learning
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.envs.wrappers import VectorDiscreteQuotes
from mm_env.errors import UsageError
from mm_env.learning.vec_env import MarketVecEnv, make_vec_env

N, STEPS = 5, 12
CONFIG = {"episode": {"steps": STEPS}}


def actions(seed: int, count: int = 3 * STEPS) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1.0, 1.0, (N, 6)).astype(np.float32) for _ in range(count)]


def test_it_is_the_native_environment():
    adapted = make_vec_env(CONFIG, N, seed=7)
    native = MultiVenueVectorEnv(N, CONFIG, autoreset_mode=AutoresetMode.SAME_STEP)
    rows, infos = native.reset(seed=7)
    np.testing.assert_array_equal(adapted.reset(), rows)
    assert [info["mid"].tolist() for info in adapted.reset_infos] == infos["mid"].tolist()
    for action in actions(1):
        seen, rewards, dones, said = adapted.step(action)
        rows, wanted, _, ends, infos = native.step(action)
        np.testing.assert_array_equal(seen, rows)
        np.testing.assert_array_equal(rewards, wanted.astype(np.float32))
        np.testing.assert_array_equal(dones, ends)
        assert (seen.dtype, rewards.dtype, dones.dtype) == (np.float32, np.float32, np.bool_)
        assert all((info != {}) == done for info, done in zip(said, dones, strict=True))
        if ends.any():
            for i in range(N):
                np.testing.assert_array_equal(said[i]["terminal_observation"], infos["final_obs"][i])
                assert said[i]["TimeLimit.truncated"] is True
                assert said[i]["pnl"] == infos["final_info"]["pnl"][i] == adapted.batch_infos["pnl"][i]
                assert said[i]["reward_terms"]["profit"] == infos["final_info"]["reward_terms"]["profit"][i]
                assert adapted.reset_infos[i]["pnl"] == infos["pnl"][i] == 0.0
                assert adapted.reset_infos[i]["mid"].tolist() == infos["mid"][i].tolist()


def test_nothing_that_was_returned_is_written_to_again():
    adapted = make_vec_env(CONFIG, N, seed=7, stagger=True)
    kept = [(adapted.reset(),)]
    copies = [tuple(array.copy() for array in kept[0])]
    for action in actions(2, 2 * STEPS):
        seen, rewards, dones, _ = adapted.step(action)
        rewards += 1.0  # as the learner does where an episode was cut off
        kept.append((seen, rewards, dones))
        copies.append((seen.copy(), rewards.copy(), dones.copy()))
    for arrays, wanted in zip(kept, copies, strict=True):
        for array, same in zip(arrays, wanted, strict=True):
            np.testing.assert_array_equal(array, same)


def test_seeds_and_options_hold_for_one_reset():
    adapted = make_vec_env(CONFIG, N)
    assert adapted.seed(3) == [3] * N
    first = adapted.reset()
    assert (adapted.reset() != first).any(), "the next episode"
    adapted.seed(3)
    np.testing.assert_array_equal(adapted.reset(), first)
    adapted.seed(3)
    adapted.set_options({"evaluation": True})
    held_out = adapted.reset()
    assert (held_out != first).any()
    np.testing.assert_array_equal(held_out, make_vec_env(CONFIG, N, seed=3, evaluation=True).reset())
    adapted.seed(3)
    adapted.set_options({"evaluation": False})
    np.testing.assert_array_equal(adapted.reset(), first)
    adapted.set_options([{"evaluation": True}] + [{}] * (N - 1))
    with pytest.raises(ValueError, match="expected the same for every env"):
        adapted.reset()


def test_the_documented_way_in_is_the_same_function():
    assert mm_env.learning.make_vec_env is make_vec_env
    assert set(mm_env.learning.__all__) <= set(dir(mm_env.learning))
    for name in mm_env.learning.__all__:
        assert getattr(mm_env.learning, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'make_vec_envs'"):
        mm_env.learning.make_vec_envs  # noqa: B018


def test_a_seed_shares_no_path_with_the_next():
    first, second = make_vec_env(CONFIG, N, seed=3).reset(), make_vec_env(CONFIG, N, seed=4).reset()
    assert not any((a == b).all() for a in first for b in second)


def test_staggered_episodes_end_one_after_the_other_and_then_run_in_full():
    adapted = make_vec_env(CONFIG, 4, seed=1, stagger=True)
    adapted.reset()
    ends: list[list[int]] = [[] for _ in range(4)]
    for step in range(1, 3 * STEPS + 1):
        seen, _, dones, infos = adapted.step(np.zeros((4, 6), np.float32))
        for i in np.flatnonzero(dones):
            ends[i].append(step)
            assert infos[i]["TimeLimit.truncated"] and infos[i]["terminal_observation"].shape == (36,)
            assert (infos[i]["terminal_observation"] != seen[i]).any()
            assert adapted.reset_infos[i]["pnl"] == 0.0
    assert [e[0] for e in ends] == [3, 6, 9, 12]
    assert all(np.diff(e).tolist() == [STEPS] * (len(e) - 1) and len(e) >= 2 for e in ends)


def test_attributes_and_methods():
    adapted = make_vec_env(CONFIG, N, seed=0, record=True)
    adapted.reset()
    assert adapted.get_attr("symbols", [0, 3]) == [["XYZ", "ABC"]] * 2
    assert adapted.get_attr("render_mode") == [None] * N
    assert [c.episode.steps for c in adapted.env_method("episode_config", indices=[1, 2])] == [STEPS] * 2
    assert len(adapted.env_method("fills")) == N
    assert adapted.env_method("default_action", indices=2)[0].shape == (6,)
    assert adapted.has_attr("symbols") and not adapted.has_attr("no_such_thing")
    adapted.set_attr("note", 5)
    assert adapted.get_attr("note") == [5] * N
    adapted.env_method("set_config", {"episode": {"steps": 3}})
    assert adapted.get_attr("config", 0)[0].episode.steps == 3
    for refused in (lambda: adapted.set_attr("note", 6, 0), lambda: adapted.env_method("set_config", {}, indices=[0])):
        with pytest.raises(ValueError, match="expected all envs, which share it"):
            refused()


@pytest.mark.parametrize("number", [2, 3, 5])  # as many envs as reset and step return parts, and not
def test_reset_and_step_by_name_answer_for_each_env(number):
    adapted, native = make_vec_env(CONFIG, number), MultiVenueVectorEnv(number, CONFIG)
    acts = np.zeros((number, 6), np.float32)
    for name, argument in (("reset", {"seed": 1}), ("step", {"actions": acts})):
        parts = getattr(native, name)(**argument)
        answers = adapted.env_method(name, **argument)
        assert len(answers) == number
        for i, answer in enumerate(answers):
            assert len(answer) == len(parts)
            np.testing.assert_array_equal(answer[0], parts[0][i])
            np.testing.assert_array_equal(answer[-1]["mid"], parts[-1]["mid"][i])


def test_wrappers_on_either_side():
    discrete = make_vec_env(CONFIG, N, discrete=True, seed=2)
    assert discrete.env_is_wrapped(VectorDiscreteQuotes) == [True] * N
    assert make_vec_env(CONFIG, N).env_is_wrapped(VectorDiscreteQuotes, [0]) == [False]
    assert discrete.get_attr("table", 0)[0][5] == (0.0, 0.0)
    plain = make_vec_env(CONFIG, N, seed=2)
    np.testing.assert_array_equal(discrete.reset(), plain.reset())
    np.testing.assert_array_equal(discrete.step(np.full(N, 5))[0], plain.step(np.zeros((N, 6), np.float32))[0])


def test_monitor_and_normalisation_work_on_it():
    watched = VecMonitor(make_vec_env(CONFIG, N, seed=4))
    normalised = VecNormalize(watched)
    normalised.reset()
    total = np.zeros(N)
    for _ in range(STEPS):
        seen, _, dones, infos = normalised.step(np.zeros((N, 6), np.float32))
        total += normalised.get_original_reward()
    assert dones.all() and np.isfinite(seen).all()
    for i in range(N):
        assert infos[i]["episode"]["l"] == STEPS and infos[i]["episode"]["r"] == pytest.approx(total[i], rel=1e-4)
        assert np.abs(infos[i]["terminal_observation"]).max() <= 10.0


def test_a_saved_state_goes_on(tmp_path):
    adapted = make_vec_env(CONFIG, N, seed=4, stagger=True)
    adapted.reset()
    played = actions(3)
    for action in played[:5]:
        adapted.step(action)
    state = adapted.save_state()
    wanted = [adapted.step(action) for action in played[5:]]
    other = make_vec_env(CONFIG, N, stagger=True)
    other.load_state(state)
    np.testing.assert_array_equal(other.observations, MultiVenueState(state).rows)
    for action, (seen, rewards, dones, _) in zip(played[5:], wanted, strict=True):
        again = other.step(action)
        np.testing.assert_array_equal(again[0], seen)
        np.testing.assert_array_equal(again[1], rewards)
        np.testing.assert_array_equal(again[2], dones)


class MultiVenueState:
    """The observations of a saved state, through the native environment."""

    def __init__(self, state: bytes) -> None:
        native = MultiVenueVectorEnv(N, CONFIG, autoreset_mode=AutoresetMode.SAME_STEP)
        native.load_state(state[8:])
        self.rows = native.batch.rows


def test_pictures():
    adapted = make_vec_env(CONFIG, 2, seed=0, render_mode="rgb_array")
    adapted.reset()
    adapted.step(np.zeros((2, 6), np.float32))
    images = adapted.get_images()
    assert len(images) == 2 and images[0].shape == images[1].shape and images[0].dtype == np.uint8
    assert adapted.render("rgb_array").ndim == 3
    assert make_vec_env(CONFIG, 2).get_images() == [None, None]


def test_the_classic_market_and_what_is_refused():
    classic = make_vec_env("cj", N, classic=True, action_mode="absolute", seed=1)
    assert classic.action_space.shape == (2,) and classic.reset().shape == (N, 3)
    with pytest.raises(ValueError, match="autoreset_mode 'NextStep': expected 'SameStep'"):
        MarketVecEnv(ClassicVectorEnv(2))
    with pytest.raises(UsageError, match="expected an environment of mm_env"):
        MarketVecEnv(object())
