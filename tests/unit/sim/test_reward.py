"""The reward terms of a recorded path, recomputed with numpy's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from mm_env.sim.state import REWARDS, TERMS
from tests.unit.sim.recorded_path import CONFIG, WEIGHTS, Path


def test_reward_terms(path: Path) -> None:
    pnl, c, value = path.states["pnl"], path.states["covariance"][1:], path.params["lot_value"]
    inventory = path.states["inventory"][1:].astype(float)
    inventory[-1] = path.liquidated  # the penalty looks at what was held, not at what the liquidation left
    x = inventory * value
    variance = np.einsum("tni,tnij,tnj->tn", x, c, x)
    terms = dict(zip(REWARDS, np.moveaxis(path.terms, 2, 0), strict=True))
    dt, a = CONFIG.episode.step_seconds, CONFIG.reward.utility_risk_aversion
    utility = (1 - np.exp(-a * pnl)) / a
    assert terms["profit"] == pytest.approx(np.diff(pnl, axis=0))
    assert terms["inventory_penalty"] == pytest.approx(-WEIGHTS["inventory_penalty"] * variance * dt)
    assert terms["terminal_penalty"][:-1] == pytest.approx(0.0)
    assert terms["terminal_penalty"][-1] == pytest.approx(-WEIGHTS["terminal_penalty"] * variance[-1])
    assert terms["exponential_utility"] == pytest.approx(WEIGHTS["exponential_utility"] * np.diff(utility, axis=0))
    booked = np.diff(path.states["attribution"].sum(axis=(2, 3)), axis=0)
    cost = booked[:-1, :, [TERMS.index("hedge_cost"), TERMS.index("taker_fees")]].sum(axis=2)
    assert terms["hedging_cost"][:-1] == pytest.approx(WEIGHTS["hedging_cost"] * cost)
    gains = booked[:-1, :, [k for k, name in enumerate(TERMS) if name.startswith("revaluation")]].sum(axis=2)
    assert terms["asymmetric_dampening"][:-1] == pytest.approx(-WEIGHTS["asymmetric_dampening"] * np.maximum(gains, 0))
    assert path.rewards == pytest.approx(path.terms.sum(axis=2))
