"""Estimates from bars: volatility, correlation, and gaps."""

import numpy as np
import pytest

from mm_env.calibration.bars import correlations, moves_of, summarise_bars
from mm_env.calibration.prices import Mids, correlation, volatility
from mm_env.errors import DataError
from tests.unit.data.made_bars import ABOUT, DAY, DAYS, MINUTE, walk


def test_what_estimates_prices_takes_bars():
    n = 4000
    rng = np.random.default_rng(3)
    common = rng.normal(0.0, 10.0, n)
    a = walk(n, MINUTE, rng=rng, moves=common)
    b = walk(n, MINUTE, rng=rng, moves=0.6 * common + 0.8 * rng.normal(0.0, 10.0, n))
    mids = Mids.of(a)
    assert mids.price[-1] == a.price[-1] and mids.time[0] == a.time[0]
    value, error = volatility(mids, 60.0, int(a.time[0]), int(a.time[-1]))
    assert abs(value - 10.0 / 60**0.5) < 4 * error
    value, error = correlation(mids, Mids.of(b), 60.0)
    assert abs(value - 0.6) < 4 * error < 0.1
    (told,) = correlations({"a": a, "b": b}).values()
    assert told.value == pytest.approx(value, abs=2e-3) and told.bars == n
    assert abs(told.overlapping - 0.6) < 4 * told.error


def test_a_summary_finds_the_volatility_that_made_the_bars():
    bars = walk(3000, MINUTE, rng=np.random.default_rng(1))
    found = summarise_bars(bars, ABOUT)
    for value, error in found.volatility.values():
        assert abs(value - 10.0) < 4 * error < 4.0
    assert set(found.volatility) == {1, 5, 20}
    value, error = found.range_volatility
    assert error < 0.1 and 0.9 * 10.0 < value < 10.0  # a path in steps misses a little of its range
    value, error = found.per_second
    assert abs(value - 10.0 / 60**0.5) < 4 * error
    value, error = found.a_year
    assert abs(value - 0.1 * (365.25 * 1440) ** 0.5) < 4 * error
    assert (found.gaps, found.gap, found.mean_volume, found.bars) == (0, None, 50.0, 3000)
    assert found.seconds == 180_000.0


def test_gaps_are_counted_apart_within_a_day_and_not_between_days():
    bars = walk(100, MINUTE)
    kept = np.ones(100, bool)
    kept[30:40] = kept[60:62] = kept[80] = False
    held = bars.where(kept)
    moves, joined = moves_of(held, ABOUT)
    assert np.flatnonzero(~joined).tolist() == [29, 49, 67]
    found = summarise_bars(held, ABOUT)
    assert found.gaps == 3 and found.gap[0] == pytest.approx(float((moves[~joined] ** 2).mean() ** 0.5))
    assert found.volatility[1][0] == pytest.approx(float((moves[joined] ** 2).mean() ** 0.5))
    assert moves_of(held, DAYS)[1].all() and summarise_bars(held, DAYS).per_second is None


def test_too_few_bars_say_nothing():
    with pytest.raises(DataError, match="1 bars; expected two or more"):
        summarise_bars(walk(1, DAY), DAYS)
    found = summarise_bars(walk(3, DAY), DAYS)
    assert (found.volatility, found.a_year) == ({}, None) and found.range_volatility is not None
    assert correlations({"a": walk(4, DAY), "b": walk(4, DAY, start=DAY // 2)}) == {}
    still = walk(9, DAY, spread=0.0)
    assert correlations({"a": walk(9, DAY), "b": still}) == {} and summarise_bars(still, DAYS).a_year == (0.0, 0.0)
