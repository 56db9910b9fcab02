"""The agent's covariances and its alpha, as the kernels keep them, against the whole path."""

from __future__ import annotations

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.policies.registry import get_policy
from tests.unit.sim.recorded_path import CONFIG, STEPS, Path

HORIZON = {"risk.var_covariance": "horizon", "risk.horizon_half_life_seconds": 40.0, "episode.burn_in_seconds": 0.0}


def played(steps: int, **changes: object) -> tuple[MultiVenueVectorEnv, np.ndarray]:
    """An env after that many steps, and the seen mids [ticks] from the first on."""
    config = override(load_config("two_symbols"), {**HORIZON, "episode.steps": steps + 1, **changes})
    envs = MultiVenueVectorEnv(3, config)
    envs.reset(seed=4)
    policy = get_policy("as")
    seen = [envs.batch.states["seen_mid"][:, :2].copy()]
    for _ in range(steps):
        envs.step(policy.act(envs))
        seen.append(envs.batch.states["seen_mid"][:, :2].copy())
    return envs, np.array(seen)


@pytest.mark.parametrize("horizon", [1, 10, 25])
def test_the_covariance_is_that_of_overlapping_moves(horizon):
    envs, seen = played(300, **{"risk.var_horizon_seconds": float(horizon)})
    start = [symbol.start_price / symbol.tick_size for symbol in envs.config.symbols]
    # the first change is from the start price to what was seen at the reset
    path = np.concatenate([np.broadcast_to(start, (1, 3, 2)), seen])
    keep = 0.5 ** (1.0 / 40.0)
    prior = (1e-4 * envs.config.risk.prior_volatility_bps_per_sqrt_second * np.array(start)) ** 2
    expected = np.broadcast_to(np.diag(prior), (3, 2, 2)).copy()
    for k in range(horizon, len(path)):
        move = path[k] - path[k - horizon]
        weight = max(1.0 - keep, 1.0 / (k + 4 * horizon))
        expected += weight * (move[:, :, None] * move[:, None, :] / horizon - expected)
    np.testing.assert_allclose(envs.batch.states["horizon_covariance"][:, :2, :2], expected, rtol=1e-9)


def test_the_var_and_its_hedge_read_that_covariance():
    envs, _ = played(200)
    state, quantile = envs.batch.states[0], float(envs.batch.params[0]["var_quantile"])
    exposure = state["inventory"][:2] * envs.batch.params[0]["lot_value"][:2]
    sd = np.sqrt(exposure @ state["horizon_covariance"][:2, :2] @ exposure * 10.0)
    assert state["value_at_risk"][0] == pytest.approx(quantile * sd)
    assert sd > 0.0
    steps = np.sqrt(exposure @ state["covariance"][:2, :2] @ exposure * 10.0)
    assert abs(sd / steps - 1.0) > 0.01, "and not the covariance of steps"


def test_the_covariance_of_steps_stays_the_default_and_its_paths_do_not_change():
    plain, _ = played(50, **{"risk.var_covariance": "steps"})
    other, _ = played(50, **{"risk.var_covariance": "steps", "risk.horizon_half_life_seconds": 7.0})
    assert load_config(None).risk.var_covariance == "steps"
    assert (plain.batch.states["horizon_move"] == 0.0).all()
    assert plain.batch.states["cash"].tolist() == other.batch.states["cash"].tolist()


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
