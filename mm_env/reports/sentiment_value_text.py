"""Figures and table of what each headline scorer earns."""

from __future__ import annotations

import numpy as np

from mm_env.config import MarketConfig
from mm_env.evaluation.ablation import interval
from mm_env.evaluation.sentiment_value import ADVERSE_SECONDS, ScorerValue


def scorer_figures(played: dict[str, tuple[MarketConfig, ScorerValue]]) -> list[dict[str, str | float | None]]:
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


def scorer_value_table(rows: list[dict[str, str | float | None]]) -> str:
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
