"""The same action at every step: the simplest baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mm_env.errors import UsageError
from mm_env.policies.base import Config, market_env


@dataclass(frozen=True)
class ConstantAction:
    """Quotes one distance from the mid on both sides of every symbol, and never hedges.

    value: entry of the action for bids and asks, -1 to 1; the distance follows from the market's parameters
    action_mode: absolute; in residual mode one action is a different distance at every step
    """

    value: float = 0.0
    action_mode: ClassVar[str] = "absolute"

    def __post_init__(self) -> None:
        if not -1.0 <= self.value <= 1.0:
            raise UsageError(f"constant:{self.value:g}: expected a number from -1 to 1")

    @property
    def name(self) -> str:
        """`constant`, or `constant:VALUE`."""
        return f"constant:{self.value:g}" if self.value else "constant"

    def configure(self, config: Config) -> Config:
        """`config` itself."""
        return config

    def act(self, env: Any) -> np.ndarray:
        """The action: (entries,) float32 of a scalar env, (N, entries) of a vector env."""
        base = market_env(env)
        entries = [0.0 if name.endswith("hedge") else self.value for name in base.action_names]
        return np.broadcast_to(np.array(entries, np.float32), base.action_space.shape).copy()
