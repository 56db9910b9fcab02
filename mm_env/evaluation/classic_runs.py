"""Episodes of the classic environment, many at once, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.config import ClassicConfig
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.policies.base import Policy

BLOCK = 10_000  # envs side by side: their state fits the processor's cache

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassicRuns:
    """What is kept of E episodes.

    profit: (E,) float64 [currency]; inventory: (E,) int64 final [units]; reward: (E,) float64 sum of the rewards;
    arrivals: (E, 2) int64 sells and buys that came; Hawkes arrivals only
    """

    profit: Floats
    inventory: NDArray[np.int64]
    reward: Floats
    arrivals: NDArray[np.int64]


def play_classic(config: ClassicConfig, episodes: int, seed: int, policy: Policy | None = None) -> ClassicRuns:
    """Play episodes 0 to `episodes` - 1 of a seed. policy: None for the market's default policy."""
    number = min(episodes, BLOCK)
    envs = ClassicVectorEnv(number, config, autoreset_mode="Disabled")
    nothing = np.zeros((number, 2), np.float32)
    parts: list[tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]] = []
    try:
        for first in range(0, episodes, number):
            _, infos = envs.reset(seed=seed) if first == 0 else envs.reset()
            reward = np.zeros(number)
            for _ in range(config.episode.steps):
                _, rewards, _, _, infos = envs.step(nothing if policy is None else policy.act(envs))
                reward += rewards
            kept = slice(0, min(number, episodes - first))
            parts.append(
                (infos["pnl"][kept], infos["inventory"][kept], reward[kept], envs.batch.states["arrivals"][kept].copy())
            )
    finally:
        envs.close()
    profit, inventory, rewards, arrivals = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return ClassicRuns(profit, inventory, rewards, arrivals)
