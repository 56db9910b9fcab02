"""The baseline from the command line: what it prints and writes, how it is stopped, how it refuses."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import app as mm_env_app
from mm_env.cli.app import single
from mm_env.config.io import config_hash, load_config
from mm_env.runs import read_run

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "config.yaml", "steps.parquet", "fills.parquet", "headlines.parquet", "venues.parquet", "attribution.csv",
    "attribution_cuts.parquet", "summary.json", "episode.png",
}  # fmt: skip
SYMBOL_LINE = re.compile(r"\[(XYZ|ABC)\] step (\d+) mid=(\d+\.\d\d) inventory=(-?\d+) pnl=(-?\d+\.\d\d)")
HEDGE_LINE = re.compile(r"\[portfolio\] hedge: VaR (\d+\.\d\d) > (\d+\.\d\d)")
NEWS = "step,symbol,headline,polarity\n3,XYZ,XYZ soars,0.8\n7,,Rates rise,-0.4\n9,OTHER,Of another market,0.1\n"

app = single("baseline")


def run(*arguments, command=app):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "run"
    limit = "risk.portfolio_var_limit=50"
    result = run("--out", out, "--episodes", 12, "--steps", 60, "--log-every", 20, "--set", limit, "--seed", 3)
    assert result.exit_code == 0, result.output
    return result, out, read_run(out)


def test_the_run_folder_is_whole(whole):
    _, out, found = whole
    assert {file.name for file in out.iterdir()} == FILES
    assert found.summary["interrupted"] is False and found.summary["complete_episodes"] is True
    assert (found.summary["episodes"], found.summary["steps"], found.summary["seed"]) == (12, 720, 3)
    assert found.config.episode.steps == 60 and found.config.risk.portfolio_var_limit == 50.0
    assert found.summary["config_hash"] == config_hash(found.config)
    assert found.steps["episode"].unique().tolist() == [0]
    assert (out / "episode.png").read_bytes().startswith(b"\x89PNG")


def test_log_lines_have_their_forms_and_the_recorded_figures(whole):
    result, _, found = whole
    steps = found.steps.set_index("step")
    lines = [line for line in result.stderr.splitlines() if line.startswith(("[XYZ]", "[ABC]"))]
    matches = [SYMBOL_LINE.fullmatch(line) for line in lines]
    assert [(match[1], int(match[2])) for match in matches] == [(s, k) for k in (20, 40, 60) for s in ("XYZ", "ABC")]
    for match in matches:
        row = steps.loc[int(match[2])]
        assert float(match[3]) == pytest.approx(row[f"{match[1]}.mid"], abs=0.0051)
        assert int(match[4]) == row[f"{match[1]}.inventory"]
        assert float(match[5]) == pytest.approx(row[f"{match[1]}.pnl"], abs=0.0051)
    hedges = [HEDGE_LINE.fullmatch(line) for line in result.stderr.splitlines() if line.startswith("[portfolio]")]
    var = steps["value_at_risk"].shift()[steps["hedged"]]
    assert [float(match[1]) for match in hedges] == pytest.approx(var.tolist(), abs=0.0051)
    assert len(hedges) > 0 and {match[2] for match in hedges} == {"50.00"}


def test_the_tables_say_what_the_summary_holds(whole):
    result, _, found = whole
    portfolio = found.summary["portfolio"]
    assert "basic stats: 12 episodes, 720 steps, policy as, seed 3" in result.stdout
    mean = next(line for line in result.stdout.splitlines() if line.startswith("profit, mean"))
    assert f"{portfolio['profit']['value']:.2f} ± {portfolio['profit']['error']:.2f}" in mean
    sharpe = next(line for line in result.stdout.splitlines() if line.startswith("Sharpe"))
    assert f"{portfolio['sharpe']['value']:.3f} ± {portfolio['sharpe']['error']:.3f}" in sharpe
    for word in ("spread capture", "ALPHA", "GAMMA", "after 60 s", "maximum drawdown", "cost of hedges", "VaR over"):
        assert word in result.stdout


def test_the_summary_agrees_with_the_record_and_adds_up(whole):
    _, _, found = whole
    summary, last = found.summary, found.steps.iloc[-1]
    assert summary["portfolio"]["profit_first"] == pytest.approx(last["pnl"])
    assert summary["symbols"]["XYZ"]["profit_first"] == pytest.approx(last["XYZ.pnl"])
    assert summary["portfolio"]["hedges_first"] == found.steps["hedged"].sum()
    over = found.steps["value_at_risk"] > found.steps["var_limit"]
    assert summary["portfolio"]["breaches_first"] == over[1:].sum()
    by_symbol = sum(part["profit"]["value"] for part in summary["symbols"].values())
    assert by_symbol == pytest.approx(summary["portfolio"]["profit"]["value"])
    assert found.attribution["profit"].sum() == pytest.approx(summary["portfolio"]["profit"]["value"])


def test_the_same_seed_gives_the_same_run_under_both_commands(whole, tmp_path):
    result, out, found = whole
    arguments = ("--episodes", 12, "--steps", 60, "--log-every", 20, "--set", "risk.portfolio_var_limit=50", "--seed", 3)
    again = run("baseline", "--out", tmp_path / "again", "--json", tmp_path / "x.json", *arguments, command=mm_env_app)
    assert again.stdout.replace(str(tmp_path / "again"), str(out)) == result.stdout
    told = [[line for line in one.stderr.splitlines() if line.startswith("[")] for one in (result, again)]
    assert told[0] == told[1] != []  # besides what is said of compiling
    said = json.loads((tmp_path / "x.json").read_text())
    assert said == json.loads((tmp_path / "again" / "summary.json").read_text())
    said.pop("timing")
    assert said == {key: value for key, value in found.summary.items() if key != "timing"}
    for name in FILES - {"summary.json"}:
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name


def test_more_episodes_leave_the_first_ones_as_they_are(whole, tmp_path):
    _, out, _ = whole
    run("--out", tmp_path, "--episodes", 2, "--steps", 60, "--set", "risk.portfolio_var_limit=50", "--seed", 3)
    assert (tmp_path / "steps.parquet").read_bytes() == (out / "steps.parquet").read_bytes()


def test_a_tape_is_reported_and_played(tmp_path):
    (tmp_path / "tape.csv").write_text(NEWS, encoding="utf-8")
    result = run("--news", tmp_path / "tape.csv", "--out", tmp_path / "run", "--episodes", 2, "--steps", 12)
    assert result.exit_code == 0
    assert f"[news] {tmp_path / 'tape.csv'}: 2 of 3 headlines, step 3 to step 7, 1 of unknown symbols" in result.stderr
    found = read_run(tmp_path / "run")
    assert found.headlines[["time", "symbol", "text", "polarity"]].to_numpy().tolist() == [
        [3.0, "XYZ", "XYZ soars", 0.8],
        [7.0, "", "Rates rise", -0.4],
    ]
    assert (found.summary["tape"]["kept"], found.summary["tape"]["unknown_symbol"]) == (2, 1)


def test_policies_play_the_market_that_they_need(tmp_path):
    profits = {}
    for policy in ("as", "fixed", "random"):
        result = run("--policy", policy, "--out", tmp_path / policy, "--episodes", 2, "--steps", 40)
        assert result.exit_code == 0 and f"policy {policy}, seed 0" in result.stdout
        found = read_run(tmp_path / policy)
        profits[policy] = found.summary["portfolio"]["profit"]["value"]
        assert found.config.policy.use_avellaneda_stoikov == (policy != "fixed")
    assert len(set(profits.values())) == 3
    own = run("--set", "policy.use_avellaneda_stoikov=false", "--out", tmp_path / "own", "--episodes", 2, "--steps", 40)
    assert own.exit_code == 0
    assert read_run(tmp_path / "own").summary["portfolio"]["profit"]["value"] == profits["fixed"]


def test_quiet_is_quiet(tmp_path):
    result = run("--out", tmp_path, "--episodes", 1, "--steps", 30, "--log-level", "error")
    assert result.exit_code == 0 and result.stderr == ""
    none = run("--out", tmp_path, "--episodes", 1, "--steps", 200, "--log-every", 0)
    assert not re.search(r"^\[(XYZ|ABC|portfolio)\]", none.stderr, re.MULTILINE)


def test_every_market_that_comes_with_the_package_runs_one_episode(tmp_path):
    for name in ("calm", "crisis", "one_symbol"):
        result = run("--config", name, "--out", tmp_path / name, "--episodes", 1, "--steps", 20)
        assert result.exit_code == 0, result.output
        assert list(read_run(tmp_path / name).summary["symbols"]) == [s.name for s in load_config(name).symbols]
        assert "n/a" in result.stdout  # one episode has no error of anything


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--config", "two_symbol"], "nearest: 'two_symbols'"),
        (["--policy", "fixd"], "policy 'fixd': expected one of as, as_symmetric, glft"),
        (
            ["--set", "policy.risk_aversoin=1"],
            "policy.risk_aversoin: value 1: unknown key 'risk_aversoin' in 'policy'; nearest: 'risk_aversion'",
        ),
        (["--set", "policy.risk_aversion"], "--set 'policy.risk_aversion': expected key=value"),
        (["--set", "policy.risk_aversion=["], "--set 'policy.risk_aversion=[': the value is not YAML"),
        (["--set", "policy.risk_aversion=-1"], "policy.risk_aversion: value -1: "),
        (["--news", "no_such.csv"], "no_such.csv: cannot read the headlines: No such file or directory"),
        (["--log-level", "warn"], "--log-level 'warn': expected one of 'debug', 'info', 'warning', 'error'"),
        (["--out", "FILE"], "FILE: not a folder; expected a folder, new or old"),
        (["--json", "FILE/x.json"], "--json FILE/x.json: cannot be a file; expected a file, new or old, in a folder"),
        (["--json", "FOLDER"], "--json FOLDER: cannot be a file"),
    ],
)
def test_a_mistake_is_one_message_and_exit_status_2(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("mine")
    Path("FOLDER").mkdir()
    result = run("--episodes", 1, "--steps", 5, "--out", "out", *arguments)
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit)
    assert said in result.stderr and result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert Path("FILE").read_text() == "mine" and not Path("out").exists()


@pytest.mark.parametrize(
    "arguments", [["--episodes", 0], ["--steps", 0], ["--seed", -1], ["--log-every", -1], ["--nonsense"]]
)
def test_a_wrong_command_line_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_folder_that_can_be_read(tmp_path, number, code):
    out = tmp_path / "run"
    command = [sys.executable, str(ROOT / "scripts" / "run_baseline.py"), "--episodes", "2", "--steps", "1000000"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [*command, "--out", str(out), "--log-every", "50"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 300.0  # the kernels may have to compile
        for line in process.stderr:
            if line.startswith("[ABC] step 100 "):
                break
            assert time.monotonic() < deadline
        process.send_signal(number)
        said, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors and "stopped before the end" in errors
    assert {file.name for file in out.iterdir()} == FILES
    found = read_run(out)
    assert found.summary["interrupted"] is True and found.summary["complete_episodes"] is False
    steps = found.steps["step"].iloc[-1]
    assert 100 <= steps < 1_000_000 and found.summary["steps"] == 2 * steps
    assert found.summary["portfolio"]["profit_first"] == pytest.approx(found.steps["pnl"].iloc[-1])
    assert "2 episodes, cut short" in said


def test_the_help_holds_an_example_and_every_option():
    for arguments, command in ((["--help"], app), (["baseline", "--help"], mm_env_app)):
        result = CliRunner().invoke(command, arguments, env={"COLUMNS": "200"})
        assert result.exit_code == 0 and "Example: " in result.stdout
        for option in ("--config", "--news", "--seed", "--episodes", "--steps", "--out", "--policy", "--json", "--set"):
            assert option in result.stdout
