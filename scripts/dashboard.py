"""Open the dashboard in a browser: the market live, saved runs, comparisons, scenarios, trainings.

Example: python scripts/dashboard.py --port 8502 --runs runs
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.dashboard import serve
from mm_env.cli.errors import user_errors


@user_errors
def main(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on localhost.")] = 8501,
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="Below it, pages look for runs, and save them.")] = Path(
        "runs"
    ),
) -> None:
    """Open the dashboard on localhost; Ctrl-C ends it. Trained agents below the folder of runs can quote there.

    Example: python scripts/dashboard.py --port 8502 --runs runs
    """
    serve(Path(__file__).resolve(), port, runs)


def _inside_streamlit() -> bool:
    """Whether Streamlit runs this file, as a page, rather than a person, as a command."""
    import sys

    return "streamlit.runtime" in sys.modules and sys.modules["streamlit.runtime"].exists()


if __name__ == "__main__":
    if _inside_streamlit():
        from mm_env.dashboard.app import main as draw

        draw()
    else:
        typer.run(main)
