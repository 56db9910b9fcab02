"""Metrics of the episodes that end in the training envs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.evaluation.episode_sums import EpisodeSums
from mm_env.evaluation.estimates import sharpe_ratio
from mm_env.learning.tags import MEASURES

if TYPE_CHECKING:
    from mm_env.envs.batched import BatchedVectorEnv


class TrainingCount:
    """Counts the steps of the training envs, and keeps the metrics of the whole episodes that ended."""

    def __init__(self, native: BatchedVectorEnv) -> None:
        """Start with nothing counted; episodes under way count from here on.

        native: of the book market one made with record=True
        """
        self._sums = EpisodeSums(native)
        self._whole = native.config.episode.steps  # type: ignore[attr-defined]  # both markets have it
        self._ended: list[dict[str, np.ndarray]] = []

    def add(self, infos: dict[str, Any], dones: np.ndarray, rewards: np.ndarray) -> None:
        """Count a step. infos: over envs, of the step itself; dones: (N,) bool; rewards: (N,) as the market gives them."""
        self._sums.add(infos, rewards, np.ones(len(dones), bool), dones)
        if dones.any():
            whole = np.flatnonzero(dones & (self._sums.steps >= self._whole))  # not those that were cut short
            found = self._sums.metrics(whole)
            terms = found.pop("reward_terms")
            found = {name: found[name] for name in MEASURES if name in found}
            self._ended.append(found | {f"reward_terms/{name}": values for name, values in terms.items()})
            self._sums.clear(np.flatnonzero(dones))

    def take(self) -> dict[str, float]:
        """Means over the episodes that ended since the last call, `sharpe` over them; nothing where none did."""
        if not any(len(part["profit"]) for part in self._ended):
            return {}
        joined = {name: np.concatenate([part[name] for part in self._ended]) for name in self._ended[0]}
        self._ended = []
        found = {name: float(values.mean()) for name, values in joined.items()}
        sharpe = float(sharpe_ratio(joined["profit"])) if len(joined["profit"]) > 1 else float("nan")
        found["sharpe"] = sharpe if np.isfinite(sharpe) else 0.0
        assert set(MEASURES) <= set(found)
        return found
