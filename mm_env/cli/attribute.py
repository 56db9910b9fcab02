"""The command `mm-env attribute`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.cli.options import AnyEpisodes, Config, Json, Out, PolicyName, Seed, Settings, check_targets, market_of
from mm_env.cli.progress import progress_of
from mm_env.errors import RunError, UsageError
from mm_env.interrupt import StopRequest

if TYPE_CHECKING:
    import pandas as pd

FILES = ("attribution_cuts.parquet", "attribution_cuts.csv", "attribution.json", "waterfall.png")

_EPISODES = 256


@dataclass(frozen=True)
class _Found:
    """The rows of all cuts; title: what was played; signal: that stopped it before its end, or 0."""

    rows: pd.DataFrame
    title: str
    signal: int = 0


def main(
    run: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Read this run folder, of mm-env baseline, and play nothing.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="A cut: all, or symbol, venue, regime, period, side with commas; repeatable."),
    ] = None,
    policy_name: PolicyName = "as",
    config: Config = None,
    setting: Settings = None,
    episodes: AnyEpisodes = _EPISODES,
    seed: Seed = 0,
    minutes: Annotated[
        float | None, typer.Option(help="Width of a period, 60 for hours; else at most eight an episode.")
    ] = None,
    out: Out = Path("runs/attribution"),
    json_file: Json = None,
) -> None:
    """Attribute profit to symbols, venues, regimes, periods and sides.

    Plays a policy, or reads a run folder, and prints its profit by the cuts of --by, with standard errors and a waterfall.

    Example: mm-env attribute --run runs/baseline --by regime --by symbol,side
    """
    from mm_env.evaluation.attribution_cuts import ALL, CUT_COLUMNS, cut_name, parse_cut
    from mm_env.files import write_bytes, write_csv, write_json
    from mm_env.reports.attribution_text import cut_records, cut_table
    from mm_env.reports.style import png
    from mm_env.reports.waterfall import waterfall_figure, waterfall_steps
    from mm_env.runs.folder import cuts_bytes

    check_targets(out=out / FILES[0], json=json_file)
    try:
        cuts = list(dict.fromkeys(parse_cut(text) for text in by or [ALL]))
    except ValueError as error:
        raise UsageError(f"--by: {error}") from error
    if minutes is not None and not 0.0 < minutes < math.inf:
        raise UsageError(f"--minutes {minutes:g}; expected a number above 0, finite")
    if run is not None:
        played = {"--policy": policy_name != "as", "--config": config, "--set": setting, "--episodes": episodes != _EPISODES,
                  "--seed": seed}  # fmt: skip
        foreign = [option for option, given in played.items() if given]
        if foreign:
            raise UsageError(f"{', '.join(foreign)} with --run: a run is read as it was played; leave them out")
        found = _read(run, cuts, minutes)
    else:
        found = _play(policy_name, market_of(config, setting), cuts, episodes, seed, minutes)
        found = _Found(found.rows, f"{config or 'two_symbols'}, {found.title}", found.signal)
    if found.rows.empty:
        typer.echo("stopped before a step was done: nothing to attribute")
        raise typer.Exit(128 + (found.signal or 2))
    rows = found.rows
    typer.echo(f"\n{found.title}: mean ± standard error, currency an episode")
    for cut in cuts:
        typer.echo(f"\nby {cut_name(cut)}\n\n{cut_table(rows[rows['cut'] == cut_name(cut)], cut)}")
    records = cut_records(rows)
    write_bytes(out / FILES[0], cuts_bytes(records))
    write_csv(out / FILES[1], CUT_COLUMNS, records)
    for path in [out / FILES[2]] + ([] if json_file is None else [json_file]):
        write_json(path, {"title": found.title, "rows": records})
    write_bytes(out / FILES[3], png(waterfall_figure(waterfall_steps(rows[rows["cut"] == ALL]), found.title)))
    typer.echo(f"\nfolder: {out}")
    if found.signal:
        raise typer.Exit(128 + found.signal)


def _read(run: Path, cuts: Sequence[tuple[str, ...]], minutes: float | None) -> _Found:
    """The cuts that a run folder holds; raises where it lacks what is asked for."""
    from mm_env.evaluation.attribution_cuts import cut_name
    from mm_env.runs import read_run

    if minutes is not None:
        raise UsageError(f"--minutes {minutes:g} with --run: the periods of a run are as it was played; leave it out")
    folder = read_run(run)
    if folder.cuts is None:
        raise RunError(
            f"{run}: holds no {FILES[0]}, as it was written by an earlier version; play it again with mm-env baseline"
        )
    there = list(dict.fromkeys(folder.cuts["cut"]))
    for cut in cuts:
        if cut_name(cut) not in there:
            raise UsageError(f"--by {cut_name(cut)}: not in {run}; expected {' | '.join(there)}, or play without --run")
    summary = folder.summary
    title = f"{summary.get('config') or run}, {summary.get('policy')}, {summary.get('episodes')} episodes"
    return _Found(folder.cuts, f"{title}, seed {summary.get('seed')}")


def _play(
    name: str, market: Any, cuts: Sequence[tuple[str, ...]], episodes: int, seed: int, minutes: float | None
) -> _Found:
    """Play episodes and cut their profit."""
    import pandas as pd

    from mm_env.evaluation.attribution_cuts import CUT_COLUMNS, play_cuts
    from mm_env.policies.registry import get_policy

    policy = get_policy(name, seed)
    market = policy.configure(market)
    with StopRequest() as stop, progress_of("env steps", episodes * market.episode.steps) as advance:
        found, _ = play_cuts(policy, market, cuts, episodes, seed, minutes, on_progress=advance, stop=stop)
    rows = pd.DataFrame(found.rows(), columns=list(CUT_COLUMNS))
    return _Found(rows, f"{name}, {found.episodes} episodes of {market.episode.steps} steps, seed {seed}", stop.signal or 0)
