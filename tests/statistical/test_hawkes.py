"""Takers against the theory of Hawkes processes, with tilt, news excitation, parent orders and regimes off.

Every check is at a false-alarm rate of about 1e-4 (4 standard errors, or p < 1e-4) and fixes its seed. Source: Hawkes 1971
(means and count variance); Ogata 1988 (time rescaling).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from mm_env.config import MarketConfig
from mm_env.config.io import load_config, override
from mm_env.market.build import build_market
from mm_env.sim.batch import Batch
from mm_env.sim.step import MARKET
from mm_env.theory.hawkes import Hawkes, count_dispersion, rescaled_times
from mm_env.theory.takers import PLAIN, process_of, taker_path

ALARM = 1e-4
ERRORS = 4.0
ONE = {"flow.hawkes_cross_side": 0.0, "flow.hawkes_cross_symbol": 0.0, "flow.hawkes_mu": 10.0}
PUBLISHED = {**PLAIN, **ONE, "flow.hawkes_alpha": 40.0, "flow.hawkes_beta": 60.0}  # VALIDATION: branching 2/3


def batch_of(preset: str, changes: dict[str, Any], number: int, seed: int) -> tuple[Batch, Any]:
    config = override(load_config(preset), changes)
    market = build_market(config)
    batch = Batch(market.params, number, market.capacity, market.headlines, threads=1)
    batch.seed([np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(number)])
    batch.reset()
    return batch, config


def events(preset: str, changes: dict[str, Any], end: float, seed: int = 4) -> tuple[np.ndarray, np.ndarray, MarketConfig]:
    """Times and dimensions of the takers of one path on [0, end], started without excitation."""
    config = override(load_config(preset), changes)
    return *taker_path(config, end, seed), config


def p_values(times: np.ndarray, dims: np.ndarray, process: Hawkes) -> list[float]:
    """Of Exp(1) for each dimension's compensator between its events."""
    return [stats.kstest(values, "expon").pvalue for values in rescaled_times(times, dims, process, start=0.0)]


@pytest.mark.parametrize("preset", ["one_symbol", "two_symbols"])
def test_rescaled_times_are_exponential(preset: str) -> None:
    times, dims, config = events(preset, PLAIN, 8000.0)
    assert min(p_values(times, dims, process_of(config))) > ALARM


def test_wrong_decays_and_a_lost_cross_excitation_are_caught() -> None:
    times, dims, config = events("two_symbols", PLAIN, 8000.0)
    right = process_of(config)
    assert p_values(times, dims, Hawkes(right.baseline, right.jump, 1.5 * right.decay))[0] < ALARM
    strong = {**PLAIN, "flow.hawkes_cross_side": 0.4, "flow.hawkes_mu": 0.1}
    times, dims, config = events("one_symbol", strong, 20_000.0)
    assert p_values(times, dims, process_of(config))[0] > ALARM
    lost = override(config, {"flow.hawkes_cross_side": 0.0})
    assert p_values(times, dims, process_of(lost))[0] < ALARM


def test_mean_rates_of_the_running_market() -> None:
    """Counts of every dimension over 64 markets of 400 s against (I - ||Phi||)^-1 mu, the burn-in being long enough."""
    batch, config = batch_of("two_symbols", {**PLAIN, "episode.burn_in_seconds": 60.0}, 64, 9)
    command = np.full(64, MARKET, np.uint8)
    for _ in range(400):
        batch.step(np.zeros((64, 6), np.float32), 0, command)
    rates = batch.states["takers"] / 400.0
    expected = process_of(config).rates
    error = rates.std(axis=0, ddof=1) / np.sqrt(64)
    assert (np.abs(rates.mean(axis=0) - expected) < ERRORS * error).all()
    assert (np.abs(rates.mean(axis=0) - config.flow.hawkes_baseline(2)) > ERRORS * error).all()  # excitation counts


@pytest.mark.parametrize(("tau", "published"), [(0.02, 2.406), (0.1, 5.541), (0.5, 8.200), (2.0, 8.800)])
def test_count_variance_over_mean(tau: float, published: float) -> None:
    """mu 10, alpha 40, beta 60: kappa² + (1 - kappa²)(1 - exp(-omega tau)) / (omega tau)."""
    exact = count_dispersion(40.0, 60.0, tau)
    assert exact == pytest.approx(published, abs=5e-4)
    times, dims, _ = events("one_symbol", PUBLISHED, 12_000.0)
    own = times[(dims == 0) & (times > 10.0)] - 10.0
    counts = np.bincount((own / tau).astype(int), minlength=int(11_990 / tau))[: int(11_990 / tau)].astype(float)
    blocks = np.array_split(counts, 60)
    ratios = np.array([block.var() / block.mean() for block in blocks])
    jackknife = np.array([np.concatenate(blocks[:k] + blocks[k + 1 :]) for k in range(60)], dtype=object)
    leave_out = np.array([c.var() / c.mean() for c in jackknife])
    error = np.sqrt(59 / 60 * ((leave_out - leave_out.mean()) ** 2).sum())
    assert ratios.size == 60
    assert abs(counts.var() / counts.mean() - exact) < ERRORS * error
    assert abs(1.0 - exact) > ERRORS * error  # a Poisson process would be caught


@pytest.mark.parametrize("window", [0.1, 1.0])
def test_covariances_of_all_counts(window: float) -> None:
    """Four dimensions, two exponentials, nothing symmetric; 10 covariances of each window, errors over 50 blocks.

    False alarms: 20 two-sided tests of 4.5 errors with 49 degrees of freedom, 8e-4. Each planted bug is seen.
    """
    rng = np.random.default_rng(2)
    jump = (rng.uniform(0.0, 1.0, (2, 4, 4)) * np.array([0.3, 3.0])[:, None, None]).tolist()
    changes = {"flow.hawkes_mu": [1.0, 0.5, 2.0, 1.5], "flow.hawkes_alpha": jump, "flow.hawkes_beta": [2.0, 15.0]}
    times, dims, config = events("two_symbols", {**PLAIN, **changes}, 20_100.0)
    right = process_of(config)
    late = times >= 100.0
    cells, number = ((times[late] - 100.0) / window).astype(int), round(20_000 / window)
    counts = np.stack([np.bincount(cells[dims[late] == d], minlength=number)[:number] for d in range(4)])
    blocks = np.array([np.cov(block) for block in np.split(counts, 50, axis=1)])
    error = blocks.std(axis=0, ddof=1) / np.sqrt(50)
    assert (np.abs(blocks.mean(axis=0) - right.count_covariance(window)) < 4.5 * error).all()
    swapped = Hawkes(right.baseline, right.jump.transpose(0, 2, 1), right.decay)
    quicker = Hawkes(right.baseline, 1.3 * right.jump, 1.3 * right.decay)
    for wrong in (swapped, quicker):
        assert (np.abs(blocks.mean(axis=0) - wrong.count_covariance(window)) > 4.5 * error).any()


def test_poisson_takers_are_poisson() -> None:
    times, dims, config = events("one_symbol", {**PLAIN, "flow.use_hawkes": False}, 8000.0)
    rate = process_of(config).rates
    for dim in range(2):
        gaps = np.diff(times[dims == dim])
        assert stats.kstest(gaps * rate[dim], "expon").pvalue > ALARM
