"""Moments that a fitted market shares with a recorded one: five of each symbol, and distributions.

In data with individual orders, these are counted by order; in books alone, on a grid of time. The moments
of a symbol on several venues are those of all of them together: sums of rates and of sizes at the touch, means of the rest.
Cancels are counted against trades (the cancel-to-trade ratio of the SEC's MIDAS): against limit orders, a book of which only
the touch is reported would count orders that came to it from behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mm_env.calibration.level_changes import level_changes, on_grid
from mm_env.calibration.prices import Mids, moves, spread, volatility_of_moves
from mm_env.calibration.takers import takers
from mm_env.data.events import About, Events, join_events
from mm_env.errors import DataError
from mm_env.realism.scores import BLOCK_SECONDS, Statistics, half_of, statistics_of

Part = Literal["all", "odd", "even"]
MOMENTS = ("spread_ticks", "touch_size", "takers_per_second", "volatility_bps", "cancels_per_trade")
FURTHER_MOMENTS = ("limit_orders_per_second", "added_per_second")  # reported, not tuned: with orders, and of books alone
SCALE_SECONDS = 10.0  # of the volatility
_SUMS = ("touch_size", "takers_per_second", *FURTHER_MOMENTS)
_OF_A_GRID = ("log inter-arrival time",)  # says nothing of books on a grid


@dataclass(frozen=True, eq=False)
class BookRecording:
    """Recording of one symbol at one venue, with its moments and statistics.

    pieces: its events, or those of every other block of time, in order; orders: whether it has individual orders
    moments: by the names of MOMENTS, and one of FURTHER_MOMENTS; statistics: of the realism score
    """

    about: About
    tick: float
    pieces: list[Events]
    orders: bool
    moments: dict[str, float]
    statistics: Statistics

    @classmethod
    def of(cls, events: Events, about: About, part: Part = "all") -> BookRecording:
        """Measure events, or every other block of `BLOCK_SECONDS` of them.

        Raises DataError where a moment cannot be measured, or the tick is not known.
        """
        if about.tick is None:
            raise DataError(f"{about.symbol or 'unnamed'}: no tick is known; expected events of a source that states it")
        orders = bool((events.kind == "limit").any())
        pieces = blocks_of(events, part)
        whole = compared(events, about.tick, orders)
        statistics = whole if part == "all" else half_of(whole, part)
        return cls(about, about.tick, pieces, orders, moments_of(pieces, about, orders), statistics)

    @property
    def events(self) -> Events:
        """All pieces joined, without the time between them."""
        return glued(self.pieces)

    @property
    def seconds(self) -> float:
        """Time [s] that the pieces span."""
        return sum(_span(piece) for piece in self.pieces)


def _span(piece: Events) -> float:
    return float(piece.time[-1] - piece.time[0]) * 1e-9


def blocks_of(events: Events, part: Part) -> list[Events]:
    """All events, or those of every other block of time since the first book, as `half_of` has them; the first is even.

    Raises DataError where no block has two.
    """
    if part == "all":
        return [events]
    known = np.isfinite(events.bid_prices[:, 0]) & np.isfinite(events.ask_prices[:, 0])
    block = (events.time - events.time[np.argmax(known)]) // round(BLOCK_SECONDS * 1e9)
    pieces = [events.where(block == k) for k in range(int(part == "odd"), int(block[-1]) + 1, 2)]
    pieces = [piece for piece in pieces if len(piece) > 1 and _span(piece) > 2.0 * SCALE_SECONDS]
    if not pieces:
        raise DataError(f"no {part} block of {BLOCK_SECONDS:g} s has events; expected a longer recording, or all blocks")
    return pieces


def glued(pieces: Sequence[Events]) -> Events:
    """Pieces joined without gaps; each seam adds one move of the mid."""
    shifted, end = [], int(pieces[0].time[0])
    for piece in pieces:
        times = piece.time - piece.time[0] + end
        shifted.append(Events(**{name: getattr(piece, name) for name in Events.__dataclass_fields__} | {"time": times}))
        end = int(times[-1]) + 1
    return join_events(shifted)


def compared(events: Events, tick: float, orders: bool) -> Statistics:
    """Distributions of the realism score; of books alone those of the grid."""
    if orders:
        return statistics_of(events, tick)
    found = statistics_of(on_grid(events), tick)
    return Statistics({name: one for name, one in found.samples.items() if name not in _OF_A_GRID}, found.responses)


def moments_of(pieces: Sequence[Events], about: About, orders: bool) -> dict[str, float]:
    """The moments, and one of FURTHER_MOMENTS.

    Of sizes at the touch it is their geometric mean [units of the data], as a few huge orders would rule another. Of books
    alone cancels and trades are counted by their sizes.

    Raises DataError where one cannot be measured.
    """
    assert about.tick is not None
    seconds = sum(_span(piece) for piece in pieces)
    if seconds <= 2.0 * SCALE_SECONDS:
        raise DataError(f"{about.symbol}: {seconds:g} s; expected a recording of more than {2.0 * SCALE_SECONDS:g} s")
    events = glued(pieces)
    lasted = np.diff(events.time).astype(np.float64)
    sizes = np.stack([events.bid_sizes[:-1, 0], events.ask_sizes[:-1, 0]])
    shown = sizes > 0.0
    if not shown.any():
        raise DataError(f"{about.symbol}: no sizes at the touch; expected a recording with sizes")
    time, _, traded = takers(events, about)
    found = {
        "spread_ticks": spread(events, about.tick).mean_ticks,
        "touch_size": float(np.exp(np.average(np.log(sizes[shown]), weights=np.broadcast_to(lasted, sizes.shape)[shown]))),
        "takers_per_second": len(time) / seconds,
        "volatility_bps": volatility_of(pieces, SCALE_SECONDS)[0],
    }
    if orders:
        limits, cancels, trades = (int((events.kind == kind).sum()) for kind in ("limit", "delete", "trade"))
        if limits == 0 or trades == 0:
            raise DataError(f"{about.symbol}: {limits} limit orders and {trades} trades; expected a recording that has both")
        return found | {"cancels_per_trade": cancels / trades, "limit_orders_per_second": limits / seconds}
    changes = [level_changes(on_grid(piece), about.tick) for piece in pieces]
    added, taken = sum(float(one.added.sum()) for one in changes), sum(one.taken for one in changes)
    if added == 0.0 or traded.size == 0:
        raise DataError(f"{about.symbol}: {added:g} added, {traded.size} takers; expected a recording that has both")
    return found | {
        "cancels_per_trade": (taken - float(traded.sum())) / float(traded.sum()),
        "added_per_second": added / seconds,
    }


def volatility_of(pieces: Sequence[Events], scale: float) -> tuple[float, float]:
    """Volatility [bps/sqrt(s)] of moves over `scale` [s] within the pieces, and its standard error."""
    r = [moves(Mids.of(piece), scale, int(piece.time[0]), int(piece.time[-1])) for piece in pieces]
    return volatility_of_moves(np.concatenate(r), scale)


def over_venues(moments: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Moments of one symbol over its venues: sums, or means weighted by the takers of each."""
    weight = [one["takers_per_second"] for one in moments]
    return {
        name: sum(one[name] for one in moments) if name in _SUMS
        else float(np.average([one[name] for one in moments], weights=weight if sum(weight) > 0.0 else None))
        for name in moments[0]
    }  # fmt: skip
