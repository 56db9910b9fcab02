"""Statistics of the episodes that end in the training envs, kept as arrays over envs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.config import MarketConfig
from mm_env.evaluation.comparison import sharpe_ratio
from mm_env.learning.tags import MEASURES

if TYPE_CHECKING:
    from mm_env.envs.batched import BatchedVectorEnv


class TrainingCount:
    """Adds up what infos over envs say of each one's episode, and keeps the totals of those that ended."""

    def __init__(self, native: BatchedVectorEnv) -> None:
        """Start with nothing counted; episodes that are under way count from here on."""
        self.book = isinstance(native.casting.following.config, MarketConfig)
        n = native.num_envs
        config = native.casting.following.config
        if self.book:
            self.lots = np.array([symbol.lot_size for symbol in config.symbols])
            self.limit = float(config.risk.portfolio_var_limit)
        self.whole = config.episode.steps
        self.steps, self.high = np.zeros(n), np.zeros(n)
        self.sums = {name: np.zeros(n) for name in ("reward", "drawdown", "square", "value_at_risk", "over_limit", "fills")}
        self.terms: dict[str, np.ndarray] = {}
        self.ended: list[dict[str, np.ndarray]] = []

    def add(self, infos: dict[str, Any], dones: np.ndarray, rewards: np.ndarray) -> None:
        """Count a step. infos: over envs, of the step itself; dones: (N,) bool; rewards: (N,) as the market gives them."""
        last = infos
        self.steps += 1.0
        self.sums["reward"] += rewards
        self.high = np.maximum(self.high, last["pnl"])
        np.maximum(self.sums["drawdown"], self.high - last["pnl"], out=self.sums["drawdown"])
        if self.book:
            self.sums["square"] += ((last["inventory"] * last["mid"] * self.lots) ** 2).sum(axis=1)
            self.sums["value_at_risk"] += last["value_at_risk"]
            self.sums["over_limit"] += last["value_at_risk"] > self.limit
            self.sums["fills"] = last["fills"].astype(np.float64)
        else:
            self.sums["square"] += last["inventory"].astype(np.float64) ** 2
            self.sums["fills"] += last["bid_filled"].astype(np.float64) + last["ask_filled"]
        for name, values in last["reward_terms"].items():
            self.terms[name] = self.terms.get(name, 0.0) + values
        if dones.any():
            self._end(dones, last)

    def _end(self, dones: np.ndarray, last: dict[str, Any]) -> None:
        """Keep the whole episodes of `dones` (N,) bool, not those that were cut short, and begin to count anew."""
        ended, dones = dones, dones & (self.steps >= self.whole)
        steps, attribution = self.steps[dones], last["attribution"]
        nothing = np.zeros(len(steps))
        hedges = attribution["hedge_cost"] + attribution["taker_fees"] if self.book else None
        self.ended.append(
            {
                "reward": self.sums["reward"][dones], "profit": np.asarray(last["pnl"])[dones],
                "drawdown": self.sums["drawdown"][dones], "fills": self.sums["fills"][dones],
                "inventory_sd": np.sqrt(self.sums["square"][dones] / steps),
                "value_at_risk": self.sums["value_at_risk"][dones] / steps,
                "over_limit": self.sums["over_limit"][dones] / steps,
                "spread_capture": np.asarray(attribution["spread_capture"])[dones],
                "hedge_cost": nothing if hedges is None else -np.asarray(hedges)[dones],
            }
            | {f"reward_terms/{name}": values[dones] for name, values in self.terms.items()}
        )  # fmt: skip
        for array in (self.steps, self.high, *self.sums.values(), *self.terms.values()):
            array[ended] = 0.0

    def take(self) -> dict[str, float]:
        """Means over the episodes that ended since the last call, `sharpe` over them; nothing where none did."""
        if not any(len(part["profit"]) for part in self.ended):
            return {}
        joined = {name: np.concatenate([part[name] for part in self.ended]) for name in self.ended[0]}
        self.ended = []
        found = {name: float(values.mean()) for name, values in joined.items()}
        sharpe = float(sharpe_ratio(joined["profit"])) if len(joined["profit"]) > 1 else float("nan")
        found["sharpe"] = sharpe if np.isfinite(sharpe) else 0.0
        assert set(MEASURES) <= set(found)
        return found
