"""A saved or pickled environment goes on bit for bit, in another process as well."""

import copy
import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401, registers the id
from mm_env.config.io import load_config, override

ID = "mm_env/MultiVenue-v0"
SHORT = {
    "episode": {"steps": 6, "burn_in_seconds": 2.0},
    "randomize": {"policy.risk_aversion": [0.001, 0.01], "episode.steps": [4, 8]},
}


def make(number: int = 3, **arguments) -> gym.vector.VectorEnv:
    return gym.make_vec(ID, num_envs=number, **({"config": SHORT} | arguments))


def course(envs: gym.vector.VectorEnv, steps: int = 12) -> str:
    """Digest of what the envs do over several ends of episodes, a reset by seed and one without."""
    digest = hashlib.sha256()
    for k in range(steps):
        actions = np.random.default_rng(k).uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        observation, reward, _, truncated, info = envs.step(actions)
        for array in (observation, reward, truncated, info["cash"], info["attribution"]["spread_capture"]):
            digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(envs.reset()[0].tobytes())
    digest.update(envs.reset(options={"evaluation": True})[0].tobytes())
    digest.update(envs.np_random.random(3).tobytes())
    return digest.hexdigest()


@pytest.fixture
def played() -> gym.vector.VectorEnv:
    envs = make()
    envs.reset(seed=9)
    for k in range(5):
        envs.step(np.full((3, 6), 0.2 * k, np.float32))
    return envs


def test_a_state_continues_in_another_environment(played):
    state = played.save_state()
    expected = course(played)
    other = make()
    other.reset(seed=1)
    other.load_state(state)
    assert course(other) == expected
    never_reset = make()
    never_reset.load_state(state)
    assert course(never_reset) == expected


def test_a_state_can_be_returned_to(played):
    state = played.save_state()
    expected = course(played)
    played.load_state(state)
    assert course(played) == expected


def test_a_pickle_and_a_deep_copy_continue(played):
    twins = [pickle.loads(pickle.dumps(played)), copy.deepcopy(played)]
    expected = course(played)
    for twin in twins:
        assert twin.spec == played.spec
        assert course(twin) == expected


def test_a_state_and_a_pickle_continue_in_another_process(played, tmp_path):
    (tmp_path / "state").write_bytes(played.save_state())
    (tmp_path / "pickle").write_bytes(pickle.dumps(played))
    code = (
        "import pickle, sys; from pathlib import Path\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from test_saving import course, make\n"
        "envs = make(); folder = Path(sys.argv[1])\n"
        "envs.load_state((folder / 'state').read_bytes())\n"
        "print(course(envs), course(pickle.loads((folder / 'pickle').read_bytes())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [course(played)] * 2


def test_threads_work_again_after_a_pickle():
    envs = make(64, num_threads=2)
    envs.reset(seed=0)
    twin = pickle.loads(pickle.dumps(envs))
    assert twin.batch.threads == 2
    assert course(twin) == course(envs)


def test_the_scalar_env_saves_and_pickles():
    env = gym.make(ID, config=SHORT).unwrapped
    env.reset(seed=3)
    env.step(np.full(6, 0.5))
    other, twin = gym.make(ID, config=SHORT).unwrapped, pickle.loads(pickle.dumps(env))
    other.load_state(env.save_state())
    for _ in range(2):
        expected = env.step(np.full(6, -0.5))
        for returned in (other.step(np.full(6, -0.5)), twin.step(np.full(6, -0.5))):
            np.testing.assert_array_equal(returned[0], expected[0])
            assert returned[1:4] == expected[1:4] and returned[4]["attribution"] == expected[4]["attribution"]


def test_envs_that_still_play_an_older_market_continue():
    first = override(load_config("calm"), {"news.rate_per_hour": 7200.0})
    second = override(first, {"news.scorer": "none"})  # other headlines, in the sense of other scores
    envs = make(config=first, autoreset_mode="Disabled")
    envs.reset(seed=2)
    envs.set_config(second)
    envs.reset(options={"reset_mask": np.array([True, False, False])})
    other = make(config=second, autoreset_mode="Disabled")
    other.load_state(envs.save_state())
    assert len(other.assignment.markets) == 2
    assert course(other) == course(envs)


def test_logs_are_saved_as_well():
    busy = {"symbols": [{"name": "XYZ", "activity": 20.0}], "news": {"rate_per_hour": 36000.0}}
    env = gym.make(ID, config=busy, record=True).unwrapped
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.full(3, -1.0, np.float32))
    assert len(env.fills()) > 0 and len(env.headlines()) > 0
    twin = pickle.loads(pickle.dumps(env))
    np.testing.assert_array_equal(twin.fills(), env.fills())
    assert twin.headlines() == env.headlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"number": 4}, "num_envs 3: expected 4"),
        ({"config": "calm"}, "config '"),
        ({"action_mode": "absolute"}, "action_mode 'residual': expected 'absolute'"),
        ({"autoreset_mode": "SameStep"}, "autoreset_mode 'NextStep': expected 'SameStep'"),
        ({"record": True}, "record False: expected True"),
    ],
)
def test_a_state_of_another_environment_is_refused(played, arguments, said):
    other = make(**arguments)
    other.reset(seed=0)
    before = other.batch.states.tobytes()
    with pytest.raises(ValueError, match="saved state: " + said):
        other.load_state(played.save_state())
    assert other.batch.states.tobytes() == before


def test_a_state_of_another_version_is_refused(played, monkeypatch):
    state = played.save_state()
    monkeypatch.setattr("mm_env.envs.saving.__version__", "99.0.0")
    with pytest.raises(ValueError, match=r"mm_env '.*': expected '99\.0\.0'"):
        played.load_state(state)


@pytest.mark.parametrize("damage", [lambda s: b"", lambda s: b"no state", lambda s: s[: len(s) // 2]])
def test_damaged_bytes_are_refused(played, damage):
    with pytest.raises(ValueError, match="not a saved state of mm_env"):
        played.load_state(damage(played.save_state()))


def test_a_state_refuses_headlines_that_changed_since(tmp_path):
    tape = tmp_path / "tape.csv"
    tape.write_text("step,headline\n1,profit soars\n", encoding="utf-8")
    envs = make(config={"episode": SHORT["episode"], "news": {"source": "tape", "tape": str(tape)}})
    envs.reset(seed=0)
    state = envs.save_state()
    envs.load_state(state)
    before = envs.batch.states.tobytes()
    tape.write_text("step,headline\n2,profit falls\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"saved state: headlines .*tape\.csv changed since"):
        envs.load_state(state)
    assert envs.batch.states.tobytes() == before
