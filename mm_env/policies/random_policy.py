"""Actions drawn uniformly: what any other policy must beat."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from mm_env.policies.base import Config, shaped_for, vector_of


class RandomPolicy:
    """Draws every entry of an action uniformly from [-1, 1]; env i has a stream of its own, whatever the number of envs."""

    name: ClassVar[str] = "random"

    def __init__(self, seed: int = 0) -> None:
        """Start the streams of `seed`."""
        self._seed = seed
        self._streams: list[np.random.Generator] = []

    def configure(self, config: Config) -> Config:
        """`config` itself: any market will do."""
        return config

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step: (entries,) float32 of a scalar env, (N, entries) of a vector env."""
        vector = vector_of(env)
        for i in range(len(self._streams), vector.num_envs):
            self._streams.append(np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(i,))))
        drawn = [stream.uniform(-1.0, 1.0, len(vector.action_names)) for stream in self._streams[: vector.num_envs]]
        return shaped_for(env, np.stack(drawn).astype(np.float32))
