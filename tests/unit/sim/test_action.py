"""An action and its inverse: the action for given quotes and hedges asks for these."""

from __future__ import annotations

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.market.build import build_market
from mm_env.sim.action import ABSOLUTE, RESIDUAL, inverse_action
from mm_env.sim.batch import Batch

ENVS = 4


def begun() -> Batch:
    fixed = {"policy.adaptive_tick": False, "policy.absolute_max_ticks": 40.0, "policy.residual_half_spreads": 20.0}
    market = build_market(override(load_config("two_symbols"), {**fixed, "risk.hedge_portfolio_on_breach": False}))
    batch = Batch(market.params, ENVS, market.capacity, market.headlines, threads=1)
    batch.seed([np.random.SeedSequence(3, spawn_key=(i,)) for i in range(ENVS)])
    batch.reset()
    return batch


@pytest.mark.parametrize("mode", [RESIDUAL, ABSOLUTE])
def test_the_inverse_asks_for_the_quotes_and_hedges_that_it_is_given(mode: int) -> None:
    batch = begun()
    states, n = batch.states, batch.symbols
    rng = np.random.default_rng(1)
    middle = np.floor(states["seen_mid"][:, :n])
    bid = middle - rng.integers(6, 12, (ENVS, n)) + 0.5
    ask = middle + rng.integers(6, 12, (ENVS, n)) + 0.5
    hedge = rng.integers(-15, 16, (ENVS, n))
    action = inverse_action(states, batch.params[batch.params_index], n, mode, bid, ask, hedge)
    assert np.abs(action).max() < 1.0
    lots = batch.params["hedge_action_lots"][0]
    assert np.rint(action[:, 2::3] * lots).tolist() == (hedge - (mode == RESIDUAL) * states["default_hedge"][:, :n]).tolist()
    batch.step(action, mode)
    assert batch.states["quote"][:, :n, 0].tolist() == np.floor(bid).tolist()
    assert batch.states["quote"][:, :n, 1].tolist() == np.ceil(ask).tolist()


def test_what_an_action_cannot_reach_is_cut_at_its_bounds() -> None:
    batch = begun()
    n, states = batch.symbols, batch.states
    far = states["seen_mid"][:, :n] - 1e6, states["seen_mid"][:, :n] + 1e6, np.full((ENVS, n), 10**6)
    action = inverse_action(states, batch.params[batch.params_index], n, ABSOLUTE, *far)
    assert (action == 1.0).all()
