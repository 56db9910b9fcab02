"""Figures and tables of the ablations of the default policy."""

from __future__ import annotations

from typing import Any

from mm_env.evaluation.ablation import LUCK, Point, frontier, interval
from mm_env.evaluation.comparison import conditional_value_at_risk
from mm_env.evaluation.evaluation import Evaluation


def ablation_row(outcome: Evaluation, base: Evaluation) -> dict[str, float]:
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


def ablation_table(rows: dict[str, dict[str, float]]) -> str:
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
