"""The command that measures the value of sentiment scorers."""

import json

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single

APP = single("sentiment-value")


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in (*arguments, "--set", "episode.steps=60")])


def test_the_command_prints_differences_from_none(tmp_path):
    out = tmp_path / "new"
    result = run("--scorers", "perfect,none,vader", "--episodes", 4, "--fit", 4, "--out", out)
    assert result.exit_code == 0, result.output
    about = json.loads((out / "value_of_sentiment.json").read_text())
    assert [row["scorer"] for row in about["rows"]] == ["perfect", "none", "vader"]
    assert about["rows"][1]["gain"] is None and about["rows"][1]["alpha_weight"] == 0.0
    assert about["rows"][0]["gain"] == pytest.approx(about["rows"][0]["profit"] - about["rows"][1]["profit"])
    assert "| perfect |" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scorers", "vadre"), "news.scorer: unknown scorer 'vadre'"),
        (("--scorers", ","), "--scorers ',': expected"),
        (("--policy", "nobody", "--scorers", "none"), "'nobody'"),
        (("--fit", 1, "--scorers", "none"), "--fit 1: expected 0, or 2 and more"),
    ],
)
def test_the_command_refuses_before_it_plays(tmp_path, arguments, message):
    result = run(*arguments, "--out", tmp_path)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
