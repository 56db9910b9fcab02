"""What is added to and taken from levels, on a grid of time."""

from __future__ import annotations

import numpy as np
import pytest

from mm_env.calibration.level_changes import level_changes, on_grid
from mm_env.data.events import Events
from mm_env.errors import DataError

NAN = np.nan


def books(times: list[float], bids: list[list[tuple[float, float]]], asks: list[list[tuple[float, float]]]) -> Events:
    n = len(times)
    column = np.full(n, NAN)
    (bid_prices, bid_sizes), (ask_prices, ask_sizes) = (np.array(side).transpose(2, 0, 1) for side in (bids, asks))
    return Events(
        time=np.array([round(t * 1e9) for t in times], np.int64), kind=np.full(n, "depth", dtype=object),
        side=np.zeros(n, np.int8), price=column, size=column, order=np.zeros(n, np.int64),
        bid_prices=bid_prices, bid_sizes=bid_sizes, ask_prices=ask_prices, ask_sizes=ask_sizes,
    )  # fmt: skip


STILL = [(101.0, 5.0), (102.0, 5.0), (103.0, 5.0)]


def test_a_new_best_level_an_addition_and_a_cancel_are_told_apart():
    before, after = [(99.0, 3.0), (98.0, 4.0), (96.0, 2.0)], [(100.0, 1.0), (99.0, 5.0), (98.0, 1.0)]
    found = level_changes(books([0.0, 0.1], [before, after], [STILL, STILL]), 1.0)
    # the mid before is 100; 96 is not told after, so that nothing is known of it
    assert sorted(zip(found.distance.tolist(), found.size.tolist(), strict=True)) == [(0.0, 1.0), (1.0, 2.0), (2.0, -3.0)]
    assert sorted(found.added.tolist()) == [1.0, 2.0]
    assert found.taken == 3.0


def test_asks_are_the_mirror_of_bids():
    bids = [(99.0, 5.0), (98.0, 5.0), (97.0, 5.0)]
    after = [(101.0, 5.0), (102.0, 9.0), (103.0, 4.0)]
    found = level_changes(books([0.0, 0.1], [bids, bids], [STILL, after]), 1.0)
    assert sorted(zip(found.distance.tolist(), found.size.tolist(), strict=True)) == [(2.0, 4.0), (3.0, -1.0)]


def test_levels_past_the_last_are_not_taken_for_empty():
    short = [(99.0, 5.0), (NAN, NAN), (NAN, NAN)]
    long = [(99.0, 5.0), (98.0, 7.0), (97.0, 1.0)]
    found = level_changes(books([0.0, 0.1], [short, long], [STILL, STILL]), 1.0)
    assert found.size.size == 0


def test_the_best_levels_of_a_book_that_reaches_far_count_too():
    before = [(99_000.0, 3.0), (98_000.0, 4.0), (96_000.0, 2.0)]
    after = [(99_001.0, 1.0), (99_000.0, 5.0), (96_000.0, 2.0)]
    asks = [(99_003.0, 5.0), (99_900.0, 5.0), (110_000.0, 5.0)]
    found = level_changes(books([0.0, 0.1], [before, after], [asks, asks]), 1.0)
    changes = sorted(zip(found.distance.tolist(), found.size.tolist(), strict=True))
    assert changes == [(0.5, 1.0), (1.5, 2.0), (1001.5, -4.0)]


def test_the_grid_keeps_the_last_book_of_each_cell():
    rows = [[(99.0, float(k)), (98.0, 1.0)] for k in range(1, 6)]
    asks = [[(101.0, 1.0), (102.0, 1.0)]] * 5
    grid = on_grid(books([0.0, 0.04, 0.09, 0.25, 0.31], rows, asks), 0.1)
    assert grid.bid_sizes[:, 0].tolist() == [3.0, 4.0, 5.0]
    assert (grid.time * 1e-9).tolist() == pytest.approx([0.1, 0.3, 0.4])
    with pytest.raises(DataError, match="above 0"):
        on_grid(grid, 0.0)


def test_all_changes_add_up_to_the_difference_of_the_books():
    rng = np.random.default_rng(5)
    n, levels = 400, 6
    bids = [[(100.0 - k, float(rng.integers(1, 9))) for k in range(levels)] for _ in range(n)]
    asks = [[(101.0 + k, float(rng.integers(1, 9))) for k in range(levels)] for _ in range(n)]
    e = books([0.1 * k for k in range(n)], bids, asks)
    found = level_changes(e, 1.0)
    net = (e.bid_sizes[-1] - e.bid_sizes[0]).sum() + (e.ask_sizes[-1] - e.ask_sizes[0]).sum()
    assert found.added.sum() - found.taken == pytest.approx(net)
    assert found.added.sum() == pytest.approx(
        sum(np.maximum(np.diff(side, axis=0), 0.0).sum() for side in (e.bid_sizes, e.ask_sizes))
    )
