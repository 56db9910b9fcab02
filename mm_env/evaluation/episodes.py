"""Results of episodes by symbol and venue, and the basic statistics of a set of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.evaluation.attribution import attribution_margins, attribution_rows
from mm_env.evaluation.estimates import mean_estimate, ratio_estimate, sharpe_estimate
from mm_env.evaluation.evaluation import Evaluation, join_evaluations
from mm_env.evaluation.markouts import Marks, markout_rows

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Episodes:
    """E episodes of one market; profits and costs in currency, sizes and inventories in lots.

    metrics: of the portfolio; `mm_env.evaluation.metrics` defines them, by symbol as well
    breakdown: (E, S, V, T) float64 profit by symbol, venue and term of the ledger
    steps: (E,) int64 decision steps
    drawdown: (E, S) float64 largest fall of a symbol's profit from its high
    posted, filled: (E, S) int64 lots that rested as own quotes, and that were filled of them
    fills: (E, S) int64 fills of own quotes
    venue_posted, venue_filled: (E, V) int64 the same lots by venue
    inventory_mean, inventory_absolute, inventory_square: (E, S) float64 means of q, |q| and q² over the steps
    inventory_end: (E, S) int64 before the terminal liquidation
    hedged_lots, hedge_unfilled: (E, S) int64 lots traded by hedges, and that found no counterpart
    hedge_cost: (E, S) float64 crossing cost and fees of hedge fills, above 0 a cost
    marks: mark-outs of the fills of own quotes
    """

    metrics: Evaluation
    breakdown: Floats
    steps: Counts
    drawdown: Floats
    posted: Counts
    filled: Counts
    fills: Counts
    venue_posted: Counts
    venue_filled: Counts
    inventory_mean: Floats
    inventory_absolute: Floats
    inventory_square: Floats
    inventory_end: Counts
    hedged_lots: Counts
    hedge_unfilled: Counts
    hedge_cost: Floats
    marks: Marks

    def __len__(self) -> int:
        """Return the number of episodes."""
        return len(self.steps)

    @property
    def profit(self) -> Floats:
        """(E,) float64 [currency] final profit of the portfolio."""
        return self.metrics.profit


def join(parts: list[Episodes]) -> Episodes:
    """Return all episodes of the parts, in their order."""
    joined: dict[str, Any] = {}
    for field in fields(Episodes):
        values = [getattr(part, field.name) for part in parts]
        if field.name == "metrics":
            joined["metrics"] = join_evaluations(values)
        elif field.name == "marks":
            joined["marks"] = Marks(*(np.concatenate(arrays) for arrays in zip(*map(_arrays, values), strict=True)))
        else:
            joined[field.name] = np.concatenate(values)
    return Episodes(**joined)


def _arrays(marks: Marks) -> tuple[NDArray[Any], ...]:
    return marks.count, marks.value, marks.notional


def statistics(episodes: Episodes, symbols: tuple[str, ...], venues: tuple[str, ...]) -> dict[str, Any]:
    """Return the tables of a run under stable names: episodes, symbols, venues, portfolio, attribution, markouts.

    episodes: at least one

    Amounts are currency an episode unless their name says otherwise; "first" is the episode that is recorded.
    """
    mean = episodes.breakdown.mean(axis=0)
    return {
        "episodes": len(episodes),
        "steps": int(episodes.steps.sum()),
        "symbols": {name: _symbol(episodes, i) for i, name in enumerate(symbols)},
        "venues": {name: _venue(episodes, v) for v, name in enumerate(venues)},
        "portfolio": _portfolio(episodes),
        "attribution": {
            **attribution_margins(mean, symbols, venues),
            "rows": attribution_rows(mean, symbols, venues),
        },
        "markouts": markout_rows(episodes.marks, venues),
    }


def _symbol(e: Episodes, i: int) -> dict[str, Any]:
    square = float(e.inventory_square[:, i].mean()) - float(e.inventory_mean[:, i].mean()) ** 2
    return {
        **_common(e, e.breakdown[:, i].sum(axis=(1, 2)), e.drawdown[:, i], slice(i, i + 1)),
        "inventory_end_lots_first": int(e.inventory_end[0, i]),
        "inventory_mean_lots": mean_estimate(e.inventory_mean[:, i]).as_dict(),
        "inventory_sd_lots": float(np.sqrt(max(square, 0.0))),
    }


def _venue(e: Episodes, v: int) -> dict[str, Any]:
    posted, filled = e.venue_posted[:, v], e.venue_filled[:, v]
    return {
        "posted_lots": mean_estimate(posted).as_dict(),
        "filled_lots": mean_estimate(filled).as_dict(),
        "fill_ratio": ratio_estimate(filled, posted).as_dict(),
    }


def _portfolio(e: Episodes) -> dict[str, Any]:
    m = e.metrics
    means = ("reward", "spread_capture", "value_at_risk", "inventory_sd", "breaches", "hedges")
    return {
        **_common(e, m.profit, m.drawdown, slice(None)),
        **{name: mean_estimate(getattr(m, name)).as_dict() for name in means},
        "over_limit": ratio_estimate(m.breaches, e.steps).as_dict(),
        "breaches_first": int(m.breaches[0]),
        "hedges_first": int(m.hedges[0]),
    }


def _common(e: Episodes, profit: Floats, drawdown: Floats, which: slice) -> dict[str, Any]:
    """The statistics that a symbol and the portfolio both have."""
    posted, filled, fills = (part[:, which].sum(axis=1) for part in (e.posted, e.filled, e.fills))
    return {
        "profit_first": float(profit[0]),
        "profit": mean_estimate(profit).as_dict(),
        "profit_sd": float(profit.std(ddof=1)) if len(e) > 1 else None,
        "sharpe": sharpe_estimate(profit).as_dict(),
        "drawdown": mean_estimate(drawdown).as_dict(),
        "drawdown_worst": float(drawdown.max()),
        "fills": mean_estimate(fills).as_dict(),
        "filled_lots": mean_estimate(filled).as_dict(),
        "fill_ratio": ratio_estimate(filled, posted).as_dict(),
        "inventory_absolute_lots": mean_estimate(e.inventory_absolute[:, which].sum(axis=1)).as_dict(),
        "hedged_lots": mean_estimate(e.hedged_lots[:, which].sum(axis=1)).as_dict(),
        "hedge_unfilled_lots": mean_estimate(e.hedge_unfilled[:, which].sum(axis=1)).as_dict(),
        "hedge_cost": mean_estimate(e.hedge_cost[:, which].sum(axis=1)).as_dict(),
    }
