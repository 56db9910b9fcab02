"""The command that plays scenarios: what it prints and writes, how it is stopped and goes on, what it refuses."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.risk import scenario_runs
from mm_env.risk.scenario_runs import BATCH
from mm_env.risk.scenarios import load_results

APP = single("scenarios")
ROOT = Path(__file__).resolve().parents[2]
QUICK = ("--scenarios", "quick", "--episodes", "24", "--set", "episode.steps=60", "--seed", "4")
WRITTEN = {"about.json", "market.yaml", "scenarios.parquet", "scenarios.csv", "surface.png", "fans.png", "differences.png"}


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "quick"
    result = run(*QUICK, "--out", out, "--json", out.with_name("figures.json"))
    assert result.exit_code == 0, result.output
    return result, out


def test_it_says_how_long_it_will_take_before_it_starts(quick):
    first = quick[0].stdout.splitlines()[0]
    assert re.fullmatch(r"8 scenarios x 24 episodes x 60 steps: about \d+ s from now, \d+ s of processor time \(.*\)", first)


def test_the_folder_says_what_the_table_says(quick):
    result, out = quick
    results, figures = load_results(out), json.loads(out.with_name("figures.json").read_text())
    assert {path.name for path in out.iterdir() if path.is_file()} == WRITTEN
    assert results.complete and figures["complete"] and figures["policy"] == "as" and figures["seed"] == 4
    names = [row["scenario"] for row in figures["rows"]]
    assert names == list(results.table["scenario"]) == list(results.fans) and names[0] == "base" and "flash_crash" in names
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    for row in figures["rows"]:
        shown = f"{row['profit']:,.0f} [{row['profit_low']:,.0f}, {row['profit_high']:,.0f}]"
        assert shown in lines[row["scenario"]]
        assert row["var_95_high"] is None  # of 24 episodes
    written = pd.read_csv(out / "scenarios.csv")
    assert list(written) == list(results.table) and written["scenario"].tolist() == names
    np.testing.assert_array_equal(written["es_95"], results.table["es_95"])
    for name in ("surface.png", "fans.png", "differences.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    table = results.table.set_index("scenario")
    assert table["difference"]["flash_crash"] < -1000.0 and table["over_limit"]["volatility=double regime=stress"] > 0.1


def test_a_whole_run_is_not_played_again(quick, monkeypatch):
    result, out = quick
    monkeypatch.setattr("mm_env.risk.scenario_runs.play_batch", lambda *_, **__: pytest.fail("played"))
    again = run(*QUICK, "--out", out)
    assert again.exit_code == 0 and "holds 192 of 192 episodes; resuming" in again.stdout
    assert again.stdout.partition("policy as")[2] == result.stdout.partition("policy as")[2]


def test_an_estimate_alone_plays_nothing(tmp_path):
    result = run(*QUICK, "--estimate", "--out", tmp_path / "none")
    assert result.exit_code == 0 and "of processor time" in result.stdout
    assert not (tmp_path / "none").exists()


DOWN = "stresses: {down: {windows: [{from_seconds: 10.0, to_seconds: 20.0, venues_down: [BETA]}]}}\n"


def test_ctrl_c_keeps_whole_batches_and_the_same_command_goes_on_to_the_same_end(monkeypatch, tmp_path):
    monkeypatch.setattr(scenario_runs, "ScenarioRun", functools.partial(scenario_runs.ScenarioRun, batch=8))
    (tmp_path / "two.yaml").write_text(DOWN)
    arguments = ("--scenarios", tmp_path / "two.yaml", "--episodes", 20, "--set", "episode.steps=30")
    begun, done = scenario_runs.play_scenarios, 0

    def play(one, on_progress, stop):
        def stop_after(steps):
            nonlocal done
            on_progress(steps)
            done += steps
            if done == 3 * 8 * 30:  # with the third batch done, the second one of the base
                os.kill(os.getpid(), signal.SIGINT)

        return begun(one, stop_after, stop)

    monkeypatch.setattr(scenario_runs, "play_scenarios", play)
    cut = run(*arguments, "--out", tmp_path / "cut")
    assert cut.exit_code == 130 and "the same command resumes" in cut.stdout
    held = load_results(tmp_path / "cut")
    assert not held.complete and held.table["episodes"].tolist() == [16, 8]
    again, whole = run(*arguments, "--out", tmp_path / "cut"), run(*arguments, "--out", tmp_path / "whole")
    assert again.exit_code == whole.exit_code == 0 and "holds 24 of 40 episodes; resuming" in again.stdout
    ours, theirs = load_results(tmp_path / "cut"), load_results(tmp_path / "whole")
    pd.testing.assert_frame_equal(ours.table, theirs.table, check_exact=True)
    for scenario in ("base", "down"):
        pd.testing.assert_frame_equal(ours.episodes(scenario), theirs.episodes(scenario), check_exact=True)
        np.testing.assert_array_equal(ours.fans[scenario].profit, theirs.fans[scenario].profit)
    assert (tmp_path / "cut" / "fans.png").read_bytes() == (tmp_path / "whole" / "fans.png").read_bytes()


def test_a_process_that_is_told_to_stop_leaves_what_another_goes_on_with(tmp_path):
    (tmp_path / "two.yaml").write_text(DOWN)
    arguments = ["--scenarios", str(tmp_path / "two.yaml"), "--episodes", str(2 * BATCH), "--set", "episode.steps=30",
                 "--set", "episode.burn_in_seconds=5.0", "--out", str(tmp_path / "cut")]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "monte_carlo.py"), *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120.0
    while not list((tmp_path / "cut").glob("fans/*.npz")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 143 and "Traceback" not in stderr, (stdout, stderr)
    held = load_results(tmp_path / "cut").table["episodes"]
    assert 0 < held.sum() < 4 * BATCH and not (held % BATCH).any()
    again = run(*arguments)
    assert again.exit_code == 0 and f"holds {held.sum():,} of 2,048 episodes; resuming" in again.stdout
    assert load_results(tmp_path / "cut").complete


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenarios", "surfac"), "surfac: no such file or preset; nearest: 'surface'"),
        (("--config", "crisi"), "nearest: 'crisis'"),
        (("--policy", "aas"), "policy 'aas': expected one of as,"),
        (("--policy", "ppo:nowhere"), "ppo:nowhere: no such file or folder"),
        (("--set", "episode.step=60"), "unknown key 'step' in 'episode'; nearest: 'steps'"),
        (
            ("--set", "episode.steps=15"),
            "quick: stresses: flash_crash: windows: 0: from_seconds: value 20: expected before the",
        ),
        (("--fans", "bse"), "--fans 'bse': expected one of"),
        (("--fans", ","), "--fans ',': expected at least one scenario"),
        (("--json", "."), "--json .: cannot be a file"),
        (("--log-level", "inof"), "nearest: 'info'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_played(monkeypatch, tmp_path, arguments, said):
    if "ppo" in arguments[1]:
        pytest.importorskip("torch")
    monkeypatch.setattr(scenario_runs, "play_scenarios", lambda *_, **__: pytest.fail("played"))
    result = run(*QUICK, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 2 and said in result.stderr and "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_kept(quick):
    other = run(*QUICK, "--out", quick[1], "--policy", "fixed")
    assert other.exit_code == 2 and 'policy "as", here "fixed"; expected another folder' in other.stderr
    assert load_results(quick[1]).about["policy"] == "as"


def test_figures_of_other_shapes(tmp_path):
    """No axes, and a choice of fans."""
    file = tmp_path / "one.yaml"
    file.write_text("stresses: {fees: {set: {venues.*.maker_fee_bps: 1.0}}}\n")
    out = tmp_path / "out"
    result = run("--scenarios", file, "--episodes", 4, "--set", "episode.steps=20", "--fans", "fees", "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir() if path.is_file()} == WRITTEN - {"surface.png"}


def test_a_trained_agent_plays_where_it_was_not_chosen(tmp_path):
    pytest.importorskip("torch")
    from mm_env.config.io import load_config, override
    from mm_env.learning.hyperparameters import Hyperparameters
    from mm_env.learning.training import Training, begin, train

    chosen = Hyperparameters(
        algo="ppo", timesteps=256, n_envs=8, policy="MlpPolicy", policy_kwargs={"net_arch": [8]}, normalize={},
        action_mode="absolute", arguments={"n_steps": 16, "batch_size": 64, "n_epochs": 1},
    )  # fmt: skip
    options = Training(seed=1, evaluate_every=128, checkpoint_every=256, evaluation_episodes=4, threads=1)
    train(begin(tmp_path / "ppo", override(load_config(), {"episode.steps": 20}), chosen, options), options)
    arguments = ("--scenarios", "quick", "--policy", f"ppo:{tmp_path / 'ppo'}", "--episodes", 4, "--set", "episode.steps=60")
    result = run(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    rows = load_results(tmp_path / "out").table
    assert (rows["fills"] > 0.0).all() and rows["profit"].nunique() == len(rows)
    refused = run(*arguments, "--seed", 1000, "--out", tmp_path / "other")
    assert refused.exit_code == 2 and "was chosen on these episodes; expected any other seed" in refused.stderr
