"""Episodes of the classic environment, many at once, and what they ended with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.config import ClassicConfig
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.envs.play import StepSnapshot, Watcher, play
from mm_env.policies.base import Policy
from mm_env.policies.constant import ConstantAction

BLOCK = 10_000  # envs side by side: their state fits the processor's cache

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassicRuns:
    """The outcome of E episodes.

    profit: (E,) float64 [currency]; inventory: (E,) int64 final [units]; reward: (E,) float64 sum of the rewards;
    arrivals: (E, 2) int64 sells and buys that came; Hawkes arrivals only
    """

    profit: Floats
    inventory: NDArray[np.int64]
    reward: Floats
    arrivals: NDArray[np.int64]


def play_classic(config: ClassicConfig, episodes: int, seed: int, policy: Policy | None = None) -> ClassicRuns:
    """Play episodes 0 to `episodes` - 1 of a seed. policy: None for the market's default policy."""
    envs = ClassicVectorEnv(min(episodes, BLOCK), config)
    ends = _Ends()
    try:
        play(envs, ConstantAction(0.0) if policy is None else policy, episodes, seed, watchers=[ends])
    finally:
        envs.close()
    profit, inventory, rewards, arrivals = (np.concatenate(arrays) for arrays in zip(*ends.parts, strict=True))
    return ClassicRuns(profit, inventory, rewards, arrivals)


class _Ends(Watcher):
    """Keeps the sum of the rewards and what stands at the end; leaner than `EpisodeMetrics`, as these are many episodes."""

    def __init__(self) -> None:
        self.parts: list[tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]] = []
        self._reward = np.zeros(0)

    def reset(self, snapshot: StepSnapshot) -> None:
        self._reward = np.zeros(len(snapshot.playing))

    def step(self, snapshot: StepSnapshot) -> None:
        self._reward += snapshot.rewards
        if snapshot.over:
            kept, infos = snapshot.playing, snapshot.infos
            arrivals = snapshot.envs.batch.states["arrivals"][kept]
            self.parts.append((infos["pnl"][kept], infos["inventory"][kept], self._reward[kept], arrivals))
