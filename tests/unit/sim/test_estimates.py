"""What the agent estimates and is paid, recomputed from a recorded path with numpy's own arithmetic."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.market.build import build_market
from mm_env.sim.batch import Batch
from mm_env.sim.state import REWARDS, TERMS

WEIGHTS = {
    "profit": 1.0,
    "inventory_penalty": 1e-4,
    "terminal_penalty": 1e-3,
    "hedging_cost": 0.5,
    "exponential_utility": 2.0,
    "asymmetric_dampening": 0.3,
}
STEPS = 150
CONFIG = override(
    load_config(None),
    {"episode.steps": STEPS, "risk.portfolio_var_limit": 60.0, "risk.es_window": 64, "risk.var_method": "cornish_fisher"}
    | {f"reward.{name}": weight for name, weight in WEIGHTS.items()},
)
KEPT = (
    "seen_mid", "covariance", "inventory", "seen_position", "value_at_risk", "expected_shortfall", "alpha", "sentiment",
    "imbalance", "attribution", "pnl", "default_hedge", "marginal_var", "variance_fast", "change_count",
)  # fmt: skip


class Path:
    """States and results of a batch after the reset and after each step, stacked on a time axis."""

    def __init__(self) -> None:
        market = build_market(CONFIG)
        batch = Batch(market.params, 16, market.capacity, market.headlines, threads=1)
        batch.seed([np.random.SeedSequence(5, spawn_key=(i,)) for i in range(16)])
        batch.reset()
        states, terms, rewards = [batch.states[list(KEPT)].copy()], [], []
        for _ in range(STEPS):
            batch.step(np.zeros((16, 6), np.float32), 0)
            states.append(batch.states[list(KEPT)].copy())
            terms.append(batch.results["terms"].copy())
            rewards.append(batch.results["reward"].copy())
        self.states, self.terms, self.rewards = np.stack(states), np.stack(terms), np.stack(rewards)
        self.liquidated = batch.states["liquidated"].copy()
        self.changes, self.counts = batch.states["changes"].copy(), batch.states["change_count"].copy()
        self.params = market.params


@pytest.fixture(scope="module")
def path() -> Path:
    return Path()


def test_covariance_is_the_ewma_of_seen_changes(path: Path) -> None:
    keep = 0.5 ** (1 / CONFIG.risk.covariance_half_life_seconds)
    change = np.diff(path.states["seen_mid"], axis=0)
    expected = path.states["covariance"][0].copy()
    for k in range(STEPS):
        expected = keep * expected + (1 - keep) * change[k][:, :, None] * change[k][:, None, :]
        assert path.states["covariance"][k + 1] == pytest.approx(expected)


def test_alpha_smooths_the_blend(path: Path) -> None:
    p, smooth = CONFIG.policy, CONFIG.policy.alpha_smooth
    blend = p.alpha_weight * path.states["sentiment"] + p.obi_weight * path.states["imbalance"]
    expected = path.states["alpha"][:-1] + smooth * (blend[1:] - path.states["alpha"][:-1])
    assert path.states["alpha"][1:] == pytest.approx(expected)
    assert np.abs(path.states["sentiment"]).max() > 0.1
    assert np.abs(path.states["imbalance"]).max() <= 1.0


def exposures(path: Path) -> np.ndarray:
    """(T, N, S) currency a tick."""
    return np.asarray(path.states["seen_position"].sum(axis=3) * path.params["lot_value"])


def test_parametric_var_and_its_marginals(path: Path) -> None:
    x, sigma = exposures(path), path.states["covariance"]
    variance = np.einsum("tni,tnij,tnj->tn", x, sigma, x) * CONFIG.risk.var_horizon_seconds
    var = NormalDist().inv_cdf(CONFIG.risk.var_conf) * np.sqrt(variance)
    assert path.states["value_at_risk"][:, :, 0] == pytest.approx(var)
    assert var.max() > 10.0
    lots = path.states["seen_position"].sum(axis=3)
    euler = (path.states["marginal_var"] * lots).sum(axis=2)  # VaR is homogeneous of degree one
    assert euler == pytest.approx(var)


def test_window_figures_at_the_end(path: Path) -> None:
    """Historical VaR, expected shortfall and Cornish-Fisher VaR from the last 64 changes."""
    r, window = CONFIG.risk, CONFIG.risk.es_window
    x = exposures(path)[-2]  # the last decision before the liquidation
    scale = math.sqrt(r.var_horizon_seconds / CONFIG.episode.step_seconds)
    checked = 0
    for i in range(16):
        places = [(int(path.counts[i]) - 2 - k) % path.changes.shape[2] for k in range(window)]
        profit = x[i] @ path.changes[i][:, places].astype(float)
        if not x[i].any():
            continue
        checked += 1
        losses = np.sort(-profit)[::-1]
        count = window * (1 - r.var_conf)
        historical = losses[max(1, math.ceil(count - 1e-9)) - 1]
        tail = window * (1 - r.es_conf)
        whole = max(1, math.ceil(tail - 1e-9)) - 1
        shortfall = (losses[:whole].sum() + (tail - whole) * losses[whole]) / tail
        state = path.states[-2, i]
        assert state["value_at_risk"][2] == pytest.approx(max(0.0, scale * historical))
        assert state["expected_shortfall"] == pytest.approx(max(0.0, scale * shortfall))
        m2, m3, m4 = (np.mean(profit**k) for k in (2, 3, 4))
        s, k = m3 / m2**1.5, m4 / m2**2 - 3.0
        z = NormalDist().inv_cdf(r.var_conf)
        stretched = z - (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
        sd = math.sqrt(x[i] @ state["covariance"] @ x[i] * r.var_horizon_seconds)
        assert state["value_at_risk"][1] == pytest.approx(max(0.0, sd * stretched))
    assert checked >= 8


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
