"""The command that backtests VaR: what it prints and writes, what it refuses, how it is stopped."""

import csv
import json

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.risk import var_samples

APP = single("backtest-var")
SHORT = ("--blocks", 4, "--periods", 100, "--window", 130, "--config", "calm")


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "var"
    result = run(*SHORT, "--variants", "parametric,historical,fhs:60", "--out", out, "--json", out.with_name("x.json"))
    assert result.exit_code == 0, result.output
    return result, out


def test_the_tables_stand_in_the_folder_too(whole):
    result, out = whole
    assert {file.name for file in out.iterdir()} == {"var_backtest.json", "var_backtest.csv", "var_backtest.png"}
    said = json.loads((out / "var_backtest.json").read_text())
    assert said == json.loads(out.with_name("x.json").read_text())
    assert [row["variant"] for row in said["rows"]] == ["parametric", "historical", "fhs:60"]
    assert (said["blocks"], said["conf"], said["horizon_seconds"]) == (4, 0.99, 10.0)
    for row in said["rows"]:
        shown = [line for line in result.stdout.splitlines() if line.split()[:1] == [row["variant"]]]
        assert len(shown) == 2 and f"{100 * row['exceptions']['value']:.2f} ±" in shown[0]
        assert len(row["exceptions_by_block"]) == 4 == sum(row["zones"].values())
        assert row["regimes"]["calm"]["periods"] == round(4 * row["periods"])
    assert "a perfect figure" in result.stdout and "4 blocks of 100 horizons of 10 s" in result.stdout
    with (out / "var_backtest.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["variant"], line["place"]) for line in lines][:2] == [("parametric", "all"), ("parametric", "calm")]
    assert float(lines[0]["exceptions_value"]) == said["rows"][0]["exceptions"]["value"]


def test_the_same_seed_gives_the_same_table_and_other_envs_change_it(whole, tmp_path, monkeypatch):
    _, out = whole
    monkeypatch.setattr(var_samples, "MOST_ENVS", 3)  # a second round
    run(*SHORT, "--variants", "parametric,historical,fhs:60", "--out", tmp_path / "again")
    first, again = (json.loads((path / "var_backtest.json").read_text())["rows"] for path in (out, tmp_path / "again"))
    assert [row["exceptions_by_block"][:3] for row in again] == [row["exceptions_by_block"][:3] for row in first]


def test_a_stopped_run_tests_the_blocks_that_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(var_samples, "MOST_ENVS", 2)
    calls = iter(range(100_000))
    monkeypatch.setattr("mm_env.interrupt.StopRequest.__call__", lambda self: next(calls) == 1300)
    result = run(*SHORT, "--variants", "parametric", "--out", tmp_path)
    assert result.exit_code == 130 and "stopped: 2 of 4 blocks played" in result.stdout
    assert json.loads((tmp_path / "var_backtest.json").read_text())["blocks"] == 2
    monkeypatch.setattr("mm_env.interrupt.StopRequest.__call__", lambda self: True)
    result = run(*SHORT, "--variants", "parametric", "--out", tmp_path / "none")
    assert result.exit_code == 130 and "stopped before a block" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--variants", "garch:1"), "variant 'garch:1'; expected parametric"),
        (("--variants", ","), "at least one, each once"),
        (("--window", 60), "--window 60: expected 128 or more"),
        (("--window", "inf"), "--window inf: expected a finite number"),
        (("--set", "risk.var_horizon_seconds=2.5"), "risk.var_horizon_seconds 2.5; expected in a backtest: a multiple"),
        (
            ("--set", "randomize={policy.risk_aversion: [0.01, 0.02]}"),
            "randomize: policy.risk_aversion: a backtest needs one market",
        ),
        (("--policy", "nobody"), "policy 'nobody': expected"),
        (("--config", "nothing"), "nothing"),
    ],
)
def test_mistakes_are_told_before_anything_is_played(tmp_path, arguments, told):
    result = run(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2 and told in result.stderr.replace("\n", " ")
    assert not list(tmp_path.rglob("*.*"))


def test_an_agent_that_holds_nothing_cannot_be_tested(tmp_path):
    hidden = ("--set", "policy.base_spread_bps=1000", "--policy", "fixed")
    result = run(*SHORT, *hidden, "--variants", "parametric", "--out", tmp_path)
    assert result.exit_code == 2 and "no block holds 100 positions" in result.stderr
