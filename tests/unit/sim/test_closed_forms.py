"""The closed forms: published digits, limits, and the matrix exponential where others lose its sign."""

import math

import numpy as np
import pytest
from scipy.linalg import expm

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.market.classic import ClassicMarket, build_classic
from mm_env.sim.classic.flow import reach_quotes
from mm_env.sim.closed_forms import cj_depths, glft_finite_depths, glft_slopes


def market(**sections) -> ClassicMarket:
    return build_classic(load_config(sections, ClassicConfig))


GLFT = {
    "mid": {"volatility": 0.3},
    "flow": {"arrival_rate": 0.9, "fill_decay": 0.3},
    "policy": {"name": "glft", "risk_aversion": 0.01},
    "episode": {"horizon": 600.0, "step": 1.0, "inventory_limit": 30},
}
CJ = {
    "flow": {"arrival_rate": 140.0, "fill_decay": 1.5},
    "policy": {"name": "cj"},
    "reward": {"inventory_penalty": 0.01, "terminal_penalty": 0.001},
    "episode": {"inventory_limit": 100},
}


def scratch(n: int) -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(n) for _ in range(3))


def test_avellaneda_stoikov_spread_and_skew():
    """VALIDATION section 1: spread γσ²(T - t) + (2/γ) ln(1 + γ/k), half on either side of s - qγσ²(T - t)."""
    depths = market().depths()
    left = 0.005 * np.arange(200, 0, -1)[:, None]
    q = np.arange(-200, 201)
    half = 0.5 * 0.1 * 4.0 * left + math.log1p(0.1 / 1.5) / 0.1
    np.testing.assert_allclose(depths[..., 0], half + q * 0.4 * left, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(depths[..., 1], half - q * 0.4 * left, rtol=1e-12, atol=1e-12)


def test_the_symmetric_spread_is_the_mean_of_the_quoted_spreads():
    depths, inventory = market(policy={"name": "as_symmetric"}).depths(), market().depths()
    np.testing.assert_allclose(depths.sum(axis=2), inventory.sum(axis=2).mean(), rtol=1e-12)
    np.testing.assert_array_equal(depths[..., 0], depths[..., 1])
    assert depths[0, 0].sum() == pytest.approx(1.49, abs=0.005)


@pytest.mark.parametrize("name", ["as", "as_symmetric", "glft"])
def test_without_risk_aversion_half_the_spread_is_one_over_k(name):
    for aversion in (0.0, 1e-9):
        found = market(policy={"name": name, "risk_aversion": aversion}).depths()
        np.testing.assert_allclose(found[:, 195:206], 1 / 1.5, atol=1e-3)
    assert np.abs(found[:, 200] - 1 / 1.5).max() < 1e-5


def test_glft_published_digits():
    depths = market(**GLFT).depths()
    for q, bid in ((-5, 2.973586), (0, 3.312915), (5, 3.652244)):
        assert depths[0, 30 + q, 0] == pytest.approx(bid, abs=5e-7)
        assert depths[0, 30 - q, 1] == pytest.approx(bid, abs=5e-7)
        assert depths[0, 30 + q].sum() == pytest.approx(6.625830, abs=5e-7)


def test_glft_of_a_finite_horizon_published_digits_and_its_limit():
    config = GLFT | {"policy": GLFT["policy"] | {"glft_horizon": "finite"}}
    depths = market(**config).depths()
    assert depths[0, 30] == pytest.approx([3.313045, 3.313045], abs=5e-7)
    rolling = market(**(config | {"policy": config["policy"] | {"horizon": 600.0}})).depths()
    np.testing.assert_allclose(rolling[123], depths[0], rtol=1e-9)
    far = market(**config | {"episode": {"horizon": 6000.0, "step": 60.0, "inventory_limit": 120}}).depths()
    np.testing.assert_allclose(far[0, 115:126], market(**GLFT).depths()[0, 25:36], atol=2e-3)


def test_cj_published_digits():
    depths = market(**CJ).depths()
    assert depths[0, 100] == pytest.approx([0.672137, 0.672137], abs=5e-7)
    assert depths[0, 105] == pytest.approx([0.726824, 0.617442], abs=5e-7)


def generator(q: np.ndarray, curvature: float, off: float) -> np.ndarray:
    return np.diag(-curvature * q.astype(float) ** 2) + off * (np.eye(len(q), k=1) + np.eye(len(q), k=-1))


def reference_depths(log_w: np.ndarray, decay: float, least: float) -> np.ndarray:
    """Depths at -Q to Q, NaN where a side is not quoted."""
    step = np.diff(log_w) / decay
    return np.stack([np.append(least - step, np.nan), np.append(np.nan, least + step)], axis=1)


def test_cj_is_the_matrix_exponential():
    """Against scipy's dense one, which is exact to rounding while nothing underflows."""
    q, k, rate, phi, alpha = np.arange(-6, 7), 2.0, 30.0, 0.4, 0.3
    table = np.zeros((13, 2))
    cj_depths(np.array([phi, alpha]), k, rate, 0.7, *scratch(13), table)
    weights = expm(0.7 * generator(q, phi * k, rate / math.e)) @ np.exp(-alpha * k * q**2.0)
    expected = reference_depths(np.log(weights), k, 1 / k)
    quoted = ~np.isnan(expected)
    np.testing.assert_allclose(table[quoted], expected[quoted], rtol=1e-10)


def test_finite_glft_is_the_matrix_exponential_and_cj_in_disguise():
    q, k, rate, gamma, variance = np.arange(-6, 7), 1.2, 3.0, 0.5, 0.8
    power = (1 + gamma / k) ** (1 + k / gamma)
    table, twin = np.zeros((13, 2)), np.zeros((13, 2))
    glft_finite_depths(gamma, k, rate, variance, 2.0, *scratch(13), table)
    weights = expm(2.0 * generator(q, 0.5 * k * gamma * variance, rate / power)) @ np.ones(13)
    least = math.log1p(gamma / k) / gamma
    expected = reference_depths(np.log(weights), k, least)
    quoted = ~np.isnan(expected)
    np.testing.assert_allclose(table[quoted], expected[quoted], rtol=1e-10)
    cj_depths(np.array([0.5 * gamma * variance, 0.0]), k, rate * math.e / power, 2.0, *scratch(13), twin)
    np.testing.assert_allclose(table, twin - 1 / k + least, rtol=1e-10)


def test_weights_stay_positive_where_an_eigendecomposition_loses_their_sign():
    q, k, rate, phi, alpha = np.arange(-150, 151), 1.5, 140.0, 1.0, 0.1
    values, vectors = np.linalg.eigh(generator(q, phi * k, rate / math.e))
    bad = vectors @ (np.exp(values) * (vectors.T @ np.exp(-alpha * k * q**2.0)))
    assert (bad <= 0.0).any(), "the case was to be one that defeats it"
    table = np.zeros((301, 2))
    cj_depths(np.array([phi, alpha]), k, rate, 1.0, *scratch(301), table)
    assert np.isfinite(table).all()
    assert (np.diff(table[:-1, 0]) > 0).all() and (np.diff(table[1:, 1]) < 0).all(), "depths lean ever more"
    few = np.zeros((41, 2))
    cj_depths(np.array([phi, alpha]), k, rate, 1.0, *scratch(41), few)
    np.testing.assert_allclose(table[140:161], few[10:31], rtol=1e-9)


def test_one_step_and_many_give_the_same_weights():
    grid = market(**CJ | {"episode": {"inventory_limit": 20, "step": 0.01}})
    rolling = market(**CJ | {"policy": {"name": "cj", "horizon": 1.0}, "episode": {"inventory_limit": 20, "step": 0.01}})
    np.testing.assert_allclose(grid.depths()[0], rolling.depths()[0], rtol=1e-10)
    assert len(rolling.table) == 1


def test_at_the_horizon_only_the_terminal_penalty_counts():
    table = np.zeros((11, 2))
    cj_depths(np.array([3.0, 0.2]), 1.5, 140.0, 0.0, *scratch(11), table)
    q = np.arange(-5, 5)
    np.testing.assert_allclose(table[:-1, 0], 1 / 1.5 + 0.2 * (2 * q + 1), rtol=1e-12)


def test_slopes_of_many_envs_are_those_of_one():
    slopes = np.zeros((2, 3))
    variance = np.array([[0.09, 0.0, 1.0], [0.09, 4.0, 0.25]])
    glft_slopes(np.array([0.01, 0.5]), np.array([0.3, 2.0]), np.array([0.9, 5.0]), variance, slopes)
    assert slopes[0, 0] == pytest.approx(market(**GLFT).params["glft_slope"]) and slopes[0, 1] == 0.0
    expected = math.sqrt(4.0 * 0.5 / (2 * 2.0 * 5.0) * (1 + 0.25) ** (1 + 4.0))
    assert slopes[1, 1] == pytest.approx(expected)


def test_the_exponential_function_is_exact_to_rounding_and_saturates():
    x = np.concatenate([np.linspace(-708, 709, 200_001), np.random.default_rng(0).uniform(-30, 30, 100_000), [0.0]])
    found = x.copy()
    reach_quotes(found)
    assert np.abs(found / np.exp(x) - 1).max() < 5e-16
    assert found[-1] == 1.0
    ends = np.array([-1e9, -709.0, 800.0])
    reach_quotes(ends)
    np.testing.assert_allclose(ends, np.exp([-708.0, -708.0, 709.0]), rtol=1e-15)
