"""Closed forms of Hawkes processes: published figures, against each other, limiting cases, and against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, linalg, special, stats

from mm_env.config.io import load_config, override
from mm_env.theory.hawkes import (
    Hawkes,
    count_dispersion,
    exponential_fit,
    kolmogorov_tail,
    rescaled_times,
    signature_plot,
)
from mm_env.theory.matrices import exponential
from mm_env.theory.takers import process_of


@pytest.mark.parametrize("window, published", [(0.02, 2.406), (0.1, 5.541), (0.5, 8.200), (2.0, 8.800)])
def test_dispersion_of_counts_as_published(window, published):
    assert count_dispersion(40.0, 60.0, window) == pytest.approx(published, abs=5e-4)
    process = Hawkes.one(10.0, 40.0, 60.0)
    assert process.rates == pytest.approx([30.0]) and process.branching_ratio == pytest.approx(2 / 3)
    assert process.count_covariance(window)[0, 0] / (30.0 * window) == pytest.approx(count_dispersion(40.0, 60.0, window))


@pytest.mark.parametrize("window, published", [(0.2, 2.102), (1.0, 1.433), (5.0, 1.072), (20.0, 1.000)])
def test_signature_plot_as_published(window, published):
    assert signature_plot(0.5, 1.2, 2.0, window) == pytest.approx(published, abs=5e-4)
    assert Hawkes.crossing(0.5, 1.2, 2.0).signature(window) == pytest.approx(signature_plot(0.5, 1.2, 2.0, window))


def test_without_excitation_counts_are_poisson():
    process = Hawkes(np.array([2.0, 5.0]), np.zeros((1, 2, 2)), np.array([3.0]))
    assert process.count_covariance(0.7) == pytest.approx(np.diag([1.4, 3.5]))
    assert count_dispersion(0.0, 3.0, 0.7) == 1.0 and signature_plot(2.0, 0.0, 3.0, 0.7) == pytest.approx(4.0)
    assert count_dispersion(40.0, 60.0, 0.0) == 1.0


def test_long_windows_tell_the_branching_ratio_and_short_ones_nothing():
    assert count_dispersion(40.0, 60.0, 1e6) == pytest.approx(9.0, rel=1e-6)
    assert count_dispersion(40.0, 60.0, 1e-9) == pytest.approx(1.0, rel=1e-6)
    assert Hawkes.one(10.0, 40.0, 60.0).count_covariance(1e4)[0, 0] == pytest.approx(9.0 * 3e5, rel=1e-3)


@given(st.integers(0, 10**6), st.floats(0.05, 5.0))
def test_two_equal_exponentials_are_one_and_streams_that_are_apart_add_up(seed, window):
    rng = np.random.default_rng(seed)
    jump, decay, mu = rng.uniform(0.0, 0.4, (1, 2, 2)), rng.uniform(1.0, 3.0, 1), rng.uniform(0.1, 2.0, 2)
    one = Hawkes(mu, jump, decay)
    split = Hawkes(mu, np.concatenate([0.3 * jump, 0.7 * jump]), np.repeat(decay, 2))
    assert split.rates == pytest.approx(one.rates)
    assert split.count_covariance(window) == pytest.approx(one.count_covariance(window), rel=1e-9)
    apart = Hawkes(np.tile(mu, 2), np.kron(np.eye(2), jump[0])[None], decay)
    blocks = np.kron(np.eye(2), one.count_covariance(window))
    assert apart.count_covariance(window) == pytest.approx(blocks, rel=1e-9, abs=1e-9)
    assert apart.branching_ratio == pytest.approx(one.branching_ratio)


def test_the_long_run_covariance_of_counts():
    """It grows by (I - ‖Φ‖)⁻¹ Λ (I - ‖Φ‖)⁻ᵀ in a unit of time: Hawkes 1971."""
    jump = np.array([[[0.5, 0.3], [0.1, 0.6]], [[0.2, 0.0], [0.9, 0.4]]])
    process = Hawkes(np.array([1.0, 2.0]), jump, np.array([1.5, 4.0]))
    inverse = np.linalg.inv(np.eye(2) - process.norm)
    growth = process.count_covariance(401.0) - process.count_covariance(400.0)
    assert growth == pytest.approx(inverse @ np.diag(process.rates) @ inverse.T, rel=1e-9)


@given(st.integers(0, 10**6))
def test_rescaled_times_by_quadrature(seed):
    rng = np.random.default_rng(seed)
    process = Hawkes(rng.uniform(0.1, 1.0, 2), rng.uniform(0.0, 0.4, (2, 2, 2)), np.array([2.0, 5.0]))
    times, dims = np.sort(rng.uniform(0.5, 6.0, 12)), rng.integers(0, 2, 12)

    def intensity(t, dim):
        before = times < t
        decayed = np.exp(-process.decay[:, None] * (t - times[before]))
        return process.baseline[dim] + (process.jump[:, dim, dims[before]] * decayed).sum()

    found = rescaled_times(times, dims, process, start=0.5)
    for dim in (0, 1):
        edges = np.concatenate([[0.5], times[dims == dim]])
        for k, value in enumerate(found[dim]):
            inside = times[(times > edges[k]) & (times < edges[k + 1])]
            whole = integrate.quad(intensity, edges[k], edges[k + 1], args=(dim,), points=inside, limit=200)[0]
            assert value == pytest.approx(whole, rel=1e-6)
    since_first = rescaled_times(times, dims, process, start=float(times[0]))
    for part, whole in zip(rescaled_times(times, dims, process), since_first, strict=True):
        assert part.tolist() == whole.tolist()[1:]


@pytest.mark.parametrize("size", [20, 100, 5000])
@pytest.mark.parametrize("power", [1.0, 1.3])
def test_the_fit_of_exponential_values_is_that_of_scipy(size, power):
    values = np.random.default_rng(5).exponential(size=size) ** power
    distance, p_value = exponential_fit(values)
    expected = stats.kstest(values, "expon")
    assert distance == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, rel=0.05, abs=0.003)


@pytest.mark.parametrize("x", [0.0, 0.2, 0.5, 0.99, 1.0, 1.01, 2.0, 5.0])
def test_kolmogorov_tail(x):
    assert kolmogorov_tail(x) == pytest.approx(special.kolmogorov(x), rel=1e-9)


@pytest.mark.parametrize("scale", [0.0, 0.01, 1.0, 40.0])
def test_matrix_exponential(scale):
    matrix = scale * np.random.default_rng(2).normal(size=(5, 5))
    expected = linalg.expm(matrix)
    assert exponential(matrix) == pytest.approx(expected, rel=1e-9, abs=1e-11 * np.abs(expected).max())
    assert (exponential(np.abs(matrix)) >= 0.0).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="branching ratio 1; expected a number below 1"):
        Hawkes.one(1.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="expected 0 or more"):
        Hawkes.one(1.0, -0.1, 2.0)
    with pytest.raises(ValueError, match="expected a number above 0"):
        Hawkes.one(1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"expected \(D,\), \(K, D, D\) and \(K,\)"):
        Hawkes(np.ones(2), np.zeros((1, 3, 3)), np.ones(1))
    process = Hawkes.one(1.0, 0.5, 2.0)
    with pytest.raises(ValueError, match="times rising"):
        rescaled_times([2.0, 1.0], [0, 0], process)
    with pytest.raises(ValueError, match="dimensions 0 to 1; expected a number from 0 to 0"):
        rescaled_times([1.0, 2.0], [0, 1], process)
    with pytest.raises(ValueError, match="at least 20"):
        exponential_fit(np.ones(19))
    with pytest.raises(ValueError, match=r"expected \(n, n\), finite"):
        exponential(np.full((2, 2), math.nan))


def test_the_process_of_a_market():
    config = override(load_config("one_symbol"), {"flow.hawkes_mu": 3.0, "flow.hawkes_alpha": 1.0, "flow.hawkes_beta": 4.0,
                                                  "flow.hawkes_cross_side": 0.5})  # fmt: skip
    process = process_of(config)
    assert process.norm == pytest.approx(np.array([[0.25, 0.125], [0.125, 0.25]]))
    assert process.rates == pytest.approx(3.0 / (1 - 0.375)) and process.branching_ratio == pytest.approx(0.375)
    poisson = process_of(override(config, {"flow.use_hawkes": False}))
    assert poisson.rates == pytest.approx(process.rates) and poisson.branching_ratio == 0.0
