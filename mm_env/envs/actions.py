"""Actions: what they are called, whether they are valid, and which one asks for given quotes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mm_env.errors import UsageError, check_choice
from mm_env.sim.action import ABSOLUTE, RESIDUAL, inverse_action
from mm_env.sim.batch import Batch

ACTION_MODES = {"residual": RESIDUAL, "absolute": ABSOLUTE}
PARTS = ("bid", "ask", "hedge")  # of each symbol
_TOLERANCE = 1e-6  # past the bounds, for what rounding does to an action


def mode_of(action_mode: str) -> int:
    """The kernel's number of an action mode; raises `UsageError` for one that does not exist."""
    check_choice("action_mode", action_mode, ACTION_MODES)
    return ACTION_MODES[action_mode]


def action_names(symbols: Sequence[str]) -> list[str]:
    """Names of the 3S entries of an action."""
    return [f"{symbol}.{part}" for symbol in symbols for part in PARTS]


def checked_actions(actions: object, number: int, names: Sequence[str]) -> np.ndarray:
    """(N, 3S) float32 actions, contiguous; `actions` itself is left alone.

    Raises `UsageError` for another shape, for what is not a number, and for values outside [-1, 1].
    """
    if actions is None:
        raise UsageError(f"actions: None: expected numbers in an array of shape {(number, len(names))}")
    try:
        array = np.ascontiguousarray(actions, dtype=np.float32)
        if not array.flags.writeable:  # Numba would compile the kernel again for a read-only array
            array = array.copy()
    except (TypeError, ValueError) as error:
        raise UsageError(f"actions: expected numbers in an array of shape {(number, len(names))}; {error}") from error
    if array.shape != (number, len(names)):
        raise UsageError(f"actions of shape {array.shape}: expected {(number, len(names))}, for each env {list(names)}")
    if not np.abs(array).max() <= 1.0 + _TOLERANCE:  # true of NaN as well
        i, k = np.argwhere(~(np.abs(array) <= 1.0 + _TOLERANCE))[0]
        raise UsageError(f"actions[{i}, {k}] ({names[k]} of env {i}) is {array[i, k]}: expected a number from -1 to 1")
    return array


def action_for(batch: Batch, mode: int, bid: np.ndarray, ask: np.ndarray, hedge: np.ndarray) -> np.ndarray:
    """(N, 3S) float32 action that asks for given quotes and hedges, as far as the bounds of an action reach.

    bid, ask: (N, S) float64 [ticks] prices before the quoting grid; hedge: (N, S) [lots] signed, default hedge included
    """
    return inverse_action(batch.states, batch.params[batch.params_index], batch.symbols, mode, bid, ask, hedge)


def default_action(batch: Batch, mode: int) -> np.ndarray:
    """(N, 3S) float32 action of the default policy: zeros in residual mode."""
    n, states = batch.symbols, batch.states
    if mode == RESIDUAL:
        return np.zeros((batch.number, 3 * n), np.float32)
    quotes = states["default_price"][:, :n]
    return action_for(batch, mode, quotes[..., 0], quotes[..., 1], states["default_hedge"][:, :n])
