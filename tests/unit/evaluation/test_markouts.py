"""Mark-outs: the definition at its edges, the sums, and the table."""

import math

import numpy as np
import pytest

from mm_env.evaluation.markouts import HORIZONS_SECONDS, Marks, markout_rows, markouts, sum_marks

MIDS = np.array([10.0, 11.0, 12.0, 14.0, 18.0])  # at 0, 0.5, 1, 1.5, 2 s


def marks_of(time, shares=100.0, price=10.5, horizons=(0.0, 0.5, 1.0)):
    one = [np.array([value]) for value in (time, price, 10.75, shares)]
    return markouts(*one, MIDS, 0.5, horizons)[0]


@pytest.mark.parametrize(
    "time, index",
    [
        (0.1, 2),  # the mid at 1.0 is the first not before 0.6
        (0.5, 2),  # just in time
        (0.5 + 1e-12, 2),  # rounding of the time is not a later mid
        (0.51, 3),
    ],
)
def test_the_mid_read_is_the_first_not_before_the_horizon(time, index):
    assert marks_of(time)[1] == pytest.approx(100.0 * (MIDS[index] - 10.5))


def test_at_the_fill_it_is_the_spread_captured():
    assert marks_of(0.3)[0] == pytest.approx(100.0 * (10.75 - 10.5))
    assert marks_of(0.3, shares=-100.0)[0] == pytest.approx(-25.0)


def test_a_sale_gains_when_the_mid_falls():
    assert marks_of(0.1, shares=-100.0)[2] == pytest.approx(-100.0 * (14.0 - 10.5))


def test_past_the_last_mid_there_is_none():
    assert [math.isnan(mark) for mark in marks_of(1.2)] == [False, False, True]
    assert not math.isnan(marks_of(1.0)[2])


def test_sums_are_by_episode_and_venue_and_leave_unknown_marks_out():
    marks = np.array([[1.0, 10.0], [2.0, np.nan], [4.0, 40.0], [8.0, 80.0]])
    found = sum_marks(marks, np.array([100.0, 200.0, 300.0, 400.0]), np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), (2, 2))
    assert found.count.tolist() == [[[2, 1], [1, 1]], [[0, 0], [1, 1]]]
    assert found.value.tolist() == [[[3.0, 10.0], [4.0, 40.0]], [[0.0, 0.0], [8.0, 80.0]]]
    assert found.notional.tolist() == [[[300.0, 100.0], [300.0, 300.0]], [[0.0, 0.0], [400.0, 400.0]]]


def test_rows_are_ratios_of_sums_by_venue_and_over_all():
    count = np.array([[[2], [1]], [[3], [0]]])
    value = np.array([[[6.0], [1.0]], [[2.0], [0.0]]])
    notional = np.array([[[1000.0], [500.0]], [[3000.0], [0.0]]])
    rows = markout_rows(Marks(count, value, notional), ["ALPHA", "BETA"], horizons=(10.0,))
    assert [(row["venue"], row["horizon_seconds"], row["fills"]) for row in rows] == [
        ("ALPHA", 10.0, 5),
        ("BETA", 10.0, 1),
        ("all", 10.0, 6),
    ]
    assert [row["bps"]["value"] for row in rows] == pytest.approx([20.0, 20.0, 20.0])
    assert [row["currency_per_episode"] for row in rows] == [4.0, 0.5, 4.5]
    assert rows[0]["bps"]["error"] == pytest.approx(1e4 * math.sqrt(2 * (4.0**2 + 4.0**2)) / 4000.0)


def test_the_horizons_are_the_stated_ones():
    assert HORIZONS_SECONDS == (0.0, 1.0, 10.0, 60.0)
