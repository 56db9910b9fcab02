"""Many steps of many envs: no fault, no drift between profit and its attribution, no growth of memory.

Nothing here is left to chance but the seeds' paths: the bound is one of rounding, so there is no false-alarm rate.
"""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest

from mm_env.config import MarketConfig
from mm_env.market.params import make_params
from mm_env.sim.batch import Batch
from mm_env.sim.state import capacity_for

ENVS, STEPS = 64, 3_000
EXACT = 1e-9  # of the gross traded value
# rounding errors of n bookings add up like a random walk of n steps of 2^-53: far below EXACT at ten million
LONG = 160_000


def batch_of(steps: int) -> tuple[Batch, MarketConfig]:
    """The default market with a VaR limit that binds, one long episode."""
    config = MarketConfig.model_validate(
        {"news": {"source": "none"}, "risk": {"portfolio_var_limit": 100.0}, "episode": {"steps": steps}}
    )
    batch = Batch(make_params(config), ENVS, capacity_for(2, 3))
    batch.seed([np.random.SeedSequence(31, spawn_key=(i,)) for i in range(ENVS)])
    batch.reset()
    return batch, config


def traded(batch: Batch, config: MarketConfig) -> np.ndarray:
    """(N,) [currency] gross traded value, at the first prices."""
    states = batch.states
    lots = (states["filled"].sum(axis=3) + states["hedged_lots"]).sum(axis=2) + np.abs(states["liquidated"])
    worth = np.array([s.start_price * s.lot_size for s in config.symbols])
    return np.asarray((lots * worth).sum(axis=1))


def drift(batch: Batch, config: MarketConfig) -> np.ndarray:
    """(N,) attribution minus profit, or profit minus cash and positions, the larger, over the gross traded value."""
    states, results = batch.states, batch.results
    unit = np.array([s.tick_size * s.lot_size for s in config.symbols])
    held = (states["inventory"] * unit * 0.5 * states["mid2"]).sum(axis=1)  # no venue has a basis
    attributed = np.abs(results["attribution"].sum(axis=1) - results["pnl"])
    return np.maximum(attributed, np.abs(results["cash"] + held - results["pnl"])) / np.maximum(traded(batch, config), 1.0)


def run(steps: int) -> tuple[float, Batch, MarketConfig]:
    """Random actions to the end of the episode; returns the largest drift seen at a hundred checks."""
    batch, config = batch_of(steps)
    rng = np.random.default_rng(32)
    actions = rng.uniform(-1.0, 1.0, (97, ENVS, 6)).astype(np.float32)
    worst = 0.0
    for k in range(steps):
        batch.step(actions[k % 97], 0)
        if k % (steps // 100) == 0 or k + 1 == steps:
            worst = max(worst, float(drift(batch, config).max()))
            assert (batch.states["taker_volume"] == batch.states["maker_volume"] + batch.states["own_maker_volume"]).all()
            assert (batch.states["own_maker_volume"] == batch.states["filled"].sum(axis=(1, 2, 3))).all()
            assert (np.abs(batch.states["inventory"]) <= [s.inventory_limit for s in config.symbols]).all()
    assert (batch.states["fault"] == 0).all()
    return worst, batch, config


def test_ledger_does_not_drift() -> None:
    worst, batch, config = run(STEPS)
    assert batch.states["fills"].sum() > 100_000 and batch.states["hedged_lots"].sum() > 10_000
    assert batch.states["liquidated"].any()
    assert worst < EXACT
    # a drift of one part in a hundred million would be seen, of either kind
    batch.results["attribution"][5, 0] += 1e-8 * traded(batch, config)[5]
    batch.results["cash"][7] += 1e-8 * traded(batch, config)[7]
    assert (np.flatnonzero(drift(batch, config) > EXACT) == [5, 7]).all()


def held() -> int:
    """Bytes that were allocated in the package and are held; what else lives in this process may grow."""
    own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/mm_env/*")])
    return sum(trace.size for trace in own.traces)


def test_steps_leave_no_memory_behind() -> None:
    batch, _ = batch_of(10_000)
    action = np.zeros((ENVS, 6), np.float32)
    for _ in range(50):
        batch.step(action, 0)
    tracemalloc.start()
    try:
        batch.step(action, 0)
        before = held()
        for _ in range(300):
            batch.step(action, 0)
        grown = held() - before
    finally:
        tracemalloc.stop()
    assert grown < 60_000  # bytes; one forgotten array a step would be several times that


@pytest.mark.skipif(os.environ.get("HYPOTHESIS_PROFILE") != "thorough", reason="minutes: the thorough profile runs it")
def test_ten_million_steps() -> None:
    worst, batch, _ = run(LONG)
    assert batch.states["step"].sum() > 10_000_000
    assert worst < EXACT
