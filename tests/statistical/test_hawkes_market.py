"""Takers of the running market, its makers, books and windows at work, against the theory of Hawkes processes.

Tilt, headlines, parent orders and further regimes are off. Seeds are fixed; each test states its false-alarm rate, that is
how often another seed would fail although nothing is wrong. Each has its planted bugs, in the parameters that the kernels
run with while the theory keeps the right ones. Source: VALIDATION section 4; Hawkes 1971; Ogata 1988.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mm_env.config import MarketConfig
from mm_env.market.params import make_params
from mm_env.sim.batch import Batch
from mm_env.sim.state import capacity_for
from mm_env.sim.step import MARKET
from mm_env.theory.hawkes import count_dispersion, rescaled_times
from mm_env.theory.takers import process_of
from tests.statistical.taker_times import taker_times

ENVS = 64
RARE = 1e-5  # p-value of one test of Kolmogorov and Smirnov
PUBLISHED = {"hawkes_mu": 10.0, "hawkes_alpha": 40.0, "hawkes_beta": 60.0, "hawkes_cross_side": 0.0}
_DRAWN = np.random.default_rng(1).uniform(0.0, 1.0, (2, 4, 4)) * np.array([0.3, 3.0])[:, None, None]
MATRICES = {"hawkes_mu": [1.0, 0.5, 2.0, 1.5], "hawkes_alpha": _DRAWN.tolist(), "hawkes_beta": [2.0, 15.0]}


def market(symbols: int, flow: dict[str, Any], **episode: Any) -> MarketConfig:
    """Hawkes takers and ordinary makers on two venues."""
    return MarketConfig.model_validate(
        {
            "symbols": ["XYZ", "ABC"][:symbols],
            "venues": [{"name": "A"}, {"name": "B", "tick_multiple": 2}],
            "regimes": [{"name": "calm"}],
            "news": {"source": "none"},
            "flow": {"informed_share": 0.0, "parents": {"rate_per_second": 0.0}} | flow,
            "episode": {"burn_in_seconds": 20.0} | episode,
        }
    )


def start(config: MarketConfig, envs: int, seed: int, changes: dict[str, Any] | None = None) -> Batch:
    """A batch after its burn-in. changes: parameters that the kernels use in place of the configuration's."""
    params = make_params(config).reshape(1)
    for name, change in (changes or {}).items():
        change(params[name][0])
    batch = Batch(params[0], envs, capacity_for(len(config.symbols), len(config.venues)), threads=1)
    batch.seed([np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(envs)])
    batch.reset()
    return batch


def counts(batch: Batch, steps: int) -> np.ndarray:
    """(steps, N, 2S) takers of each step."""
    dims = 2 * batch.symbols
    action, command = np.zeros((batch.number, 3 * batch.symbols), np.float32), np.full(batch.number, MARKET, np.uint8)
    totals = np.zeros((steps + 1, batch.number, dims), np.int64)
    totals[0] = batch.states["takers"][:, :dims]
    for k in range(steps):
        batch.step(action, 0, command)
        totals[k + 1] = batch.states["takers"][:, :dims]
    return np.diff(totals, axis=0)


def slower(beta: np.ndarray) -> None:
    beta[0] *= 0.8


def gone(jump: np.ndarray) -> None:
    jump[:] = 0.0


def swapped(jump: np.ndarray) -> None:
    jump[:] = jump.transpose(0, 2, 1).copy()


def own_side_only(jump: np.ndarray) -> None:
    jump *= np.eye(jump.shape[1])


def mean_errors(changes: dict[str, Any] | None = None) -> np.ndarray:
    """(2S,) mean rates minus (I - ||Phi||)^-1 mu, in standard errors over envs."""
    config = market(2, MATRICES)
    rates = counts(start(config, ENVS, 11, changes), 200).mean(axis=0)
    expected = process_of(config).rates
    return (rates.mean(axis=0) - expected) / (rates.std(axis=0, ddof=1) / np.sqrt(ENVS))


def test_mean_rates() -> None:
    """False alarms: four two-sided tests of 4 standard errors with 63 degrees of freedom, 7e-4."""
    assert (np.abs(mean_errors()) < 4.0).all()


@pytest.mark.parametrize(
    "changes",
    [{"hawkes_alpha": gone}, {"hawkes_alpha": own_side_only}, {"hawkes_alpha": swapped}, {"hawkes_beta": slower}],
    ids=["no excitation", "none of other dimensions", "rows for columns", "slow decay"],
)
def test_wrong_mean_rates_are_found(changes: dict[str, Any]) -> None:
    assert (np.abs(mean_errors(changes)) > 4.0).any()


TAUS = {0.02: 2.406, 0.1: 5.541, 0.5: 8.200, 2.0: 8.800}


