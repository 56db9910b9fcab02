"""What is each part of the default policy worth?

Plays the default policy and its ablations on the same held-out episodes, and traces the frontier of profit against the sd
of inventory for Avellaneda-Stoikov and for the fixed spread over their spread and size.

    python scripts/ablate.py --episodes 400 --out runs/ablation
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.baseline import check_log_level
from mm_env.cli.errors import check_target, user_errors
from mm_env.config import MarketConfig
from mm_env.config.io import load_config
from mm_env.evaluation.ablation import LUCK, VARIANTS, Point, ablate, frontier, interval, trace
from mm_env.evaluation.comparison import conditional_value_at_risk
from mm_env.evaluation.evaluation import Evaluation
from mm_env.files import write_json

logger = logging.getLogger("ablate")
AS_K = [150.0, 100.0, 70.0, 55.0, 45.0, 35.0, 25.0, 18.0]
SPREAD_BPS = [2.0, 3.0, 5.0, 8.0, 11.0, 15.0, 20.0]
SIZES = [7, 20]


def row(outcome: Evaluation, base: Evaluation) -> dict[str, float]:
    """Figures of one variant; intervals are half widths, 99 % for the profit and 95 % elsewhere."""
    profit, width = interval(outcome.profit, 0.99)
    difference, difference_width = interval(outcome.profit - base.profit, 0.95)
    luck, luck_width = interval(outcome.attribution[LUCK], 0.95)
    return {
        "profit": profit, "profit_99": width, "difference": difference, "difference_95": difference_width,
        "profit_sd": float(outcome.profit.std(ddof=1)), "cvar": float(conditional_value_at_risk(outcome.profit)),
        "spread_capture": float(outcome.spread_capture.mean()), "diffusion": luck, "diffusion_95": luck_width,
        "hedge_cost": float(outcome.hedge_cost.mean()), "inventory_sd": float(outcome.inventory_sd.mean()),
        "over_limit": float(outcome.over_limit.mean()),
    }  # fmt: skip


def table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown table of the ablations."""
    lines = [
        "| variant | profit ± 99 % | less default ± 95 % | sd | CVaR 5 % | spread capture | diffusion ± 95 % "
        "| hedge cost | sd of inventory | steps over VaR limit |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, r in rows.items():
        difference = "" if name == "default" else f"{r['difference']:+.0f} ± {r['difference_95']:.0f}"
        lines.append(
            f"| {name} | {r['profit']:.0f} ± {r['profit_99']:.0f} | {difference} | {r['profit_sd']:.0f} "
            f"| {r['cvar']:.0f} | {r['spread_capture']:.0f} | {r['diffusion']:+.0f} ± {r['diffusion_95']:.0f} "
            f"| {r['hedge_cost']:.0f} | {r['inventory_sd'] / 1e3:.0f}k | {100 * r['over_limit']:.1f} % |"
        )
    return "\n".join(lines)


def frontier_rows(points: dict[str, list[Point]]) -> list[dict[str, Any]]:
    """Each frontier point of the fixed spread beside the best Avellaneda-Stoikov point at no larger sd of inventory."""
    ours = frontier(points["Avellaneda-Stoikov"])
    rows = []
    for rival in frontier(points["fixed spread"]):
        within = [p for p in ours if p.inventory_sd <= rival.inventory_sd]
        row: dict[str, Any] = {"fixed": rival.label, "fixed_profit": float(rival.profit.mean())}
        row |= {"fixed_inventory_sd": rival.inventory_sd, "best": None}
        if within:
            gain, width = interval(within[-1].profit - rival.profit, 0.95)
            row |= {"best": within[-1].label, "best_profit": float(within[-1].profit.mean())}
            row |= {"best_inventory_sd": within[-1].inventory_sd, "gain": gain, "gain_95": width}
        rows.append(row)
    return rows


def frontier_table(rows: list[dict[str, Any]]) -> str:
    """Markdown table of the frontiers."""
    lines = [
        "| fixed spread | profit | sd of inventory | Avellaneda-Stoikov at no larger sd | profit | sd | gain ± 95 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        best = "none so low | | | "
        if r["best"]:
            best = f"{r['best']} | {r['best_profit']:.0f} | {r['best_inventory_sd'] / 1e3:.0f}k "
            best += f"| {r['gain']:+.0f} ± {r['gain_95']:.0f}"
        lines.append(f"| {r['fixed']} | {r['fixed_profit']:.0f} | {r['fixed_inventory_sd'] / 1e3:.0f}k | {best} |")
    return "\n".join(lines)


def frontiers(config: MarketConfig, episodes: int, seed: int) -> dict[str, list[Point]]:
    """Points of both policies over their spread and size, with hedging off: what quoting alone does about inventory."""
    quoting = {"risk.hedge_portfolio_on_breach": False}
    avellaneda, fixed = {**quoting, "policy.use_avellaneda": True}, {**quoting, "policy.use_avellaneda": False}
    return {
        "Avellaneda-Stoikov": trace(config, avellaneda, "policy.as_k", AS_K, SIZES, episodes, seed),
        "fixed spread": trace(config, fixed, "policy.base_spread_bps", SPREAD_BPS, SIZES, episodes, seed),
    }


@user_errors
def main(
    config: Annotated[str | None, typer.Option(help="Preset or YAML file.")] = None,
    episodes: Annotated[int, typer.Option(min=2, help="Episodes of each variant.")] = 1500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the evaluation episodes.")] = 0,
    frontier_episodes: Annotated[int, typer.Option(min=0, help="Episodes of each frontier point; 0 leaves it out.")] = 400,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Holds ablation.json afterwards.")] = Path("runs/ablation"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file as well.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Print what each part of the default policy is worth, with intervals.

    Example: python scripts/ablate.py --episodes 400 --config crisis
    """
    check_log_level(log_level)
    targets = {"--out": out / "ablation.json"} | ({} if json_file is None else {"--json": json_file})
    for option, path in targets.items():
        check_target(option, path)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    market = load_config(config)
    outcomes: dict[str, Evaluation] = {}
    for name, changes in VARIANTS.items():
        outcomes |= ablate(market, episodes, seed, {name: changes})
        logger.info("played %s: %d episodes", name, episodes)
    rows = {name: row(outcome, outcomes["default"]) for name, outcome in outcomes.items()}
    print(f"\n{episodes} episodes of {market.episode.steps} steps, seed {seed}, currency an episode\n\n{table(rows)}")
    figures: dict[str, Any] = {"episodes": episodes, "seed": seed, "variants": rows}
    if frontier_episodes:
        figures["frontier"] = frontier_rows(frontiers(market, frontier_episodes, seed))
        print(f"\nQuoting alone (no hedging), {frontier_episodes} episodes a point\n\n{frontier_table(figures['frontier'])}")
    for path in targets.values():
        write_json(path, figures)


if __name__ == "__main__":
    typer.run(main)
