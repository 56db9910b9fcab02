"""The command that records headlines: what the market then plays, failures, and refused arguments."""

import csv
import logging

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

pytest.importorskip("feedparser")
pytest.importorskip("massive")

from mm_env.cli.app import single
from mm_env.sentiment import get_scorer, load_tape
from tests.unit.headline_server import KEY, RSS, ok

APP = single("record-news")


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_the_command_records_what_the_market_then_plays(server, tmp_path, caplog):
    server.answers = [ok(RSS)]
    out = tmp_path / "new" / "news.csv"
    secret = f"{server.url}/feed?token={KEY}"
    with caplog.at_level(logging.DEBUG):
        result = run("--rss", f"XYZ={secret}", "--out", out, "--once")
    assert result.exit_code == 0, result.output
    assert f"{out}: 3 headlines" in result.output
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["symbol"] for row in rows] == ["XYZ"] * 3
    assert rows[0]["timestamp"] == "2020-03-05T15:30:00.000Z"
    assert KEY not in result.output + out.read_text() + "".join(record.getMessage() for record in caplog.records)
    tape = load_tape(out, ["XYZ"], get_scorer("tfidf"), step_seconds=1.0, episode_seconds=100.0)
    assert len(tape.text) == 3


def test_the_command_tells_of_failures_and_writes_parquet(server, tmp_path, caplog):
    server.answers = [(404, {}, b"")]
    out = tmp_path / "news.parquet"
    with caplog.at_level(logging.INFO):
        result = run("--rss", f"{server.url}/gone", "--out", out, "--for", 0)
    assert result.exit_code == 0
    assert "HTTP 404" in caplog.text
    assert pq.read_table(out).num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no source: expected one or more of --rss and --massive"),
        (("--rss", "example.org"), "--rss 'example.org': expected URL or SYMBOL=URL"),
        (("--massive", "XYZ"), "no key: expected one in the environment variable"),
        (("--rss", "http://example.org", "--once", "--for", "5"), "--once and --for 5: expected one of them"),
    ],
)
def test_the_command_refuses(tmp_path, monkeypatch, arguments, message):
    for name in ("MASSIVE_API_KEY", "POLYGON_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    result = run(*arguments, "--out", tmp_path / "news.csv")
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "news.csv").exists()


def test_a_package_that_is_not_installed_names_the_extra_for_news(monkeypatch):
    monkeypatch.setattr("mm_env.extras.find_spec", lambda name: None)
    result = run("--massive", "AAPL", "--once")
    assert result.exit_code == 2 and result.stderr == "massive is not installed: pip install 'mm_env[news]'\n"
