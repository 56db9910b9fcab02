"""One row a scenario: what an episode of it earns and may lose, and how that differs from the base, with intervals.

An episode is one observation. Differences are of the same episodes, whose random numbers are the same: the gain is
`variance_reduction`, the variance of a difference of independent episodes over that of these.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.evaluation.comparison import Interval, pairing_correlation
from mm_env.evaluation.estimates import mean_estimate
from mm_env.files import write_bytes
from mm_env.risk.scenarios import LEVELS, TABLE, TABLE_CSV, read_about, read_episodes
from mm_env.risk.tails import CONFIDENCE, expected_shortfall, quantile_interval, value_at_risk

if TYPE_CHECKING:
    import pandas as pd

TAILS = (0.95, 0.99)
"""Levels of VaR and ES."""
MEANS = (
    "profit", "reward", "drawdown", "breaches", "over_limit", "value_at_risk", "hedge_cost", "hedges", "hedge_unfilled_lots",
    "fills", "spread_capture", "inventory_sd",
)  # fmt: skip
"""Columns of episodes of which the table holds the mean."""


def scenario_row(rows: pd.DataFrame, base: NDArray[np.float64] | None = None) -> dict[str, Any]:
    """Figures of a scenario; NaN where there is none.

    rows: one an episode, at least one; base: (E,) float64 [currency] profits of the base's first episodes, None for the base
    """
    profit = rows["profit"].to_numpy(np.float64)
    row: dict[str, Any] = {"episodes": len(profit)}
    for name in MEANS:
        row |= _mean(name, rows[name].to_numpy(np.float64))
    row["profit_sd"] = float(profit.std(ddof=1)) if len(profit) > 1 else math.nan
    for p in LEVELS:
        row |= _named(f"profit_p{round(100 * p):02d}", quantile_interval(profit, p))
    for level in TAILS:
        row |= _named(f"var_{round(100 * level)}", value_at_risk(profit, level))
    for level in TAILS:
        row |= _named(f"es_{round(100 * level)}", expected_shortfall(profit, level))
    row["drawdown_p95"] = quantile_interval(rows["drawdown"].to_numpy(np.float64), 0.95).value
    return row | _paired(profit, profit if base is None else base[: len(profit)])


def _paired(profit: NDArray[np.float64], base: NDArray[np.float64]) -> dict[str, float]:
    both = min(len(profit), len(base))
    x, y = profit[:both], base[:both]
    if both < 2 or np.array_equal(x, y):
        zero = 0.0 if both and np.array_equal(x, y) else math.nan
        return {"difference": zero, "difference_low": zero, "difference_high": zero, "correlation": math.nan,
                "variance_reduction": math.nan}  # fmt: skip
    correlation, less = pairing_correlation(x, y), float((x - y).var(ddof=1))
    gain = float(x.var(ddof=1) + y.var(ddof=1)) / less if less > 0.0 else math.nan
    return _mean("difference", x - y) | {
        "correlation": math.nan if correlation is None else correlation, "variance_reduction": gain
    }  # fmt: skip


def _mean(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    found = mean_estimate(values, CONFIDENCE)
    ends = (found.value, found.low, found.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), (math.nan if end is None else end for end in ends), strict=True))


def _named(name: str, interval: Interval) -> dict[str, float]:
    ends = (interval.value, interval.low, interval.high)
    return {key: end if math.isfinite(end) else math.nan
            for key, end in zip((name, f"{name}_low", f"{name}_high"), ends, strict=True)}  # fmt: skip


def tabulate(folder: Path) -> pd.DataFrame | None:
    """Write and return the table of what a folder's scenarios have played so far; None where the base has played nothing.

    Here, and nowhere while it is played, what is held grows with the episodes: order statistics need the profits. It is
    8 bytes an episode of each column of one scenario at a time, and of the profits of the base: 10 MB of 100,000 episodes.
    """
    import pandas as pd

    about = read_about(folder)
    assert about is not None
    found, base = [], None
    for k, entry in enumerate(about["scenarios"]):
        rows = read_episodes(folder, k, MEANS)
        if rows.empty:
            continue
        if k > 0 and base is None:
            return None
        levels = {f"axis.{axis}": level for axis, level in entry["levels"].items()}
        named = {"scenario": entry["name"], "kind": entry["kind"], "description": entry["description"]} | levels
        found.append(named | scenario_row(rows, base))
        if k == 0:
            base = rows["profit"].to_numpy(np.float64)
    if not found:
        return None
    table = pd.DataFrame(found)
    write_bytes(folder / TABLE, table.to_parquet(index=False))
    write_bytes(folder / TABLE_CSV, table.to_csv(index=False).encode())
    return table
