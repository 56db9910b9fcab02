"""The exponential law of fills is found within its errors."""

import numpy as np
import pytest

from mm_env.calibration.fills import fit_intensity
from mm_env.errors import DataError
from tests.unit.calibration.made import quotes


def reaching(seed, rate, decay, seconds=4000):
    """Trades on both sides of a mid of 100 that reach as far as the exponential law says."""
    rng = np.random.default_rng(seed)
    time, price = [np.array([0.0, seconds + 2.0])], [np.array([np.nan, np.nan])]
    for side in (-1.0, 1.0):
        n = rng.poisson(rate * seconds)
        time.append(rng.uniform(0.0, seconds, n))
        price.append(100.0 + side * rng.exponential(1.0 / decay, n))
    time, price = np.concatenate(time), np.concatenate(price)
    order = np.argsort(time)
    events = quotes(time[order], np.full(len(time), 99.99), np.full(len(time), 100.01), "trade", price[order])
    return events


def test_the_exponential_law_is_found_within_its_errors():
    z = []
    for seed in range(16):
        fit = fit_intensity(reaching(seed, 0.8, 20.0), [0.02, 0.05, 0.1, 0.15, 0.2], 1.0)
        z.append([(fit.rate - 0.8) / fit.rate_error, (fit.decay - 20.0) / fit.decay_error])
        np.testing.assert_allclose(fit.fitted, fit.reached, rtol=0.25, atol=20)
    z = np.array(z)
    assert np.abs(z.mean(axis=0)).max() < 0.9
    assert 0.6 < z.std() < 1.5
    assert fit.tried == 2 * 4002


@pytest.mark.parametrize("distances", [[0.1], [0.0, 0.1], [0.2, 0.1]])
def test_distances_and_trades_that_fit_nothing(distances):
    with pytest.raises(DataError, match="two or more, rising, above 0"):
        fit_intensity(reaching(0, 0.8, 20.0), distances)
    with pytest.raises(DataError, match="are reached; expected 10 or more"):
        fit_intensity(reaching(0, 0.8, 20.0), [5.0, 6.0])
