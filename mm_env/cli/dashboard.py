"""The command `mm-env dashboard`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mm_env.errors import UsageError

APP = Path(__file__).resolve().parents[1] / "dashboard" / "app.py"
_OPTIONS = {
    "server.headless": "true",  # neither asks for an e-mail address nor opens a browser
    "server.address": "localhost",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "theme.base": "light",  # as the charts are
    "theme.primaryColor": "#0072B2",
}


def main(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on localhost.")] = 8501,
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder in which pages find runs and save them.")] = Path(
        "runs"
    ),
) -> None:
    """Open the dashboard in a browser.

    The market live, saved runs, comparisons, scenarios and trainings, on localhost. Ctrl-C ends it.

    Example: mm-env dashboard --port 8502 --runs runs
    """
    if runs.exists() and not runs.is_dir():
        raise UsageError(f"--runs {runs}: not a folder; expected a folder, new or old")
    from streamlit.web import cli

    os.environ["MM_ENV_RUNS"] = str(runs)
    options = [f"--{name}={value}" for name, value in {**_OPTIONS, "server.port": str(port)}.items()]
    typer.echo(f"dashboard: http://localhost:{port} (Ctrl-C ends it)")
    cli.main(["run", str(APP), *options], prog_name="streamlit")
