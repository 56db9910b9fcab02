"""The command `mm-env report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import check_targets


def main(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder that mm-env baseline, compare or scenarios wrote with --out.")
    ],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="The page; else report.html in the folder.")] = None,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="The document; else report.pdf in the folder.")] = None,
    episode: Annotated[
        int | None, typer.Option(min=0, help="Of a run, the recorded episode that is drawn; else the first.")
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of a run, a folder of mm-env scenarios whose surface is added.")
    ] = None,
) -> None:
    """Write an HTML page and a PDF of saved results.

    Of a run, a comparison or scenarios. The page is one file and needs no network.

    Example: mm-env report runs/baseline --scenarios runs/scenarios
    """
    from mm_env.reports.report import write_report

    check_targets(html=html, pdf=pdf)
    written = write_report(folder, html, pdf, episode=episode, scenarios=scenarios)
    typer.echo(f"{written.html}\n{written.pdf}")
