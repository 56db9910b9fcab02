"""A short run of one env through the kernels, compiled or not; `NUMBA_DISABLE_JIT=1 python short_run.py` prints it."""

from __future__ import annotations

import json
import os
import sys

import numpy as np

from mm_env.config.io import load_config, override
from mm_env.market.build import build_market
from mm_env.sim.book_log import BOOK_LOG_DTYPE, previous_books_dtype
from mm_env.sim.inputs import Headlines, Logs, Replay
from mm_env.sim.ledger import FILL_DTYPE
from mm_env.sim.news import HEADLINE_LOG_DTYPE
from mm_env.sim.observe import GLOBAL_COLUMNS, SYMBOL_COLUMNS
from mm_env.sim.replay import NO_REPLAY
from mm_env.sim.report import result_dtype
from mm_env.sim.state import HISTORY, state_dtype
from mm_env.sim.step import RESET, STEP, step_range

STEPS = 6
FIELDS = ("events", "cash", "pnl", "price", "inventory", "own_ahead", "depth", "covariance", "attribution", "route_score")


def short_run() -> dict[str, list[float]]:
    """Final values of some fields, flat, after a reset and a few random steps with news in every one."""
    fast = {"episode.steps": STEPS, "episode.burn_in_seconds": 3.0, "news.rate_per_hour": 3600.0}
    market = build_market(override(load_config(None), fast))
    symbols = len(market.symbols)
    columns = symbols * len(SYMBOL_COLUMNS) + len(GLOBAL_COLUMNS)
    states = np.zeros(1, state_dtype(market.capacity))
    states["key"] = [1, 2]
    records = [
        states, np.atleast_1d(market.params), market.headlines.tape, np.zeros(1, result_dtype(market.capacity)),
        NO_REPLAY.events, np.zeros((1, 200), FILL_DTYPE), np.zeros((1, 200), HEADLINE_LOG_DTYPE),
        np.zeros((1, 1), previous_books_dtype(market.capacity)), np.zeros((1, 2000), BOOK_LOG_DTYPE),
    ]  # fmt: skip
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":  # python reads fields of record arrays as attributes, as kernels do
        records = [array.view(np.recarray) for array in records]
    envs, params, tape, results, events, *logs = records
    inputs = Headlines(tape, market.headlines.offsets), Replay(events, NO_REPLAY.books)
    rows = np.zeros((1, columns), np.float32)
    scratch = np.zeros(3 * market.capacity.symbols + market.capacity.venues), np.zeros(HISTORY)
    raw = states.view(np.uint8).reshape(1, -1)
    rng = np.random.default_rng(0)
    for k in range(STEPS + 1):
        command = np.full(1, RESET if k == 0 else STEP, np.uint8)
        action = rng.uniform(-1.0, 1.0, (1, 3 * symbols)).astype(np.float32)
        step_range(
            envs, raw, params, np.zeros(1, np.int64), *inputs, action, 0,
            command, Logs(*logs), rows, results, *scratch, 0, 1,
        )  # fmt: skip
    return {name: states[name].ravel().tolist() for name in FIELDS} | {"row": rows.ravel().tolist()}


if __name__ == "__main__":
    with np.errstate(over="ignore"):  # random bits wrap around by design
        sys.stdout.write(json.dumps(short_run()))
