"""The book of Cont, Stoikov and Talreja's model, moved event by event (see cst.py).

The next event comes after an exponential time of the sum of all rates, and is each with the share of its rate: no step of
time, no approximation. Orders are a list at each price of a grid; where the kernel lacks room (for events, for orders, for
prices) it stops between two events, gets more, and resumes. The path does not depend on how much room there is.

Source: Cont, Stoikov & Talreja 2010, section 1; Gillespie 1976 (exact simulation).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.sim.book import sign_of
from mm_env.sim.compiling import entry_point
from mm_env.sim.compiling import kernel as untyped_kernel
from mm_env.sim.rng import exponential, uniform

Floats = NDArray[np.float64]
LIMIT, DELETE, TRADE = range(3)  # kinds of messages
SIGNS = (1, -1)  # of side 0, the bids, and side 1
_ROOM = 1 << 20  # levels of books that are written at once
_DONE, _FULL, _CROWDED, _EDGE = range(4)  # why the kernel stopped: time is up; no room for events, orders, prices

MESSAGE_DTYPE = np.dtype([("time", "f8"), ("price", "i8"), ("order", "i8"), ("kind", "i1"), ("side", "i1")])
# best: index in the grid; low: price of index 0 [ticks]; free: places without an order; next: identity of an order;
# stopped: why, of the four above
_STATE = np.dtype(
    [
        ("rng", "u8", (1, 4)), ("time", "f8"), ("best", "i8", (2,)), ("orders", "i8", (2,)), ("cancel_rate", "f8", (2,)),
        ("low", "i8"), ("free", "i8"), ("next", "i8"), ("written", "i8"), ("stopped", "i8"),
    ]
)  # fmt: skip
_QUEUE = np.dtype([("orders", "i8"), ("first", "i8"), ("last", "i8")])  # places; they mean nothing without orders
_PLACE = np.dtype([("order", "i8"), ("before", "i8"), ("after", "i8"), ("free", "i8")])  # free: a stack beside the list


class CstBook:
    """One path of the model: rates (R,) of limit orders and cancels by distance [1/s], rate of market orders [1/s]."""

    def __init__(self, limit: Floats, cancel: Floats, market: float, still_book: Floats, levels: int, seed: int) -> None:
        """A book of which `levels` levels are reported; still_book: (R,) orders at each distance that it begins with."""
        self.rates = limit.cumsum(), np.ascontiguousarray(cancel), float(market)
        self.reach, self.still_book = len(limit), still_book
        first, then = np.random.SeedSequence(seed).spawn(2)
        self.first = np.random.default_rng(first)
        self.state = np.zeros(1, _STATE)
        self.state["rng"] = then.generate_state(4, np.uint64)
        rows = max(1, _ROOM // levels)
        self.out = np.zeros(rows, MESSAGE_DTYPE), np.zeros((rows, 2, levels, 2), np.int64)

    def begin(self, price: int, time: float) -> None:
        """Put Poisson numbers of orders around a price [ticks], with a spread of one tick, at a time [s]."""
        counts = self.first.poisson(self.still_book, (2, self.reach))
        total = int(counts.sum())
        self.queues, self.places = np.zeros((2, 4 * (self.reach + 2)), _QUEUE), np.zeros(total, _PLACE)
        used = np.arange(total)
        self.places["order"], self.places["before"], self.places["after"] = used + 1, used - 1, used + 1
        ends = counts.cumsum().reshape(2, -1)
        s, middle = self.state[0], self.queues.shape[1] // 2
        for side, sign in enumerate(SIGNS):
            at, row = middle + side - sign * np.arange(self.reach), self.queues[side]
            row["orders"][at], row["first"][at], row["last"][at] = counts[side], ends[side] - counts[side], ends[side] - 1
            there = np.flatnonzero(counts[side])
            # an empty side's best price is one tick past the farthest
            s["best"][side] = at[there[0]] if there.size else at[-1] - sign
            s["orders"][side] = counts[side].sum()
        s["time"], s["low"], s["next"], s["free"] = time, price - middle, total + 1, 0

    def run(self, until: float) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Messages (n,) MESSAGE_DTYPE, and books (n, 2, L, 2) after them, up to a time [s]; as `_run` has them."""
        parts, stopped = [], _FULL
        while stopped != _DONE:
            _run(self.state, (self.queues, self.places), self.rates, until, self.out)
            written, stopped = int(self.state["written"][0]), int(self.state["stopped"][0])
            parts.append([array[:written].copy() for array in self.out])
            if stopped == _CROWDED:
                self._more_places(len(self.places) + 64)
            elif stopped == _EDGE:
                self._centre()
        messages, books = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return messages, books

    def _more_places(self, number: int) -> None:
        old, free = len(self.places), int(self.state["free"][0])
        self.places = np.concatenate([self.places, np.zeros(number, _PLACE)])
        self.places["free"][free : free + number] = np.arange(old, old + number)
        self.state["free"] += number

    def _centre(self) -> None:
        """Put all orders and the best prices in the middle of the grid, of a wider one where they would fill half of it."""
        s, old = self.state[0], self.queues.shape[1]
        used = np.concatenate([np.flatnonzero(self.queues["orders"].any(axis=0)), s["best"]])
        low, high = int(used.min()), int(used.max())
        width = old
        while width < 2 * (high - low + 2 * (self.reach + 2)):
            width *= 2
        shift = (width - (high - low)) // 2 - low
        queues = np.zeros((2, width), _QUEUE)
        first, last = max(low, 0), min(high + 1, old)  # the best price of an empty side may be off the grid
        queues[:, first + shift : last + shift] = self.queues[:, first:last]
        self.queues = queues
        s["best"] += shift
        s["low"] -= shift


