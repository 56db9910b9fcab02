"""The command that trains the scorers."""

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.sentiment.linear import TfidfScorer
from tests.unit.sentiment.training.test_fit import REAL, quick  # noqa: F401 (the fixture)

APP = single("sentiment-train")


@pytest.mark.usefixtures("quick")
def test_the_command_writes_an_archive_that_the_scorer_reads(tmp_path):
    data, out = tmp_path / "labelled.csv", tmp_path / "new"
    REAL.to_csv(data, index=False)
    result = CliRunner().invoke(APP, [str(data), "--no-minilm", "--out", str(out)])
    assert result.exit_code == 0, result.output
    (path,) = (out / "data").iterdir()
    assert TfidfScorer(path.read_bytes()).score(["shares shine today"])[0] > 0.3
    REAL[:50].to_csv(data, index=False)
    result = CliRunner().invoke(APP, [str(data), "--no-minilm", "--out", str(out)])
    assert result.exit_code == 2
    assert "40 negative, 10 positive, 0 neutral; expected 10 or more of each" in " ".join(result.output.split())
    result = CliRunner().invoke(APP, [str(tmp_path / "none.csv"), "--no-minilm"])
    assert result.exit_code == 2
    assert "none.csv: cannot read" in " ".join(result.output.split())
