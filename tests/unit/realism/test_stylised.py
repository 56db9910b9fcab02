"""Estimators of stylised facts on synthetic data with a known answer, and the bugs that the known answers would catch."""

import math

import numpy as np
import pytest

from mm_env.realism.stylised import (
    autocorrelation,
    exceedance,
    hill,
    hurst_of,
    jackknife,
    kurtosis,
    log_log_slope,
    moves,
    sign_memory,
)
from mm_env.realism.stylised_book import (
    imbalance_prediction,
    impact,
    signature,
    signature_ratio,
    spread_shares,
)

CLOSE = 4.5  # standard errors: a seeded check that is right fails with probability below 1e-5


def near(value, error, expected):
    return abs(value - expected) < CLOSE * error


def walk(moves_):
    return np.concatenate([np.zeros((1, *moves_.shape[1:])), np.cumsum(moves_, axis=0)])


def laplace(envs=40, symbols=2, n=6000, seed=1):
    rng = np.random.default_rng(seed)
    return rng.laplace(size=(n, envs, symbols)) * np.array([1.0, 5.0])[:symbols]


def ar1(phi, n=4000, envs=40, seed=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, envs, 1))
    for t in range(1, n):
        x[t] += phi * x[t - 1]
    return x


def parents_flow(exponent, n=20_000, envs=12, seed=3):
    """Signs of which each run is of Pareto length of tail 1 + exponent: the autocorrelation falls as lag**-exponent."""
    rng = np.random.default_rng(seed)
    flow = np.zeros((n, envs, 1), np.int16)
    for e in range(envs):
        lengths = np.ceil(rng.uniform(size=n) ** (-1.0 / (1.0 + exponent))).astype(int)
        flow[:, e, 0] = np.repeat(rng.choice([-1, 1], n), lengths)[1000 : n + 1000]
    return flow


def test_jackknife_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(0).normal(3.0, 2.0, size=50)
    measured = jackknife(np.stack([x, np.ones(50)], axis=-1), lambda s: s[0] / s[1])
    assert measured.pair() == pytest.approx((x.mean(), x.std(ddof=1) / math.sqrt(50)))
    with pytest.raises(ValueError, match="1 envs; expected 2 or more"):
        jackknife(np.ones((1, 2)), lambda s: s[0])


def test_kurtosis_of_laplace_falls_with_the_horizon_as_one_over_it():
    measured = kurtosis(walk(laplace()), (1, 3, 10))
    for k, expected in enumerate((3.0, 1.0, 0.3)):
        value, error = measured.at(k)
        assert near(value, error, expected) and error < 0.3
    pooled = walk(laplace()).reshape(6001, 80, 1)  # planted: symbols of different sd taken for one
    assert not near(*kurtosis(pooled, (1,)).at(0), 3.0)


def test_moves_do_not_overlap_and_have_no_mean():
    path = np.arange(11.0)[:, None, None] ** 2 * np.ones((1, 2, 1))
    assert moves(path, 5)[:, 0, 0].tolist() == [-25.0, 25.0]
    with pytest.raises(ValueError, match="steps 11; expected a number from 1 to 10"):
        moves(path, 11)


@pytest.mark.parametrize("exponent", [2.5, 4.0])
def test_hill_finds_the_tail_of_a_pareto_law(exponent):
    rng = np.random.default_rng(5)
    r = rng.uniform(size=(5000, 40, 2)) ** (-1.0 / exponent) * rng.choice([-1, 1], (5000, 40, 2))
    value, error = hill(r, 0.01).pair()
    assert near(value, error, exponent) and error < 0.1 * exponent
    assert not near(*hill(np.sign(r) * r**2, 0.01).pair(), exponent)  # planted: a tail half as steep


def test_exceedance_of_a_normal_law():
    r = np.random.default_rng(6).normal(size=(20_000, 10, 1)) * 7.0
    for share, x in zip(exceedance(r, [0.0, 1.0, 2.0]), (0.0, 1.0, 2.0), strict=True):
        assert share == pytest.approx(math.erfc(x / math.sqrt(2.0)), abs=0.005)


def test_autocorrelation_of_an_autoregression_and_of_noise():
    lags = [1, 2, 5]
    measured = autocorrelation(ar1(0.5), lags)
    for k, lag in enumerate(lags):
        assert near(*measured.at(k), 0.5**lag)
        assert not near(*measured.at(k), 0.5 ** (lag + 1))  # planted: a lag that is off by one
    noise = autocorrelation(ar1(0.0), lags)
    assert all(near(*noise.at(k), 0.0) for k in range(3))
    assert noise.error == pytest.approx(1.0 / math.sqrt(4000 * 40), rel=0.5)
    with pytest.raises(ValueError, match="expected one or more, from 1 to"):
        autocorrelation(np.zeros((10, 2, 1)), [10])


def test_the_mean_that_is_taken_off_is_that_of_all_envs():
    x = np.random.default_rng(7).choice([-1.0, 1.0], (1, 400, 1)) * np.ones((50, 1, 1))
    assert autocorrelation(x, [1]).value[0] == pytest.approx(1.0)  # an env's own mean would leave nothing


