"""The random streams: laws by Kolmogorov-Smirnov at a false-alarm rate of 1e-4 each, and independence of streams."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy import stats

from mm_env.sim.rng import DIFFUSION, MAKERS, TAKERS, exponential, normal, seed_streams, uniform
from mm_env.sim.state import SIZES, state_dtype

ALARM = 1e-4
N = 200_000


@njit
def _draw(s, kind, stream, out):  # type: ignore[no-untyped-def]
    for k in range(out.shape[0]):
        if kind == 0:
            out[k] = uniform(s, stream)
        elif kind == 1:
            out[k] = exponential(s, stream)
        else:
            out[k] = normal(s, stream)


def sample(kind: int, stream: int = MAKERS, key: int = 1, episode: int = 0) -> np.ndarray:
    states = np.zeros(1, state_dtype(SIZES[0]))
    states["key"], states["episode"] = [key, 2], episode
    out = np.empty(N)
    seed_streams(states[0])
    _draw(states[0], kind, stream, out)
    return out


@pytest.mark.parametrize(("kind", "law"), [(0, stats.uniform()), (1, stats.expon()), (2, stats.norm())])
def test_law(kind: int, law: stats.rv_continuous) -> None:
    assert stats.kstest(sample(kind), law.cdf).pvalue > ALARM


@pytest.mark.parametrize(
    ("kind", "edge", "law"), [(1, 7.69711747013105, stats.expon()), (2, 3.65415288536101, stats.halfnorm())]
)
def test_the_tail(kind: int, edge: float, law: stats.rv_continuous) -> None:
    """The ziggurats' outermost layers: counts past the edge are Poisson, and what lies there has its law (1e-4 each)."""
    drawn = np.abs(np.concatenate([sample(kind, key=key) for key in range(1, 11)]))
    past = drawn[drawn > edge]
    mean = len(drawn) * law.sf(edge)
    assert stats.poisson.ppf(ALARM / 2, mean) <= len(past) <= stats.poisson.ppf(1 - ALARM / 2, mean)
    assert stats.kstest(law.sf(past) / law.sf(edge), "uniform").pvalue > ALARM


def test_the_sign_of_a_normal_is_independent_of_its_size() -> None:
    x = sample(2)
    assert abs(np.corrcoef(np.sign(x), np.abs(x))[0, 1]) < stats.norm.ppf(1 - ALARM / 2) / np.sqrt(N)
    assert abs(np.sign(x).mean()) < stats.norm.ppf(1 - ALARM / 2) / np.sqrt(N)


def test_a_wrong_law_is_caught() -> None:
    assert stats.kstest(sample(1) * 1.02, stats.expon().cdf).pvalue < ALARM


def test_streams_keys_and_episodes_are_unrelated() -> None:
    base = sample(2)
    for other in (sample(2, TAKERS), sample(2, DIFFUSION), sample(2, key=3), sample(2, episode=1)):
        assert abs(np.corrcoef(base, other)[0, 1]) < stats.norm.ppf(1 - ALARM / 2) / np.sqrt(N)
    assert np.array_equal(base, sample(2))
