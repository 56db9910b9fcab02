"""The command `mm-env ablate`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.cli.options import Config, Episodes, Json, Out, Seed, Settings, check_targets, market_of

if TYPE_CHECKING:
    from mm_env.evaluation.evaluation import Evaluation


logger = logging.getLogger(__name__)


def main(
    config: Config = None,
    setting: Settings = None,
    episodes: Episodes = 1500,
    seed: Seed = 0,
    frontier_episodes: Annotated[int, typer.Option(min=0, help="Episodes of each frontier point; 0 leaves it out.")] = 400,
    out: Out = Path("runs/ablation"),
    json_file: Json = None,
) -> None:
    """Measure the contribution of each part of the default policy.

    Plays the default policy and its ablations on the same episodes, and traces profit against the sd of inventory for
    Avellaneda-Stoikov and a fixed spread.

    Example: mm-env ablate --episodes 400 --config crisis --out runs/ablation
    """
    from mm_env.evaluation.ablation import VARIANTS, ablate
    from mm_env.evaluation.frontiers import frontiers
    from mm_env.files import write_json
    from mm_env.reports.ablation_text import ablation_row, ablation_table, frontier_rows, frontier_table

    targets = [out / "ablation.json", *([] if json_file is None else [json_file])]
    check_targets(out=out / "ablation.json", json=json_file)
    market = market_of(config, setting)
    outcomes: dict[str, Evaluation] = {}
    for name, changes in VARIANTS.items():
        outcomes |= ablate(market, episodes, seed, {name: changes})
        logger.info("played %s: %d episodes", name, episodes)
    rows = {name: ablation_row(outcome, outcomes["default"]) for name, outcome in outcomes.items()}
    typer.echo(
        f"\n{episodes} episodes of {market.episode.steps} steps, seed {seed}, currency an episode\n\n{ablation_table(rows)}"
    )
    figures: dict[str, Any] = {"episodes": episodes, "seed": seed, "variants": rows}
    if frontier_episodes:
        figures["frontier"] = frontier_rows(frontiers(market, frontier_episodes, seed))
        typer.echo(
            f"\nQuoting alone (no hedging), {frontier_episodes} episodes a point\n\n{frontier_table(figures['frontier'])}"
        )
    for path in targets:
        write_json(path, figures)