def test_log_log_slope():
    x = np.array([1.0, 3.0, 10.0, 40.0])
    assert log_log_slope(x, 2.0 * x**-0.7) == pytest.approx(-0.7)
    assert math.isnan(log_log_slope(x, [1.0, 0.5, -0.1, 0.1])) and math.isnan(log_log_slope([1.0], [1.0]))


def test_sign_memory_of_pareto_runs_is_long():
    memory = sign_memory(parents_flow(0.5), 3, 100)
    value, error = memory.exponent.pair()
    assert abs(value - 0.5) < CLOSE * error + 0.05 and error < 0.1
    assert memory.hurst.pair() == pytest.approx((1.0 - value / 2.0, error / 2.0))
    steep, steep_error = sign_memory(parents_flow(1.2), 3, 100).exponent.pair()  # planted: a shorter memory
    assert not abs(steep - 0.5) < CLOSE * steep_error + 0.05


def test_sign_memory_counts_trades_and_not_time():
    flow = parents_flow(0.5)
    sparse = np.zeros((3 * len(flow), *flow.shape[1:]), np.int16)
    sparse[::3] = 4 * flow
    assert sign_memory(sparse, 3, 100).exponent.pair() == pytest.approx(sign_memory(flow, 3, 100).exponent.pair())


def test_signs_without_memory_have_no_power_law():
    flow = np.random.default_rng(8).choice([-1, 1], (5000, 10, 1))
    memory = sign_memory(flow, 3, 100)
    assert math.isnan(memory.exponent.pair()[0]) and all(near(*memory.curve.at(k), 0.0) for k in range(len(memory.lags)))


def test_signs_of_too_few_trades_have_no_power_law():
    memory = sign_memory(np.ones((20, 3, 1), np.int16), 5, 100)
    assert math.isnan(memory.exponent.pair()[0]) and memory.curve.value[0] == pytest.approx(1.0)


def test_hurst_of_the_exponent():
    assert hurst_of(jackknife([[0.6], [0.6]], lambda s: s[0] / 2.0)).pair() == pytest.approx((0.7, 0.0))


def test_spread_shares_count_valid_time_alone():
    spread = np.array([[[1], [1]], [[2], [1]], [[-1], [30]], [[7], [5]]])
    valid = np.array([[[1], [1]], [[1], [1]], [[1], [1]], [[0], [0]]], bool)
    shares = spread_shares(spread, valid, widest=4).value
    assert shares.tolist() == pytest.approx([4 / 6, 1 / 6, 0.0, 1 / 6])


def test_signature_of_a_walk_is_flat_and_of_a_bounce_falls():
    rng = np.random.default_rng(9)
    steps = rng.normal(size=(20_000, 20, 2)) * 2.0
    flat = signature(walk(steps), (1, 10, 50), 0.5)
    assert all(near(*flat.at(k), 8.0) for k in range(3))  # variance 4 in half a second
    assert near(*signature_ratio(walk(steps), 1, 50, 0.5).pair(), 1.0)
    bounce = walk(steps) + rng.normal(size=(20_001, 20, 2)) * 2.0
    assert near(*signature_ratio(bounce, 1, 50, 0.5).pair(), (4.0 + 8.0) / (4.0 + 8.0 / 50))


def test_imbalance_that_leads_the_mid():
    rng = np.random.default_rng(10)
    x = rng.uniform(-1.0, 1.0, size=(20_000, 10, 1))
    noise = rng.normal(size=x.shape)
    mid = walk(0.3 * x + noise)[:-1]
    found = imbalance_prediction(x, mid, 1)
    assert near(*found.slope.pair(), 0.3)
    assert near(*found.correlation.pair(), 0.3 * math.sqrt(1 / 3) / math.sqrt(0.09 / 3 + 1.0))
    assert near(*found.by_bin.at(9), 0.3 * 0.9) and found.centres[9] == pytest.approx(0.9)
    late = imbalance_prediction(np.roll(x, -1, axis=0), mid, 1)  # planted: the imbalance after the move
    assert near(*late.slope.pair(), 0.0)


def test_impact_of_a_square_root_law():
    rng = np.random.default_rng(11)
    sizes = np.array([4.0, 8.0, 16.0, 64.0, 256.0])
    response = 0.3 * np.sqrt(sizes) + rng.normal(size=(2000, 5)) + rng.normal(size=(2000, 1))
    found = impact(sizes, response)
    assert near(*found.exponent.pair(), 0.5) and found.prefactor == pytest.approx(0.3, rel=0.25)
    assert found.curve.error == pytest.approx(math.sqrt(2.0 / 2000), rel=0.1)
    assert near(*found.bend.pair(), 0.0)
    noise = 0.5 * (response - 0.3 * np.sqrt(sizes))
    line = impact(sizes, noise + 0.25 + 0.01 * sizes)  # planted: a fixed cost and a line
    assert 0.3 < line.exponent.pair()[0] < 0.8 and not near(*line.bend.pair(), 0.0) and line.bend.pair()[0] > 0.3
    assert not near(*impact(sizes, response**2).exponent.pair(), 0.5)
    assert math.isnan(impact(sizes, -response).exponent.pair()[0])
