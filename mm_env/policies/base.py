"""The protocol of a policy, and what policies that quote prices share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mm_env.config import MarketConfig

if TYPE_CHECKING:
    from mm_env.envs.vector_env import MultiVenueVectorEnv


class Policy(Protocol):
    """Whatever chooses actions: a formula or a trained agent."""

    @property
    def name(self) -> str:
        """The spelling that `get_policy` knows it by."""
        ...

    def configure(self, config: MarketConfig) -> MarketConfig:
        """The market in which the policy is at home: its own parameters written into `config`."""
        ...

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step of `env`, wrapped or not: (3S,) float32 of a scalar env, (N, 3S) of a vector env."""
        ...


def vector_of(env: Any) -> MultiVenueVectorEnv:
    """The vector env behind an env of this package; raises `TypeError` for any other env."""
    from mm_env.envs.env import MultiVenueEnv
    from mm_env.envs.vector_env import MultiVenueVectorEnv

    base = getattr(env, "unwrapped", env)
    if isinstance(base, MultiVenueEnv):
        base = base.vector
    if not isinstance(base, MultiVenueVectorEnv):
        raise TypeError(f"{type(base).__name__}: allowed: an environment of mm_env, wrapped or not")
    return base


def shaped_for(env: Any, actions: np.ndarray) -> np.ndarray:
    """(N, 3S) actions as `env` takes them: (3S,) for a scalar env."""
    from gymnasium.vector import VectorEnv

    return actions if isinstance(env, VectorEnv) else actions[0]
