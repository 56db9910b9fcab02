"""Takers against the theory of Hawkes processes, with tilt, news excitation, parent orders and regimes off.

Every check is at a false-alarm rate of about 1e-4 (4 standard errors, or p < 1e-4) and fixes its seed. Source: Hawkes 1971
(means and count variance); Ogata 1988 (time rescaling).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy import stats

from mm_env.config.io import load_config, override
from mm_env.envs.market import build_market
from mm_env.sim.batch import Batch
from mm_env.sim.flow import draw_taker, taker_candidate
from mm_env.sim.ledger import FILL_DTYPE
from mm_env.sim.step import MARKET

ALARM = 1e-4
ERRORS = 4.0
PLAIN = {
    "flow.informed_share": 0.0,
    "flow.parents.rate_per_second": 0.0,
    "news.source": "none",
    "episode.initial_regime": "calm",
    "regimes.calm.mean_duration_seconds": 1e9,
}
ONE = {"flow.hawkes_cross_side": 0.0, "flow.hawkes_cross_symbol": 0.0, "flow.hawkes_mu": 10.0}
PUBLISHED = {**PLAIN, **ONE, "flow.hawkes_alpha": 40.0, "flow.hawkes_beta": 60.0}  # VALIDATION: branching 2/3


@njit
def _simulate(s, p, fills, end, times, dims):  # type: ignore[no-untyped-def]
    """The kernels' own thinning on its own clock; returns the number of takers."""
    n = 0
    draw_taker(s, p)
    while s.taker_next <= end and n < times.shape[0]:
        s.time = s.taker_next
        before = s.takers.copy()
        taker_candidate(s, p, fills)
        for d in range(before.shape[0]):
            if s.takers[d] > before[d]:
                times[n], dims[n] = s.time, d
                n += 1
    return n


def batch_of(preset: str, changes: dict[str, Any], number: int, seed: int) -> tuple[Batch, Any]:
    config = override(load_config(preset), changes)
    market = build_market(config)
    batch = Batch(market.params, number, market.capacity, market.tape, market.first, threads=1)
    batch.seed([np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(number)])
    batch.reset()
    return batch, config


def events(preset: str, changes: dict[str, Any], end: float, seed: int = 4) -> tuple[np.ndarray, np.ndarray, Any]:
    """Times and dimensions of the takers of one path on [0, end], started without excitation."""
    batch, config = batch_of(preset, {**changes, "episode.burn_in_seconds": 0.0}, 1, seed)
    times, dims = np.zeros(2_000_000), np.zeros(2_000_000, np.int64)
    fills = np.zeros(0, FILL_DTYPE)
    n = _simulate(batch.states[0], batch.params[0], fills, end, times, dims)
    assert 0 < n < times.size
    return times[:n], dims[:n], config


def rescaled(times: np.ndarray, dims: np.ndarray, config: Any, dim: int, decay: float = 1.0) -> np.ndarray:
    """Compensator of one dimension between its events; `decay` distorts the assumed decays (1: the true ones)."""
    s = len(config.symbols)
    jump, beta, mu = config.flow.hawkes_matrices(s), config.flow.hawkes_decays() * decay, config.flow.hawkes_baseline(s)
    excitation, last, total, out = np.zeros(len(beta)), 0.0, 0.0, []
    for t, d in zip(times, dims, strict=True):
        factor = np.exp(-beta * (t - last))
        total += mu[dim] * (t - last) + float((excitation * (1 - factor) / beta).sum())
        excitation, last = excitation * factor, t
        if d == dim:
            out.append(total)
            total = 0.0
        excitation = excitation + jump[:, dim, d]
    return np.array(out)


@pytest.mark.parametrize("preset", ["one_symbol", "two_symbols"])
def test_rescaled_times_are_exponential(preset: str) -> None:
    times, dims, config = events(preset, PLAIN, 8000.0)
    for dim in range(2 * len(config.symbols)):
        assert stats.kstest(rescaled(times, dims, config, dim), "expon").pvalue > ALARM


def test_wrong_decays_and_a_lost_cross_excitation_are_caught() -> None:
    times, dims, config = events("two_symbols", PLAIN, 8000.0)
    assert stats.kstest(rescaled(times, dims, config, 0, decay=1.5), "expon").pvalue < ALARM
    strong = {**PLAIN, "flow.hawkes_cross_side": 0.4, "flow.hawkes_mu": 0.1}
    times, dims, config = events("one_symbol", strong, 20_000.0)
    assert stats.kstest(rescaled(times, dims, config, 0), "expon").pvalue > ALARM
    lost = override(config, {"flow.hawkes_cross_side": 0.0})
    assert stats.kstest(rescaled(times, dims, lost, 0), "expon").pvalue < ALARM


def test_mean_rates_of_the_running_market() -> None:
    """Counts of every dimension over 64 markets of 400 s against (I - ||Phi||)^-1 mu, the burn-in being long enough."""
    batch, config = batch_of("two_symbols", {**PLAIN, "episode.burn_in_seconds": 60.0}, 64, 9)
    command = np.full(64, MARKET, np.uint8)
    for _ in range(400):
        batch.step(np.zeros((64, 6), np.float32), 0, command)
    rates = batch.states["takers"] / 400.0
    jump, beta = config.flow.hawkes_matrices(2), config.flow.hawkes_decays()
    norm = (jump / beta[:, None, None]).sum(axis=0)
    expected = np.linalg.solve(np.eye(4) - norm, config.flow.hawkes_baseline(2))
    error = rates.std(axis=0, ddof=1) / np.sqrt(64)
    assert (np.abs(rates.mean(axis=0) - expected) < ERRORS * error).all()
    assert (np.abs(rates.mean(axis=0) - config.flow.hawkes_baseline(2)) > ERRORS * error).all()  # excitation counts


@pytest.mark.parametrize(("tau", "published"), [(0.02, 2.406), (0.1, 5.541), (0.5, 8.200), (2.0, 8.800)])
def test_count_variance_over_mean(tau: float, published: float) -> None:
    """mu 10, alpha 40, beta 60: kappa² + (1 - kappa²)(1 - exp(-omega tau)) / (omega tau)."""
    kappa, omega = 3.0, 20.0
    exact = kappa**2 + (1 - kappa**2) * (1 - np.exp(-omega * tau)) / (omega * tau)
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


def test_poisson_takers_are_poisson() -> None:
    times, dims, config = events("one_symbol", {**PLAIN, "flow.use_hawkes": False}, 8000.0)
    rate = np.linalg.solve(
        np.eye(2) - (config.flow.hawkes_matrices(1) / config.flow.hawkes_decays()[:, None, None]).sum(axis=0),
        config.flow.hawkes_baseline(1),
    )
    for dim in range(2):
        gaps = np.diff(times[dims == dim])
        assert stats.kstest(gaps * rate[dim], "expon").pvalue > ALARM
