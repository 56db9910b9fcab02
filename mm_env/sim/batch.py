"""A batch of envs: the arrays that kernels work on, and the calls that reset and step all of them, on threads or not."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from mm_env.sim.book_log import BOOK_LOG_DTYPE, previous_books_dtype
from mm_env.sim.inputs import Headlines, Logs
from mm_env.sim.ledger import FILL_DTYPE
from mm_env.sim.news import HEADLINE_LOG_DTYPE, TAPE_DTYPE
from mm_env.sim.observe import GLOBAL_COLUMNS, SYMBOL_COLUMNS
from mm_env.sim.params import params_dtype
from mm_env.sim.replay import NO_REPLAY
from mm_env.sim.report import result_dtype
from mm_env.sim.rng import FAULTS
from mm_env.sim.state import HISTORY, Capacity, state_dtype
from mm_env.sim.step import RESET, SKIP, STEP, step_range

logger = logging.getLogger(__name__)

FEWEST_A_THREAD = 16  # below this many envs a thread costs more than it saves
PARTS_A_THREAD = 8  # of a batch
LOG_ROWS = 4096  # fills, and headlines, that one decision step may log
BOOK_ROWS = 65_536  # changes of books that one decision step may log


class SimulationFault(RuntimeError):
    """A kernel met the impossible; the message names the env and the fault."""


class Batch:
    """N envs of one market.

    states: (N,) records of `state_dtype`; params: (P,) records; params_index: (N,) int64, the row of params of each env;
    headlines, replay, logs: as `inputs` describes them; rows: (N, columns) float32;
    results: (N,) records of `result_dtype`.
    rows and results are fresh arrays after every call.
    """

    def __init__(
        self,
        params: np.ndarray,
        number: int,
        capacity: Capacity,
        headlines: Headlines | None = None,
        threads: int | None = None,
        log: bool = False,
        log_books: bool = False,
    ) -> None:
        """Allocate `number` envs of params ((), or (N,) for one each).

        log: keep the fills and headlines of each step; log_books: what happened to the books in each step
        """
        self.capacity = capacity
        self.number = number
        self.symbols, self.venues = int(params.flat[0]["symbols"]), int(params.flat[0]["venues"])
        self.params = np.zeros(params.size, params_dtype(capacity))
        self.params[:] = params.reshape(-1)
        self.params_index = np.arange(number) if params.size > 1 else np.zeros(number, np.int64)
        if headlines is None:
            headlines = Headlines(np.zeros(0, TAPE_DTYPE), np.zeros(self.symbols + 2, np.int64))
        self.headlines, self.replay = headlines, NO_REPLAY
        self.states = np.zeros(number, state_dtype(capacity))
        self.columns = self.symbols * len(SYMBOL_COLUMNS) + len(GLOBAL_COLUMNS)
        rows = LOG_ROWS if log else 0
        self.logs = _empty_logs(capacity, number, rows, int(log_books))
        self.rows = np.zeros((number, self.columns), np.float32)
        self.results = np.zeros(number, result_dtype(capacity))
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.threads = max(1, min(threads if threads is not None else cores, number // FEWEST_A_THREAD))
        self._pool = ThreadPoolExecutor(self.threads - 1) if self.threads > 1 else None
        self._scratch = [_apart(3 * capacity.symbols + capacity.venues, HISTORY) for _ in range(self.threads)]
        self._no_action = np.zeros((number, 3 * self.symbols), np.float32)
        warm_up(capacity)

    def seed(self, sequences: list[np.random.SeedSequence], mask: np.ndarray | None = None) -> None:
        """Give the envs (those of `mask` (N,) bool) new keys, and count their episodes from zero; needs a reset after."""
        for i, sequence in enumerate(sequences):
            if mask is None or mask[i]:
                self.states["key"][i] = sequence.generate_state(2, np.uint64)
                self.states["episode"][i] = 0

    def reset(self, mask: np.ndarray | None = None) -> None:
        """Begin the next episode of the envs of `mask` (N,) bool, or of all."""
        commands = np.full(self.number, RESET, np.uint8)
        if mask is not None:
            commands[~mask] = SKIP
        self.run(self._no_action, 0, commands)

    def step(self, actions: np.ndarray, mode: int, commands: np.ndarray | None = None) -> None:
        """One decision of every env, or what `commands` (N,) uint8 says of each. actions: (N, 3S) float32 in [-1, 1]."""
        self.run(actions, mode, np.full(self.number, STEP, np.uint8) if commands is None else commands)

    def run(self, actions: np.ndarray, mode: int, commands: np.ndarray) -> None:
        """Run the kernel over all envs; raises SimulationFault when one of them met the impossible."""
        rows, results = self.rows.copy(), self.results.copy()
        raw = self.states.view(np.uint8).reshape(self.number, -1)
        parts = 1 if self.threads == 1 else min(PARTS_A_THREAD * self.threads, self.number // FEWEST_A_THREAD)
        edges = [self.number * k // parts for k in range(parts + 1)]
        left = iter(range(parts))  # threads take the next part when done with one: a core that others use takes fewer

        def work(thread: int) -> None:
            for k in left:
                step_range(
                    self.states, raw, self.params, self.params_index, self.headlines, self.replay, actions, mode, commands,
                    self.logs, rows, results, *self._scratch[thread], edges[k], edges[k + 1],
                )  # fmt: skip

        others = [self._pool.submit(work, thread) for thread in range(1, self.threads)] if self._pool else []
        try:
            work(0)
        finally:
            for _ in left:  # after an interrupt nobody takes what is left, and nobody is left at work
                pass
            wait([other for other in others if not other.cancel()])  # on a busy machine one may not even have woken up
        for other in others:
            if not other.cancelled():
                other.result()
        self.rows, self.results = rows, results
        self._warn_of_full_logs()
        if results["fault"].any():
            self._raise_fault()

    def _warn_of_full_logs(self) -> None:
        rows = self.logs.fills.shape[1]
        if rows and max(self.states["fill_count"].max(), self.states["headline_count"].max()) > rows:
            logger.warning("a decision step had more than %d fills or headlines of an env; the log keeps the first", rows)

    def _raise_fault(self) -> None:
        i = int(np.flatnonzero(self.results["fault"])[0])
        bits = int(self.results["fault"][i])
        said = "; ".join(text for bit, text in FAULTS.items() if bits & bit)
        raise SimulationFault(f"env {i}, step {int(self.states['step'][i])}: {said}. This is a bug; please report it.")

    def logged_fills(self, i: int) -> np.ndarray:
        """Fills of env i in the last step, a copy, FILL_DTYPE."""
        return self.logs.fills[i, : int(self.states["fill_count"][i])].copy()

    def logged_headlines(self, i: int) -> np.ndarray:
        """Headlines of env i in the last step, a copy, HEADLINE_LOG_DTYPE."""
        return self.logs.headlines[i, : int(self.states["headline_count"][i])].copy()

    def logged_changes(self, i: int) -> np.ndarray:
        """What happened to the books of env i in the last step, a copy, BOOK_LOG_DTYPE.

        Raises RuntimeError when more happened than the log holds.
        """
        count = int(self.logs.previous_books["count"][i, 0])
        if count > self.logs.book_changes.shape[1]:
            raise RuntimeError(
                f"{count} changes of books in a decision step; a recording holds {self.logs.book_changes.shape[1]}"
            )
        return self.logs.book_changes[i, :count].copy()

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool, self.threads = None, 1


def _empty_logs(capacity: Capacity, number: int, rows: int, books: int) -> Logs:
    """Logs of `number` envs. rows: of fills, and of headlines; books: 1 to log what happens to the books, else 0."""
    return Logs(
        np.zeros((number, rows), FILL_DTYPE),
        np.zeros((number, rows), HEADLINE_LOG_DTYPE),
        np.zeros((number, books), previous_books_dtype(capacity)),
        np.zeros((number, BOOK_ROWS * books), BOOK_LOG_DTYPE),
    )


def _apart(*sizes: int) -> list[np.ndarray]:
    """float64 scratch of these sizes on cache lines that no other thread writes to: sharing one cost 40 % on two cores."""
    line = 128 // 8
    return [np.zeros(size + 2 * line)[line : line + size] for size in sizes]


def warm_up(capacity: Capacity) -> None:
    """Compile the kernel of that size, or load it from the disk cache, and say so when it takes long."""
    states = np.zeros(0, state_dtype(capacity))
    arguments = (
        states, np.zeros((0, 1), np.uint8), np.zeros(0, params_dtype(capacity)), np.zeros(0, np.int64),
        Headlines(np.zeros(0, TAPE_DTYPE), np.zeros(0, np.int64)), NO_REPLAY,
        np.zeros((0, 0), np.float32), 0, np.zeros(0, np.uint8),
        _empty_logs(capacity, 0, 0, 0), np.zeros((0, 0), np.float32),
        np.zeros(0, result_dtype(capacity)), np.zeros(0), np.zeros(0), 0, 0,
    )  # fmt: skip
    if any(signature[0].dtype.size == states.dtype.itemsize for signature in step_range.signatures):
        return
    step_range(*arguments)
