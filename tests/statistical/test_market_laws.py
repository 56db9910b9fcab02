"""Laws of the running market. Each test fixes its seed and tests at a false-alarm rate of about 1e-4 (4 standard errors)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.market.build import build_market
from mm_env.sim.batch import Batch
from mm_env.sim.news import TAPE_DTYPE
from mm_env.sim.step import MARKET

ERRORS = 4.0
STILL = {
    "symbols.XYZ.volatility_bps_per_sqrt_second": 0.0,
    "symbols.ABC.volatility_bps_per_sqrt_second": 0.0,
    "flow.impact_kappa": 0.0,
    "episode.initial_regime": "calm",
    "regimes.calm.mean_duration_seconds": 1e9,
    "news.source": "none",
}


def batch_of(changes: dict[str, Any], number: int, tape: np.ndarray | None = None, seed: int = 3) -> Batch:
    market = build_market(override(load_config(None), {"episode.steps": 100_000, **changes}))
    params = market.params.copy()
    if tape is not None:
        params["news_source"] = 2
    batch = Batch(
        params,
        number,
        market.capacity,
        market.headlines if tape is None else market.headlines._replace(tape=tape),
        threads=1,
    )
    batch.seed([np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(number)])
    batch.reset()
    return batch


def advance(batch: Batch, steps: int) -> None:
    """The market alone, without an agent."""
    command = np.full(batch.number, MARKET, np.uint8)
    for _ in range(steps):
        batch.step(np.zeros((batch.number, 3 * batch.symbols), np.float32), 0, command)


def headline(polarity: float, symbol: int, time: float = 0.5) -> np.ndarray:
    tape = np.zeros(1, TAPE_DTYPE)
    tape["polarity"], tape["symbol"], tape["time"], tape["stated"], tape["score"] = polarity, symbol, time, 1, polarity
    return tape


def test_a_headline_moves_the_price_at_once_and_then_by_a_drift_that_halves() -> None:
    changes = {**STILL, "news.impact_bps": 50.0, "news.immediate_share": 0.4, "news.drift_half_life_seconds": 4.0}
    batch = batch_of({**changes, "episode.burn_in_seconds": 0.0}, 1, headline(0.5, 0))
    start = batch.states["price"][0].copy()
    moves = []
    for _ in range(60):
        advance(batch, 1)
        moves.append(np.log(batch.states["price"][0] / start))
    seconds = np.arange(1, 61) - 0.5
    drifted = 1 - 0.5 ** (seconds / 4.0)
    assert np.array(moves)[:, 0] == pytest.approx(25e-4 * (0.4 + 0.6 * drifted), rel=1e-6)
    assert np.array(moves)[:, 1] == pytest.approx(0.0)


def test_a_market_wide_headline_moves_all_symbols_and_a_bad_one_moves_them_down() -> None:
    batch = batch_of({**STILL, "episode.burn_in_seconds": 0.0}, 1, headline(-1.0, -1))
    start = batch.states["price"][0].copy()
    advance(batch, 5)
    assert (batch.states["price"][0] < start).all()


def test_a_headline_excites_takers_of_its_side() -> None:
    changes = {**STILL, "news.impact_bps": 0.0, "news.excitation_per_second": 5.0, "flow.parents.rate_per_second": 0.0}
    quiet = {"flow.use_hawkes": False, "flow.informed_share": 0.0}
    batch = batch_of({**changes, **quiet, "news.excitation_half_life_seconds": 3.0}, 400, headline(0.5, 0))
    before = batch.states["takers"].copy()
    advance(batch, 60)
    counts = batch.states["takers"] - before
    extra = counts[:, 0] - counts[:, 1].mean()
    expected = 0.5 * 5.0 * 3.0 / np.log(2.0)  # rate x mean life
    error = np.sqrt(counts[:, 0].var() / 400 + counts[:, 1].var() / 400)
    assert abs(extra.mean() - expected) < ERRORS * error


def test_regimes_hold_their_share_of_time() -> None:
    changes = {"regimes.calm.mean_duration_seconds": 30.0, "regimes.stress.mean_duration_seconds": 10.0}
    batch = batch_of({**changes, "episode.burn_in_seconds": 0.0}, 200)
    shares = []
    for _ in range(150):
        advance(batch, 1)
        shares.append(batch.states["regime"] == 1)
    per_env = np.mean(shares, axis=0)
    assert abs(per_env.mean() - 0.25) < ERRORS * per_env.std() / np.sqrt(200)


def test_diffusion_has_the_configured_volatility_and_correlation() -> None:
    changes = {"correlation": 0.6, "news.source": "none", "flow.impact_kappa": 0.0}
    batch = batch_of({**changes, "episode.initial_regime": "calm", "regimes.calm.mean_duration_seconds": 1e9}, 100)
    prices = [np.log(batch.states["price"])]
    for _ in range(100):
        advance(batch, 1)
        prices.append(np.log(batch.states["price"]))
    moves = np.diff(prices, axis=0).reshape(-1, 2)
    n = len(moves)
    for symbol, volatility in enumerate((1.0e-4, 1.5e-4)):
        assert abs(moves[:, symbol].std() / volatility - 1) < ERRORS / np.sqrt(2 * n)
    assert abs(np.corrcoef(moves.T)[0, 1] - 0.6) < ERRORS * (1 - 0.36) / np.sqrt(n)


def test_impact_follows_the_surprise_and_is_a_martingale() -> None:
    """Persistent signs (parents, Hawkes) do not make the efficient price predictable from past flow."""
    changes = {**STILL, "flow.impact_kappa": 0.05, "flow.parents.rate_per_second": 0.1}
    batch = batch_of({**changes, "flow.impact_permanent_share": 1.0}, 200)
    flows, moves = [], []
    last, price = batch.states["takers"].copy(), np.log(batch.states["price"])
    for _ in range(200):
        advance(batch, 1)
        now = batch.states["takers"] - last
        last = batch.states["takers"].copy()
        flows.append(now[:, 0] - now[:, 1])
        moves.append(np.log(batch.states["price"][:, 0]) - price[:, 0])
        price = np.log(batch.states["price"])
    flow, move = np.array(flows, float), np.array(moves)
    n = flow[1:].size
    signs = np.corrcoef(flow[:-1].ravel(), flow[1:].ravel())[0, 1]
    assert signs > 20 / np.sqrt(n)  # the flow itself is predictable,
    # two steps on, as what a step's last microstep surprised with moves the price in the next step
    predicted = np.corrcoef(flow[:-2].ravel(), move[2:].ravel())[0, 1]
    same = np.corrcoef(flow.ravel(), move.ravel())[0, 1]
    assert same > 0.2  # it moves the price,
    assert abs(predicted) < ERRORS * 1.5 / np.sqrt(n)  # but its past does not (heavy tails widen the error)
    mean = move.sum(axis=0)
    assert abs(mean.mean()) < ERRORS * mean.std() / np.sqrt(200)


def test_a_share_of_the_impact_decays() -> None:
    """A surprise of 100 lots, and nothing else that moves the price: all of it at once, half of the rest gone in 30 s."""
    batch = batch_of({**STILL, "flow.impact_kappa": 0.05, "flow.hawkes_mu": 0.0, "flow.parents.rate_per_second": 0.0}, 1)
    batch.params["volatility_per_sqrt_second"][:] = 0.0
    batch.states["surprise"][:, 0] = 100.0
    start, moves = float(np.log(batch.states["price"][0, 0])), []
    for _ in range(120):
        advance(batch, 1)
        moves.append(1e4 * (np.log(batch.states["price"][0, 0]) - start))
    whole, permanent = 0.05 * 100, 0.2
    gone = 0.5 ** ((np.arange(1, 121) - 0.1) / 30.0)  # since the first microstep of ten
    assert moves == pytest.approx(whole * (permanent + (1 - permanent) * gone), rel=1e-9)


def test_parent_orders_give_signs_a_long_memory() -> None:
    """Autocorrelation of signed taker counts 10 s apart: near none without parents, clear with them."""
    memory = {}
    for rate in (0.0, 0.05):
        quiet = {"flow.use_hawkes": False, "flow.informed_share": 0.0, "flow.parents.rate_per_second": rate}
        batch = batch_of({**STILL, **quiet, "flow.hawkes_mu": 0.02, "flow.parents.children_exponent": 1.2}, 100)
        last, flows = batch.states["takers"].copy(), []
        for _ in range(200):
            advance(batch, 1)
            now = batch.states["takers"] - last
            last = batch.states["takers"].copy()
            flows.append(now[:, 0] - now[:, 1])
        flow = np.array(flows, float)
        memory[rate] = np.corrcoef(flow[:-10].ravel(), flow[10:].ravel())[0, 1]
    assert abs(memory[0.0]) < ERRORS / np.sqrt(190 * 100)
    assert memory[0.05] > 2 * ERRORS / np.sqrt(190 * 100)


def test_two_policies_see_the_same_regimes_news_and_diffusion() -> None:
    paths = []
    for actions in (0.0, 1.0):
        batch = batch_of({"flow.impact_kappa": 0.0}, 8)
        for _ in range(100):
            batch.step(np.full((8, 6), actions, np.float32), 0)
        kept = ("regime", "price_moves", "headline", "news_next")
        paths.append({name: batch.states[name].copy() for name in kept} | {"filled": batch.states["filled"].copy()})
    for name in ("regime", "headline", "news_next"):
        assert np.array_equal(paths[0][name], paths[1][name])
    assert paths[0]["price_moves"] == pytest.approx(paths[1]["price_moves"], rel=1e-9)
    assert not np.array_equal(paths[0]["filled"], paths[1]["filled"])