def _kernel(function: Callable[..., Any]) -> Any:
    return untyped_kernel(function)


@entry_point
def _run(state: Any, orders: Any, rates: Any, until: float, out: Any) -> None:
    """Move the book up to a time, and report what happens within the levels; say why it stopped.

    state: (1,) _STATE
    orders: (2, W) _QUEUE by price, and (m,) _PLACE
    rates: (R,) sums of λ up to each distance, (R,) θ, and μ
    out: (n,) MESSAGE_DTYPE, and (n, 2, L, 2) int64 price [ticks] and orders of each level, no orders where there is none
    """
    s = state[0]
    s.written = 0
    messages, width, reach = len(out[0]), orders[0].shape[1], len(rates[0])
    limit, market = rates[0][-1], rates[2]
    _sum_cancels(s, orders, rates)
    while True:
        # nothing is drawn before there is room for it, so that the path does not depend on how much there is
        if s.written == messages:
            s.stopped = _FULL
            return
        if s.free == 0:
            s.stopped = _CROWDED
            return
        if min(s.best[0], s.best[1]) <= reach or max(s.best[0], s.best[1]) >= width - reach - 1:
            s.stopped = _EDGE
            return
        total = s.cancel_rate[0] + s.cancel_rate[1] + 2.0 * limit + 2.0 * market
        s.time += exponential(s, 0) / total
        if s.time >= until:
            s.time = until  # what comes later does not depend on how long nothing has happened
            s.stopped = _DONE
            return
        _happen(s, orders, rates, uniform(s, 0) * total, out)
        _sum_cancels(s, orders, rates)


@_kernel
def _happen(s: Any, orders: Any, rates: Any, u: float, out: Any) -> None:
    """The event at u, uniform up to the sum of all rates; market orders are last, as any state allows them."""
    for side in range(2):
        if u < s.cancel_rate[side]:
            _cancel(s, orders, rates, side, u, out)
            return
        u -= s.cancel_rate[side]
    limit = rates[0][-1]
    for side in range(2):
        if u < limit:
            _place(s, orders, rates, side, u, out)
            return
        u -= limit
    side = 0 if u < rates[2] else 1
    if s.orders[side] > 0:
        price = s.best[side]
        order = _remove(s, orders, len(rates[0]), side, price, orders[0][side, price].first)
        _tell(s, orders, TRADE, side, price, order, out)


