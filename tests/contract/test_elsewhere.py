"""The environment in other people's projects: the README's examples, and their own scripts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401 (registers the ids)
from mm_env.data.events import BOOK as BOOK_COLUMNS
from mm_env.data.events import About, Events, EventWriter

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = Path(__file__).parent / "foreign"
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S))
BOOK, CLASSIC = "mm_env:mm_env/MultiVenue-v0", "mm_env:mm_env/Classic-v0"
SHORT = {"episode": {"steps": 8}}


def run(code: str, folder: Path, **environment: str) -> str:
    """Run code in a process of its own in another folder; warnings are errors, as they would be news to a user."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_has_the_examples_that_are_tested_here():
    assert set(EXAMPLES) == {"wheel", "wrappers", "torch", "sb3", "hawkes"}


def test_hawkes_processes_are_fitted_to_a_file_of_events(tmp_path):
    rng = np.random.default_rng(0)
    begun = np.sort(rng.uniform(0.0, 1000.0, 800))
    time = np.sort(
        np.concatenate([begun, (begun + rng.exponential(0.1, 800))[rng.random(800) < 0.5]])
    )  # one in two is followed
    n = len(time)
    book = {name: np.ones((n, 1)) for name in BOOK_COLUMNS}
    trades = Events(
        time=(time * 1e9).astype(np.int64), kind=np.array(["trade"] * n, dtype=object), order=np.zeros(n, np.int64),
        side=np.where(rng.random(n) < 0.5, 1, -1).astype(np.int8), price=np.ones(n), size=np.ones(n), **book,
    )  # fmt: skip
    with EventWriter(tmp_path / "aapl.parquet", About("made", "XYZ", "A", 1)) as writer:
        writer.write(trades)
    ratio, error, *_ = run(EXAMPLES["hawkes"], tmp_path).split()
    assert abs(float(ratio) - 1 / 3) < 5 * float(error) < 0.5


def test_wrappers_of_gymnasium_and_a_video(tmp_path):
    pytest.importorskip("moviepy")
    said = run(EXAMPLES["wrappers"], tmp_path, PYTHONWARNINGS="default")
    assert np.isfinite(float(said.split()[-1]))
    (video,) = (tmp_path / "videos").glob("*.mp4")
    assert video.stat().st_size > 10_000


def test_a_plain_torch_loop_learns(tmp_path):
    pytest.importorskip("torch")
    first, last = (float(word) for word in run(EXAMPLES["torch"], tmp_path, OMP_NUM_THREADS="1").split(" -> "))
    assert first < 31.0 and last > 42.0, "the best constant depth is worth 31, the optimum 64"  # 50 to 53 of 8 seeds


def test_stable_baselines3_with_and_without_the_adapter(tmp_path):
    pytest.importorskip("stable_baselines3")
    assert run(EXAMPLES["sb3"], tmp_path, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1") == ""


@pytest.mark.parametrize("id_", ["Pendulum-v1", BOOK, CLASSIC])
@pytest.mark.parametrize("script", ["scalar_ppo.py", "vector_ppo.py"])
def test_a_script_for_continuous_control_runs_with_only_the_id_changed(script, id_, tmp_path):
    pytest.importorskip("torch")
    steps = "1010" if id_ == BOOK else "210"
    arguments = ["--env-id", id_, "--num-steps", steps, "--iterations", "1", "--num-envs", "2"]
    done = subprocess.run([sys.executable, str(FOREIGN / script), *arguments], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    assert done.returncode == 0 and "episodes, mean return" in done.stdout, done.stderr


def test_gymnasiums_own_vector_environments_walk_the_native_paths():
    actions = [np.random.default_rng(k).uniform(-1, 1, (2, 6)).astype(np.float32) for k in range(5)]
    paths = []
    for mode in ("sync", "async"):
        envs = gym.make_vec(BOOK, num_envs=2, vectorization_mode=mode, config=SHORT)
        rows = [envs.reset(seed=[3, 4])[0]] + [envs.step(action)[0] for action in actions]
        envs.close()
        paths.append(np.stack(rows))
    native = gym.make_vec(BOOK, num_envs=2, config=SHORT)
    paths.append(np.stack([native.reset(seed=[3, 4])[0]] + [native.step(action)[0] for action in actions]))
    np.testing.assert_array_equal(paths[0], paths[1])
    np.testing.assert_array_equal(paths[0], paths[2])


def test_vector_wrappers_of_gymnasium():
    envs = gym.make_vec(BOOK, num_envs=3, config=SHORT)
    wrapped = gym.wrappers.vector.NormalizeObservation(gym.wrappers.vector.RecordEpisodeStatistics(envs))
    wrapped.reset(seed=0)
    total = np.zeros(3)
    for _ in range(8):
        seen, rewards, _, truncated, infos = wrapped.step(np.zeros((3, 6), np.float32))
        total += rewards
    assert truncated.all() and np.isfinite(seen).all()
    assert infos["episode"]["r"] == pytest.approx(total, rel=1e-5) and (infos["episode"]["l"] == 8).all()


def test_the_vec_envs_of_stable_baselines3():
    sb3 = pytest.importorskip("stable_baselines3.common.env_util")
    from stable_baselines3.common.vec_env import SubprocVecEnv

    for kind in (None, SubprocVecEnv):
        envs = sb3.make_vec_env(BOOK, n_envs=2, seed=1, env_kwargs={"config": SHORT}, vec_env_cls=kind)
        envs.reset()
        for _ in range(8):
            _, _, dones, infos = envs.step(np.zeros((2, 6), np.float32))
        envs.close()
        assert dones.all() and all(info["TimeLimit.truncated"] and info["episode"]["l"] == 8 for info in infos)
