"""The kernels against the order-by-order reference: every level, fill, fee and queue position after every event."""

from __future__ import annotations

import math

import pytest

from mm_env.config import MarketConfig
from mm_env.sim.state import WINDOW
from tests.differential import driver
from tests.differential.pair import EVENTS, Disagreement, Pair
from tests.differential.reference_book import Book, Market, Messages, Order, Quote

VENUES = [
    {"name": "FINE", "maker_fee_bps": -0.2, "taker_fee_bps": 0.3},
    {"name": "COARSE", "tick_multiple": 2, "price_basis_ticks": -6, "maker_fee_bps": 0.1, "taker_fee_bps": -0.1},
    {"name": "COARSEST", "tick_multiple": 5, "price_basis_ticks": 10, "liquidity_share": 0.3},
]
MARKETS = {
    "two symbols on three venues": {"venues": VENUES},
    "one symbol on one venue": {"symbols": ["XYZ"], "venues": VENUES[:1]},
    "a price near the lowest": {"symbols": [{"name": "LOW", "start_price": 1.0}], "venues": VENUES[:2]},
}
RUNS = [(name, number) for name, number in zip(MARKETS, (55_000, 27_000, 20_000), strict=True)]
TOTAL = 100_000


def make(name: str) -> MarketConfig:
    """A configuration of MARKETS."""
    return MarketConfig.model_validate(MARKETS[name])


@pytest.mark.parametrize("name, number", RUNS, ids=list(MARKETS))
def test_kernels_and_reference_agree_after_every_event(name: str, number: int) -> None:
    pair = Pair(make(name), seed=20)
    pair.run(number)
    assert set(pair.counts) == set(EVENTS) and min(pair.counts.values()) > 0
    assert pair.traded > number / 40  # own fills were compared, and many of them


def test_the_runs_are_long_enough() -> None:
    assert sum(number for _, number in RUNS) >= TOTAL


class LastFirst(Book):
    def first(self, queue: list[Order]) -> Order:
        return queue[-1]


class OwnFirst(Book):
    def first(self, queue: list[Order]) -> Order:
        return next((order for order in queue if order.own), queue[0])


class OwnLast(Book):
    def first(self, queue: list[Order]) -> Order:
        return next((order for order in queue if not order.own), queue[0])


class QueueJumper(Book):
    def rest(self, side: int, price: int, order: Order) -> None:
        self.levels[side].setdefault(price, []).insert(0, order)


class LostLots(Book):
    def remove(self, side: int, price: int, order: Order, lots: int) -> None:
        super().remove(side, price, order, order.lots if 0 < lots < order.lots and order.lots > 8 else lots)


class KeepsPlaceWhenGrowing(Market):
    def deliver(self, v: int, messages: list[Messages]) -> None:
        for i, message in enumerate(messages):
            for side, quote in list(message.quotes.items()):
                found = self.books[i][v].own(side)
                grows = found is not None and found[0] == quote.price and quote.lots > found[1].lots
                if found is not None and grows and not quote.shrink:
                    found[1].lots = quote.lots
                    del message.quotes[side]
        super().deliver(v, messages)


class ShrinkMakesAnOrder(Market):
    def deliver(self, v: int, messages: list[Messages]) -> None:
        for message in messages:
            message.quotes = {side: Quote(quote.price, quote.lots) for side, quote in message.quotes.items()}
        super().deliver(v, messages)


class CrossesOnPurpose(Market):
    def quote(self, i: int, v: int, side: int, quote: Quote) -> None:
        if quote.price + self.rules.basis[v] >= 1:
            self.books[i][v].rest(side, quote.price, Order(quote.lots, own=True))


class ForgetsBasis(Market):
    def book_fill(self, i: int, v: int, side: int, role: int, price: int, lots: int) -> None:
        super().book_fill(i, v, side, role, price - self.rules.basis[v], lots)


class KeepsWhatTheWindowLost(Market):
    def move_window(self, i: int, low: int) -> None:
        self.low[i] = low


class StaleMid(Market):
    def update_mid(self, i: int) -> None:
        mid = self.mid_of_others(i)
        self.mid[i] = math.nan if mid is None else mid


def with_book(book: type[Book]) -> type[Market]:
    """A reference whose books are wrong."""
    return type(book.__name__, (Market,), {"book_type": book})


@pytest.mark.parametrize(
    "reference",
    [
        with_book(LastFirst), with_book(OwnFirst), with_book(OwnLast), with_book(QueueJumper), with_book(LostLots),
        KeepsPlaceWhenGrowing, ShrinkMakesAnOrder, CrossesOnPurpose, ForgetsBasis, KeepsWhatTheWindowLost, StaleMid,
    ],
    ids=lambda reference: reference.__name__,
)  # fmt: skip
def test_a_planted_bug_is_found(reference: type[Market]) -> None:
    pair = Pair(make("two symbols on three venues"), seed=21, reference=reference)
    with pytest.raises(Disagreement):
        pair.run(5_000)


def test_a_fault_planted_in_the_state_is_found() -> None:
    """The comparison sees the kernels' side too: one lot, one place in a queue, one tick, one cent."""
    for field, change in (("depth", 1), ("own_ahead", -1), ("own_price", 1), ("cash", 0.01), ("inventory", 1)):
        pair = Pair(make("one symbol on one venue"), seed=22)
        pair.run(300)
        queued = int(pair.states["own_quantity"][0, 0, 0, 0])
        while not (queued and pair.states["own_ahead"][0, 0, 0, 0]):
            pair.run(1)
            queued = int(pair.states["own_quantity"][0, 0, 0, 0])
        place = (0, 0, 0, 0) if field.startswith("own") else (0,)
        if field == "depth":
            place = (0, 0, 0, 0, int(pair.states["best"][0, 0, 0, 0]) % WINDOW)
        elif field == "inventory":
            place = (0, 0)
        pair.states[field][place] += change
        with pytest.raises(Disagreement):
            pair.compare(driver.LOOK, 0)
