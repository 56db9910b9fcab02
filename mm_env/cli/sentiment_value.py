"""The command `mm-env sentiment-value`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mm_env.cli.options import Config, Episodes, Json, Out, PolicyName, Seed, Settings, check_targets, market_of
from mm_env.cli.progress import progress_of
from mm_env.errors import UsageError
from mm_env.evaluation.sentiment_value import SCORERS
from mm_env.interrupt import Stopped, StopRequest

if TYPE_CHECKING:
    from mm_env.config import MarketConfig
    from mm_env.evaluation.sentiment_value import ScorerValue

FILE = "value_of_sentiment.json"


def main(
    config: Config = None,
    setting: Settings = None,
    scorers: Annotated[
        str | None, typer.Option(help=f"Scorers with commas; {','.join(SCORERS)}, as far as installed, if none.")
    ] = None,
    policy: PolicyName = "as",
    fit: Annotated[
        int,
        typer.Option(
            min=0, help="Training episodes to which each scorer's weights are fitted; 0: the market's own weights."
        ),
    ] = 0,
    episodes: Episodes = 1000,
    seed: Seed = 0,
    out: Out = Path("runs/value_of_sentiment"),
    json_file: Json = None,
) -> None:
    """Measure what each headline scorer earns the policy.

    Plays the same held-out episodes with each scorer, with perfect sentiment, with none and with the sign reversed.

    Example: mm-env sentiment-value --scorers perfect,tfidf,none --set news.rate_per_hour=400
    """
    from mm_env.config.io import config_hash
    from mm_env.evaluation.sentiment_value import ADVERSE_SECONDS, reading, scorer_value
    from mm_env.files import write_json
    from mm_env.market.build import build_market
    from mm_env.policies.registry import get_policy
    from mm_env.reports.sentiment_value_text import scorer_figures, scorer_value_table
    from mm_env.sentiment.evaluation import chosen

    targets = [out / FILE, *([] if json_file is None else [json_file])]
    check_targets(out=out / FILE, json=json_file)
    market = market_of(config, setting)
    names = chosen(scorers, SCORERS)
    if fit == 1:
        raise UsageError("--fit 1: expected 0, or 2 and more episodes, as each is one observation")
    player = get_policy(policy, seed)
    for name in names:  # refuse before anything is played
        build_market(reading(market, name, player, 0, seed))
    played: dict[str, tuple[MarketConfig, ScorerValue]] = {}
    with StopRequest() as stop, progress_of("scorers", len(names)) as advance:
        for name in names:
            try:
                home = reading(market, name, player, fit, seed, stop)
                played[name] = home, scorer_value(player, home, episodes, seed, stop)
            except Stopped:
                break
            advance(1)
    rows = scorer_figures(played)
    weights = f"weights fitted to {fit} training episodes" if fit else "the market's own weights"
    title = f"{policy}, {weights}; {episodes} episodes of {market.episode.steps} steps, seed {seed}; intervals of 95 %"
    typer.echo(f"\n{title}\n\n{scorer_value_table(rows)}")
    about = {"config_hash": config_hash(market), "policy": policy, "episodes": episodes, "seed": seed, "fit": fit}
    for path in targets:
        write_json(path, {**about, "adverse_seconds": ADVERSE_SECONDS, "rows": rows})
    typer.echo(f"\nfolder: {out}")
    if len(played) < len(names):
        typer.echo(f"stopped: {', '.join(name for name in names if name not in played)} not played")
        raise typer.Exit(128 + (stop.signal or 2))
