"""The command that opens the dashboard: what it hands to Streamlit, and what it refuses."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mm_env import extras
from mm_env.cli import dashboard as cli_dashboard
from mm_env.cli.app import app


@pytest.fixture
def handed(monkeypatch):
    from streamlit.web import cli

    calls = []
    monkeypatch.setattr(cli, "main", lambda arguments, prog_name: calls.append(arguments))
    monkeypatch.setenv("MM_ENV_RUNS", "before")
    return calls


def test_streamlit_runs_the_app_on_localhost_and_tells_nobody(handed, tmp_path):
    done = CliRunner().invoke(app, ["dashboard", "--port", "8123", "--runs", str(tmp_path)])
    assert done.exit_code == 0 and "http://localhost:8123" in done.output
    ((run, script, *options),) = handed
    assert run == "run" and Path(script) == cli_dashboard.APP and cli_dashboard.APP.is_file()
    assert {"--server.port=8123", "--server.address=localhost", "--server.headless=true"} <= set(options)
    assert "--browser.gatherUsageStats=false" in options
    assert os.environ["MM_ENV_RUNS"] == str(tmp_path)


def test_a_folder_of_runs_that_is_a_file_is_refused(handed, tmp_path):
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["dashboard", "--runs", str(tmp_path / "file")])
    assert done.exit_code == 2 and "not a folder; expected" in done.output and handed == []


def test_without_streamlit_it_says_what_to_install(handed, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["dashboard"])
    assert done.exit_code == 2 and "pip install 'mm_env[dashboard]'" in done.output and handed == []
