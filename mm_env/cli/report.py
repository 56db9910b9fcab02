"""A report for people who decide: one HTML file and one PDF of a run, a comparison or scenarios.

python scripts/report.py runs/baseline
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.errors import check_target, user_errors
from mm_env.reports.report import write_report


@user_errors
def main(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="What run_baseline.py, compare.py or monte_carlo.py wrote with --out.")
    ],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="The page; else report.html in the folder.")] = None,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="The document; else report.pdf in the folder.")] = None,
    episode: Annotated[
        int | None, typer.Option(min=0, help="Of a run, the recorded episode that is drawn; else the first.")
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of a run, scenarios by monte_carlo.py whose surface is added.")
    ] = None,
) -> None:
    """Write the report of a folder as one HTML file, which needs no network, and as a PDF for print.

    Example: python scripts/report.py runs/baseline --scenarios runs/monte_carlo
    """
    for option, path in {"--html": html, "--pdf": pdf}.items():
        if path is not None:
            check_target(option, path)
    written = write_report(folder, html, pdf, episode=episode, scenarios=scenarios)
    typer.echo(f"{written.html}\n{written.pdf}")


if __name__ == "__main__":
    typer.run(main)
