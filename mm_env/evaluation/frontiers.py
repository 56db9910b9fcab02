"""Frontiers of profit against the sd of inventory, of Avellaneda-Stoikov and of a fixed spread."""

from __future__ import annotations

from mm_env.config import MarketConfig
from mm_env.evaluation.ablation import Point, trace

AS_K = [150.0, 100.0, 70.0, 55.0, 45.0, 35.0, 25.0, 18.0]

SPREAD_BPS = [2.0, 3.0, 5.0, 8.0, 11.0, 15.0, 20.0]

SIZES = [7, 20]


def frontiers(config: MarketConfig, episodes: int, seed: int) -> dict[str, list[Point]]:
    """Points of both policies over their spread and size, with hedging off: what quoting alone does about inventory."""
    quoting = {"risk.hedge_portfolio_on_breach": False}
    avellaneda, fixed = (
        {**quoting, "policy.use_avellaneda_stoikov": True},
        {**quoting, "policy.use_avellaneda_stoikov": False},
    )
    return {
        "Avellaneda-Stoikov": trace(config, avellaneda, "policy.fill_decay", AS_K, SIZES, episodes, seed),
        "fixed spread": trace(config, fixed, "policy.base_spread_bps", SPREAD_BPS, SIZES, episodes, seed),
    }
