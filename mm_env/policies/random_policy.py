"""Actions drawn uniformly: what any other policy must beat."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from mm_env.policies.base import Config, MarketEnv, market_env


class RandomPolicy:
    """Draws every entry of an action uniformly from [-1, 1]; each episode has its own random stream."""

    name: ClassVar[str] = "random"

    def __init__(self, seed: int = 0) -> None:
        """The streams of the episodes follow from `seed`."""
        self._seed = seed
        self._streams: dict[int, tuple[tuple[int, int], np.random.Generator]] = {}

    def configure(self, config: Config) -> Config:
        """`config` itself."""
        return config

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step: (entries,) float32 of a scalar env, (N, entries) of a vector env."""
        base = market_env(env)
        entries = len(base.action_names)
        drawn = [stream.uniform(-1.0, 1.0, entries) for stream in self._streams_of(base)]
        return np.stack(drawn).astype(np.float32).reshape(base.action_space.shape)

    def _streams_of(self, env: MarketEnv) -> list[np.random.Generator]:
        """The stream of each env's episode: new where one begins, so that playing it again draws the same."""
        states = env.batch.states
        episodes, begins = states["episode"].tolist(), (states["step"] == 0).tolist()
        places = env.seeds.places or range(len(states))
        for i, (place, episode, begin) in enumerate(zip(places, episodes, begins, strict=True)):
            key = (place or i, episode)  # envs with seeds of their own all have place 0
            if begin or i not in self._streams or self._streams[i][0] != key:
                sequence = np.random.SeedSequence(self._seed, spawn_key=key)
                self._streams[i] = key, np.random.default_rng(sequence)
        return [self._streams[i][1] for i in range(len(states))]
