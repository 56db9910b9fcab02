"""The command `mm-env tune`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import Config, Episodes, Json, Out, Seed, Settings, check_targets, command_line, market_of
from mm_env.cli.progress import progress_of
from mm_env.errors import ConfigError, check_choice
from mm_env.interrupt import Stopped, StopRequest
from mm_env.learning.tuning import SPACES

logger = logging.getLogger(__name__)


def main(
    policy: Annotated[str, typer.Option(metavar="|".join(SPACES), help="Policy to tune.")] = "as",
    config: Config = None,
    setting: Settings = None,
    trials: Annotated[int, typer.Option(min=1, help="Sets of parameters to try.")] = 300,
    episodes: Episodes = 256,
    final_episodes: Annotated[int, typer.Option(min=2, help="Fresh training episodes of the best trials.")] = 2000,
    seed: Seed = 1,
    out: Out = Path("runs/tune"),
    yaml_file: Annotated[
        Path | None, typer.Option("--yaml", metavar="FILE", help="The tuned parameters; OUT/POLICY.yaml if none.")
    ] = None,
    json_file: Json = None,
) -> None:
    """Tune a policy's parameters on the market's reward.

    Plays training episodes alone; held-out ones stay unseen. Writes a file that the policy name POLICY:FILE reads. The same
    command resumes an interrupted study.

    Example: mm-env tune --policy as --trials 300 --out runs/tune
    """
    from mm_env.config.io import config_hash
    from mm_env.files import write_bytes, write_json
    from mm_env.learning.tuning import FINALISTS, done, finals, open_study, search
    from mm_env.reports.tuning_text import tuned_yaml, tuning_rows, tuning_table

    check_choice("--policy", policy, SPACES)
    target = yaml_file or out / f"{policy}.yaml"
    check_targets(out=out / "study.db", yaml=target, json=json_file)
    market = market_of(config, setting)
    if market.randomize:
        raise ConfigError(f"randomize: {', '.join(market.randomize)}: tuning needs one market; expected none")
    study = open_study(policy, market, episodes, seed, out / "study.db")
    with StopRequest() as stop:
        with progress_of("trials", trials) as advance:
            advance(len(done(study)))
            search(study, policy, market, trials, episodes, seed, on_progress=advance, stop=stop)
        tried = done(study)
        if tried:
            logger.info("%d trials, the best with reward %.4g", len(tried), tried[0].value)
        total = (1 + min(FINALISTS, len(tried))) * final_episodes * market.episode.steps
        try:
            with progress_of("env steps of the default and the best trials", total) as advance:
                played = finals(study, policy, market, final_episodes, seed + 1, on_progress=advance, stop=stop)
        except Stopped as stopped:
            typer.echo(f"stopped after {len(tried)} of {trials} trials, which {out} keeps: the same command resumes")
            raise typer.Exit(128 + (stop.signal or 2)) from stopped
    rows = tuning_rows(played, final_episodes)
    typer.echo(
        f"\nmean reward of {final_episodes} training episodes, seed {seed + 1}, 95 % intervals\n\n{tuning_table(rows)}"
    )
    best = max(rows, key=lambda row: float(row["reward"]))
    command = command_line()
    about = {
        "command": command, "policy": policy, "config_hash": config_hash(market), "trials": len(tried),
        "episodes": episodes, "seed": seed, "final_episodes": final_episodes, "finals": rows,
    }  # fmt: skip
    if policy != "constant":
        write_bytes(target, tuned_yaml(best, rows[0], about).encode())
    if json_file is not None:
        write_json(json_file, about)
    typer.echo(
        f"\nuse it as {policy}:" + (f"{best['parameters'].get('value', 0.0):g}" if policy == "constant" else f"{target}")
    )
