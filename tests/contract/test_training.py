"""Training end to end: run folders, checkpoints, resuming, interrupts, every algorithm."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mm_env.config import ClassicConfig  # noqa: E402
from mm_env.config.io import load_config  # noqa: E402
from mm_env.envs.classic_vector import ClassicVectorEnv  # noqa: E402
from mm_env.envs.vector_env import MultiVenueVectorEnv  # noqa: E402
from mm_env.errors import RunError, UsageError  # noqa: E402
from mm_env.evaluation.evaluation import evaluate  # noqa: E402
from mm_env.learning.algorithms import ALGORITHMS  # noqa: E402
from mm_env.learning.hyperparameters import Hyperparameters, read_hyperparameters  # noqa: E402
from mm_env.learning.run_folder import TrainingFolder  # noqa: E402
from mm_env.learning.trained import TrainedAgent  # noqa: E402
from mm_env.learning.training import Training, begin, train  # noqa: E402

MARKET = load_config({"episode": {"steps": 25}})
ON_POLICY = {"n_steps": 16}
OFF_POLICY = {"learning_starts": 64, "buffer_size": 2000, "train_freq": 4, "gradient_steps": 1, "batch_size": 32}
SETTINGS = {
    "ppo": ON_POLICY | {"batch_size": 64, "n_epochs": 2, "learning_rate": "lin_1e-3"},
    "recurrent_ppo": ON_POLICY | {"batch_size": 64, "n_epochs": 1},
    "trpo": ON_POLICY | {"batch_size": 64},
    "a2c": ON_POLICY,
}


def settings(algo: str, **changes) -> Hyperparameters:
    lean = {"lstm_hidden_size": 8} if algo == "recurrent_ppo" else {}
    arguments = {
        "algo": algo, "timesteps": 768, "n_envs": 8, "policy": ALGORITHMS[algo].policy,
        "policy_kwargs": {"net_arch": [8], **lean},
        "normalize": {} if not ALGORITHMS[algo].off_policy else None, "arguments": SETTINGS.get(algo, OFF_POLICY),
    }  # fmt: skip
    return Hyperparameters(**{**arguments, **changes})


OPTIONS = Training(seed=3, evaluate_every=256, checkpoint_every=256, evaluation_episodes=4, threads=1)


def weights(run: TrainingFolder) -> list[np.ndarray]:
    agent = TrainedAgent.load(run.about["algo"], run.path / "model.zip")
    return [value.numpy() for value in agent.model.policy.state_dict().values()]


def trained(path: Path, algo: str = "ppo", market=MARKET, stop_after: int | None = None, **changes) -> TrainingFolder:
    """A run, stopped by a signal once so many steps are done."""
    run = begin(path, market, settings(algo, **changes), OPTIONS)
    done = 0

    def tell(steps: int) -> None:
        nonlocal done
        done += steps
        if stop_after is not None and done >= stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = train(run, OPTIONS, tell)
    assert stopped == (None if stop_after is None else signal.SIGINT)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "ppo")


def test_the_folder_holds_what_is_needed_to_repeat_the_run(run):
    about = json.loads((run.path / "run.json").read_text())
    assert about["done"] == about["timesteps"] == 768 and about["finished"]
    assert about["seed"] == 3 and about["algo"] == "ppo" and about["versions"]["torch"] == torch.__version__
    assert load_config(run.path / "market.yaml") == MARKET
    again = read_hyperparameters("ppo", run.path / "agent.yaml")
    assert again.as_dict() == settings("ppo").as_dict()
    for name in ("model.zip", "best_model.zip", "model_normalize.pkl", "best_model_normalize.pkl"):
        assert (run.path / name).stat().st_size > 0
    assert not list(run.path.rglob("*partial*"))


def test_the_same_seed_trains_the_same_agent_and_another_seed_another(run, tmp_path):
    same = trained(tmp_path / "same")
    for a, b in zip(weights(run), weights(same), strict=True):
        np.testing.assert_array_equal(a, b)
    other = begin(tmp_path / "other", MARKET, settings("ppo"), Training(seed=4, evaluation_episodes=4))
    train(other, OPTIONS)
    assert any((a != b).any() for a, b in zip(weights(run), weights(other), strict=True))


@pytest.mark.parametrize("algo", ["ppo", "recurrent_ppo", "sac"])
def test_a_stopped_run_goes_on_to_the_same_agent(algo, tmp_path):
    whole = trained(tmp_path / "whole", algo)
    stopped = trained(tmp_path / "stopped", algo, stop_after=300)
    about = TrainingFolder.open(stopped.path).about
    assert 0 < about["done"] < 768 and not about["finished"]
    go_on = TrainingFolder.open(stopped.path)
    assert train(go_on, OPTIONS) is None
    assert go_on.about["done"] == 768 and go_on.about["finished"]
    for a, b in zip(weights(whole), weights(go_on), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_replaces_the_one_before_only_when_it_is_whole(run):
    kept = run.path / "checkpoint"
    kept.rename(run.path / ".checkpoint.old")  # as an end between the two renames leaves it
    try:
        assert train(TrainingFolder.open(run.path), OPTIONS) is None
    finally:
        if not kept.exists():
            (run.path / ".checkpoint.old").rename(kept)


@pytest.mark.parametrize("algo", sorted(ALGORITHMS))
def test_every_algorithm_learns_and_its_agent_acts(algo, tmp_path):
    noise = ("normal", 0.1) if algo in ("td3", "ddpg") else None
    run = trained(tmp_path / algo, algo, noise=noise, timesteps=256)
    agent = TrainedAgent.load(algo, run.path)
    assert agent.name == f"{algo}:{run.path}"
    first = begin(tmp_path / "untrained", MARKET, settings(algo, noise=noise), Training(seed=3))
    assert first.about["discrete"] == ALGORITHMS[algo].discrete
    found = evaluate(agent, MARKET, 3, 5)
    assert np.isfinite(found.reward).all()
    assert all(np.isfinite(value).all() for value in weights(run))


def test_the_best_model_is_that_of_the_best_held_out_evaluation(run):
    best = run.about["best"]
    found = evaluate(TrainedAgent.load("ppo", run.path), MARKET, 4, 1000)
    assert found.reward.mean() == pytest.approx(best["reward"])
    last = evaluate(TrainedAgent.load("ppo", run.path / "model.zip"), MARKET, 4, 1000)
    assert last.reward.mean() <= best["reward"]


def test_an_agent_knows_its_files_from_others_in_their_place(tmp_path, run):
    shutil.copytree(run.path, tmp_path / "run")
    before = TrainedAgent.load("ppo", tmp_path / "run").model_hash
    assert before == TrainedAgent.load("ppo", run.path).model_hash
    (tmp_path / "run" / "best_model.zip").write_bytes((run.path / "model.zip").read_bytes() + b"\0")
    assert TrainedAgent.load("ppo", tmp_path / "run").model_hash != before


def test_residual_actions_are_added_to_the_policy_of_the_training(tmp_path):
    run = trained(tmp_path / "residual", parameters={"policy.risk_aversion": 0.2, "risk.hedge_target": 0.5}, timesteps=128)
    agent = TrainedAgent.load("ppo", run.path)
    home = agent.configure(MARKET)
    assert (home.policy.risk_aversion, home.risk.hedge_target) == (0.2, 0.5)
    assert home.risk.portfolio_var_limit == MARKET.risk.portfolio_var_limit


def test_a_classic_agent_acts_on_single_and_vector_envs(tmp_path):
    market = load_config({"episode": {"step": 0.05}}, ClassicConfig)
    run = trained(tmp_path / "classic", market=market, action_mode="absolute", timesteps=256)
    agent = TrainedAgent.load("ppo", run.path)
    envs = ClassicVectorEnv(5, market, action_mode="absolute")
    envs.reset(seed=0)
    assert agent.act(envs).shape == (5, 2) and np.abs(agent.act(envs)).max() <= 1.0
    with pytest.raises(ValueError, match=r"'residual'.*trained with 'absolute'"):
        agent.act(_begun(ClassicVectorEnv(1, market)))
    with pytest.raises(ValueError, match="observations of shape"):
        agent.act(_begun(MultiVenueVectorEnv(1, MARKET, action_mode="absolute")))


def _begun(envs):
    envs.reset(seed=0)
    return envs


def test_a_recurrent_agent_forgets_at_the_end_of_an_episode(tmp_path):
    run = trained(tmp_path / "recurrent", "recurrent_ppo", timesteps=256)
    agent = TrainedAgent.load("recurrent_ppo", run.path)
    envs = _begun(MultiVenueVectorEnv(3, MARKET, autoreset_mode="Disabled"))
    fresh = agent.act(envs)
    for _ in range(25):
        envs.step(agent.act(envs))
    envs.reset(seed=0)
    np.testing.assert_array_equal(agent.act(envs), fresh)


def test_mistakes_are_told(run, tmp_path):
    with pytest.raises(RunError, match="holds a run; expected a new folder, or --resume"):
        begin(run.path, MARKET, settings("ppo"), OPTIONS)
    with pytest.raises(RunError, match=r"no run of training.*run\.json"):
        TrainingFolder.open(tmp_path)
    with pytest.raises(UsageError, match="the run is one of ppo"):
        TrainedAgent.load("sac", run.path)
    with pytest.raises(UsageError, match="no such file or folder"):
        TrainedAgent.load("ppo", tmp_path / "nothing")
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("run.json", "market.yaml"):
        (broken / name).write_bytes((run.path / name).read_bytes())
    (broken / "model.zip").write_bytes(b"no zip")
    with pytest.raises(UsageError, match="not a model of stable-baselines3"):
        TrainedAgent.load("ppo", broken)
