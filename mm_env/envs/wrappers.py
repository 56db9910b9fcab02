"""Wrappers for agents that choose from a finite set, as DQN does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector.utils import batch_space

from mm_env.envs.single import vector_of
from mm_env.errors import UsageError

DISTANCES = (-0.5, 0.0, 0.5, 1.0)


class _Grid:
    """All pairs of distances: action k quotes bid distances[k // n] and ask distances[k % n] in every symbol."""

    def __init__(self, distances: Sequence[float]) -> None:
        values = [float(value) for value in distances]
        if not values or len(set(values)) < len(values) or not all(-1.0 <= value <= 1.0 for value in values):
            raise UsageError(f"distances {tuple(distances)}: expected at least one number, each once, from -1 to 1")
        self.table = tuple((bid, ask) for bid in values for ask in values)

    def actions(self, env: Any, chosen: np.ndarray) -> np.ndarray:
        """(N, 3S) float32 action of chosen (N,); hedges are left to the default policy."""
        vector = vector_of(env)
        if chosen.shape != (vector.num_envs,) or not np.issubdtype(chosen.dtype, np.integer):
            raise UsageError(f"actions {chosen!r}: expected {vector.num_envs} whole number(s)")
        if chosen.min() < 0 or chosen.max() >= len(self.table):
            raise UsageError(f"actions {chosen!r}: expected a number from 0 to {len(self.table) - 1}")
        actions = vector.default_action()
        pairs = np.array(self.table, np.float32)[chosen]
        actions[:, 0::3], actions[:, 1::3] = pairs[:, :1], pairs[:, 1:]
        return actions


def discrete_actions(env: Any, chosen: np.ndarray, distances: Sequence[float] = DISTANCES) -> np.ndarray:
    """(N, 3S) float32 actions of a vector environment that the wrappers of this module make of chosen (N,) whole numbers."""
    return _Grid(distances).actions(env, chosen)


class DiscreteQuotes(gymnasium.ActionWrapper[np.ndarray, np.int64, np.ndarray], RecordConstructorArgs):
    """A grid of bid and ask distances, the same in every symbol, hedges left to the default policy.

    Action k of n² quotes the distances `table[k]` = (bid, ask) = (distances[k // n], distances[k % n]), in the units of
    the wrapped environment's action: residual 0 is the default quote and 1 moves it away by `residual_half_spreads`
    half spreads; absolute -1 is the mid and 1 `absolute_max_ticks` from it. The default grid, in residual mode:

    | action | bid  | ask  |   | action | bid | ask  |
    |--------|------|------|---|--------|-----|------|
    | 0      | -0.5 | -0.5 |   | 8      | 0.5 | -0.5 |
    | 1      | -0.5 | 0.0  |   | 9      | 0.5 | 0.0  |
    | 2      | -0.5 | 0.5  |   | 10     | 0.5 | 0.5  |
    | 3      | -0.5 | 1.0  |   | 11     | 0.5 | 1.0  |
    | 4      | 0.0  | -0.5 |   | 12     | 1.0 | -0.5 |
    | 5      | 0.0  | 0.0  |   | 13     | 1.0 | 0.0  |
    | 6      | 0.0  | 0.5  |   | 14     | 1.0 | 0.5  |
    | 7      | 0.0  | 1.0  |   | 15     | 1.0 | 1.0  |
    """

    def __init__(self, env: gymnasium.Env[np.ndarray, np.ndarray], distances: Sequence[float] = DISTANCES) -> None:
        """Wrap `env`; raises `UsageError` for distances that are not different numbers from -1 to 1."""
        RecordConstructorArgs.__init__(self, distances=tuple(distances))
        gymnasium.ActionWrapper.__init__(self, env)
        self._grid = _Grid(distances)
        self.action_space = Discrete(len(self.table))

    @property
    def table(self) -> tuple[tuple[float, float], ...]:
        """(bid, ask) distance of each action."""
        return self._grid.table

    def action(self, action: int | np.integer) -> np.ndarray:
        """(3S,) float32 action of the wrapped environment; raises `UsageError` for one that is not in the table."""
        chosen: np.ndarray = self._grid.actions(self.env, np.asarray(action).reshape(-1))[0]
        return chosen


class VectorDiscreteQuotes(gymnasium.vector.VectorActionWrapper):
    """`DiscreteQuotes` of each env of a vector environment."""

    def __init__(self, env: gymnasium.vector.VectorEnv[Any, Any, Any], distances: Sequence[float] = DISTANCES) -> None:
        """Wrap `env`; raises `UsageError` for distances that are not different numbers from -1 to 1."""
        super().__init__(env)
        self._grid = _Grid(distances)
        self.single_action_space = Discrete(len(self.table))
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    @property
    def table(self) -> tuple[tuple[float, float], ...]:
        """(bid, ask) distance of each action."""
        return self._grid.table

    def actions(self, actions: np.ndarray) -> np.ndarray:
        """(N, 3S) float32 actions of the wrapped environment; raises `UsageError` for one that is not in the table."""
        return self._grid.actions(self.env, np.asarray(actions))
