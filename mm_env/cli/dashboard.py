"""The command that opens the dashboard: shared by `mm-env dashboard` and `scripts/dashboard.py`."""

from __future__ import annotations

import importlib.util
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


def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on localhost.")] = 8501,
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="Below it, pages look for runs, and save them.")] = Path(
        "runs"
    ),
) -> None:
    """Open the dashboard: the market live, saved runs, comparisons, scenarios, trainings. Ctrl-C ends it.

    Example: mm-env dashboard --port 8502 --runs runs
    """
    serve(APP, port, runs)


def serve(script: Path, port: int, runs: Path) -> None:
    """Run a script under Streamlit, in this process, until it is stopped.

    Raises `UsageError` where Streamlit is not installed, and for a folder of runs that is a file.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise UsageError("streamlit is not installed: pip install 'mm_env[dashboard]'")
    if runs.exists() and not runs.is_dir():
        raise UsageError(f"--runs {runs}: not a folder; allowed: a folder, new or old")
    from streamlit.web import cli

    os.environ["MM_ENV_RUNS"] = str(runs)
    options = [f"--{name}={value}" for name, value in {**_OPTIONS, "server.port": str(port)}.items()]
    typer.echo(f"dashboard: http://localhost:{port} (Ctrl-C ends it)")
    cli.main(["run", str(script), *options], prog_name="streamlit")
