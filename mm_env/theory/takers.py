"""Times at which the book market's takers come: its own Hawkes kernels on their clock, nothing else moving meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.config import MarketConfig
from mm_env.market.build import build_market
from mm_env.sim.batch import Batch
from mm_env.sim.compiling import entry_point
from mm_env.sim.flow import draw_taker, taker_candidate
from mm_env.sim.ledger import FILL_DTYPE
from mm_env.theory.hawkes import Hawkes

# what else makes a taker come: mispricing, headlines, parent orders, regimes
PLAIN: dict[str, Any] = {
    "flow.informed_share": 0.0,
    "flow.parents.rate_per_second": 0.0,
    "news.source": "none",
    "episode.initial_regime": "calm",
    "regimes.calm.mean_duration_seconds": 1e9,
    "episode.burn_in_seconds": 0.0,
}
_ROOM = 1.5  # events that there is room for, over those expected, and some


@entry_point
def _run(states: Any, params: Any, fills: Any, end: float, times: Any, dims: Any, before: Any, count: Any) -> None:
    """Run the takers of the first env until `end`; fills times, dims and count (1,). before: (2S,) scratch."""
    s, p = states[0], params[0]
    n = 0
    draw_taker(s, p)
    while s.taker_next <= end and n < times.shape[0]:
        s.time = s.taker_next
        for d in range(before.shape[0]):
            before[d] = s.takers[d]
        taker_candidate(s, p, fills)
        for d in range(before.shape[0]):
            if s.takers[d] > before[d]:
                times[n], dims[n] = s.time, d
                n += 1
    count[0] = n


def process_of(config: MarketConfig) -> Hawkes:
    """The process that the takers of a market are, with `PLAIN` in force: dimensions are buys and sells of each symbol.

    Poisson takers have the same rates, and excite nobody.
    """
    symbols, flow = len(config.symbols), config.flow
    process = Hawkes(flow.hawkes_baseline(symbols), flow.hawkes_matrices(symbols), flow.hawkes_decays())
    return process if flow.use_hawkes else Hawkes(process.rates, 0.0 * process.jump, process.decay)


def taker_path(config: MarketConfig, seconds: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(times [s] (n,), dimensions (n,)) of the takers of one market from 0 to `seconds`, begun without excitation.

    config: with `PLAIN` in force, else the theory of `process_of` is not that of what comes

    Raises RuntimeError where half as many again come as theory expects.
    """
    market = build_market(config)
    batch = Batch(market.params, 1, market.capacity, market.headlines, threads=1)
    batch.seed([np.random.SeedSequence(seed, spawn_key=(0,))])
    batch.reset()
    expected = float(process_of(config).rates.sum()) * seconds
    room = int(_ROOM * expected) + 10_000
    times, dims, count = np.zeros(room), np.zeros(room, np.int64), np.zeros(1, np.int64)
    before = np.zeros(2 * batch.symbols, np.int64)
    _run(batch.states, batch.params, np.zeros(0, FILL_DTYPE), seconds, times, dims, before, count)
    if count[0] == room:
        raise RuntimeError(f"{room} takers or more within {seconds:g} s, where theory expects {expected:.0f}")
    return times[: count[0]], dims[: count[0]]
