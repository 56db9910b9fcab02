"""The command `mm-env baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import (
    POLICY_HELP,
    AnyEpisodes,
    Config,
    Json,
    Out,
    Seed,
    Settings,
    WithReport,
    check_targets,
    parse_overrides,
)
from mm_env.cli.progress import progress_of


def main(
    config: Config = None,
    news: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Headlines in place of the market's: headline, timestamp or step; optional symbol, polarity.",
        ),
    ] = None,
    seed: Seed = 0,
    episodes: AnyEpisodes = 100,
    steps: Annotated[int | None, typer.Option(min=1, help="Decision steps an episode; else as the market says.")] = None,
    policy: Annotated[str | None, typer.Option(help=f"{POLICY_HELP} The market's own if none.")] = None,
    setting: Settings = None,
    out: Out = Path("runs/baseline"),
    record: Annotated[int, typer.Option(min=1, help="First episodes that are recorded in full.")] = 1,
    json_file: Json = None,
    report: WithReport = False,
    log_every: Annotated[int, typer.Option(min=0, help="Steps between log lines of the first episode; 0: none.")] = 100,
) -> None:
    """Run a policy on a market and write a run folder.

    Prints statistics, attribution and mark-outs. The folder holds them with the recorded steps, fills and a picture.

    Example: mm-env baseline --config crisis --policy fixed --set policy.base_spread_bps=5 --out runs/fixed
    """
    from mm_env.config.io import DEFAULT_PRESET
    from mm_env.extras import require
    from mm_env.files import write_json
    from mm_env.reports.figures import write_episode_picture
    from mm_env.reports.tables import run_report
    from mm_env.runs.baseline import Baseline, resolve, run_baseline

    check_targets(json=json_file)
    if report:
        require("plotly", "reportlab", "matplotlib", "pyarrow", extra="report")
    market = config or DEFAULT_PRESET
    options = Baseline(out, market, news, seed, episodes, steps, policy, parse_overrides(setting), record, log_every)
    with progress_of("env steps", episodes * resolve(options)[0].episode.steps) as advance:
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
