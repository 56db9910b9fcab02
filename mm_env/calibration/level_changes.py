"""What is added to and taken from the levels of a book of which no orders are told, on a grid of time.

A level counts where both books tell it: from the best price to the last level of the one that reaches less far. Whatever
came and went within a cell of the grid is not seen, so that two markets compare on the same grid alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.events import DataError, Events

GRID_SECONDS = 0.1  # of Binance's depth
_WIDTH = 256  # [ticks] of a side that is looked at
Floats = NDArray[np.float64]


def on_grid(events: Events, seconds: float = GRID_SECONDS) -> Events:
    """The last book of each cell of the grid as an event of kind `depth`; cells without an event have none.

    Raises DataError for a grid that is not above 0.
    """
    if not seconds > 0.0:
        raise DataError(f"grid of {seconds:g} s; allowed: above 0")
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
        end = np.maximum(last[:-1], last[1:])  # as far as both tell
        net = _placed(level[1:], shown[1:], end) - _placed(level[:-1], shown[:-1], end)
        row, place = np.nonzero(net)
        found.append((sign * mid[row] - end[row] - place, net[row, place]))
    return LevelChanges(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _placed(level: Floats, sizes: Floats, end: Floats) -> Floats:
    """(n, _WIDTH) sizes by their level's distance from `end`; those before it, and those too far, are left out."""
    place = level - end[:, None]
    row, column = np.nonzero((place >= 0.0) & (place < _WIDTH))
    dense = np.zeros((len(level), _WIDTH))
    dense[row, place[row, column].astype(np.int64)] = sizes[row, column]
    return dense
