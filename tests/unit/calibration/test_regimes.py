"""Regimes are found within their errors."""

from dataclasses import replace

import numpy as np
import pytest

from mm_env.calibration.intraday import Windows
from mm_env.calibration.regimes import fit_regimes
from mm_env.errors import DataError
from tests.unit.calibration.made import SECOND, honest

LEVELS = {"volatility": (1.0, 2.5), "takers": (0.5, 1.5), "spread": (0.02, 0.03), "depth": (300.0, 200.0)}


def windows_of(state, seed=0, levels=LEVELS, noise=0.3, factor=1.0, start=None):
    """Windows of a minute whose features are log-normal about those of their state."""
    rng = np.random.default_rng(1000 + seed)
    n = len(state)
    feature = {
        name: np.asarray(values)[state] * np.exp(noise * rng.standard_normal(n)) * factor for name, values in levels.items()
    }
    minute, none = np.full(n, 60.0), np.zeros(n)
    return Windows(
        (np.arange(n) if start is None else start) * 60 * SECOND, minute, none, none, 60.0 * feature["takers"],
        60.0 * feature["spread"], 60.0 * feature["depth"], 60.0 * feature["volatility"] ** 2, minute,
    )  # fmt: skip


def chain(seed, n, durations):
    """States of a Markov chain with these mean durations, which leaves for any other state alike."""
    rng = np.random.default_rng(seed)
    state, path = 0, np.zeros(n, int)
    for k in range(1, n):
        if rng.random() < 1.0 / durations[state]:
            state = (state + rng.integers(1, len(durations))) % len(durations)
        path[k] = state
    return path


@pytest.mark.parametrize("windows, noise", [((20.0, 8.0), 0.5), ((10 / 3, 10 / 7), 0.45)])  # the latter forget at once
def test_regimes_are_found_within_their_errors(windows, noise):
    duration, level = np.array(windows), np.array(LEVELS["volatility"])
    z = []
    for seed in range(16):
        found = fit_regimes(windows_of(chain(seed, 1000, windows), seed, noise=noise), most=2, profile_degree=0)
        assert found.features == ("volatility", "takers", "spread", "depth")
        mean = np.average(level, weights=duration)
        z.append(np.concatenate([
            np.log(found.duration / (60.0 * duration)) * found.duration / found.duration_error,
            (found.multiplier["volatility"] - level / mean) / found.multiplier_error["volatility"],
            [(found.share[0] - duration[0] / duration.sum()) / found.share_error[0]],
        ]))  # fmt: skip
        np.testing.assert_allclose(found.transition.sum(axis=1), 1.0)
        assert found.duration[0] == pytest.approx(60.0 / (1.0 - found.transition[0, 0]))
    honest(z)


def test_the_number_of_regimes_is_that_of_the_lowest_bic():
    three = {
        "volatility": (3.0, 1.0, 9.0),
        "takers": (1.0, 0.3, 3.0),
        "spread": (0.02, 0.02, 0.06),
        "depth": (9.0, 9.0, 3.0),
    }
    state = chain(0, 800, (15.0, 15.0, 15.0))
    found = fit_regimes(windows_of(state, levels=three), profile_degree=0)
    assert found.bic[3] == min(found.bic.values())
    assert found.share == pytest.approx(np.bincount(state)[[1, 0, 2]] / 800, abs=0.02)  # in order of volatility
    np.testing.assert_allclose(found.transition[~np.eye(3, dtype=bool)], 1.0 / 30.0, atol=0.03)
    few = np.isin(np.arange(800), range(0, 800, 160)).astype(int)
    wild = fit_regimes(windows_of(few, levels=dict.fromkeys(three, (1.0, 30.0))), 2, 0)
    assert len(wild.share) == 1 and list(wild.bic) == [1]  # five outliers are no state
    one = fit_regimes(windows_of(np.zeros(800, int)), profile_degree=0)
    assert one.share.tolist() == [1.0] and np.isnan(one.duration).all()
    assert one.multiplier["depth"] == pytest.approx([1.0]) and one.multiplier_error["depth"] == pytest.approx(0.0, abs=1e-12)


def test_the_day_is_no_regime_once_its_profile_is_taken_off():
    n = 390
    shape = np.exp(1.5 * np.linspace(-1.0, 1.0, n) ** 2)
    windows = windows_of(np.zeros(n, int), noise=0.15, factor=shape, start=810 + np.arange(n))
    assert len(fit_regimes(windows, profile_degree=0).share) > 1
    assert len(fit_regimes(windows, profile_degree=2).share) == 1
    state = chain(0, n, (20.0, 8.0))
    plain, shaped = (
        fit_regimes(windows_of(state, factor=factor, start=810 + np.arange(n)), 2, 2) for factor in (1.0, shape)
    )
    np.testing.assert_allclose(shaped.multiplier["volatility"], plain.multiplier["volatility"], rtol=1e-3)


def test_a_regime_does_not_change_while_the_market_is_closed():
    state = np.repeat(np.arange(10) % 2, 40)
    start = np.arange(400) + 1000 * (np.arange(400) // 40)
    assert np.isnan(fit_regimes(windows_of(state, start=start), 2, 0).duration).all()
    assert np.isfinite(fit_regimes(windows_of(state), 2, 0).duration).all()


def test_windows_that_tell_no_regimes():
    windows = windows_of(chain(0, 200, (20.0, 8.0)))
    flat = replace(windows, spread=np.full(200, 0.6))
    found = fit_regimes(flat, 2, 0)
    assert found.features == ("volatility", "takers", "depth") and found.multiplier["spread"] == pytest.approx(1.0)
    assert np.isnan(fit_regimes(replace(windows, takers=np.zeros(200)), 2, 0).multiplier["takers"]).all()
    half = np.where(np.arange(200) < 100, 20.0, 60.0)
    assert fit_regimes(replace(windows, seconds=half), 2, 0).windows == 100
    still = np.where(np.arange(200) < 60, 0.0, windows.variance)
    for wrong, arguments, message in (
        (windows, {"most": 0}, "0 states, degree 2; expected 1 to 5, 0 to 6"),
        (replace(windows, variance=still), {}, "200 windows of 60 s, 60 of the same volatility; expected fewer than 20%"),
        (windows_of(np.zeros(20, int)), {}, "20 windows that are open; expected 30 or more"),
    ):
        with pytest.raises(DataError, match=message):
            fit_regimes(wrong, **arguments)
