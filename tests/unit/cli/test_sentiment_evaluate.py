"""The command that evaluates scorers on labelled headlines."""

import csv
import json

from typer.testing import CliRunner

from mm_env.cli.app import single
from tests.unit.sentiment.test_evaluation import write

APP = single("sentiment-evaluate")


def test_the_command_prints_and_writes_each_scorer_on_each_file(tmp_path):
    first = write(tmp_path, "text,label\nprofit rose,1\nprofit fell,0\nthe meeting is in May,2\n", "first.csv")
    second = write(tmp_path, "great success@positive\n", "second.txt")
    out = tmp_path / "new" / "figures.csv"
    result = CliRunner().invoke(APP, [str(first), str(second), "--scorers", "tfidf,vader", "--out", str(out),
                                      "--json", str(tmp_path / "figures.json")])  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "first.csv: 3 headlines, 33% negative, 33% neutral, 33% positive" in result.stdout
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(row["data"], row["scorer"]) for row in rows] == [
        ("first.csv", "tfidf"), ("first.csv", "vader"), ("second.txt", "tfidf"), ("second.txt", "vader")
    ]  # fmt: skip
    assert float(rows[0]["accuracy"]) == 1.0
    told = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert [row["accuracy"] for row in told] == [float(row["accuracy"]) for row in rows]
    assert told[1]["calibration_error"] is None
    assert rows[3]["positive_as_positive"] == "1"


def test_the_command_refuses_before_it_scores(tmp_path):
    path = write(tmp_path, "text,label\na,1\n")
    for arguments, message in (
        ([str(path), "--scorers", "vadre"], "--scorers: unknown scorer 'vadre'"),
        ([str(path), "--scorers", "vader", "--out", str(path / "below")], "--out"),
        ([str(tmp_path / "none.csv"), "--scorers", "vader"], "none.csv: cannot read"),
    ):
        result = CliRunner().invoke(APP, arguments)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
