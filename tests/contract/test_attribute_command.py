"""The command that cuts the profit: what it prints and writes, and what it refuses."""

import csv
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from mm_env.cli.app import app as mm_env_app
from mm_env.cli.app import single
from mm_env.runs import read_run

APP = single("attribute")
FILES = {"attribution_cuts.parquet", "attribution_cuts.csv", "attribution.json", "waterfall.png"}
SHORT = ("--set", "episode.steps=60", "--episodes", 6, "--seed", 3)


def run(*arguments, command=APP):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_a_policy_is_played_and_its_profit_cut(tmp_path):
    out = tmp_path / "new" / "folder"
    result = run(
        *SHORT, "--by", "side,regime", "--by", "period", "--minutes", 0.5, "--out", out, "--json", tmp_path / "x.json"
    )
    assert result.exit_code == 0, result.output
    assert {file.name for file in out.iterdir()} == FILES
    assert "two_symbols, as, 6 episodes of 60 steps, seed 3" in result.stdout
    assert "by regime,side" in result.stdout and "0.5-1 min" in result.stdout and "calm buy" in result.stdout
    rows = pd.read_parquet(out / "attribution_cuts.parquet")
    assert list(rows["cut"].unique()) == ["all", "regime,side", "period"]
    sums = rows[rows["kind"] == "term"].groupby("cut")["mean"].sum()
    assert sums.to_list() == pytest.approx([sums["all"]] * 3)
    said = json.loads((tmp_path / "x.json").read_text())
    assert said == json.loads((out / "attribution.json").read_text())
    assert pd.DataFrame(said["rows"])["mean"].to_list() == rows["mean"].to_list()
    with (out / "attribution_cuts.csv").open() as file:
        assert [float(row["mean"]) for row in csv.DictReader(file)] == rows["mean"].to_list()


def test_a_run_folder_is_read_and_agrees_with_its_attribution(tmp_path):
    folder, out = tmp_path / "run", tmp_path / "cuts"
    played = run("baseline", "--steps", 50, "--episodes", 3, "--out", folder, "--log-level", "error", command=mm_env_app)
    assert played.exit_code == 0
    result = run("--run", folder, "--by", "symbol,venue", "--by", "all", "--out", out)
    assert result.exit_code == 0, result.output
    found = read_run(folder)
    cut = found.cuts[(found.cuts["cut"] == "symbol,venue") & (found.cuts["term"] == "profit")]
    wanted = found.attribution.set_index(["symbol", "venue"])["profit"]
    assert cut.set_index(["symbol", "venue"])["mean"].to_dict() == pytest.approx(wanted.to_dict())
    assert f"{wanted.sum():,.2f} ±" in result.stdout and "XYZ ALPHA" in result.stdout
    refused = run("--run", folder, "--by", "venue,side", "--out", out)
    assert refused.exit_code == 2 and "--by venue,side: not in" in refused.stderr and "symbol,venue" in refused.stderr
    refused = run("--run", folder, "--minutes", 5, "--out", out)
    assert refused.exit_code == 2 and "--minutes 5 with --run" in refused.stderr
    refused = run("--run", folder, "--config", "calm", "--seed", 3, "--out", out)
    assert refused.exit_code == 2 and "--config, --seed with --run" in refused.stderr
    (folder / "attribution_cuts.parquet").unlink()
    refused = run("--run", folder, "--out", out)
    assert refused.exit_code == 2 and "an earlier version" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--by", "hour"), "--by: cut 'hour': 'hour'; expected all, or each at most once of symbol, venue"),
        (("--minutes", -1), "--minutes -1; expected a number above 0"),
        (("--minutes", "inf"), "--minutes inf; expected a number above 0"),
        (("--policy", "a"), "policy 'a': expected"),
        (("--run", "nowhere"), "nowhere: no run folder"),
        (("--log-level", "loud"), "--log-level 'loud'"),
    ],
)
def test_mistakes_are_told_before_anything_is_played(tmp_path, arguments, told):
    result = run(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2 and told in result.stderr.replace("\n", " ")
    assert not list(tmp_path.rglob("*.*"))


def test_one_episode_has_no_errors_and_wide_cuts_are_told_in_several_tables(tmp_path):
    result = run("--set", "episode.steps=30", "--episodes", 1, "--by", "symbol,venue,regime", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "± " not in result.stdout.partition("mean ± standard error")[2]
    assert pd.read_parquet(tmp_path / "attribution_cuts.parquet")["error"].isna().all()
    assert max(map(len, result.stdout.splitlines())) <= 130
