"""A batch of envs of the classic market: its arrays, and the call that resets and steps all of them, on threads or not."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from mm_env.sim.classic.quoting import quote_range
from mm_env.sim.classic.state import PARAMS_DTYPE, RESULT_DTYPE, STATE_DTYPE
from mm_env.sim.classic.step import BLOCK, CLOSED_FORM_COLUMNS, COLUMNS, step_range
from mm_env.sim.step import STEP

_LINE = 16  # doubles that keep the scratch of two threads off each other's cache lines
FEWEST_A_THREAD = 2048  # envs: a step of fewer takes less than waking a thread


class ClassicBatch:
    """N envs of the classic market.

    states: (N,) STATE_DTYPE; params: (P,) PARAMS_DTYPE; params_index: (N,) int64, the row of params of each env;
    table: (rows, 2Q+1, 2) float64 [currency] depths of a policy that has them; rows: (N, columns) float32;
    results: (N,) RESULT_DTYPE; rewards: (N,) float64 and ends: (N,) bool, copies of two of their fields, side by side.
    rows, results, rewards and ends are fresh arrays after every call.
    """

    def __init__(self, params: np.ndarray, table: np.ndarray, number: int, threads: int | None = None) -> None:
        """Allocate `number` envs of params, () PARAMS_DTYPE."""
        self.number = number
        self.params = np.zeros(1, PARAMS_DTYPE)
        self.params[0] = params
        self.table = table
        self.params_index = np.zeros(number, np.int64)
        self.states = np.zeros(number, STATE_DTYPE)
        self.columns = len(COLUMNS) if params["full"] else CLOSED_FORM_COLUMNS
        self.rows = np.zeros((number, self.columns), np.float32)
        self.results = np.zeros(number, RESULT_DTYPE)
        self.rewards, self.ends = np.zeros(number), np.zeros(number, bool)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.threads = max(1, min(threads if threads is not None else cores, number // FEWEST_A_THREAD))
        self._scratch = [np.zeros(2 * BLOCK + 2 * _LINE)[_LINE:-_LINE] for _ in range(self.threads)]
        self._pool = ThreadPoolExecutor(self.threads - 1) if self.threads > 1 else None

    def step(self, actions: np.ndarray, mode: int, commands: np.ndarray | None = None) -> None:
        """One decision of every env, or what `commands` (N,) uint8 says of each. actions: (N, 2) float32 in [-1, 1]."""
        if commands is None:
            commands = np.full(self.number, STEP, np.uint8)
        rows, results = np.empty((self.number, self.columns), np.float32), np.empty(self.number, RESULT_DTYPE)
        rewards, ends = np.empty(self.number), np.empty(self.number, bool)
        edges = [self.number * k // self.threads for k in range(self.threads + 1)]

        def part(k: int) -> None:
            step_range(
                self.states, self.params, self.params_index, self.table, actions, mode, commands, self.rows, self.results,
                rows, results, rewards, ends, self._scratch[k], edges[k], edges[k + 1],
            )  # fmt: skip

        others = [self._pool.submit(part, k) for k in range(1, self.threads)] if self._pool else []
        try:
            part(0)
        finally:
            late = [k for k, other in enumerate(others, 1) if other.cancel()]  # on a busy machine one may not have woken up
            wait(others)
        for k, other in enumerate(others, 1):
            if k in late:
                part(k)
            else:
                other.result()
        self.rows, self.results, self.rewards, self.ends = rows, results, rewards, ends

    def quote(self, params: np.ndarray, table: np.ndarray, envs: np.ndarray, out: np.ndarray) -> None:
        """Depths that a policy would quote in some envs, into out (N, 2) [currency] bid and ask.

        params: () PARAMS_DTYPE and table (rows, 2Q+1, 2) of the policy; envs: (n,) int64 their indices
        """
        quote_range(self.states, params.reshape(1), table, envs, out)

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool, self.threads = None, 1
