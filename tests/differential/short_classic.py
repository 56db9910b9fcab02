"""Short runs of the classic market through its kernels, compiled or not; `NUMBA_DISABLE_JIT=1 python short_classic.py`."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.market.classic import make_params
from mm_env.sim.action import ABSOLUTE
from mm_env.sim.classic.quoting import prepare
from mm_env.sim.classic.state import RESULT_DTYPE, STATE_DTYPE
from mm_env.sim.classic.step import BLOCK, COLUMNS, step_range
from mm_env.sim.step import RESET, STEP

STEPS = 40
NUMBER = 3
FIELDS = ("cash", "inventory", "mid", "spread_capture", "default_depth", "intensity", "arrivals", "fills")
FULL = {"observations": "full", "horizon": 0.5, "step": 0.0125, "inventory_limit": 3}
CASES: dict[str, dict[str, Any]] = {
    "as": {"episode": FULL},
    "symmetric, exponential": {"episode": FULL, "policy": {"name": "as_symmetric"}, "flow": {"fill_rule": "exponential"}},
    "glft, brownian": {"episode": FULL, "policy": {"name": "glft"}, "mid": {"move": "brownian"}},
    "finite glft": {"episode": FULL, "policy": {"name": "glft", "glft_horizon": "finite"}},
    "cj, hawkes": {"episode": FULL, "policy": {"name": "cj", "inventory_penalty": 1.0}, "flow": {"arrivals": "hawkes"}},
    "fixed": {"episode": FULL, "policy": {"name": "fixed"}},
}


def short_classic(config: dict[str, Any]) -> dict[str, list[float]]:
    """Final values of some fields, flat, after a reset and an episode of random actions."""
    loaded = load_config(config, ClassicConfig)
    largest = loaded.episode.inventory_limit
    table = np.zeros((STEPS + 1, 2 * largest + 1, 2))
    states = np.zeros(NUMBER, STATE_DTYPE)
    states["key"] = [[1, 2], [3, 4], [5, 6]]
    records = [states, make_params(loaded).reshape(1), np.zeros(NUMBER, RESULT_DTYPE)]
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":  # python reads fields of record arrays as attributes, as kernels do
        records = [array.view(np.recarray) for array in records]
    envs, params, results = records
    prepare(params, table, *np.zeros((3, 2 * largest + 1)))
    rows, rewards, ends = np.zeros((NUMBER, len(COLUMNS)), np.float32), np.zeros(NUMBER), np.zeros(NUMBER, bool)
    rng = np.random.default_rng(0)
    total = np.zeros(NUMBER)
    for k in range(STEPS + 1):
        command = np.full(NUMBER, RESET if k == 0 else STEP, np.uint8)
        actions = rng.uniform(-1.0, 0.2, (NUMBER, 2)).astype(np.float32)
        step_range(
            envs, params, np.zeros(NUMBER, np.int64), table, actions, ABSOLUTE, command, rows, results, rows, results,
            rewards, ends, np.zeros(2 * BLOCK), 0, NUMBER,
        )  # fmt: skip
        total += rewards
    found = {name: states[name].ravel().tolist() for name in FIELDS}
    return found | {"row": rows.ravel().tolist(), "reward": total.tolist(), "ends": ends.tolist()}


if __name__ == "__main__":
    with np.errstate(over="ignore"):  # random bits wrap around by design
        sys.stdout.write(json.dumps({name: short_classic(config) for name, config in CASES.items()}))
