"""The command that runs the baseline: shared by `mm-env baseline` and `scripts/run_baseline.py`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.cli.errors import check_target
from mm_env.errors import UsageError, check_choice

if TYPE_CHECKING:
    from mm_env.runs.baseline import Baseline

LOG_LEVELS = ("debug", "info", "warning", "error")


def parse_overrides(settings: list[str]) -> dict[str, Any]:
    """`key=value` texts as a mapping; values are read as YAML.

    Raises `UsageError`.
    """
    import yaml

    from mm_env.config.yaml_reader import parse_yaml

    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {setting!r}: expected key=value with a dotted key, as policy.as_gamma=0.01")
        try:
            changes[key.strip()] = parse_yaml(text)
        except yaml.YAMLError as error:
            raise UsageError(f"--set {setting!r}: the value is not YAML: {' '.join(str(error).split())}") from error
    return changes


def baseline(
    config: Annotated[str, typer.Option(metavar="PRESET|FILE", help="Market: a preset or a YAML file.")] = "two_symbols",
    news: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Headlines in place of the market's: headline, timestamp or step; optional symbol, polarity.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the market's random numbers.")] = 0,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes behind the statistics.")] = 100,
    steps: Annotated[int | None, typer.Option(min=1, help="Decision steps an episode; else as the market says.")] = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="as|glft|cj|fixed|constant:X|random|as:FILE", help="Who quotes; else as the market says."),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Run folder; its files are replaced.")] = Path("runs/baseline"),
    record: Annotated[int, typer.Option(min=1, help="First episodes that are recorded in full.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write what is printed, under stable names.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Write report.html and report.pdf into the run folder.")] = False,
    log_level: Annotated[str, typer.Option(metavar="|".join(LOG_LEVELS), help="Least level that is logged.")] = "info",
    log_every: Annotated[int, typer.Option(min=0, help="Steps between log lines of the first episode; 0: none.")] = 100,
) -> None:
    """Run the default policy, or another, on a market, and print what came of it.

    Example: mm-env baseline --config crisis --policy fixed --set policy.base_spread_bps=5 --out runs/fixed
    """
    from mm_env.files import write_json
    from mm_env.reports.figures import write_episode_picture
    from mm_env.reports.tables import run_report
    from mm_env.runs.baseline import Baseline, run_baseline

    if json_file is not None:
        check_target("--json", json_file)
    options = Baseline(out, config, news, seed, episodes, steps, policy, parse_overrides(setting or []), record, log_every)
    with logging_and_progress(log_level, options) as advance:
        summary, stopped = run_baseline(options, on_progress=advance)
        write_episode_picture(out)
    if summary["portfolio"] is not None:
        typer.echo(run_report(summary))
    else:
        typer.echo("stopped before the first step was done: no statistics")
    if json_file is not None:
        write_json(json_file, summary)
    typer.echo(f"\nrun folder: {out}")
    if report:
        from mm_env.reports.report import write_report

        typer.echo(f"report: {write_report(out).html}")
    if stopped is not None:
        typer.echo("stopped before the end: the tables and the folder hold what was done until then", err=True)
        raise typer.Exit(128 + stopped)


def check_log_level(level: str) -> None:
    """Raise `UsageError` for a level that does not exist."""
    check_choice("--log-level", level.lower(), LOG_LEVELS)


@contextlib.contextmanager
def logging_and_progress(level: str, options: Baseline) -> Iterator[Callable[[int], None]]:
    """Log to stderr; on a terminal, under a progress bar with the time left. Yields what moves the bar by env steps.

    Raises `UsageError` for a level that does not exist.
    """
    from rich.console import Console

    check_log_level(level)
    console = Console(stderr=True)
    handler: logging.Handler = logging.StreamHandler()
    root = logging.getLogger("mm_env")
    before = root.level, root.propagate
    with contextlib.ExitStack() as closing:
        advance: Callable[[int], None] = lambda steps: None  # noqa: E731
        if console.is_terminal:
            from rich.logging import RichHandler

            handler = RichHandler(
                console=console, show_time=False, show_level=False, show_path=False, markup=False, highlighter=None
            )
            advance = closing.enter_context(_bar(console, options))
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)
        root.setLevel(level.upper())
        root.propagate = False
        try:
            yield advance
        finally:
            root.removeHandler(handler)
            root.setLevel(before[0])
            root.propagate = before[1]


@contextlib.contextmanager
def _bar(console: Any, options: Baseline) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mm_env.runs.baseline import resolve

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("env steps", total=options.episodes * resolve(options)[0].episode.steps)
        yield lambda steps: progress.advance(task, steps)
