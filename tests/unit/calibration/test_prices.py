"""Volatility, correlation and spread: known laws within their errors, and known facts of real prices."""

import numpy as np
import pytest

from mm_env.calibration.prices import Mids, correlation, hayashi_yoshida, moves, spread, volatility, weighted_quantile
from mm_env.data.events import ReadReport
from mm_env.data.readers import open_data
from mm_env.errors import DataError
from tests.unit.calibration.made import SECOND, quotes
from tests.unit.data.made_events import joined


def test_mids_are_the_last_of_each_time_and_only_where_they_change():
    events = quotes([1, 1, 2, 3, 4, 5], [9, 10, 10, np.nan, 11, 11], [11, 12, 12, 12, 13, 13])
    mids = Mids.of(events)
    assert mids.time.tolist() == [SECOND, 4 * SECOND]
    assert mids.price.tolist() == [11.0, 12.0]
    np.testing.assert_array_equal(mids.at(np.array([0, 1, 3, 4, 9]) * SECOND), [np.nan, 11, 11, 12, 12])
    with pytest.raises(DataError, match="no event with a bid and an ask"):
        Mids.of(quotes([1], [np.nan], [1]))


def walks(seed, rho=0.6, n=20_000, told=0.3):
    """Two correlated Brownian prices of 1 bps a second; each is told at times of its own."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, n))
    steps = 1e-4 * np.sqrt(0.1) * np.stack([z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1]])
    paths = 100.0 * np.exp(np.cumsum(steps, axis=1))
    time = np.round(np.arange(n) * 0.1 * SECOND).astype(np.int64)
    both = []
    for path in paths:
        seen = rng.random(n) < told
        both.append(Mids(time[seen], path[seen]))
    return both


def test_volatility_and_correlation_of_brownian_prices():
    z = []
    for seed in range(12):
        a, b = walks(seed)
        vol, error = volatility(a, 10.0, int(a.time[0]), int(a.time[-1]))
        r, r_error = correlation(a, b, 10.0)
        z.append([(vol - 1.0) / error, (r - 0.6) / r_error])
        assert hayashi_yoshida(a, b) == pytest.approx(0.6, abs=0.05)
        assert correlation(a, b, 0.2)[0] < 0.45  # the Epps effect, which the estimator of all pairs does not have
    z = np.array(z)
    assert np.abs(z.mean(axis=0)).max() < 1.0
    assert 0.5 < z.std() < 1.6


def test_prices_that_say_nothing_are_refused():
    a, b = walks(0)
    still = Mids(a.time, np.full(len(a.time), 5.0))
    with pytest.raises(DataError, match="a price that does not move over steps of 1 s"):
        correlation(a, still, 1.0)
    with pytest.raises(DataError, match="two or more steps"):
        moves(a, 1e6, int(a.time[0]), int(a.time[-1]))
    with pytest.raises(DataError, match="a price that does not move"):
        hayashi_yoshida(Mids(a.time[:1], a.price[:1]), b)


def test_spreads_count_by_how_long_they_last():
    found = spread(quotes([0, 1, 4, 10], [9.98, 9.99, 9.97, 9.97], [10.0, 10.0, 10.0, 10.0]), 0.01)
    assert (found.median_ticks, found.one_tick_share) == (3.0, pytest.approx(0.3))
    assert found.mean_ticks == pytest.approx((2 * 1 + 1 * 3 + 3 * 6) / 10)
    assert weighted_quantile([3, 1, 2], [1, 1, 8], 0.5) == 2.0
    with pytest.raises(DataError, match="tick 0, "):
        spread(quotes([0, 1], [1, 1], [2, 2]), 0.0)


def test_known_facts_of_real_prices(shared_data):
    def lobster(name):
        path = shared_data / "lobster" / f"LOBSTER_SampleFile_{name}_2012-06-21_1.zip"
        return joined(open_data(path, ReadReport()).events)

    apple, amazon = lobster("AAPL"), lobster("AMZN")
    for seconds, known in ((1.0, 0.16), (5.0, 0.32), (60.0, 0.54)):
        assert correlation(Mids.of(apple), Mids.of(amazon), seconds)[0] == pytest.approx(known, abs=0.02)
    assert spread(apple, 0.01).median_ticks == 15 and spread(apple, 0.01).one_tick_share < 0.01
    coins = []
    for name in ("btcusdt", "ethusdt"):
        path = shared_data / "crypto" / f"spot_{name}_20240808.gz"
        coins.append(Mids.of(joined(open_data(path, ReadReport()).events)))
    assert correlation(*coins, 1.0)[0] == pytest.approx(0.64, abs=0.05)
