"""What is a model of sentiment worth to the default policy, in money?

Plays the same held-out episodes with the headlines read by each scorer, by one that knows the truth (perfect), by none, and
by one whose sign is turned.

    python scripts/value_of_sentiment.py --episodes 1000 --fit 256
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.cli.progress import progress_of
from mm_env.config import MarketConfig
from mm_env.config.io import config_hash, load_config, override
from mm_env.errors import UsageError
from mm_env.evaluation.ablation import interval
from mm_env.evaluation.sentiment_value import ADVERSE_SECONDS, SCORERS, ScorerValue, reading, scorer_value
from mm_env.files import write_json
from mm_env.interrupt import Stopped, StopRequest
from mm_env.market.build import build_market
from mm_env.policies.registry import get_policy
from mm_env.sentiment.evaluation import chosen

FILE = "value_of_sentiment.json"


@user_errors
def main(
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market; the default one if none.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the market; repeatable.")
    ] = None,
    scorers: Annotated[
        str | None, typer.Option(help=f"Separated by commas; {','.join(SCORERS)}, as far as installed, if none are named.")
    ] = None,
    policy: Annotated[str, typer.Option(help="Who quotes, as run_baseline.py spells policies.")] = "as",
    fit: Annotated[
        int,
        typer.Option(
            min=0, help="Training episodes to which each scorer's weights are fitted; 0: the market's own weights."
        ),
    ] = 0,
    episodes: Annotated[int, typer.Option(min=2, help="Held-out episodes of each scorer.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the episodes.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help=f"Holds {FILE}.")] = Path("runs/value_of_sentiment"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Print profit and adverse selection by scorer, on the same episodes, with 95 % intervals.

    Example: python scripts/value_of_sentiment.py --scorers perfect,tfidf,none --set news.rate_per_hour=400
    """
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    targets = {"--out": out / FILE} | ({} if json_file is None else {"--json": json_file})
    for option, path in targets.items():
        check_target(option, path)
    market = override(load_config(config), parse_overrides(setting or []))
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
    rows = figures(played)
    weights = f"weights fitted to {fit} training episodes" if fit else "the market's own weights"
    title = f"{policy}, {weights}; {episodes} episodes of {market.episode.steps} steps, seed {seed}; intervals of 95 %"
    print(f"\n{title}\n\n{table(rows)}")
    about = {"config_hash": config_hash(market), "policy": policy, "episodes": episodes, "seed": seed, "fit": fit}
    for path in targets.values():
        write_json(path, {**about, "adverse_seconds": ADVERSE_SECONDS, "rows": rows})
    print(f"\nfolder: {out}")
    if len(played) < len(names):
        print(f"stopped: {', '.join(name for name in names if name not in played)} not played")
        raise typer.Exit(130)


def figures(played: dict[str, tuple[MarketConfig, ScorerValue]]) -> list[dict[str, str | float | None]]:
    """Figures of each scorer; `_95` are half widths, and differences are from the scorer none, where it was played."""
    base = played["none"][1] if "none" in played else None
    rows: list[dict[str, str | float | None]] = []
    for name, (home, one) in played.items():
        row: dict[str, str | float | None] = {
            "scorer": name, "alpha_weight": home.policy.alpha_weight, "obi_weight": home.policy.obi_weight
        }  # fmt: skip
        for key in ("profit", "captured", "adverse"):
            row[key], row[f"{key}_95"] = interval(getattr(one, key), 0.95)
        row["gain"] = row["gain_95"] = row["adverse_gain"] = row["adverse_gain_95"] = None
        if base is not None and name != "none":
            row["gain"], row["gain_95"] = interval(one.profit - base.profit, 0.95)
            row["adverse_gain"], row["adverse_gain_95"] = interval(one.adverse - base.adverse, 0.95)
            row["better_in"] = float(np.mean(one.profit > base.profit))
        rows.append(row)
    return rows


def table(rows: list[dict[str, str | float | None]]) -> str:
    """Markdown table of the scorers."""
    lines = [
        "| scorer | bps at sentiment 1 | profit | less none | better in | spread captured | "
        f"adverse selection in {ADVERSE_SECONDS:g} s | less none |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        gain = adverse = better = ""
        if r["gain"] is not None:
            gain, better = f"{r['gain']:+.0f} ± {r['gain_95']:.0f}", f"{r['better_in']:.0%}"
            adverse = f"{r['adverse_gain']:+.3f} ± {r['adverse_gain_95']:.3f}"
        lines.append(
            f"| {r['scorer']} | {r['alpha_weight']:.2f} | {r['profit']:.0f} ± {r['profit_95']:.0f} | {gain} | {better} "
            f"| {r['captured']:.2f} bps | {r['adverse']:.3f} ± {r['adverse_95']:.3f} bps | {adverse} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
