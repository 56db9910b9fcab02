"""Reports for people who decide: one HTML file and one PDF of a run, a comparison or scenarios.

module     | what
---------- | ----
content    | what a report is made of: sections of text, tables, figures and code
numbers    | how numbers are written
run        | the report of a run folder
comparison | the report of a folder of mm-env compare
scenarios  | the report of a folder of mm-env scenarios
html       | the page, which needs no other file and no network
pdf, paper | the document on A4, and its figures
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mm_env.errors import RunError, UsageError

if TYPE_CHECKING:
    from mm_env.reports.report.content import Report

HTML, PDF = "report.html", "report.pdf"
KINDS = "a folder of mm-env baseline, mm-env compare or mm-env scenarios"


@dataclass(frozen=True)
class Written:
    """Where a report was written."""

    html: Path | None
    pdf: Path | None


def remove_report(folder: Path) -> None:
    """Take away a report that what the folder holds now would contradict."""
    for name in (HTML, PDF):
        (folder / name).unlink(missing_ok=True)


def read_report(folder: str | Path, episode: int | None = None, scenarios: Path | None = None) -> Report:
    """Read what a folder holds into its report.

    episode: of a run, the recorded one that is drawn; none: the first
    scenarios: of a run, a folder of scenarios whose surface is added

    Raises `RunError` for a folder that holds none of `KINDS`, `UsageError` for options that do not fit what it holds.
    """
    from mm_env.reports.report.comparison import comparison_report
    from mm_env.reports.report.run import run_report
    from mm_env.reports.report.scenarios import scenario_report

    place = Path(folder)
    if not place.is_dir():
        raise RunError(f"{place}: not a folder; expected {KINDS}")
    if (place / "summary.json").is_file():
        return run_report(place, episode, scenarios)
    for option, value in (("--episode", episode), ("--scenarios", scenarios)):
        if value is not None:
            raise UsageError(f"{option} {value}: {place} is not a run; the option needs one")
    if (place / "comparison.json").is_file():
        return comparison_report(place)
    if (place / "about.json").is_file():
        return scenario_report(place)
    raise RunError(f"{place}: holds no summary.json, comparison.json or about.json; expected {KINDS}")


def write_report(
    folder: str | Path,
    html: Path | None = None,
    pdf: Path | None = None,
    *,
    episode: int | None = None,
    scenarios: Path | None = None,
) -> Written:
    """Write the report of a folder as HTML and as PDF; raises what `read_report` does.

    html, pdf: where; none: report.html and report.pdf in the folder
    """
    from mm_env.files import write_bytes
    from mm_env.reports.report.html import html_of
    from mm_env.reports.report.pdf import pdf_of

    report = read_report(folder, episode, scenarios)
    page = Path(folder) / HTML if html is None else html
    document = Path(folder) / PDF if pdf is None else pdf
    try:
        write_bytes(page, html_of(report).encode())
        write_bytes(document, pdf_of(report))
    except OSError as error:
        raise RunError(f"{error.filename or page}: cannot write there: {error.strerror or error}") from error
    return Written(page, document)
