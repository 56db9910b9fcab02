"""Properties of any valid market under any actions; `watch` says which, `strategies` says of which markets."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mm_env.config import MarketConfig
from mm_env.sim.state import WINDOW
from tests.property.strategies import configs
from tests.property.watch import ASK, BID, Watch

SEEDS = st.integers(0, 2**32 - 1)
STYLES = st.sampled_from(["uniform", "ends", "tight", "wide", "still"])
RESIDUAL, ABSOLUTE = 0, 1
# A market is a large thing to draw, and its episode takes a tenth of a second.
LARGE = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def act(rng: np.random.Generator, symbols: int, style: str) -> np.ndarray:
    """(3S,) one action of a style: anything, only ends of the range, quotes through the market, far quotes, nothing."""
    action = rng.uniform(-1.0, 1.0, 3 * symbols)
    if style == "ends":
        action = np.sign(action)
    elif style in ("tight", "wide"):
        action.reshape(symbols, 3)[:, :2] = -1.0 if style == "tight" else 1.0
    elif style == "still":
        action[:] = 0.0
    return action


def watch_episode(config: MarketConfig, seed: int, style: str, mode: int) -> Watch:
    """Check an episode to its end."""
    watch = Watch(config, seed)
    rng = np.random.default_rng(seed)
    for _ in range(config.episode.steps):
        watch.step(act(rng, len(config.symbols), style), mode)
    return watch


@LARGE
@given(configs(2, 3), SEEDS, STYLES)
def test_small_markets_with_residual_actions(config: MarketConfig, seed: int, style: str) -> None:
    watch = watch_episode(config, seed, style, RESIDUAL)
    assert watch.batch.states["step"][0] == config.episode.steps


@LARGE
@given(configs(2, 3), SEEDS, STYLES)
def test_small_markets_with_absolute_actions(config: MarketConfig, seed: int, style: str) -> None:
    watch = watch_episode(config, seed, style, ABSOLUTE)
    assert watch.batch.states["step"][0] == config.episode.steps


@LARGE
@given(configs(3, 4), SEEDS, STYLES, st.sampled_from([RESIDUAL, ABSOLUTE]))
def test_larger_markets(config: MarketConfig, seed: int, style: str, mode: int) -> None:
    watch = watch_episode(config, seed, style, mode)
    assert watch.batch.states["step"][0] == config.episode.steps


def late(steps: float, data: float = 0.0) -> MarketConfig:
    """One venue that orders reach after so many steps, and whose data are so many steps old."""
    return MarketConfig.model_validate(
        {
            "symbols": ["XYZ"],
            "venues": [{"name": "V", "latency_ms": 1000.0 * steps, "data_latency_ms": 1000.0 * data}],
            "news": {"source": "none"},
            "episode": {"steps": 60},
        }
    )


@pytest.mark.parametrize("steps", [0.0, 0.5, 1.5, 2.5, 3.0])
def test_no_order_acts_before_its_latency(steps: float) -> None:
    watch = Watch(late(steps), seed=7)
    for k in range(6):
        watch.step(np.array([0.0, 0.0, 1.0]), RESIDUAL)
        s = watch.batch.states[0]
        if k + 1 < steps:
            assert s["posted"].sum() == 0 and s["hedged_lots"].sum() == 0 and s["cash"] == 0.0
        elif k + 1 > steps + 1:
            assert s["posted"].sum() > 0 and s["hedged_lots"].sum() > 0


def test_episodes_trade_in_every_role() -> None:
    """The properties above are not about an idle agent."""
    watch = watch_episode(late(0.5, 0.5), 3, "tight", RESIDUAL)
    s = watch.batch.states[0]
    assert watch.maker_lots > 100 and s["hedged_lots"].sum() > 100 and s["liquidated"].any()


def cross(watch: Watch) -> None:
    s = watch.batch.states[0]
    price = int(s["best"][0, 0, ASK])
    s["depth"][0, 0, BID, price % WINDOW] += 1
    s["resting"][0, 0, BID] += 1
    s["best"][0, 0, BID] = price


def change(field: str, by: float, place: tuple[int, ...] = (0,)) -> Callable[[Watch], None]:
    def plant(watch: Watch) -> None:
        watch.batch.states[field][(0, *place)] += by

    return plant


def go_back(watch: Watch) -> None:
    """Every own order loses its place."""
    s = watch.batch.states[0]
    assert (s["own_quantity"] > 0).any()
    s["own_ahead"][s["own_quantity"] > 0] += 10_000


def lower_limit(watch: Watch) -> None:
    watch.p = watch.p.copy()
    watch.p["inventory_limit"][0] = 1


def lose_a_fill(watch: Watch) -> None:
    watch.batch.states["inventory"][0, 0] -= 1
    watch.batch.states["position"][0, 0, 0] -= 1


def kernel_param(field: str, value: float) -> Callable[[Watch], None]:
    """The kernel runs with another parameter than the configuration says."""

    def plant(watch: Watch) -> None:
        watch.p = watch.p.copy()
        watch.batch.params[field][:] = value

    return plant


PLANTS = {
    "a crossed book": cross,
    "a lost lot": change("depth", -1, (0, 0, 0, 0)),
    "a forgotten queue": change("queue", 1.0, (0, 0, 0)),
    "a rate that is not summed": change("maker_rate", 1.0, ()),
    "a touch that is not moved": change("touch", 1, (0, 0)),
    "stale lots that are not counted": change("stale", 1, (0, 0, 0)),
    "a longer total": change("resting", 1, (0, 0, 0)),
    "a worse place in the queue": go_back,
    "a lost fill": lose_a_fill,
    "a cent": change("cash", 0.01, ()),
    "attribution that drifts": change("attribution", 0.01, (0, 0, 0)),
    "profit that nobody made": change("pnl", 0.01, ()),
    "volume from nowhere": change("taker_volume", 1, ()),
    "an undefined number": change("sentiment", math.nan),
    "an infinite one": change("route_adverse", math.inf, (0, 0)),
    "an order that is too quick": kernel_param("latency_seconds", 0.0),
    "data that are too fresh": kernel_param("data_latency_seconds", 0.0),
    "a passed limit": lower_limit,
    "quotes that are tighter than asked": kernel_param("residual_half_spreads", 3.0),
    "a fee that is not charged": kernel_param("maker_fee", 0.0),
    "a reward that is not profit": kernel_param("weight", 0.5),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
def test_the_watch_finds_a_planted_bug(plant: Callable[[Watch], None]) -> None:
    watch = Watch(late(1.5, 0.5), seed=9)
    rng = np.random.default_rng(9)
    tight = np.array([-0.9, -0.9, 0.0])
    for _ in range(8):
        watch.step(tight, RESIDUAL)
    plant(watch)

    def go_on() -> None:
        watch.check_books()
        watch.check_kept()
        for _ in range(25):
            watch.step(tight + rng.uniform(-0.1, 0.1, 3), RESIDUAL)

    with pytest.raises(AssertionError):
        go_on()
