"""Quantity added to and taken from the levels of a book without individual orders, on a grid of time.

A level counts where both books show it: from the best price to the last level of the one that reaches less far. Whatever
came and went within a cell of the grid is not seen, so that two markets compare on the same grid alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import Events
from mm_env.errors import DataError

GRID_SECONDS = 0.1  # of Binance's depth
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def on_grid(events: Events, seconds: float = GRID_SECONDS) -> Events:
    """The last book of each cell of the grid as an event of kind `depth`; cells without an event have none.

    Raises DataError for a grid that is not above 0.
    """
    if not seconds > 0.0:
        raise DataError(f"grid of {seconds:g} s; expected a number above 0")
    cell = (events.time - events.time[0]) // round(seconds * 1e9)
    known = np.isfinite(events.bid_prices[:, 0]) & np.isfinite(events.ask_prices[:, 0])
    rows = np.flatnonzero(known)
    last = rows[np.append(np.diff(cell[rows]) > 0, True)] if rows.size else rows
    grid = events.where(np.isin(np.arange(len(events)), last))
    n = len(grid)
    return Events(
        time=events.time[0] + (cell[last] + 1) * round(seconds * 1e9),
        kind=np.full(n, "depth", dtype=object),
        side=np.zeros(n, np.int8),
        price=np.full(n, np.nan),
        size=np.full(n, np.nan),
        order=np.zeros(n, np.int64),
        bid_prices=grid.bid_prices,
        bid_sizes=grid.bid_sizes,
        ask_prices=grid.ask_prices,
        ask_sizes=grid.ask_sizes,
    )


@dataclass(frozen=True, eq=False)
class LevelChanges:
    """Changes of levels between neighbouring books: (n,) each.

    distance: [ticks] of the level from the mid before, above 0 away from the other side; size: [units of the data], above 0
    where something was added
    """

    distance: Floats
    size: Floats

    @property
    def added(self) -> Floats:
        """Sizes that were added."""
        return self.size[self.size > 0.0]

    @property
    def taken(self) -> float:
        """All that was taken away, by cancels and by trades."""
        return -float(self.size[self.size < 0.0].sum())


def level_changes(grid: Events, tick: float) -> LevelChanges:
    """Changes from each book of `grid` to the next, whose prices are whole ticks [currency]."""
    mid = 0.5 * (grid.bid_prices[:-1, 0] + grid.ask_prices[:-1, 0]) / tick
    found = []
    for sign, prices, shown in ((1.0, grid.bid_prices, grid.bid_sizes), (-1.0, grid.ask_prices, grid.ask_sizes)):
        level = sign * np.rint(prices / tick)  # on either side the best is the highest
        last = np.nanmin(level, axis=1)
        end = np.maximum(last[:-1], last[1:])  # as far as both show
        row, place, size = _visible(level[1:], shown[1:], end)
        row_before, place_before, size_before = _visible(level[:-1], shown[:-1], end)
        width = 1 + max(place.max(initial=0), place_before.max(initial=0))
        keys, which = np.unique(
            np.concatenate([row * width + place, row_before * width + place_before]), return_inverse=True
        )
        net = np.bincount(which, np.concatenate([size, -size_before]), minlength=len(keys))
        row, place = np.divmod(keys[net != 0.0], width)
        found.append((sign * mid[row] - end[row] - place, net[net != 0.0]))
    return LevelChanges(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _visible(level: Floats, sizes: Floats, end: Floats) -> tuple[Whole, Whole, Floats]:
    """Book, distance [ticks] from `end` towards the best price, and size of each level that is not behind `end`."""
    place = level - end[:, None]
    row, column = np.nonzero(place >= 0.0)
    return row, place[row, column].astype(np.int64), sizes[row, column]
