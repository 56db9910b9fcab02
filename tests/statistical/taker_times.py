"""The running market, stopped at every taker: when it came, and of which Hawkes dimension."""

from __future__ import annotations

import numpy as np

from mm_env.sim.batch import Batch
from mm_env.sim.compiling import entry_point
from mm_env.sim.inputs import Logs
from mm_env.sim.step import advance, begin_microstep


@entry_point
def run_and_note(states, params, headlines, replay, all_logs, normals, end, times, dims, before, count):
    """Run the first env until `end`, books, makers and windows included; fills times, dims and count (1,)."""
    s, p = states[0], params[0]
    logs = Logs(all_logs.fills[0], all_logs.headlines[0], all_logs.previous_books[0], all_logs.book_changes[0])
    dt = p.step_seconds / p.microsteps
    start, grid, cell, n = s.time, s.time, 0, 0
    while s.time < end and n < times.shape[0]:
        if s.time >= grid:
            begin_microstep(s, p, headlines, replay, logs, dt, normals)
            cell += 1
            grid = start + cell * dt
        for d in range(2 * p.symbols):
            before[d] = s.takers[d]
        advance(s, p, replay, logs, min(grid, s.taker_next))
        for d in range(2 * p.symbols):
            if s.takers[d] > before[d]:
                times[n], dims[n] = s.time, d
                n += 1
    count[0] = n


def taker_times(batch: Batch, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) float64 times [s] and (n,) int64 dimensions of the takers of a batch's only env."""
    times, dims, count = np.zeros(1_000_000), np.zeros(1_000_000, np.int64), np.zeros(1, np.int64)
    scratch, before = np.zeros(batch.capacity.symbols), np.zeros(2 * batch.symbols, np.int64)
    end = float(batch.states["time"][0]) + seconds
    inputs = batch.headlines, batch.replay, batch.logs
    run_and_note(batch.states, batch.params, *inputs, scratch, end, times, dims, before, count)
    assert 0 < count[0] < times.size
    return times[: count[0]], dims[: count[0]]
