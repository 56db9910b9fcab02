"""The zero-intelligence book of Cont, Stoikov and Talreja: fitted to events, and simulated as events.

All orders have one size. At each price, an order to buy that is i ticks below the best ask arrives at rate λ(i); each that
rests there is cancelled at rate θ(i); market orders to buy arrive at rate μ; orders to sell mirror this; all independent.

Rates are measured as in section 3 of the paper: what arrived (or was cancelled) at a distance, in units of the mean limit
order, over the time (or the resting quantity times time) there. A book of few levels shows a distance only while its last
level is as far, so only that time counts: arrivals that it hides and the time in which it hides them are both left out.
Beyond the distances that are seen often enough λ(i) is k/i^α and θ(i) is that of the last one. As in the paper k and α are
the least squares of the rates themselves; here from the largest rate on, as in a market with wide spreads the rates rise
before they fall.

Admissible states: in the paper the best price of an empty side is one past the end of the grid of prices. Prices here have
no such end; the best price of an empty side stands, from when it empties until an order arrives, one tick past the farthest
price at which such an order may arrive. A market order against an empty side does nothing.

Source: Cont, Stoikov & Talreja 2010, A stochastic model for order book dynamics (sections 1 to 3); Gillespie 1976.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import Events
from mm_env.errors import DataError
from mm_env.extras import require
from mm_env.realism.cst_book import SIGNS, CstBook

Floats = NDArray[np.float64]

_BEYOND = 4  # times the distances that are seen
_STEEPEST = 20.0  # exponent of a power law
_LIFETIMES = 20.0  # of an order, until a book is stationary
_KINDS = np.array(["limit", "delete", "trade"], dtype=object)  # in the order of cst_book.py


@dataclass(frozen=True, eq=False)
class CstModel:
    """A market of either side's rates; distances i = 1 to R ticks from the opposite best price.

    tick: [currency]; price: [currency] where a simulation begins; size: of every order, in units of the data
    limit: (R,) [1/s] λ(i), none arrives farther; cancel: (R,) [1/s] θ(i) of each order, the last holds beyond
    market: [1/s] μ
    measured: distances whose rates the data show; power_law: k and α of those beyond; None where none is needed

    Raises DataError for rates that are negative, no arrivals, and orders that would stand for ever.
    """

    tick: float
    price: float
    size: float
    limit: Floats
    cancel: Floats
    market: float
    measured: int | None = None
    power_law: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check what a simulation needs."""
        for name in ("tick", "price", "size"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise DataError(f"{name} {getattr(self, name):g}; expected a number above 0 and finite")
        if self.limit.ndim != 1 or self.limit.size == 0 or self.limit.shape != self.cancel.shape:
            raise DataError(f"limit {self.limit.shape} and cancel {self.cancel.shape}; expected one length, 1 or more")
        rates = np.concatenate([self.limit, self.cancel, [self.market]])
        if not (np.isfinite(rates) & (rates >= 0.0)).all():
            worst = rates[~(np.isfinite(rates) & (rates >= 0.0))][0]
            raise DataError(f"rate {worst:g} per second; expected 0 or more and finite")
        if not self.limit.any():
            raise DataError("no limit orders arrive; expected a rate above 0 at one distance or more")
        if self.cancel[-1] == 0.0:
            raise DataError(f"cancel rate 0 at {self.cancel.size} ticks and beyond; expected a number above 0")

    @property
    def reach(self) -> int:
        """Farthest distance [ticks] at which an order arrives."""
        return len(self.limit)

    @property
    def still_book(self) -> Floats:
        """(R,) mean orders at each distance of a book without market orders whose best prices stand still."""
        stay = np.where(self.cancel > 0.0, self.cancel, self.cancel[-1])
        return np.asarray(self.limit / stay)


def fit_cst(events: Events, tick: float, *, reach: int | None = None, visible_share: float = 0.05) -> CstModel:
    """Rates of a market whose events have orders and a book, the mean of both sides.

    tick: [currency] above 0
    reach: [ticks] farthest distance at which orders are to arrive; None: four times the farthest that is seen
    visible_share: of the time, that the book must show a distance for its rates to count as seen

    Limit orders at or past the opposite best price, trades against hidden orders and whatever lies outside the visible
    levels count for nothing; so does the first event, as the book before it is not known.
    Raises DataError for another tick, reach or share, for events without limit orders or that span no time, and where
    nothing is cancelled at the farthest distance that is seen.
    """
    if not tick > 0.0 or not 0.0 < visible_share <= 1.0 or (reach is not None and reach < 1):
        raise DataError(
            f"tick {tick:g}, visible_share {visible_share:g}, reach {reach}; expected above 0, above 0 to 1, 1 or more"
        )
    seconds = np.diff(events.time) * 1e-9
    if len(seconds) == 0 or seconds.sum() <= 0.0:
        raise DataError(f"{len(events)} events that span no time; expected two or more at different times")
    sizes = events.size[events.kind == "limit"]
    if len(sizes) == 0:
        raise DataError(f"no limit orders in {len(events)} events; expected events with orders")
    size = float(sizes.mean())
    if np.array_equal(sizes, np.rint(sizes)):
        size = float(np.rint(size))
    sides = [_Side.of(events, side, tick) for side in SIGNS]
    farthest = int(max(side.placed_at.max(initial=0) for side in sides))
    if farthest < 1:
        raise DataError(f"no limit order of {len(sizes)} within the visible levels; expected one or more")
    shown, placed, rested, gone = np.sum([side.totals(seconds, farthest) for side in sides], axis=0)
    measured = int(np.count_nonzero(shown >= visible_share * shown[0]))
    measured = measured if reach is None else min(measured, reach)
    placed, shown, rested, gone = (values[:measured] for values in (placed, shown, rested, gone))
    cancel = _filled(np.divide(gone, rested, out=np.full(measured, np.nan), where=rested > 0.0))
    if not cancel[-1] > 0.0:
        raise DataError(f"nothing is cancelled at {measured} ticks, the farthest distance seen; expected some cancels")
    limit = placed / size / shown
    reach = _BEYOND * measured if reach is None else reach
    law = power_law(limit) if reach > measured else None
    if law is not None:
        limit = np.concatenate([limit, law[0] / np.arange(measured + 1, reach + 1) ** law[1]])
    traded = float(events.size[1:][events.kind[1:] == "trade"].sum())
    return CstModel(
        tick=tick,
        price=_first_mid(events),
        size=size,
        limit=limit,
        cancel=np.concatenate([cancel, np.full(reach - measured, cancel[-1])]),
        market=traded / size / 2.0 / float(seconds.sum()),
        measured=measured,
        power_law=law,
    )


def power_law(rates: Floats) -> tuple[float, float]:
    """Least squares k and α >= 0 of k/i^α to rates (D,) at distances 1 to D, from the largest on.

    Where no rate is beyond the largest, the data do not show how rates fall: α is 0, and the largest one holds.
    Source: Cont, Stoikov & Talreja 2010, section 3.2.
    """
    require("scipy")
    from scipy.optimize import minimize_scalar

    begin = int(rates.argmax())
    distance, rate = np.arange(begin + 1.0, len(rates) + 1.0), rates[begin:]
    if len(rate) == 1:
        return float(rate[0]), 0.0

    def scale(exponent: float) -> float:
        # distances are relative to the first one, as else a steep law is out of the range of floats
        shape = (distance / distance[0]) ** -exponent
        return float(rate @ shape / (shape @ shape))

    def misfit(exponent: float) -> float:
        return float(((rate - scale(exponent) * (distance / distance[0]) ** -exponent) ** 2).sum())

    exponent = float(minimize_scalar(misfit, bounds=(0.0, _STEEPEST), method="bounded").x)
    return scale(exponent) * float(distance[0]) ** exponent, exponent


@dataclass(frozen=True, eq=False)
class _Side:
    """Distances [ticks] of one side's events from the opposite best price before them; those of hidden ones are 0.

    shown_to: (n - 1,) farthest distance that the book shows after each event, infinite where it shows all
    rested_at, rested: (n - 1, L) distance and size of each level
    placed_at, placed: of limit orders; gone_at, gone: of cancels
    """

    shown_to: Floats
    rested_at: Floats
    rested: Floats
    placed_at: Floats
    placed: Floats
    gone_at: Floats
    gone: Floats

    @classmethod
    def of(cls, events: Events, side: int, tick: float) -> _Side:
        own, sizes, opposite = (
            (events.bid_prices, events.bid_sizes, events.ask_prices)
            if side > 0
            else (events.ask_prices, events.ask_sizes, events.bid_prices)
        )
        best = opposite[:-1, :1]
        rested_at = np.rint(side * (best - own[:-1]) / tick)
        shown_to = np.where(np.isnan(own[:-1, -1]), np.inf, rested_at[:, -1])
        shown_to[np.isnan(best[:, 0])] = 0.0  # there is nothing to measure from

        def at(kinds: tuple[str, ...]) -> tuple[Floats, Floats]:
            rows = np.flatnonzero(np.isin(events.kind[1:], kinds) & (events.side[1:] == side))
            far = np.rint(side * (best[rows, 0] - events.price[rows + 1]) / tick)
            return np.where((far >= 1.0) & (far <= shown_to[rows]), far, 0.0), events.size[rows + 1]

        return cls(shown_to, rested_at, sizes[:-1], *at(("limit",)), *at(("reduce", "delete")))

    def totals(self, seconds: Floats, farthest: int) -> Floats:
        """(4, farthest) by distance: time [s] shown, size placed, size × time [s] rested, size cancelled."""
        shown = np.bincount(np.clip(self.shown_to, 0, farthest).astype(np.int64), seconds, farthest + 1)
        held = np.nan_to_num(self.rested) * seconds[:, None]
        return np.stack(
            [
                shown[::-1].cumsum()[::-1][1:],
                _by_distance(self.placed_at, self.placed, farthest),
                _by_distance(self.rested_at, held, farthest),
                _by_distance(self.gone_at, self.gone, farthest),
            ]
        )


def _by_distance(distance: Floats, amount: Floats, farthest: int) -> Floats:
    inside = (distance >= 1.0) & (distance <= farthest)  # not NaN either
    return np.bincount(distance[inside].astype(np.int64), amount[inside], farthest + 1)[1:].astype(np.float64)


def _filled(rates: Floats) -> Floats:
    """Rates, where nothing rested those of the nearest distance at which something did."""
    known = np.flatnonzero(np.isfinite(rates))
    if known.size == 0:
        raise DataError("no order rests within the visible levels; expected one or more")
    nearest = np.abs(np.arange(len(rates))[:, None] - known).argmin(axis=1)
    return np.asarray(rates[known[nearest]])


def _first_mid(events: Events) -> float:
    mid = 0.5 * (events.bid_prices[:, 0] + events.ask_prices[:, 0])
    known = mid[np.isfinite(mid)]
    if known.size == 0:
        raise DataError("no event with a bid and an ask; expected one or more")
    return float(known[0])


def simulate_cst(
    model: CstModel, seconds: float, levels: int, seed: int, *, start: int = 0, burn_in: float | None = None
) -> Events:
    """Events of one path: limit orders, cancels (all deletes) and trades, the book of `levels` levels after each.

    As in LOBSTER's files, only what is within those levels is reported: an order's price after it came, or before it left.
    seconds: [s] how long; start: [ns] time of the beginning
    burn_in: [s] before it, from a book that is stationary for still prices; None: twenty mean lifetimes of an order

    Identities of orders rise with their time. Market orders take the oldest at the best price, cancels any at theirs.
    Raises DataError for another time, number of levels or seed, and where a price falls to 0.
    """
    lasting = _LIFETIMES * float(model.still_book.sum() / model.limit.sum()) if burn_in is None else burn_in
    if not 0.0 < seconds < math.inf or not 0.0 <= lasting < math.inf or levels < 1 or seed < 0:
        raise DataError(
            f"seconds {seconds:g}, burn_in {lasting:g}, levels {levels}, seed {seed}; "
            "expected above 0, 0 or more (both finite), 1 or more, 0 or more"
        )
    book = CstBook(model.limit, model.cancel, model.market, model.still_book, levels, seed)
    book.begin(round(model.price / model.tick), -lasting)
    book.run(0.0)
    messages, books = book.run(seconds)
    if len(messages) and min(messages["price"].min(), books[books[..., 1] > 0][:, 0].min(initial=1)) < 1:
        raise DataError(f"a price fell to 0 from {model.price:g}; expected a price farther from 0, or less time")
    digits = 9 - math.floor(math.log10(model.tick))  # prices are written without the noise of floats
    there = books[..., 1] > 0
    prices = np.where(there, np.round(books[..., 0] * model.tick, digits), np.nan)
    sizes = np.where(there, books[..., 1] * model.size, np.nan)
    return Events(
        time=start + np.rint(messages["time"] * 1e9).astype(np.int64),
        kind=_KINDS[messages["kind"]],
        side=messages["side"].copy(),
        price=np.round(messages["price"] * model.tick, digits),
        size=np.full(len(messages), model.size),
        order=messages["order"].copy(),
        bid_prices=prices[:, 0],
        bid_sizes=sizes[:, 0],
        ask_prices=prices[:, 1],
        ask_sizes=sizes[:, 1],
    )
