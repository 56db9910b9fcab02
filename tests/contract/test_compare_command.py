"""The command that compares agents: what it prints and writes, whom it refuses, how it is stopped."""

import csv
import json
import os
import re
import signal

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.config import ClassicConfig
from mm_env.config.io import load_config, override
from mm_env.evaluation import held_out
from mm_env.evaluation.comparison import compare as compare_rows
from mm_env.evaluation.evaluation import evaluate
from mm_env.policies import get_policy

APP = single("compare")
SHORT = ("--set", "episode.steps=50", "--resamples", 200)
CLASSIC = ("--classic", "--config", "cj", "--set", "episode.step=0.02", "--set", "flow.arrival_rate=40", "--resamples", 200)
AGENTS = ("as", "fixed", "constant:0.2", "random")
FILES = {"comparison.json", "comparison.csv", "comparison.png", "config.yaml", "episodes.parquet"}


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "compare"
    figures = out.with_name("figures.json")
    result = run("--agents", ",".join(AGENTS), "--episodes", 12, "--seed", 4, *SHORT, "--out", out, "--json", figures)
    assert result.exit_code == 0, result.output
    return result, out, json.loads(figures.read_text())


def test_all_play_the_same_held_out_episodes(book):
    _, out, figures = book
    market = load_config({"episode": {"steps": 50}})
    rows = {name: [evaluate(get_policy(name, seed=4), market, 12, 4, num_threads=1)] for name in AGENTS}
    assert figures["rows"] == compare_rows(rows, "as", 4, 200)
    assert (figures["baseline"], figures["seed"], figures["episodes"]) == ("as", 4, 12)
    assert figures["training_seeds"] == []
    episodes = pd.read_parquet(out / "episodes.parquet")
    assert len(episodes) == 48 and episodes["agent"].unique().tolist() == list(AGENTS)
    for name in AGENTS:
        own = episodes[episodes["agent"] == name]
        assert own["episode"].tolist() == list(range(12))
        np.testing.assert_array_equal(own["reward"], rows[name][0].reward)
        np.testing.assert_allclose(own["reward"], own.filter(like="reward.").sum(axis=1))


def test_the_files_say_what_the_table_says(book):
    result, out, figures = book
    assert {file.name for file in out.iterdir()} == FILES
    assert json.loads((out / "comparison.json").read_text()) == figures
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    with (out / "comparison.csv").open() as file:
        written = list(csv.DictReader(file))
    lines = [cells(line) for line in result.stdout.splitlines() if line.startswith("|")]
    assert [line[0] for line in lines[2:]] == [row["agent"] for row in written] == list(AGENTS)
    for line, text, row in zip(lines[2:], written, figures["rows"], strict=True):
        assert {key: float(text[key]) for key in row if isinstance(row[key], float)} == {
            key: value for key, value in row.items() if isinstance(value, float)
        }
        assert line[2] == f"{row['reward']:.0f}"
    assert "12 held-out episodes of 50 steps, seed 4" in result.stdout and f"folder: {out}" in result.stdout