def ratio_errors(changes: dict[str, Any] | None = None) -> dict[float, float]:
    """By tau: variance over mean of the counts minus its theory, in jackknife errors over envs; both sides are pooled."""
    config = market(1, PUBLISHED, step_seconds=0.02, microsteps=1, burn_in_seconds=3.0)
    fine = counts(start(config, ENVS, 12, changes), 3000)
    found = {}
    for tau, published in TAUS.items():
        exact = count_dispersion(40.0, 60.0, tau)
        assert exact == pytest.approx(published, abs=5e-4)
        steps = round(tau / 0.02)
        windows = fine.reshape(-1, steps, ENVS, 2).sum(axis=1).transpose(1, 0, 2).reshape(ENVS, -1)
        left_out = np.array([np.delete(windows, i, axis=0) for i in range(ENVS)])
        ratios = left_out.var(axis=(1, 2)) / left_out.mean(axis=(1, 2))
        error = np.sqrt((ENVS - 1) / ENVS * ((ratios - ratios.mean()) ** 2).sum())
        found[tau] = (windows.var() / windows.mean() - exact) / error
    return found


def test_counts_vary_as_published() -> None:
    """False alarms: four two-sided tests of 4 jackknife errors with 63 degrees of freedom, 7e-4."""
    errors = ratio_errors()
    assert all(abs(error) < 4.0 for error in errors.values()), errors


def half_as_quick(params: np.ndarray) -> None:
    params[0] *= 0.5


@pytest.mark.parametrize(
    ("changes", "taus"),
    [({"hawkes_alpha": gone}, list(TAUS)), ({"hawkes_alpha": half_as_quick, "hawkes_beta": half_as_quick}, [0.02, 0.1])],
    ids=["no excitation", "decay and jump halved"],
)
def test_wrong_variation_is_found(changes: dict[str, Any], taus: list[float]) -> None:
    """The second keeps the branching ratio and so the mean, and is seen in short windows alone."""
    errors = ratio_errors(changes)
    assert all(abs(errors[tau]) > 4.0 for tau in taus), errors


def rescaled_p_values(symbols: int, flow: dict[str, Any], changes: dict[str, Any] | None = None) -> list[float]:
    """p-values of Exp(1) for each dimension's compensator between events of the running market."""
    config = market(symbols, flow, burn_in_seconds=0.0)
    times, dims = taker_times(start(config, 1, 13, changes), 1500.0)
    rescaled = rescaled_times(times, dims, process_of(config))
    assert min(values.size for values in rescaled) > 500
    return [float(stats.kstest(values, "expon").pvalue) for values in rescaled]


@pytest.mark.parametrize(("symbols", "flow"), [(1, PUBLISHED), (2, MATRICES)], ids=["published", "matrices"])
def test_rescaled_times_are_exponential(symbols: int, flow: dict[str, Any]) -> None:
    """False alarms: six tests in all at 1e-5 each, 6e-5. Without a burn-in there is no past for theory to miss."""
    assert min(rescaled_p_values(symbols, flow)) > RARE


@pytest.mark.parametrize(
    "changes",
    [{"hawkes_beta": slower}, {"hawkes_alpha": gone}, {"hawkes_alpha": own_side_only}, {"hawkes_alpha": swapped}],
    ids=["slow decay", "no excitation", "none of other dimensions", "rows for columns"],
)
def test_wrongly_rescaled_times_are_found(changes: dict[str, Any]) -> None:
    assert min(rescaled_p_values(2, MATRICES, changes)) < RARE


def largest_correlation(shared: bool) -> float:
    """Largest |r| sqrt(T) over all pairs of series of counts: two sides of each env, in windows that forget each other."""
    batch = start(market(1, PUBLISHED, step_seconds=2.0), 16, 14)
    if shared:
        batch.states["key"][1] = batch.states["key"][0]
        batch.states["episode"][:] = 0
        batch.reset()
    series = counts(batch, 400).reshape(400, -1)
    matrix = np.corrcoef(series.T)
    return max(abs(matrix[a, b]) for a, b in combinations(range(32), 2)) * np.sqrt(400)


def test_every_side_of_every_env_is_on_its_own() -> None:
    """False alarms: 496 normal scores past 5.2, 1e-4. Two envs of one key are found."""
    assert largest_correlation(shared=False) < 5.2
    assert largest_correlation(shared=True) > 19.0


def test_takers_draw_from_their_own_stream() -> None:
    """Exact: whatever the makers do, the same takers come; with tilt they must not, or this would show nothing."""

    def path(rate: float, tilt: float) -> np.ndarray:
        flow = MATRICES | {"makers": {"limit_rate_per_second": rate}, "informed_share": tilt}
        return counts(start(market(2, flow), 4, 15), 50)

    assert (path(9.0, 0.0) == path(25.0, 0.0)).all()
    assert (path(9.0, 0.6) != path(25.0, 0.6)).any()
