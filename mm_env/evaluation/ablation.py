"""Contribution of each part of the default policy: paired ablations, and its frontier against the fixed spread.

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
from mm_env.config.io import override
from mm_env.evaluation.evaluation import Evaluation, evaluate
from mm_env.policies.registry import get_policy

LUCK = "revaluation_diffusion"  # moves that nobody could foresee

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "no sentiment": {"policy.alpha_weight": 0.0},
    "no imbalance": {"policy.obi_weight": 0.0},
    "random router": {"policy.router": "random"},
    "no hedging": {"risk.hedge_portfolio_on_breach": False},
    "fixed spread": {"policy.use_avellaneda_stoikov": False},
}


def interval(values: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Mean of independent values and the half width of its normal interval."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    return float(values.mean()), float(z * values.std(ddof=1) / np.sqrt(len(values)))


def ablate(
    config: MarketConfig, episodes: int, seed: int, variants: Mapping[str, Mapping[str, Any]]
) -> dict[str, Evaluation]:
    """The default policy of each variant, a mapping of dotted keys over `config`, on the same evaluation episodes.

    Raises as `evaluate` does.
    """
    return {name: _default(override(config, dict(changes)), episodes, seed) for name, changes in variants.items()}


def _default(config: MarketConfig, episodes: int, seed: int) -> Evaluation:
    return evaluate(get_policy(config.policy.name), config, episodes, seed)


@dataclass(frozen=True, eq=False)
class Point:
    """One policy of a frontier: its label, profit (E,) [currency] and mean `inventory_sd` [currency]."""

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
            outcome = _default(override(config, {**base, **quoted, key: value}), episodes, seed)
            label = f"{key.split('.')[-1]}={value:g} quote_size={size}"
            points.append(Point(label, outcome.profit, float(outcome.inventory_sd.mean())))
    return points


def frontier(points: Sequence[Point]) -> list[Point]:
    """The points that no other point beats in mean profit at no larger `inventory_sd`, by rising `inventory_sd`."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.inventory_sd, -p.profit.mean())):
        if not best or point.profit.mean() > best[-1].profit.mean():
            best.append(point)
    return best
