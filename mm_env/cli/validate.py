"""The command `mm-env validate`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.cli.options import Json, Out, Seed, check_targets
from mm_env.cli.progress import progress_of
from mm_env.errors import UsageError, check_choice
from mm_env.validation.sections import SECTIONS

if TYPE_CHECKING:
    from mm_env.validation.checks import Report
    from mm_env.validation.sections import ValidationSection


logger = logging.getLogger(__name__)
# field of a section -> what the user calls it
OPTIONS = {
    "gamma": "--gamma", "sigma": "--sigma", "k": "--k", "A": "--arrival-rate", "T": "--horizon", "dt": "--dt",
    "s": "--start-price", "q0": "--q0", "limit": "--limit", "fill_rule": "--fill-rule", "move": "--move", "q": "--q",
    "phi": "--phi", "alpha": "--alpha", "hawkes_mu": "--hawkes-mu", "hawkes_alpha": "--hawkes-alpha",
    "hawkes_beta": "--hawkes-beta", "tau": "--tau", "periods": "--periods", "probability": "--probability",
    "confidence": "--confidence",
}  # fmt: skip
CHOICES = {"fill_rule": ("linear", "exponential"), "move": ("lattice", "brownian")}


def number(text: str, *names: str) -> Any:
    """An option that holds a number, the publication's by default."""
    return typer.Option(*names, help=text, show_default=False)


def main(
    config: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET|FILE",
            help="Classic market to begin with, in place of a publication's; for sections as2008, glft, cj.",
        ),
    ] = None,
    section: Annotated[
        list[str] | None, typer.Option(metavar="|".join(SECTIONS), help="Section, or several; all by default.")
    ] = None,
    episodes: Annotated[
        int, typer.Option(min=1000, help="Episodes, windows or samples behind each sampled figure.")
    ] = 100_000,
    seed: Seed = 0,
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
    out: Out = Path("runs/validate"),
    json_file: Json = None,
) -> None:
    """Reproduce published figures and closed forms.

    Runs the sections, prints each, and exits with 1 if a figure misses. Options change a publication's parameters.

    Example: mm-env validate --section as2008 --gamma 0.5 --sigma 3 --json as2008.json
    """
    from mm_env.files import write_json
    from mm_env.validation.sections import chosen, market_parameters, sections_with

    given = {
        "gamma": gamma, "sigma": sigma, "k": k, "A": arrival_rate, "T": horizon, "dt": dt, "s": start_price, "q0": q0,
        "limit": limit, "fill_rule": fill_rule, "move": move, "q": q, "phi": phi, "alpha": alpha, "hawkes_mu": hawkes_mu,
        "hawkes_alpha": hawkes_alpha, "hawkes_beta": hawkes_beta, "tau": tau, "periods": periods,
        "probability": probability, "confidence": confidence,
    }  # fmt: skip
    changes = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value is not None
    }
    _check_choices(changes)
    names = chosen(section or [])
    sections = sections_with(names, changes, OPTIONS, {} if config is None else market_parameters(config))
    targets = [out / "validate.json", *([] if json_file is None else [json_file])]
    check_targets(out=out / "validate.json", json=json_file)
    reports = run_sections(
        sections, episodes, seed, lambda report: report.text(markdown, published), asked=bool(changes) or config is not None
    )
    parts = {name: report.as_dict() for name, report in reports.items()}
    for path in targets:
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
    sections: dict[str, ValidationSection], episodes: int, seed: int, text: Callable[[Report], str], asked: bool
) -> dict[str, Report]:
    """Run sections, printing each as it comes, under a progress bar where there is a terminal.

    text: what is printed of a section; asked: the user gave parameters, so those out of range are a mistake of theirs
    """
    reports: dict[str, Report] = {}
    with progress_of("sections", len(sections)) as advance:
        for name, section in sections.items():
            logger.info("[%s] %d of %d", name, len(reports) + 1, len(sections))
            try:
                reports[name] = section.run(episodes, seed)
            except ValueError as error:
                if not asked:
                    raise  # the publication's own parameters are in range: a fault of ours
                raise UsageError(f"section {name}: {error}") from error
            advance(1)
            typer.echo(("" if len(reports) == 1 else "\n") + text(reports[name]))
    return reports


def _check_choices(changes: dict[str, Any]) -> None:
    """Raise `UsageError` for a word that is none of the allowed ones."""
    for name, allowed in CHOICES.items():
        if name in changes:
            check_choice(OPTIONS[name], changes[name], allowed)