@_kernel
def _sum_cancels(s: Any, orders: Any, rates: Any) -> None:
    """Put the rate at which any order of a side is cancelled."""
    cancel = rates[1]
    for side in range(2):
        sign, price, seen, rate = sign_of(side), s.best[side], 0, 0.0
        while seen < s.orders[side]:
            here = orders[0][side, price].orders
            seen += here
            rate += here * cancel[min(sign * (s.best[1 - side] - price), len(cancel)) - 1]
            price -= sign
        s.cancel_rate[side] = rate


@_kernel
def _cancel(s: Any, orders: Any, rates: Any, side: int, u: float, out: Any) -> None:
    """Cancel an order at the price at u, uniform up to the side's rate, of which these are the same sums."""
    queues, cancel, levels = orders[0], rates[1], out[1].shape[2]
    sign, price, rate = sign_of(side), s.best[side], 0.0
    while True:
        rate += queues[side, price].orders * cancel[min(sign * (s.best[1 - side] - price), len(cancel)) - 1]
        if u < rate:
            break
        price -= sign
    place = queues[side, price].first
    for _ in range(int(uniform(s, 0) * queues[side, price].orders)):
        place = orders[1][place].after
    visible = _better(s, orders, side, price, levels) < levels
    order = _remove(s, orders, len(cancel), side, price, place)
    if visible:
        _tell(s, orders, DELETE, side, price, order, out)


@_kernel
def _place(s: Any, orders: Any, rates: Any, side: int, u: float, out: Any) -> None:
    """A limit order at the first distance up to which the sum of rates is above u."""
    arrived, places, levels = rates[0], orders[1], out[1].shape[2]
    low, high = 0, len(arrived) - 1
    while low < high:
        middle = (low + high) // 2
        if u < arrived[middle]:
            high = middle
        else:
            low = middle + 1
    sign = sign_of(side)
    price = s.best[1 - side] - sign * (low + 1)
    queue = orders[0][side, price]
    s.free -= 1
    place = places[s.free].free
    places[place].order = s.next
    if queue.orders > 0:
        places[queue.last].after, places[place].before = place, queue.last
    else:
        queue.first = place
    queue.last = place
    queue.orders += 1
    if s.orders[side] == 0 or sign * (price - s.best[side]) > 0:
        s.best[side] = price
    s.orders[side] += 1
    s.next += 1
    if _better(s, orders, side, price, levels) < levels:
        _tell(s, orders, LIMIT, side, price, places[place].order, out)


@_kernel
def _remove(s: Any, orders: Any, reach: int, side: int, price: int, place: int) -> Any:
    """Take an order from its queue; return its identity."""
    queues, places = orders
    queue, gone, sign = queues[side, price], places[place], sign_of(side)
    if place == queue.first:
        queue.first = gone.after
    elif place == queue.last:
        queue.last = gone.before
    else:
        places[gone.before].after, places[gone.after].before = gone.after, gone.before
    queue.orders -= 1
    places[s.free].free = place
    s.free += 1
    s.orders[side] -= 1
    if s.orders[side] == 0:
        s.best[side] = s.best[1 - side] - sign * (reach + 1)
    else:
        while queues[side, s.best[side]].orders == 0:
            s.best[side] -= sign
    return gone.order


@_kernel
def _better(s: Any, orders: Any, side: int, price: int, most: int) -> int:
    """Levels of a side that are better than a price, counted up to a number."""
    sign, found, at = sign_of(side), 0, s.best[side]
    while sign * (at - price) > 0 and found < most:
        found += 1 if orders[0][side, at].orders > 0 else 0
        at -= sign
    return found


@_kernel
def _tell(s: Any, orders: Any, kind: int, side: int, price: int, order: int, out: Any) -> None:
    """Write an event, and the book after it; the side of a trade is that of its market order."""
    m, book, sign = out[0][s.written], out[1][s.written], sign_of(side)
    m.time, m.price, m.order, m.kind = s.time, s.low + price, order, kind
    m.side = -sign if kind == TRADE else sign
    book[:] = 0
    for k in range(2):
        found, seen, at = 0, 0, s.best[k]
        while found < book.shape[1] and seen < s.orders[k]:
            here = orders[0][k, at].orders
            if here > 0:
                book[k, found, 0], book[k, found, 1] = s.low + at, here
                found += 1
                seen += here
            at -= sign_of(k)
    s.written += 1
