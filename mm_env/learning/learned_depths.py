"""What a trained agent quotes in the classic market by time and inventory, to be set beside the optimum."""

from __future__ import annotations

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.errors import UsageError
from mm_env.learning.trained import TrainedAgent
from mm_env.theory.lattice import Floats, Lattice


def learned_depths(agent: TrainedAgent, config: ClassicConfig) -> tuple[Floats, Floats]:
    """(bid, ask) depths, each (steps, 2Q+1) [currency] by step and inventory, inf where none is quoted, with the mid where
    it began: the optimum does not depend on it.

    Raises `UsageError` for an agent that remembers, acts in residual mode, or sees more than time, inventory and mid.
    """
    if agent.algorithm.recurrent or agent.action_mode != "absolute" or agent.algorithm.discrete:
        raise UsageError(f"{agent.name}: expected an agent without a memory that acts in absolute mode")
    if config.episode.observations != "closed_form":
        raise UsageError(f"episode.observations {config.episode.observations!r}: expected 'closed_form'")
    lattice = Lattice.of(config)
    step, inventory = np.meshgrid(np.arange(lattice.steps), lattice.inventories, indexing="ij")
    share, scaled = step / lattice.steps, inventory / config.episode.inventory_scale
    rows = np.stack([share, scaled, np.zeros(step.shape)], axis=-1).reshape(-1, 3)
    actions = np.clip(agent.choose(rows.astype(np.float32)), -1.0, 1.0).astype(np.float64).reshape(*step.shape, 2)
    low, high = config.policy.absolute_min_depth, config.policy.absolute_max_depth
    depths = 0.5 * (high + low) + 0.5 * (high - low) * actions
    bid, ask = depths[..., 0].copy(), depths[..., 1].copy()
    bid[:, -1] = ask[:, 0] = np.inf
    return bid, ask
