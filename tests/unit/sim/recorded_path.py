"""What the agent estimates and is paid on one path, kept for tests that recompute it with numpy's own arithmetic."""

from __future__ import annotations

import numpy as np

from mm_env.config.io import load_config, override
from mm_env.market.build import build_market
from mm_env.sim.batch import Batch

WEIGHTS = {
    "profit": 1.0,
    "inventory_penalty": 1e-4,
    "terminal_penalty": 1e-3,
    "hedging_cost": 0.5,
    "exponential_utility": 2.0,
    "asymmetric_dampening": 0.3,
}
STEPS = 150
CONFIG = override(
    load_config(None),
    {"episode.steps": STEPS, "risk.portfolio_var_limit": 60.0, "risk.es_window": 64, "risk.var_method": "cornish_fisher"}
    | {f"reward.{name}": weight for name, weight in WEIGHTS.items()},
)
KEPT = (
    "seen_mid", "covariance", "inventory", "seen_position", "value_at_risk", "expected_shortfall", "alpha", "sentiment",
    "imbalance", "attribution", "pnl", "default_hedge", "marginal_var", "variance_fast", "change_count",
)  # fmt: skip


class Path:
    """States and results of a batch after the reset and after each step, stacked on a time axis."""

    def __init__(self) -> None:
        market = build_market(CONFIG)
        batch = Batch(market.params, 16, market.capacity, market.headlines, threads=1)
        batch.seed([np.random.SeedSequence(5, spawn_key=(i,)) for i in range(16)])
        batch.reset()
        states, terms, rewards = [batch.states[list(KEPT)].copy()], [], []
        for _ in range(STEPS):
            batch.step(np.zeros((16, 6), np.float32), 0)
            states.append(batch.states[list(KEPT)].copy())
            terms.append(batch.results["terms"].copy())
            rewards.append(batch.results["reward"].copy())
        self.states, self.terms, self.rewards = np.stack(states), np.stack(terms), np.stack(rewards)
        self.liquidated = batch.states["liquidated"].copy()
        self.changes, self.counts = batch.states["changes"].copy(), batch.states["change_count"].copy()
        self.params = market.params
