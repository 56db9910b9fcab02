"""Markets in which a property once failed, made as plain as they go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mm_env.config import MarketConfig
from mm_env.market.params import make_params
from mm_env.sim.batch import Batch
from mm_env.sim.laws import lomax_mean, placement_quantiles
from mm_env.sim.state import capacity_for
from tests.differential import driver
from tests.differential.pair import Pair
from tests.property.watch import ASK, BID, Watch

RESIDUAL, ABSOLUTE = 0, 1


def market(**sections: Any) -> MarketConfig:
    """One symbol on one venue without headlines, and what differs."""
    plain: dict[str, Any] = {"symbols": ["XYZ"], "venues": [{"name": "V"}], "news": {"source": "none"}}
    return MarketConfig.model_validate(plain | sections)


def test_an_order_that_fills_while_its_shrink_is_under_way_is_not_replaced() -> None:
    """The shrunk order came back whole, and the inventory passed its limit."""
    config = market(
        symbols=[{"name": "XYZ", "quote_size": 12, "inventory_limit": 12}],
        venues=[{"name": "V", "latency_ms": 1500.0, "data_latency_ms": 500.0}],
        policy={"size_skew": 3.0, "fill_decay": 1e6, "risk_aversion": 1e-9},
        episode={"steps": 400},
    )
    for seed in range(8):
        watch = Watch(config, seed)
        for _ in range(config.episode.steps):
            watch.step(np.zeros(3), RESIDUAL)
        assert abs(int(watch.batch.states["inventory"][0, 0])) <= 12


@pytest.mark.parametrize("data", [0.0, 500.0])
def test_a_hedge_without_latency_counts_against_the_limit_of_the_quotes_beside_it(data: float) -> None:
    """Messages that arrive at once were taken for seen, so a hedge and a quote filled the limit each."""
    config = market(
        symbols=[{"name": "XYZ", "quote_size": 12, "inventory_limit": 12}],
        venues=[{"name": "V", "latency_ms": 0.0, "data_latency_ms": data}],
        policy={"hedge_action_lots": 12},
        episode={"steps": 200},
    )
    for seed in range(4):
        watch, rng = Watch(config, seed), np.random.default_rng(seed)
        for _ in range(config.episode.steps):
            watch.step(np.array([-1.0, -1.0, rng.choice([-1.0, 0.0, 1.0])]), ABSOLUTE)
        assert watch.batch.states["step"][0] == config.episode.steps


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_messages_that_arrive_as_the_data_are_taken(seconds: float, share: float) -> None:
    """Order and data latency add up to a step: the last bit of two sums must not decide what is under way."""
    config = market(
        symbols=[{"name": "XYZ", "quote_size": 12, "inventory_limit": 12, "activity": 10.0}],
        venues=[{"name": "V", "latency_ms": 1e3 * seconds * (1 - share), "data_latency_ms": 1e3 * seconds * share}],
        policy={"hedge_action_lots": 12},
        episode={"steps": 300, "step_seconds": seconds},
    )
    watch, rng = Watch(config, 1), np.random.default_rng(1)
    for _ in range(config.episode.steps):
        watch.step(rng.uniform(-1.0, 1.0, 3), RESIDUAL)
    assert watch.batch.states["step"][0] == config.episode.steps


def test_a_quote_past_what_an_integer_holds_is_no_quote() -> None:
    """The price overflowed, and the widest ask became the tightest."""
    config = market(
        symbols=[{"name": "XYZ", "start_price": 1e9, "tick_size": 1.0, "lot_size": 1e-6}],
        policy={"risk_aversion": 1e4, "horizon_seconds": 1e6},
        risk={"prior_volatility_bps_per_sqrt_second": 100.0},
        episode={"steps": 30},
    )
    watch = Watch(config, 2)
    for _ in range(config.episode.steps):
        watch.step(np.array([1.0, 1.0, 0.0]), RESIDUAL)
        s = watch.batch.states[0]
        assert s["quote"][0, BID] < s["seen_mid"][0] < s["quote"][0, ASK]


def test_a_still_market_leaves_the_spread_finite() -> None:
    """The slow variance died out before the fast one, and their ratio was infinite."""
    config = market(
        symbols=[{"name": "XYZ", "volatility_bps_per_sqrt_second": 0.0}],
        policy={"volatility_half_life_seconds": 1e4},
        risk={"covariance_half_life_seconds": 0.03},
        flow={"hawkes_mu": 0.0, "makers": {"limit_rate_per_second": 1e-6}, "parents": {"rate_per_second": 0.0}},
        episode={"steps": 60},
    )
    watch = Watch(config, 3)
    for _ in range(config.episode.steps):
        watch.step(np.zeros(3), RESIDUAL)
        assert watch.batch.states[0]["default_half_spread"][0] < 100.0


def test_placement_distances_end_at_their_limit_however_steep() -> None:
    for exponent in (0.1, 1.6, 20.0):
        for offset in (1e-3, 2.0, 100.0):
            distances = placement_quantiles(offset, exponent, 60.0)
            assert np.isfinite(distances).all() and (np.diff(distances) >= 0.0).all()
            assert distances[-1] == pytest.approx(60.0, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-9, 0.5, 30.0, 1e6])
@pytest.mark.parametrize("exponent", [1.06, 2.2, 19.0])
def test_mean_of_sizes_with_a_far_cap(scale: float, exponent: float) -> None:
    """The sum over a million sizes is taken in closed form."""
    n = np.arange(1, 1_000_000)
    assert lomax_mean(scale, exponent, 1_000_000) == pytest.approx(1 + ((1 + n / scale) ** -exponent).sum(), rel=1e-10)


def test_unequal_activity_keeps_the_mean_rate_without_excitation() -> None:
    symbols = [{"name": "A"}, {"name": "B", "activity": 4.0}]
    flow = {"hawkes_mu": 0.5, "hawkes_alpha": [4.0], "hawkes_beta": [10.0], "hawkes_cross_symbol": 0.8}
    config = market(symbols=symbols, flow=flow)
    norm = config.flow.hawkes_matrices(2).sum(axis=0) / 10.0
    mean = np.linalg.solve(np.eye(4) - norm, [0.5, 0.5, 2.0, 2.0])
    poisson = make_params(market(symbols=symbols, flow={**flow, "use_hawkes": False}))
    assert poisson["hawkes_mu"][:4] == pytest.approx(mean)


def test_a_large_fill_at_a_high_price_is_paid_in_full() -> None:
    """Price times lots passed what an integer holds."""
    pair = Pair(market(symbols=[{"name": "XYZ", "lot_size": 1.0}]), seed=0)
    s, price, lots = pair.states[0], 2**45, 1_000_000
    s["own_price"][0, 0, BID], s["own_quantity"][0, 0, BID] = price, lots
    driver.happen(pair.states, pair.params, pair.fills, driver.TAKE, 0, 0, BID, 0, lots, False)
    value = float(price) * lots * 0.01
    assert s["cash"] == pytest.approx(-value * (1.0 - 0.2e-4), rel=1e-12)
    assert pair.fills[0, 0]["fee"] == pytest.approx(-0.2e-4 * value, rel=1e-12)


def test_a_level_holds_all_the_lots_that_come() -> None:
    """Orders that never leave and sizes at the top of their range: a level's lots must not wrap around."""
    makers = {
        "limit_rate_per_second": 1e4, "size_mean_lots": 1000.0, "cancel_rate_per_second": 1e-6,
        "placement_offset_ticks": 1e-3, "placement_exponent": 20.0, "queue_reaction": 0.0,
        "stale_cancel_multiplier": 1.0,
    }  # fmt: skip
    config = market(
        symbols=[{"name": "XYZ", "volatility_bps_per_sqrt_second": 0.0}],
        flow={"makers": makers, "hawkes_mu": 0.0, "parents": {"rate_per_second": 0.0}},
        episode={"burn_in_seconds": 0.0, "steps": 300},
    )
    batch = Batch(make_params(config), 1, capacity_for(1, 1), threads=1)
    batch.seed([np.random.SeedSequence(0)])
    batch.reset()
    for _ in range(config.episode.steps):
        batch.step(np.ones((1, 3), np.float32), RESIDUAL)
    s = batch.states[0]
    assert (s["depth"] >= 0).all()
    assert (s["depth"].sum(axis=-1, dtype=np.int64) == s["resting"]).all()


def test_a_quoting_grid_past_any_price_is_no_error() -> None:
    symbol = {"name": "XYZ", "tick_size": 1e-9, "start_price": 1e-3}
    config = market(symbols=[symbol], policy={"min_tick": 1e12, "max_tick": 1e12})
    assert 1e9 < make_params(config)["min_tick_ticks"][0] <= make_params(config)["max_tick_ticks"][0]
