"""Actions drawn uniformly: what any other policy must beat."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from mm_env.config import MarketConfig
from mm_env.policies.base import shaped_for, vector_of


class RandomPolicy:
    """Draws every entry of an action uniformly from [-1, 1], from its own seed."""

    name: ClassVar[str] = "random"

    def __init__(self, seed: int = 0) -> None:
        """Start the stream of `seed`."""
        self._rng = np.random.default_rng(seed)

    def configure(self, config: MarketConfig) -> MarketConfig:
        """`config` itself: any market will do."""
        return config

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step: (3S,) float32 of a scalar env, (N, 3S) of a vector env."""
        vector = vector_of(env)
        shape = (vector.num_envs, len(vector.action_names))
        return shaped_for(env, self._rng.uniform(-1.0, 1.0, shape).astype(np.float32))
