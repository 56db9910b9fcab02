"""Check the software against published figures and closed forms; exits with 1 on a miss.

Example: python scripts/validate.py --section as2008 --gamma 0.5 --sigma 3 --json as2008.json
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.errors import check_target, user_errors
from mm_env.errors import UsageError
from mm_env.files import write_json
from mm_env.validation.checks import Report
from mm_env.validation.sections import SECTIONS, Section, chosen, market_parameters, sections_with

logger = logging.getLogger("validate")
LOG_LEVELS = ("debug", "info", "warning", "error")
# field of a section -> what the user calls it
OPTIONS = {
    "gamma": "--gamma", "sigma": "--sigma", "k": "--k", "A": "--arrival-rate", "T": "--horizon", "dt": "--dt",
    "s": "--start-price", "q0": "--q0", "limit": "--limit", "fill_rule": "--fill-rule", "move": "--move", "q": "--q",
    "phi": "--phi", "alpha": "--alpha", "hawkes_mu": "--hawkes-mu", "hawkes_alpha": "--hawkes-alpha",
    "hawkes_beta": "--hawkes-beta", "tau": "--tau", "periods": "--periods", "probability": "--probability",
    "confidence": "--confidence",
}  # fmt: skip
CHOICES = {"fill_rule": ("linear", "exponential"), "move": ("lattice", "brownian")}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def number(text: str, *names: str) -> Any:
    """An option that holds a number, the publication's by default."""
    return typer.Option(*names, help=text, show_default=False)


@app.command(help=__doc__)
@user_errors
def validate(
    config: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET|FILE", help="Classic market to begin with, in place of a publication's: as2008, glft, cj."
        ),
    ] = None,
    section: Annotated[
        list[str] | None, typer.Option(metavar="|".join(SECTIONS), help="Section, or several; all by default.")
    ] = None,
    episodes: Annotated[
        int, typer.Option(min=1000, help="Episodes, windows or samples behind each sampled figure.")
    ] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    gamma: Annotated[float | None, number("Risk aversion: as2008, glft.", "--gamma")] = None,
    sigma: Annotated[float | None, number("Volatility: as2008, glft, cj.", "--sigma")] = None,
    k: Annotated[float | None, number("Decay of the fill intensity: as2008, glft, cj.", "--k", "--kappa")] = None,
    arrival_rate: Annotated[
        float | None, number("Arrivals at depth zero: as2008, glft, cj.", "--arrival-rate", "--A")
    ] = None,
    horizon: Annotated[float | None, number("Length of an episode: as2008, glft, cj.", "--horizon", "--T")] = None,
    dt: Annotated[float | None, number("Time between decisions: as2008, glft, cj.", "--dt")] = None,
    start_price: Annotated[float | None, number("First mid: as2008.", "--start-price", "--s")] = None,
    q0: Annotated[int | None, number("First inventory: as2008.", "--q0")] = None,
    limit: Annotated[int | None, number("Inventory limit: as2008, glft, cj.", "--limit")] = None,
    fill_rule: Annotated[str | None, number("linear or exponential: as2008.", "--fill-rule")] = None,
    move: Annotated[str | None, number("Moves of the mid, lattice or brownian: as2008.", "--move")] = None,
    q: Annotated[list[int] | None, number("Inventory to show; may be repeated: glft, cj.", "--q")] = None,
    phi: Annotated[float | None, number("Running inventory penalty: cj.", "--phi")] = None,
    alpha: Annotated[float | None, number("Terminal inventory penalty: cj.", "--alpha")] = None,
    hawkes_mu: Annotated[float | None, number("Baseline: hawkes, signature.", "--hawkes-mu")] = None,
    hawkes_alpha: Annotated[float | None, number("Jump: hawkes, signature.", "--hawkes-alpha")] = None,
    hawkes_beta: Annotated[float | None, number("Decay: hawkes, signature.", "--hawkes-beta")] = None,
    tau: Annotated[list[float] | None, number("Window; may be repeated: hawkes, signature.", "--tau")] = None,
    periods: Annotated[list[int] | None, number("Days of a backtest; may be repeated: var.", "--periods")] = None,
    probability: Annotated[
        list[float] | None, number("Of an exception; may be repeated: var.", "--probability", "--p")
    ] = None,
    confidence: Annotated[float | None, number("Of the tests: var.", "--confidence")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print markdown, as it stands in the README.")] = False,
    published: Annotated[bool, typer.Option("--published", help="Print only rows with a published figure.")] = False,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Holds validate.json afterwards.")] = Path("runs/validate"),
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the figures there as well: of one section, or by section."),
    ] = None,
    log_level: Annotated[str, typer.Option(metavar="|".join(LOG_LEVELS), help="Least level that is logged.")] = "info",
) -> None:
    """Run the sections, print each as it comes, and tell whether all agree."""
    given = {
        "gamma": gamma, "sigma": sigma, "k": k, "A": arrival_rate, "T": horizon, "dt": dt, "s": start_price, "q0": q0,
        "limit": limit, "fill_rule": fill_rule, "move": move, "q": q, "phi": phi, "alpha": alpha, "hawkes_mu": hawkes_mu,
        "hawkes_alpha": hawkes_alpha, "hawkes_beta": hawkes_beta, "tau": tau, "periods": periods,
        "probability": probability, "confidence": confidence,
    }  # fmt: skip
    changes = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value is not None
    }
    _check_choices(changes, log_level)
    names = chosen(section or [])
    sections = sections_with(names, changes, OPTIONS, {} if config is None else market_parameters(config))
    targets = {"--out": out / "validate.json"} | ({} if json_file is None else {"--json": json_file})
    for option, path in targets.items():
        check_target(option, path)
    logger.setLevel(log_level.upper())
    reports = run_sections(
        sections, episodes, seed, lambda report: report.text(markdown, published), asked=bool(changes) or config is not None
    )
    parts = {name: report.as_dict() for name, report in reports.items()}
    for path in targets.values():
        write_json(path, next(iter(parts.values())) if len(parts) == 1 else parts)
    missed = [
        f"{report.section}: {check.name}" for report in reports.values() for check in report.checks if not check.passed
    ]
    total = sum(len(report.checks) for report in reports.values())
    typer.echo(f"\n{total - len(missed)} of {total} checks agree")
    if missed:
        typer.echo("missed:\n" + "\n".join(missed), err=True)
        raise typer.Exit(1)


