"""What each part of the default policy is worth: paired ablations, and its frontier against the fixed spread.

Every variant plays the same episodes (common random numbers: regimes, news and diffusion are the same whatever a policy
does), so differences are paired and their intervals are those of the mean difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.config import MarketConfig
from mm_env.config.io import ConfigError, override
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.sim.state import TERMS

LUCK = ("revaluation_diffusion",)  # moves that nobody could foresee

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "no sentiment": {"policy.alpha_weight": 0.0},
    "no imbalance": {"policy.obi_weight": 0.0},
    "random router": {"policy.router": "random"},
    "no hedging": {"risk.hedge_portfolio_on_breach": False},
    "fixed spread": {"policy.use_avellaneda": False},
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """Episodes of one variant: profit (E,) [currency], attribution (E, T) [currency], over_limit (E,) share of steps with
    VaR past its limit, inventory_square (E,) [currency²] mean square of the inventory's value, summed over symbols.
    """

    profit: NDArray[np.float64]
    attribution: NDArray[np.float64]
    over_limit: NDArray[np.float64]
    inventory_square: NDArray[np.float64]

    def term(self, *names: str) -> NDArray[np.float64]:
        """(E,) sum of named attribution terms [currency]."""
        chosen: NDArray[np.float64] = self.attribution[:, [TERMS.index(name) for name in names]]
        return np.asarray(chosen.sum(axis=1))

    @property
    def inventory_sd(self) -> float:
        """Root mean square of the inventory's value [currency]; its mean is about zero."""
        return float(np.sqrt(self.inventory_square.mean()))


def evaluate(config: MarketConfig, episodes: int, seed: int) -> Outcome:
    """Play the default policy of `config` on evaluation episodes 0 to `episodes` - 1 of a seed.

    Raises ConfigError for a configuration that is drawn anew at each reset: its limits would differ by episode.
    """
    if config.randomize:
        raise ConfigError(f"randomize: {', '.join(config.randomize)}: an ablation needs one market; allowed here: {{}}")
    envs = MultiVenueVectorEnv(episodes, config, autoreset_mode="Disabled")
    try:
        _, infos = envs.reset(seed=seed, options={"evaluation": True})
        action = np.zeros(envs.action_space.shape or (), np.float32)
        over, square = np.zeros(episodes), np.zeros(episodes)
        steps = config.episode.steps
        lots = np.array([s.lot_size for s in config.symbols])
        for step in range(steps):
            _, _, _, _, infos = envs.step(action)
            over += infos["value_at_risk"] > config.risk.portfolio_var_limit
            if step < steps - 1:  # after the last step the inventory is liquidated
                square += ((infos["inventory"] * infos["mid"] * lots) ** 2).sum(axis=1)
        attribution = np.stack([infos["attribution"][name] for name in TERMS], axis=1)
        return Outcome(np.array(infos["pnl"]), attribution, over / steps, square / max(1, steps - 1))
    finally:
        envs.close()


def interval(values: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Mean of independent values and the half width of its normal interval."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    return float(values.mean()), float(z * values.std(ddof=1) / np.sqrt(len(values)))


def ablate(config: MarketConfig, episodes: int, seed: int, variants: Mapping[str, Mapping[str, Any]]) -> dict[str, Outcome]:
    """Outcome of each variant, a mapping of dotted keys over `config`, on the same episodes."""
    return {name: evaluate(override(config, dict(changes)), episodes, seed) for name, changes in variants.items()}


@dataclass(frozen=True, eq=False)
class Point:
    """One policy of a frontier: its label, profit (E,) [currency] and sd of inventory [currency]."""

    label: str
    profit: NDArray[np.float64]
    inventory_sd: float


def trace(
    config: MarketConfig,
    base: Mapping[str, Any],
    key: str,
    values: Sequence[float],
    sizes: Sequence[int],
    episodes: int,
    seed: int,
) -> list[Point]:
    """Points of a policy over its spread (dotted `key` at `values`) and its quote size, on the same episodes."""
    points = []
    for size in sizes:
        quoted = {f"symbols.{s.name}.quote_size": min(size, s.inventory_limit) for s in config.symbols}
        for value in values:
            outcome = evaluate(override(config, {**base, **quoted, key: value}), episodes, seed)
            points.append(Point(f"{key.split('.')[-1]}={value:g} quote_size={size}", outcome.profit, outcome.inventory_sd))
    return points


def frontier(points: Sequence[Point]) -> list[Point]:
    """The points that no other point beats in mean profit at no larger sd of inventory, by rising sd."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.inventory_sd, -p.profit.mean())):
        if not best or point.profit.mean() > best[-1].profit.mean():
            best.append(point)
    return best
