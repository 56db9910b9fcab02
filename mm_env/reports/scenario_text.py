"""The figures of scenarios as a plain text table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mm_env.reports.tables import text_table

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    ("profit", "profit", 0, True),
    ("VaR 95 %", "var_95", 0, False),
    ("ES 95 %", "es_95", 0, True),
    ("VaR 99 %", "var_99", 0, False),
    ("ES 99 %", "es_99", 0, True),
    ("drawdown", "drawdown", 0, False),
    ("over limit", "over_limit", 3, False),
    ("hedge cost", "hedge_cost", 0, False),
    ("less base", "difference", 0, True),
    ("corr.", "correlation", 2, False),
    ("pairing", "variance_reduction", 1, False),
)


def scenario_text(table: pd.DataFrame) -> str:
    """A line a scenario: figures of an episode, some with their 95 % interval.

    table: as `mm_env.risk.scenario_table.tabulate` returns it
    """
    header = ["scenario", "episodes", *(name for name, *_ in _COLUMNS)]
    rows = [
        [str(row["scenario"]), str(row["episodes"]), *(_cell(row, *column[1:]) for column in _COLUMNS)]
        for row in table.to_dict("records")
    ]
    note = (
        "currency an episode, 95 % intervals in brackets; VaR and ES are losses; over limit: share of steps\n"
        "less base: of the same episodes; corr.: of their profits; pairing: by how much that cuts the variance of the mean"
    )
    return f"{text_table(header, rows)}\n\n{note}"


def _cell(row: Any, name: str, digits: int, interval: bool) -> str:
    value = row[name]
    if not math.isfinite(value):
        return ""
    text = f"{value:,.{digits}f}"
    low, high = row.get(f"{name}_low", math.nan), row.get(f"{name}_high", math.nan)
    return f"{text} [{low:,.{digits}f}, {high:,.{digits}f}]" if interval and math.isfinite(low + high) else text
