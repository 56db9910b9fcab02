"""The protocol of a policy, and what a policy may ask of an environment."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.errors import UsageError

Config = TypeVar("Config", MarketConfig, ClassicConfig)


HEDGING = ("hedge_portfolio_on_breach", "hedge_target", "hedge_fraction_portfolio", "hedge_limit_ticks")
"""Keys of `risk` that are the policy's own; the limit and the measurement of VaR are the market's."""


class Policy(Protocol):
    """What chooses actions: a formula, a trained agent, or a policy of your own."""

    @property
    def name(self) -> str:
        """Name in tables and files: the one that `get_policy` was called with."""
        ...

    def configure(self, config: Config) -> Config:
        """`config` with the policy's own parameters."""
        ...

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step of `env`, wrapped or not: (entries,) float32 or, of a vector env, (N, entries).

        The entries are the environment's `action_names`.
        """
        ...


@runtime_checkable
class MarketEnv(Protocol):
    """What a policy may ask of an environment of this package, vector or not; `env.unwrapped` of a wrapped one."""

    action_names: list[str]
    batch: Any
    seeds: Any

    def action_of(self, policy: Any) -> np.ndarray:
        """Action that asks for the quotes of a `QuotingPolicy`."""
        ...

    def explain(self, policy: Any, i: int = 0) -> dict[str, dict[str, float]]:
        """Terms of a `QuotingPolicy`'s quotes in env i: symbol -> term -> value."""
        ...


def market_env(env: Any) -> Any:
    """The environment of this package behind `env`, wrapped or not; raises `UsageError` for any other."""
    base = getattr(env, "unwrapped", env)
    if not isinstance(base, MarketEnv):
        raise UsageError(f"{type(base).__name__}: expected an environment of mm_env, wrapped or not")
    return base


def with_policy_of(config: Any, other: MarketConfig | ClassicConfig) -> Any:
    """`config` with the default policy's own parameters of `other`; its signals, router and hedging included.

    Raises `UsageError` for the configuration of another market.
    """
    if isinstance(config, MarketConfig) and isinstance(other, MarketConfig):
        risk = config.risk.model_copy(update={name: getattr(other.risk, name) for name in HEDGING})
        return config.model_copy(update={"policy": other.policy, "risk": risk})
    if isinstance(config, ClassicConfig) and isinstance(other, ClassicConfig):
        return config.model_copy(update={"policy": other.policy})
    raise UsageError(f"{type(config).__name__}: expected {type(other).__name__}")
