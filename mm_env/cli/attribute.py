"""Where does the profit come from? Plays a policy, or reads a run folder, and cuts the profit as asked for.

python scripts/attribute.py --config crisis --agent as --by regime,side --by symbol,venue
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.cli.progress import progress_of
from mm_env.config.io import load_config, override
from mm_env.errors import RunError, UsageError
from mm_env.evaluation.attribution_cuts import ALL, CUT_COLUMNS, DIMENSIONS, QUANTITIES, cut_name, parse_cut, play_cuts
from mm_env.files import write_bytes, write_csv, write_json
from mm_env.interrupt import StopRequest
from mm_env.policies.registry import get_policy
from mm_env.reports.style import png
from mm_env.reports.tables import text_table
from mm_env.reports.waterfall import waterfall_figure, waterfall_steps
from mm_env.runs import read_run
from mm_env.runs.folder import cuts_bytes

FILES = ("attribution_cuts.parquet", "attribution_cuts.csv", "attribution.json", "waterfall.png")
_WIDEST = 130  # characters of a line
_TERMS_A_TABLE = 5


_EPISODES = 256


@dataclass(frozen=True)
class _Found:
    """The rows of all cuts; title: what was played; stopped: whether before its end."""

    rows: pd.DataFrame
    title: str
    stopped: bool = False


@user_errors
def main(
    run: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Read this run folder, of mm-env baseline, and play nothing.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="A cut: all, or symbol, venue, regime, period, side with commas; repeatable."),
    ] = None,
    agent: Annotated[str, typer.Option(help="Who plays: as, fixed, glft, as:FILE.yaml, ppo:PATH.")] = "as",
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market; the default one if none.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the market; repeatable.")
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, help="To play.")] = _EPISODES,
    seed: Annotated[int, typer.Option(min=0, help="Of the episodes.")] = 0,
    minutes: Annotated[
        float | None, typer.Option(help="Width of a period, 60 for hours; else at most eight an episode.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Holds the cuts and the waterfall.")] = Path(
        "runs/attribution"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the cuts there too.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Print the profit cut by symbol, venue, regime, period and side, and draw its waterfall.

    Example: python scripts/attribute.py --run runs/baseline --by regime --by symbol,side
    """
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    for option, path in {"--out": out / FILES[0], "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    try:
        cuts = list(dict.fromkeys(parse_cut(text) for text in by or [ALL]))
    except ValueError as error:
        raise UsageError(f"--by: {error}") from error
    if minutes is not None and not 0.0 < minutes < math.inf:
        raise UsageError(f"--minutes {minutes:g}; expected a number above 0, finite")
    if run is not None:
        played = {"--agent": agent != "as", "--config": config, "--set": setting, "--episodes": episodes != _EPISODES,
                  "--seed": seed}  # fmt: skip
        foreign = [option for option, given in played.items() if given]
        if foreign:
            raise UsageError(f"{', '.join(foreign)} with --run: a run is read as it was played; expected without --run")
        found = _read(run, cuts, minutes)
    else:
        found = _play(agent, override(load_config(config), parse_overrides(setting or [])), cuts, episodes, seed, minutes)
        found = _Found(found.rows, f"{config or 'two_symbols'}, {found.title}", found.stopped)
    if found.rows.empty:
        print("stopped before a step was done: nothing to attribute")
        raise typer.Exit(130)
    rows = found.rows
    print(f"\n{found.title}: mean ± standard error, currency an episode")
    for cut in cuts:
        print(f"\nby {cut_name(cut)}\n\n{cut_table(rows[rows['cut'] == cut_name(cut)], cut)}")
    records = _records(rows)
    write_bytes(out / FILES[0], cuts_bytes(records))
    write_csv(out / FILES[1], CUT_COLUMNS, records)
    for path in [out / FILES[2]] + ([] if json_file is None else [json_file]):
        write_json(path, {"title": found.title, "rows": records})
    write_bytes(out / FILES[3], png(waterfall_figure(waterfall_steps(rows[rows["cut"] == ALL]), found.title)))
    print(f"\nfolder: {out}")
    if found.stopped:
        raise typer.Exit(130)


def _read(run: Path, cuts: Sequence[tuple[str, ...]], minutes: float | None) -> _Found:
    """The cuts that a run folder holds; raises where it lacks what is asked for."""
    if minutes is not None:
        raise UsageError(
            f"--minutes {minutes:g} with --run: the periods of a run are as it was played; expected without --run"
        )
    folder = read_run(run)
    if folder.cuts is None:
        raise RunError(f"{run}: holds no {FILES[0]}, as it was written by an earlier version; expected a run played anew")
    there = list(dict.fromkeys(folder.cuts["cut"]))
    for cut in cuts:
        if cut_name(cut) not in there:
            raise UsageError(f"--by {cut_name(cut)}: not in {run}; expected {' | '.join(there)}, or play without --run")
    summary = folder.summary
    title = f"{summary.get('config') or run}, {summary.get('policy')}, {summary.get('episodes')} episodes"
    return _Found(folder.cuts, f"{title}, seed {summary.get('seed')}")


def _play(
    spec: str, market: Any, cuts: Sequence[tuple[str, ...]], episodes: int, seed: int, minutes: float | None
) -> _Found:
    """Play episodes and cut their profit."""
    policy = get_policy(spec, seed)
    home = policy.configure(market)
    with StopRequest() as stop, progress_of("env steps", episodes * home.episode.steps) as advance:
        found, stopped = play_cuts(policy, home, cuts, episodes, seed, minutes, on_progress=advance, stop=stop)
    rows = pd.DataFrame(found.rows(), columns=list(CUT_COLUMNS))
    return _Found(rows, f"{spec}, {found.episodes} episodes of {home.episode.steps} steps, seed {seed}", stopped)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, an unknown error as None."""
    return [
        {str(name): None if name == "error" and pd.isna(value) else value for name, value in row.items()}
        for row in rows.to_dict("records")
    ]


def cut_table(rows: pd.DataFrame, cut: Sequence[str]) -> str:
    """Terms down and keys across; where that is too wide keys down, a few terms a table.

    rows: of one cut
    """
    dimensions = [name for name in DIMENSIONS if name in cut]
    keys = [" ".join(row[name] for name in dimensions) or ALL for row in rows.to_dict("records")]
    cells: dict[tuple[str, str], str] = {}
    for key, term, mean, error in zip(keys, rows["term"], rows["mean"], rows["error"], strict=True):
        cells[key, term] = f"{mean:,.2f}" if pd.isna(error) else f"{mean:,.2f} ± {error:,.2f}"
    across, there = list(dict.fromkeys(keys)), set(rows["term"])
    terms = [term for term in QUANTITIES if term in there and not term.startswith("marked")]
    table = text_table(
        ["", *across], [[term.replace("_", " "), *(cells.get((key, term), "") for key in across)] for term in terms]
    )
    if max(map(len, table.splitlines())) <= _WIDEST:
        return table
    return "\n\n".join(
        text_table(
            ["", *(term.replace("_", " ") for term in part)],
            [[key, *(cells.get((key, term), "") for term in part)] for key in across],
        )
        for part in (terms[k : k + _TERMS_A_TABLE] for k in range(0, len(terms), _TERMS_A_TABLE))
    )


if __name__ == "__main__":
    typer.run(main)
