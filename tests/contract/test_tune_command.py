"""The command that tunes a baseline: what it writes can be used, it goes on where it was stopped, it refuses early."""

import dataclasses
import json
import os
import signal

import pytest
from typer.testing import CliRunner

pytest.importorskip("optuna")

from mm_env.cli.app import single
from mm_env.config.io import config_hash, load_config
from mm_env.evaluation.evaluation import evaluate
from mm_env.learning import tuning
from mm_env.policies import get_policy

APP = single("tune")
SHORT = ("--episodes", 8, "--final-episodes", 10, "--set", "episode.steps=50")
MARKET = load_config({"episode": {"steps": 50}})


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in (*arguments, *SHORT)])


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "tune"
    result = run("--policy", "as", "--trials", 4, "--out", out, "--json", out / "figures.json")
    assert result.exit_code == 0, result.output
    return result, out, json.loads((out / "figures.json").read_text())


def test_the_file_holds_the_parameters_that_did_best_on_fresh_training_episodes(tuned):
    result, out, figures = tuned
    best = max(figures["finals"], key=lambda row: row["reward"])
    assert len(figures["finals"]) == 5 and figures["finals"][0]["parameters"] == {}
    assert (figures["trials"], figures["episodes"], figures["seed"]) == (4, 8, 1)
    assert figures["config_hash"] == config_hash(MARKET)
    again = evaluate(get_policy(f"as:{out / 'as.yaml'}"), MARKET, 10, 2, evaluation=False)
    assert again.reward.mean() == best["reward"]
    default = evaluate(get_policy("as"), MARKET, 10, 2, evaluation=False)
    assert figures["finals"][0]["reward"] == default.reward.mean()
    assert best["gain"] == pytest.approx(best["reward"] - default.reward.mean())
    assert f"use it as as:{out / 'as.yaml'}" in result.stdout
    text = (out / "as.yaml").read_text()
    assert "#   mm-env tune --policy as --trials 4 " in text.partition("policy:")[0]
    assert (
        "# 4 trials of 8 episodes of seed 1" in text
        and f"# 10 fresh ones of seed 2 the mean reward is {best['reward']:.0f}" in text
    )


def test_the_same_command_says_the_same_and_more_trials_go_on(tuned, tmp_path):
    _, out, figures = tuned
    fresh = run("--policy", "as", "--trials", 4, "--out", tmp_path, "--json", tmp_path / "figures.json")
    again = run("--policy", "as", "--trials", 4, "--out", out)
    assert json.loads((tmp_path / "figures.json").read_text())["finals"] == figures["finals"]
    assert again.exit_code == fresh.exit_code == 0
    tables = [result.stdout.partition("use it as")[0] for result in (tuned[0], again, fresh)]
    assert tables[0] == tables[1] == tables[2]
    more = run("--policy", "as", "--trials", 5, "--out", out, "--json", tmp_path / "more.json")
    assert more.exit_code == 0 and json.loads((tmp_path / "more.json").read_text())["trials"] == 5


def interrupted(monkeypatch, after: int) -> list[int]:
    """Let somebody press Ctrl-C during that evaluation; return the seeds of those that were begun."""
    seeds: list[int] = []
    begun = tuning.evaluate

    def play(policy, config, episodes, seed, **named):
        seeds.append(seed)
        if len(seeds) == after:
            os.kill(os.getpid(), signal.SIGINT)
        return begun(policy, config, episodes, seed, **named)

    monkeypatch.setattr(tuning, "evaluate", play)
    return seeds


@pytest.mark.parametrize(("after", "kept", "left"), [(3, 3, 3), (8, 6, 0)])  # in a trial; in the finals
def test_ctrl_c_keeps_the_trials_and_the_same_command_goes_on(monkeypatch, tmp_path, after, kept, left):
    with monkeypatch.context() as patch:
        interrupted(patch, after)
        result = run("--policy", "fixed", "--trials", 6, "--out", tmp_path)
    assert result.exit_code == 130 and f"stopped after {kept} of 6 trials" in result.stdout
    assert not (tmp_path / "fixed.yaml").exists()
    seeds = interrupted(monkeypatch, 10**6)
    result = run("--policy", "fixed", "--trials", 6, "--out", tmp_path)
    assert result.exit_code == 0 and (tmp_path / "fixed.yaml").exists()
    assert seeds == [1] * left + [2] * 7


@pytest.mark.parametrize("policy", ["fixed", "constant"])
def test_a_default_that_nothing_beats_is_kept(monkeypatch, tmp_path, policy):
    begun = tuning.evaluate
    seen = []

    def play(policy, config, episodes, seed, *, evaluation, **named):
        found = begun(policy, config, episodes, seed, evaluation=evaluation, **named)
        seen.append(seed)
        return dataclasses.replace(found, reward=found.reward + 1e6) if seen.count(2) == 1 else found

    monkeypatch.setattr(tuning, "evaluate", play)
    result = run("--policy", policy, "--trials", 2, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    if policy == "constant":
        assert "use it as constant:0\n" in result.stdout
    else:
        home = get_policy(f"fixed:{tmp_path / 'fixed.yaml'}").configure(MARKET)
        assert home == get_policy("fixed").configure(MARKET)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--policy", "fixd"), "--policy 'fixd': expected one of 'as', 'glft', 'cj', 'fixed', 'constant'; nearest: 'fixed'"),
        (("--config", "crisi"), "nearest: 'crisis'"),
        (("--set", "randomize={policy.risk_aversion: [0.01, 0.1]}"), "tuning needs one market"),
        (("--yaml", "."), "--yaml .: cannot be a file"),
        (("--log-level", "inof"), "nearest: 'info'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_played(monkeypatch, tmp_path, arguments, said):
    monkeypatch.setattr(tuning, "evaluate", lambda *_, **__: pytest.fail("played"))
    result = run("--out", tmp_path, *arguments)
    assert result.exit_code == 2 and said in result.stderr and "Traceback" not in result.output
