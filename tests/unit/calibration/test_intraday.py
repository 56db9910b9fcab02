"""The profile of a day is found within its errors."""

import numpy as np
import pytest

from mm_env.calibration.intraday import day_profile, window_sums
from mm_env.errors import DataError
from tests.unit.calibration.made import SECOND, honest, made, takers_of


def test_windows_split_what_lasts_over_their_edges():
    kinds = ["quote", "limit", "delete", "trade", "quote", "quote"]
    events = made([10, 45, 100, 100, 5000, 5001], kinds, ask=[101, 103, 103, 103, 100, 100], bid_size=4.0)
    found = window_sums(events, np.array([100 * SECOND]), 60)
    assert found.start[:2].tolist() == [0, 60 * SECOND]
    assert found.seconds[:3] == pytest.approx([50.0, 40.0, 0.0])  # then no event comes for over an hour
    assert found.seconds[-1] == pytest.approx(1.0) and found.seconds.sum() == pytest.approx(91.0)
    assert found.spread[:2] == pytest.approx([2.0 * 35 + 4.0 * 15, 4.0 * 40])
    assert found.depth[:2] == pytest.approx([2.5 * 50, 2.5 * 40])
    assert [found.limits[:2].tolist(), found.cancels[:2].tolist(), found.takers[:2].tolist()] == [[1, 0], [0, 1], [0, 1]]
    assert found.variance.sum() == pytest.approx(1e8 * np.log(101.0 / 100.0) ** 2)  # not the move while it was closed
    assert found.moves[:2].tolist() == [50.0, 40.0]
    for wrong, seconds in ((events, 0), (events.where(events.time < 20 * SECOND), 60)):
        with pytest.raises(DataError, match="expected a number from 1 to 10000000 s, windows of 1 s or more"):
            window_sums(wrong, np.zeros(0, np.int64), seconds)


def two_days(seed, rates=(2.0, 0.5, 1.0)):
    """Two days of three bins of 600 s from 10:00 UTC on: takers at these rates, all else at the same."""
    rng = np.random.default_rng(seed)
    clock = np.concatenate([day * 86_400 + 36_000 + np.arange(1801) for day in (0, 1)])
    mid = 100.0 * np.exp(1e-4 * np.cumsum(rng.standard_normal(len(clock))))
    half = rng.choice([0.01, 0.02], len(clock))
    number = rng.poisson(np.tile(np.append(np.repeat(rates, 600), 0.0), 2))
    at = np.repeat(np.arange(len(clock)), number)
    time = np.concatenate([clock, clock[at] + rng.uniform(0.0, 1.0, len(at))])
    order = np.argsort(time, kind="stable")
    row = np.concatenate([np.arange(len(clock)), at])[order]
    traded = order >= len(clock)
    depth = rng.choice([100.0, 300.0], len(clock))[row]
    return made(
        time[order], np.where(traded, "trade", "quote").astype(object), traded.astype(int), mid[row], 1.0,
        mid[row] - half[row], mid[row] + half[row], depth, depth,
    )  # fmt: skip


def test_the_profile_of_a_day_is_found_within_its_errors():
    z = []
    for seed in range(16):
        events = two_days(seed)
        found = day_profile(events, takers_of(events)[0], 600)
        assert found.start.tolist() == [36_000.0, 36_600.0, 37_200.0]
        np.testing.assert_allclose(found.seconds, 1200.0, atol=1e-6)
        assert list(found.value) == ["takers", "spread", "depth", "volatility"]  # no orders are told
        law = {"takers": np.array([2.0, 0.5, 1.0]), "spread": 0.03, "depth": 200.0, "volatility": 1.0}
        z.append(np.concatenate([(found.value[name] - law[name]) / found.error[name] for name in law]))
    honest(z)


@pytest.mark.parametrize(
    "bin_seconds, message",
    [(0, "bins of 0 s"), (605, "bins of 605 s"), (7000, "bins of 7000 s"), (7200, "events in 1 bins")],
)
def test_bins_that_no_day_has(bin_seconds, message):
    events = two_days(0)
    with pytest.raises(DataError, match=message):
        day_profile(events, takers_of(events)[0], bin_seconds)
