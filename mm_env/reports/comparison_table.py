"""The figures of a comparison as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def comparison_table(rows: Sequence[Mapping[str, Any]], baseline: str, classic: bool) -> str:
    """One line an agent.

    rows: as `mm_env.evaluation.comparison.compare` returns them, with `recovered` of the classic market where it is known
    baseline: agent of which no difference is shown; classic: money and inventory are small, and there is no VaR
    """
    digits = ".4g" if classic else ".0f"
    columns = ["agent", "seeds", "reward", f"less {baseline}", "interquartile mean", "better in", "profit", "Sharpe",
               "CVaR 5 %", "drawdown", "sd of inventory"]  # fmt: skip
    known = any("recovered" in row for row in rows)
    if known or not classic:
        columns.append("share recovered" if classic else "steps over VaR limit")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        paired = row["agent"] != baseline
        cells = [
            row["agent"], str(row["seeds"]), f"{row['reward']:{digits}}",
            _range(row, "reward_difference", "+" + digits) if paired else "", _range(row, "reward_iqm", digits),
            f"{100 * row['improvement']:.0f} %" if paired else "", f"{row['profit']:{digits}}",
            "" if row["sharpe"] is None else f"{row['sharpe']:.2f}", f"{row['cvar']:{digits}}",
            f"{row['drawdown']:{digits}}", f"{row['inventory_sd']:.4g}",
        ]  # fmt: skip
        if known:
            cells.append(_range(row, "recovered", ".3f"))
        elif not classic:
            over = f"{100 * row['over_limit']:.2f} %"
            cells.append(f"{over} ({_range(row, 'over_limit_difference', '+.2f', 100.0)})" if paired else over)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _range(row: Mapping[str, Any], name: str, digits: str, factor: float = 1.0) -> str:
    value, low, high = (factor * row[key] for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:{digits}} [{low:{digits}}, {high:{digits}}]"
