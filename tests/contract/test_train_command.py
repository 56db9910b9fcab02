"""`mm-env train` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("stable_baselines3")
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.config.io import load_config

ROOT = Path(__file__).resolve().parents[2]
SMALL = """n_envs: 4
n_steps: 16
batch_size: 32
n_epochs: 1
policy_kwargs: {net_arch: [8]}
normalize: true
"""
QUICK = ["--set", "episode.steps=20", "--evaluation-episodes", "4", "--threads", "1"]


@pytest.fixture
def agent(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


def command(name: str, *arguments: str):
    return CliRunner().invoke(single(name), list(arguments), catch_exceptions=False)


def train(*arguments: str):
    return command("train", *arguments)


def test_several_seeds_become_one_row_of_the_comparison(agent, tmp_path):
    out, figures = tmp_path / "ppo", tmp_path / "figures.json"
    done = train("--agent", agent, *QUICK, "--timesteps", "128", "--seed", "0,1", "--compare-episodes", "6",
                 "--out", str(out), "--json", str(figures))  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = {row["agent"]: row for row in json.loads(figures.read_text())["rows"]}
    assert list(rows) == ["as", "fixed", "constant", "random", f"ppo:{out}"]
    assert rows[f"ppo:{out}"]["seeds"] == 2 and rows["as"]["seeds"] == 1
    assert f"| ppo:{out} | 2 |" in done.output
    for seed in (0, 1):
        assert json.loads((out / f"seed_{seed}" / "run.json").read_text())["seed"] == seed
    assert (out / "comparison" / "comparison.png").stat().st_size > 10_000
    again = command("compare", "--agents", f"as,ppo:{out}/seed_1", "--set", "episode.steps=20",
                    "--episodes", "6", "--out", str(tmp_path / "again"))  # fmt: skip
    assert again.exit_code == 0, again.output


def test_a_trained_agent_runs_as_the_baseline_does(agent, tmp_path):
    done = train("--agent", agent, *QUICK, "--timesteps", "64", "--compare-episodes", "0", "--out", str(tmp_path / "ppo"))
    assert done.exit_code == 0, done.output
    policy = f"ppo:{tmp_path / 'ppo'}"
    played = command("baseline", "--policy", policy, "--episodes", "2", "--steps", "20", "--out", str(tmp_path / "r"))
    assert played.exit_code == 0, played.output
    assert json.loads((tmp_path / "r" / "summary.json").read_text())["policy"] == policy
    refused = command("baseline", "--policy", "ppo:nowhere", "--out", str(tmp_path / "r"))
    assert refused.exit_code == 2 and "no such file or folder" in refused.output


def test_the_classic_market_shows_what_share_was_recovered(agent, tmp_path):
    path = Path(agent)
    path.write_text(SMALL + "env_kwargs: {action_mode: absolute}\n")
    out = tmp_path / "classic"
    done = train("--classic", "--config", "cj", "--agent", agent, "--set", "episode.step=0.05",
                 "--set", "flow.arrival_rate=10", "--evaluation-episodes", "4", "--timesteps", "128",
                 "--compare-episodes", "20", "--out", str(out))  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "share recovered" in done.output and "| cj | 1 |" in done.output and "| constant:" in done.output
    assert (out / "comparison" / "depths.png").stat().st_size > 10_000


def test_ctrl_c_saves_and_resume_continues(agent, tmp_path):
    out = tmp_path / "ppo"
    arguments = [sys.executable, "scripts/train.py", "--agent", agent, *QUICK, "--timesteps", "200000", "--out", str(out)]
    running = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    while not (out / "best_model.zip").exists():
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    said, errors = running.communicate(timeout=120)
    assert running.returncode == 128 + signal.SIGINT, errors
    assert "Traceback" not in errors and f"resume with --resume {out}" in said
    about = json.loads((out / "run.json").read_text())
    assert 0 <= about["done"] < 200_000 and not about["finished"]
    more = about["done"] + 128
    done = train("--resume", str(out), "--timesteps", str(more), "--threads", "1")
    assert done.exit_code == 0, done.output
    about = json.loads((out / "run.json").read_text())
    assert about["done"] == more and about["finished"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--algo", "pppo"], "--algo 'pppo': expected one of 'ppo', 'a2c'"),
        (["--seed", "1,x"], "--seed '1,x': expected whole numbers from 0 with commas"),
        (["--seed", "1,1"], "each once"),
        (["--agent", "nowhere.yaml"], "nowhere.yaml: No such file"),
        (["--set", "episode.stepz=20"], "episode.stepz"),
        (["--config", "nowhere"], "nowhere"),
        (["--baseline", "asx", "--timesteps", "64"], "asx"),
        (
            ["--baseline", "as:fill_decay=.nan", "--timesteps", "64"],
            "policy as:fill_decay=.nan: policy.fill_decay: value nan",
        ),
        (["--resume", "nowhere"], "nowhere: no run of training"),
    ],
)
def test_mistakes_are_told_without_a_traceback(arguments, told, agent, tmp_path):
    given = [*arguments] if "--agent" in arguments else [*arguments, "--agent", agent]
    done = train(*given, "--out", str(tmp_path / "out"))
    assert done.exit_code == 2 and told in done.output
    assert not (tmp_path / "out").exists()


def test_residual_actions_may_be_added_to_another_policy(agent, tmp_path):
    tuned = tmp_path / "tuned.yaml"
    tuned.write_text("policy: {risk_aversion: 0.2}\n")
    Path(agent).write_text(SMALL + "env_kwargs: {policy: tuned.yaml}\n")
    other = tmp_path / "other.yaml"
    other.write_text("policy: {risk_aversion: 0.3}\n")
    for given, gamma in (([], 0.2), (["--policy-file", str(other)], 0.3), (["--policy-file", "none"], 0.035)):
        out = tmp_path / f"run{gamma}"
        done = train("--agent", agent, *QUICK, *given, "--timesteps", "64", "--compare-episodes", "0", "--out", str(out))
        assert done.exit_code == 0, done.output
        assert load_config(out / "market.yaml").policy.risk_aversion == gamma
    refused = train("--agent", agent, "--policy-file", "nowhere.yaml", "--out", str(tmp_path / "out"))
    assert refused.exit_code == 2 and "nowhere.yaml: No such file" in refused.output


def test_an_algorithm_without_a_file_for_the_classic_market_asks_for_one(tmp_path):
    done = train("--classic", "--config", "cj", "--algo", "sac", "--out", str(tmp_path / "out"))
    assert done.exit_code == 2 and "no preset classic_sac; expected --agent FILE" in done.output


def test_a_folder_that_holds_a_run_is_refused(agent, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text("{}")
    done = train("--agent", agent, "--out", str(out))
    assert done.exit_code == 2 and "holds a run" in done.output
