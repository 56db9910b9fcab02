"""The protocol of a policy, and what policies that quote prices share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from mm_env.config import ClassicConfig, MarketConfig

if TYPE_CHECKING:
    from mm_env.envs.batched import BatchedVectorEnv

Config = TypeVar("Config", MarketConfig, ClassicConfig)


HEDGING = ("hedge_portfolio_on_breach", "hedge_target", "hedge_fraction_portfolio", "hedge_limit_ticks")
"""What of `risk` is the policy's own; the limit and how VaR is measured are the market's."""


class Policy(Protocol):
    """Whatever chooses actions: a formula or a trained agent."""

    @property
    def name(self) -> str:
        """The spelling that `get_policy` knows it by."""
        ...

    def configure(self, config: Config) -> Config:
        """The market in which the policy is at home: its own parameters written into `config`."""
        ...

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step of `env`, wrapped or not: (entries,) float32 or, of a vector env, (N, entries).

        The entries are the environment's `action_names`.
        """
        ...


def vector_of(env: Any) -> BatchedVectorEnv:
    """The vector env behind an env of this package; raises `TypeError` for any other env."""
    from mm_env.envs.batched import BatchedVectorEnv
    from mm_env.envs.single import SingleEnv

    base = getattr(env, "unwrapped", env)
    if isinstance(base, SingleEnv):
        base = base.vector
    if not isinstance(base, BatchedVectorEnv):
        raise TypeError(f"{type(base).__name__}: expected an environment of mm_env, wrapped or not")
    return base


def shaped_for(env: Any, actions: np.ndarray) -> np.ndarray:
    """(N, entries) actions as `env` takes them: (entries,) for a scalar env."""
    from gymnasium.vector import VectorEnv

    return actions if isinstance(env, VectorEnv) else actions[0]


def with_policy_of(config: Any, other: MarketConfig | ClassicConfig) -> Any:
    """`config` with the default policy's own parameters of `other`; its signals, router and hedging included.

    Raises `TypeError` for the configuration of another market.
    """
    if isinstance(config, MarketConfig) and isinstance(other, MarketConfig):
        risk = config.risk.model_copy(update={name: getattr(other.risk, name) for name in HEDGING})
        return config.model_copy(update={"policy": other.policy, "risk": risk})
    if isinstance(config, ClassicConfig) and isinstance(other, ClassicConfig):
        return config.model_copy(update={"policy": other.policy})
    raise TypeError(f"{type(config).__name__}: expected {type(other).__name__}")