def test_the_baseline_is_whom_one_names_and_the_same_command_says_the_same(book, tmp_path):
    arguments = ("--agents", ",".join(AGENTS), "--episodes", 12, "--seed", 4, *SHORT)
    again = run(*arguments, "--out", tmp_path / "again", "--threads", 1)
    assert (tmp_path / "again" / "comparison.json").read_text() == (book[1] / "comparison.json").read_text()
    other = run(*arguments, "--out", tmp_path / "other", "--baseline", "fixed")
    assert again.exit_code == other.exit_code == 0
    rows = {row["agent"]: row for row in json.loads((tmp_path / "other" / "comparison.json").read_text())["rows"]}
    assert "less fixed" in other.stdout and "reward_difference" not in rows["fixed"]
    assert rows["as"]["reward_difference"] == pytest.approx(-book[2]["rows"][1]["reward_difference"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--agents", "as,fixd"), "policy 'fixd': expected one of as,"),
        (("--agents", "as,as"), "twice: as"),
        (("--baseline", "glft"), "--baseline 'glft': expected one of the agents, as, fixed"),
        (("--agents", "as,ppo:nowhere"), "ppo:nowhere: no such file or folder"),
        (("--agents", "as:nowhere.yaml"), "nowhere.yaml: No such file or directory"),
        (("--config", "crisi"), "crisi: no such file or preset; nearest: 'crisis'"),
        (("--classic", "--config", "crisis"), "crisis"),
        (("--set", "episode.step=50"), "unknown key 'step' in 'episode'; nearest: 'steps'"),
        (("--json", "."), "--json .: cannot be a file"),
        (("--log-level", "inof"), "nearest: 'info'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_played(monkeypatch, tmp_path, arguments, said):
    if "ppo" in arguments[1]:
        pytest.importorskip("torch")
    monkeypatch.setattr(held_out, "evaluate", lambda *_, **__: pytest.fail("played"))
    result = run("--agents", "as,fixed", "--episodes", 2, "--out", tmp_path, *arguments)
    assert result.exit_code == 2 and said in result.stderr and "Traceback" not in result.output


def interrupted(monkeypatch, name: str) -> None:
    """Let somebody press Ctrl-C when that policy has played a few steps."""
    begun = held_out.evaluate

    def play(policy, *arguments, on_progress, **named):
        def stop_after(steps: int) -> None:
            on_progress(steps)
            if policy.name == name:
                os.kill(os.getpid(), signal.SIGINT)

        return begun(policy, *arguments, on_progress=stop_after, **named)

    monkeypatch.setattr(held_out, "evaluate", play)


def test_ctrl_c_keeps_the_agents_that_were_finished(monkeypatch, tmp_path):
    interrupted(monkeypatch, "glft")
    long = ("--set", "episode.steps=120", "--resamples", 200, "--episodes", 3)
    result = run("--agents", "as,fixed,glft,random", *long, "--out", tmp_path / "out")
    assert result.exit_code == 130 and "stopped: glft, random not played" in result.stdout
    figures = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [row["agent"] for row in figures["rows"]] == ["as", "fixed"]
    assert {file.name for file in (tmp_path / "out").iterdir()} == FILES
    early = run("--agents", "glft,as", *long, "--out", tmp_path / "early")
    assert early.exit_code == 130 and "stopped before the baseline was played" in early.stdout
    assert not (tmp_path / "early" / "comparison.json").exists()


def test_the_classic_market_tells_the_share_that_was_recovered(tmp_path):
    result = run("--agents", "cj,constant:0.05,random", *CLASSIC, "--episodes", 300, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    lines = [cells(line) for line in result.stdout.splitlines() if line.startswith("|")]
    assert lines[0][-1] == "share recovered"
    rows = json.loads((tmp_path / "comparison.json").read_text())["rows"]
    for line, row in zip(lines[2:], rows, strict=True):
        share = (row["reward"] - row["constant_value"]) / (row["optimal_value"] - row["constant_value"])
        assert row["recovered"] == pytest.approx(share)
        assert line[-1] == f"{share:.3f} [{row['recovered_low']:.3f}, {row['recovered_high']:.3f}]"
    assert rows[0]["recovered"] > 0.9 > rows[1]["recovered"] > rows[2]["recovered"]
    assert not (tmp_path / "depths.png").exists()  # nobody learned any
    unknown = run("--agents", "cj,random", *CLASSIC, "--set", "flow.arrivals=hawkes", "--episodes", 4, "--out", tmp_path)
    assert unknown.exit_code == 0 and "recovered" not in unknown.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of two training seeds in the classic market."""
    pytest.importorskip("torch")
    from mm_env.learning.hyperparameters import Hyperparameters
    from mm_env.learning.training import Training, begin, train

    market = override(load_config("cj", ClassicConfig), {"episode.step": 0.02})
    folder = tmp_path_factory.mktemp("runs") / "ppo"
    for seed in (1, 2):
        chosen = Hyperparameters(
            algo="ppo", timesteps=256, n_envs=8, policy="MlpPolicy", policy_kwargs={"net_arch": [8]}, normalize={},
            action_mode="absolute", arguments={"n_steps": 16, "batch_size": 64, "n_epochs": 1},
        )  # fmt: skip
        options = Training(seed=seed, evaluate_every=128, checkpoint_every=256, evaluation_episodes=4, threads=1)
        train(begin(folder / f"seed_{seed}", market, chosen, options), options)
    return folder


def test_several_training_seeds_are_one_row_and_each_has_its_own(trained, tmp_path):
    agents = f"cj,ppo:{trained},ppo:{trained}/seed_1,ppo:{trained}/seed_*"
    result = run("--agents", agents, *CLASSIC, "--episodes", 30, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "comparison.json").read_text())
    cj, both, first, pattern = figures["rows"]
    assert [row["seeds"] for row in figures["rows"]] == [1, 2, 1, 2]
    assert both["reward"] == pattern["reward"] and both["recovered"] == pattern["recovered"] < cj["recovered"]
    own = figures["training_seeds"][:2]
    assert [row["agent"] for row in own] == [f"ppo:{trained} (0)", f"ppo:{trained} (1)"]
    assert own[0]["reward"] == first["reward"] != own[1]["reward"]
    assert both["reward_difference"] == pytest.approx(np.mean([row["reward_difference"] for row in own]))
    assert both["recovered"] == pytest.approx(np.mean([row["recovered"] for row in own]))
    assert f"| ppo:{trained} (1) |" in result.stdout.partition("each training seed by itself")[2]
    episodes = pd.read_parquet(tmp_path / "episodes.parquet")
    assert episodes.groupby("agent", sort=False)["run"].nunique().tolist() == [1, 2, 1, 2]
    with (tmp_path / "comparison.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4 + 4
    assert (tmp_path / "depths.png").read_bytes().startswith(b"\x89PNG")


def test_episodes_on_which_an_agent_was_chosen_and_other_markets_are_refused(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(held_out, "evaluate", lambda *_, **__: pytest.fail("played"))
    chosen = run("--agents", f"cj,ppo:{trained}", *CLASSIC, "--seed", 1000, "--out", tmp_path)
    assert chosen.exit_code == 2
    assert re.search(r"seed 1000: ppo:.* was chosen on these episodes; expected any other seed", chosen.stderr)
    book = run("--agents", f"as,ppo:{trained}", *SHORT, "--out", tmp_path)
    assert book.exit_code == 2 and "was trained in the classic market; here it is the book market" in book.stderr
    full = run("--agents", f"cj,ppo:{trained}", *CLASSIC, "--set", "episode.observations=full", "--out", tmp_path)
    assert full.exit_code == 2 and "was trained on (3,)" in full.stderr
