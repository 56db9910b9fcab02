"""The loop over episodes calls its watchers in order, in rounds of the envs, in either market, until it is stopped."""

from types import SimpleNamespace

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.envs.play import Watcher, make_envs, play, steps_of_round
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import UsageError
from mm_env.policies.own import make_policy
from mm_env.policies.registry import get_policy

STEPS = 6
BOOK = load_config({"episode": {"steps": STEPS}})
CLASSIC = load_config({"episode": {"horizon": 0.06, "step": 0.01}}, ClassicConfig)
POLICY = get_policy("as")


class Diary(Watcher):
    """Notes every call."""

    def __init__(self):
        self.calls, self.snapshots = [], []

    def reset(self, snapshot):
        self.calls.append(("reset", snapshot.first))
        self.snapshots.append(snapshot)

    def before_step(self, step):
        self.calls.append(("before", step))

    def step(self, snapshot):
        self.calls.append(("step", snapshot.step))
        self.snapshots.append(snapshot)

    def finish(self, complete):
        self.calls.append(("finish", complete))


def played(config, number, episodes, **named):
    envs, diary = make_envs(POLICY, config, number), Diary()
    outcome = play(envs, POLICY, episodes, 3, watchers=[diary], **named)
    envs.close()
    return outcome, diary


@pytest.mark.parametrize("config", [BOOK, CLASSIC], ids=["book", "classic"])
def test_rounds_follow_each_other_and_each_step_is_seen_once(config):
    done = []
    outcome, diary = played(config, 2, 3, on_progress=done.append)
    one = [call for k in range(STEPS) for call in (("before", k), ("step", k + 1))]
    ends = ("finish", True)
    assert diary.calls == [("reset", 0), *one, ends, ("reset", 2), *one, ends]
    assert (outcome.episodes, outcome.stopped) == (3, False)
    assert done == [2] * STEPS + [1] * STEPS  # the second env of the second round counts no more
    assert [snapshot.over for snapshot in diary.snapshots] == ([False] * STEPS + [True]) * 2
    assert not diary.snapshots[0].rewards.any() and diary.snapshots[STEPS].ended.all()


def test_steps_are_those_of_the_environment():
    _, diary = played(BOOK, 3, 3, options={"evaluation": True, "first": 5})
    envs = MultiVenueVectorEnv(3, BOOK)
    envs.reset(seed=3, options={"evaluation": True, "first": 5})
    for snapshot in diary.snapshots[1:]:
        assert snapshot.first == 5
        _, rewards, _, _, infos = envs.step(np.zeros((3, 6), np.float32))
        np.testing.assert_array_equal(snapshot.rewards, rewards)
        np.testing.assert_array_equal(snapshot.infos["pnl"], infos["pnl"])


@pytest.mark.parametrize(("after", "finished", "last"), [(0, 0, False), (4, 0, False), (STEPS + 2, 2, False)])
def test_a_stop_is_heeded_between_steps(after, finished, last):
    calls = iter(range(1000))
    outcome, diary = played(BOOK, 2, 6, stop=lambda: next(calls) == after)
    assert (outcome.episodes, outcome.stopped) == (finished, True)
    assert sum(name == "step" for name, _ in diary.calls) == after
    assert diary.calls[-1] == ("finish", last)


def test_nobody_is_asked_to_stop_after_the_last_step():
    asked = []
    played(BOOK, 2, 2, stop=lambda: bool(asked.append(True)))
    assert len(asked) == STEPS


def test_an_env_that_ends_early_plays_no_more_in_its_round():
    config = load_config({"randomize": {"episode.steps": [2, 20]}})
    outcome, diary = played(config, 6, 6)
    steps = np.sum([snapshot.playing for snapshot in diary.snapshots[1:]], axis=0)
    ends = np.sum([snapshot.ended & snapshot.playing for snapshot in diary.snapshots], axis=0)
    assert len(set(steps.tolist())) > 2 and ends.tolist() == [1] * 6 and outcome.episodes == 6


def test_a_round_can_be_taken_step_by_step():
    envs = make_envs(POLICY, BOOK, 2)
    steps = steps_of_round(envs, POLICY, envs.reset(seed=3)[1])
    assert next(steps).step == 0 and next(steps).step == 1
    assert [snapshot.step for snapshot in steps] == list(range(2, STEPS + 1))
    envs.close()


def test_an_environment_that_resets_at_the_end_of_a_step_is_refused():
    envs = MultiVenueVectorEnv(2, BOOK, autoreset_mode="SameStep")
    with pytest.raises(ValueError, match="autoreset_mode 'SameStep': expected"):
        play(envs, POLICY, 2, 0)
    envs.close()


def test_envs_are_made_in_the_mode_of_the_policy():
    policy = SimpleNamespace(action_mode="absolute")
    for config in (BOOK, CLASSIC):
        envs = make_envs(policy, config, 2, num_threads=1)
        assert envs.action_mode == "absolute" and envs.num_envs == 2
        envs.close()


def test_an_action_that_is_not_allowed_names_the_policy():
    policy = make_policy("mine", lambda envs: np.full(envs.action_space.shape, 2.0), {})
    envs = make_envs(policy, BOOK, 1)
    with pytest.raises(UsageError, match=r"^policy 'mine': actions\[0, 0\] .* is 2\.0: expected a number from -1 to 1"):
        play(envs, policy, 1, 3)
    envs.close()