def run_sections(
    sections: dict[str, Section], episodes: int, seed: int, text: Callable[[Report], str], asked: bool
) -> dict[str, Report]:
    """Run sections, printing each as it comes, under a progress bar where there is a terminal.

    text: what is printed of a section; asked: the user gave parameters, and is told of those that are out of range
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    reports: dict[str, Report] = {}
    console = Console(stderr=True)
    handler = logging.StreamHandler()
    with ExitStack() as closing:
        logger.addHandler(handler)
        closing.callback(logger.removeHandler, handler)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = closing.enter_context(Progress(*columns, console=console, transient=True, disable=not console.is_terminal))
        task = bar.add_task("sections", total=len(sections))
        for name, section in sections.items():
            if not console.is_terminal:
                logger.info("[%s] %d of %d", name, len(reports) + 1, len(sections))
            try:
                reports[name] = section.run(episodes, seed)
            except ValueError as error:
                if not asked:
                    raise  # the publication's own parameters are in range: a fault of ours
                raise UsageError(f"section {name}: {error}") from error
            bar.advance(task)
            typer.echo(("" if len(reports) == 1 else "\n") + text(reports[name]))
    return reports


def _check_choices(changes: dict[str, Any], log_level: str) -> None:
    """Raise `UsageError` for a word that is none of the allowed ones."""
    for name, allowed in CHOICES.items():
        if name in changes and changes[name] not in allowed:
            raise UsageError(f"{OPTIONS[name]} {changes[name]!r}: allowed: {', '.join(allowed)}")
    if log_level.lower() not in LOG_LEVELS:
        raise UsageError(f"--log-level {log_level!r}: allowed: {', '.join(LOG_LEVELS)}")


if __name__ == "__main__":
    app()
