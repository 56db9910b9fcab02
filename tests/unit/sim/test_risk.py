"""Value at risk and expected shortfall, recomputed from a recorded path with numpy's own arithmetic."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from tests.unit.sim.recorded_path import CONFIG, Path


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
