"""Makers whose events excite others: a Hawkes process in the time of the queues, with the rate and the clustering of theory.

Each check compares with a law at a stated number of standard errors, with a false-alarm rate below 1e-4.
"""

from __future__ import annotations

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.errors import ConfigError
from mm_env.market.build import build_market
from mm_env.sim.batch import Batch
from mm_env.sim.book_log import CANCELLED, PLACED
from mm_env.sim.state import WINDOW
from mm_env.sim.step import MARKET

STEADY = {
    "news.source": "none",
    "flow.hawkes_mu": 1e-6,
    "flow.parents.rate_per_second": 0.0,
    "flow.makers.queue_reaction": 0.0,
    "flow.makers.imbalance_reaction": 0.0,
    "flow.makers.cancel_rate_per_second": 1e-6,
    "flow.makers.limit_rate_per_second": 5.0,
    "episode.burn_in_seconds": 10.0,
    "regimes": [{"name": "calm"}],
}


def counts(changes: dict[str, object], steps: int) -> np.ndarray:
    """(steps,) events a second of a market of makers that only place."""
    market = build_market(override(load_config("one_symbol"), {**STEADY, **changes}))
    batch = Batch(market.params, 1, market.capacity, market.headlines, threads=1)
    batch.seed([np.random.SeedSequence(3)])
    batch.reset()
    told = np.zeros(steps)
    for k in range(steps):
        before = int(batch.states["events"][0])
        batch.run(np.zeros((1, 3), np.float32), 0, np.full(1, MARKET, np.uint8))
        told[k] = batch.states["events"][0] - before
    return told


def dispersion(told: np.ndarray, window: int) -> tuple[float, float]:
    """Variance over mean of counts in windows, and its standard error by blocks of the windows."""
    sums = told[: len(told) // window * window].reshape(-1, window).sum(axis=1)
    squares = (sums - sums.mean()) ** 2 / sums.mean()
    return float(squares.mean()), float(squares.std() / np.sqrt(len(squares)))


def test_clusters_and_rate_are_those_of_a_hawkes_process():
    n, beta, window = 0.6, 4.0, 5
    told = counts({"flow.makers.burst_shares": [n], "flow.makers.burst_decays_per_second": [beta]}, 40_000)
    kappa, omega = 1.0 / (1.0 - n), beta * (1.0 - n)
    law = kappa**2 + (1.0 - kappa**2) * (1.0 - np.exp(-omega * window)) / (omega * window)
    value, error = dispersion(told, window)
    assert abs(value - law) < 4.5 * error
    assert error < 0.1 * law
    spread = np.sqrt(told.mean() * kappa**2 / len(told))
    assert abs(told.mean() - 10.0) < 4.5 * spread


def test_two_exponentials_bring_about_as_many_as_their_shares():
    told = counts({"flow.makers.burst_shares": [0.3, 0.3], "flow.makers.burst_decays_per_second": [50.0, 4.0]}, 40_000)
    value, error = dispersion(told, 20)
    assert abs(value - 1.0 / 0.4**2) < 4.5 * error + 0.1 * 6.25  # a window is not quite endless
    assert abs(told.mean() - 10.0) < 4.5 * np.sqrt(10.0 * 6.25 / len(told))


def test_without_bursts_counts_are_those_of_poisson():
    value, error = dispersion(counts({}, 20_000), 5)
    assert abs(value - 1.0) < 4.5 * error


def test_takers_excite_makers():
    """With takers that no maker follows the rate of makers is theirs alone; with bursts it is above."""
    busy = {
        "flow.hawkes_mu": 2.0,
        "flow.hawkes_alpha": 0.0,
        "flow.hawkes_beta": 1.0,
        "flow.makers.cancel_rate_per_second": 0.5,
    }
    bursts = {"flow.makers.burst_shares": [0.5], "flow.makers.burst_decays_per_second": [5.0]}
    plain, excited = counts(busy, 4000).mean(), counts({**busy, **bursts}, 4000).mean()
    assert 1.15 < excited / plain < 1.6


def test_measured_laws_of_sizes_and_distances_are_drawn_from():
    changes = {
        "flow.makers.size_quantiles_lots": [1, 1, 7],
        "flow.makers.placement_quantiles_ticks": [3.0, 3.0, 8.0, 8.0],
        "flow.makers.cancel_rate_per_second": 1e-6,
    }
    market = build_market(override(load_config("one_symbol"), {**STEADY, **changes}))
    sizes = market.params["maker_sizes"]
    assert set(sizes.tolist()) == {1, 7}
    assert (sizes == 7).mean() == pytest.approx(0.25, abs=0.01)
    distance = market.params["placement_quantiles_ticks"]
    assert (distance[0], distance[-1]) == (3.0, 8.0)
    assert np.interp(0.5, np.linspace(0, 1, 64), distance) == pytest.approx(5.5)


def test_odd_lots_are_cancelled_whole_and_others_in_round_lots():
    changes = {
        "flow.makers.size_quantiles_lots": [3, 10, 10, 20],
        "flow.makers.round_lot_lots": 10,
        "flow.makers.cancel_rate_per_second": 0.5,
    }
    market = build_market(override(load_config("one_symbol"), {**STEADY, **changes}))
    batch = Batch(market.params, 1, market.capacity, market.headlines, threads=1, log_books=True)
    batch.seed([np.random.SeedSequence(3)])
    batch.reset()
    odd = 0
    for _ in range(200):
        depth = {
            (int(v), int(side), int(k)): int(lots)
            for (v, side, k), lots in np.ndenumerate(batch.states["depth"][0, 0])
            if lots > 0
        }
        batch.run(np.zeros((1, 3), np.float32), 0, np.full(1, MARKET, np.uint8))
        for row in batch.logged_changes(0):
            place = (int(row["venue"]), int(row["side"]), int(row["price"]) % WINDOW)
            before = depth.get(place, 0)
            if row["kind"] == PLACED:
                depth[place] = before + int(row["lots"])
                continue
            if row["kind"] == CANCELLED and before > 0:
                assert row["lots"] % 10 == 0 or row["lots"] in (before % 10, before)  # all, where the window left
                odd += row["lots"] % 10 > 0
            depth[place] = before - int(row["lots"])
    assert odd > 20


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("burst_shares", [0.6, 0.5], "a sum below 1"),
        ("burst_decays_per_second", [1.0], "as many as burst_shares, 0"),
        ("size_quantiles_lots", [3, 1], "never fall"),
        ("placement_quantiles_ticks", [1.0, 99.0], "60"),
    ],
)
def test_laws_that_cannot_be_are_told(key, value, message):
    with pytest.raises(ConfigError, match=message):
        override(load_config(None), {f"flow.makers.{key}": value})
