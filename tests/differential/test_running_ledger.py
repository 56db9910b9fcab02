"""A running market against the reference ledger: cash, positions and the cost of trading are sums over the logged fills."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from mm_env.config import MarketConfig
from mm_env.market.params import make_params
from mm_env.sim.batch import Batch
from mm_env.sim.ledger import HEDGE, LIQUIDATION, MAKER
from mm_env.sim.state import TERMS, capacity_for
from tests.differential.reference_ledger import Ledger

ENVS, STEPS = 6, 250
EXACT = 1e-12  # of the gross traded value, for sums of doubles against sums of fractions


@pytest.fixture(scope="module")
def config() -> MarketConfig:
    """Venues with ticks, bases, rebates and latencies of their own, and a VaR limit that binds."""
    return MarketConfig.model_validate(
        {
            "venues": [
                {"name": "A", "latency_ms": 3.0, "taker_fee_bps": 0.4},
                {"name": "B", "tick_multiple": 2, "price_basis_ticks": 8, "maker_fee_bps": 0.2, "latency_ms": 700.0},
                {"name": "C", "price_basis_ticks": -5, "taker_fee_bps": -0.3, "latency_ms": 0.0, "data_latency_ms": 0.0},
            ],
            "news": {"source": "none"},
            "risk": {"portfolio_var_limit": 40.0},
            "policy": {"router_top_k": 3},
            "episode": {"steps": STEPS},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(config: MarketConfig) -> tuple[Batch, list[Ledger]]:
    """Random actions to the end of the episode; the ledgers are compared at every step."""
    params = make_params(config)
    batch = Batch(params, ENVS, capacity_for(2, 3), log=True)
    batch.seed([np.random.SeedSequence(5, spawn_key=(i,)) for i in range(ENVS)])
    batch.reset()
    fees = params["maker_fee"].tolist(), params["taker_fee"].tolist()
    ledgers = [Ledger(params["lot_value"].tolist(), *fees) for _ in range(ENVS)]
    rng = np.random.default_rng(6)
    for k in range(STEPS):
        batch.step(rng.uniform(-1.0, 1.0, (ENVS, 6)).astype(np.float32), k % 2)
        for i, ledger in enumerate(ledgers):
            for f in batch.logged_fills(i):
                ledger.book(*(f[name].item() for name in ("symbol", "venue", "side", "role", "price", "quantity", "mid")))
            state = batch.states[i]
            assert abs(float(ledger.cash) - state["cash"]) <= EXACT * max(1.0, ledger.gross)
            assert {key: lots for key, lots in ledger.position.items() if lots} == {
                (j, v): int(state["position"][j, v]) for j, v in zip(*np.nonzero(state["position"]), strict=True)
            }
            assert state["inventory"].tolist() == [ledger.inventory(0), ledger.inventory(1)]
    return batch, ledgers


def test_fills_of_every_role_were_booked(run: tuple[Batch, list[Ledger]]) -> None:
    _, ledgers = run
    for role in (MAKER, HEDGE, LIQUIDATION):
        assert sum(role in ledger.edge for ledger in ledgers) >= ENVS // 2, role


def test_attribution_of_trading_is_the_sum_over_fills(run: tuple[Batch, list[Ledger]]) -> None:
    batch, ledgers = run
    for result, ledger in zip(batch.results, ledgers, strict=True):
        booked = dict(zip(TERMS, result["attribution"].tolist(), strict=True))
        wanted = {
            "spread_capture": ledger.edge.get(MAKER, 0),
            "hedge_cost": ledger.edge.get(HEDGE, 0),
            "liquidation_cost": ledger.edge.get(LIQUIDATION, 0),
            "maker_rebates": -ledger.fees.get((True, True), 0),
            "maker_fees": -ledger.fees.get((True, False), 0),
            "taker_fees": -(ledger.fees.get((False, True), 0) + ledger.fees.get((False, False), 0)),
        }
        for name, amount in wanted.items():
            assert booked[name] == pytest.approx(float(amount), rel=1e-9, abs=EXACT * ledger.gross), name


def test_profit_is_cash_and_positions_at_the_mid(config: MarketConfig, run: tuple[Batch, list[Ledger]]) -> None:
    batch, ledgers = run
    for state, result, ledger in zip(batch.states, batch.results, ledgers, strict=True):
        held = 0.0
        for (i, v), lots in ledger.position.items():
            mid = 0.5 * state["mid2"][i] + config.venues[v].price_basis_ticks
            held += lots * mid * config.symbols[i].tick_size * config.symbols[i].lot_size
        assert result["pnl"] == pytest.approx(float(ledger.cash) + held, abs=EXACT * ledger.gross)
        assert result["attribution"].sum() == pytest.approx(result["pnl"], abs=EXACT * ledger.gross)


def test_a_lost_fill_is_found(run: tuple[Batch, list[Ledger]]) -> None:
    """Booking one more lot moves cash by far more than the tolerance."""
    batch, ledgers = run
    ledger = copy.deepcopy(ledgers[0])
    value = 5000 * ledger.lot_value[0]
    assert value > 1e3 * EXACT * ledger.gross
    ledger.book(0, 0, 0, MAKER, 5000, 1, 5000.0)
    assert abs(float(ledger.cash) - batch.states[0]["cash"]) > EXACT * ledger.gross
