"""Hedges of a recorded path, recomputed with numpy's own arithmetic."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.sim.recorded_path import CONFIG, Path


def test_the_hedge_reaches_its_target_and_no_further(path: Path) -> None:
    """With VaR over its limit the hedge brings it to the target, or spends its budget; a lot less would not do."""
    r = CONFIG.risk
    states, reached, capped = path.states[:-1], 0, 0
    lots = states["seen_position"].sum(axis=3)
    for t, i in np.argwhere(states["default_hedge"].any(axis=2)):
        hedge, before = states["default_hedge"][t, i], states["value_at_risk"][t, i, 1]
        assert before > r.portfolio_var_limit
        budget = math.ceil(r.hedge_fraction_portfolio * np.abs(lots[t, i]).sum())
        assert np.abs(hedge).sum() <= budget
        sigma, value = states["covariance"][t, i], path.params["lot_value"]

        def sd(held: np.ndarray, sigma: np.ndarray = sigma, value: np.ndarray = value) -> float:
            return float(np.sqrt((held * value) @ sigma @ (held * value)))

        target = sd(lots[t, i]) * r.hedge_target * r.portfolio_var_limit / before
        after = sd(lots[t, i] + hedge)
        if after <= target * (1 + 1e-9):
            reached += 1
            if np.count_nonzero(hedge) == 1:
                assert sd(lots[t, i] + hedge - np.sign(hedge)) > target
        elif np.abs(hedge).sum() == budget:
            capped += 1
    assert reached > 20
    assert not states["default_hedge"][states["value_at_risk"][:, :, 1] <= r.portfolio_var_limit].any()
