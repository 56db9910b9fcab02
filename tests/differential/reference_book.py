"""A slow market that is easy to believe: every price of every book is a list of orders in the order of their arrival.

It knows nothing of the kernels but their rules, and keeps no total: what is asked of it is counted from the orders.
Prices are reference ticks (the venue's price minus its basis); side 0 is the bid, 1 the ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

BID, ASK = 0, 1
MAKER, HEDGE, LIQUIDATION = 0, 1, 2
OTHER = -1


@dataclass
class Order:
    """A resting order."""

    lots: int
    own: bool = False


@dataclass(frozen=True)
class Fill:
    """An own fill, as the ledger books it; price and mid in the venue's ticks."""

    symbol: int
    venue: int
    side: int
    role: int
    price: int
    lots: int
    mid: float


@dataclass(frozen=True)
class Rules:
    """What a market is made of: numbers of symbols and venues, each venue's tick and basis, ticks of a window.

    reach: how far past the best price of others a taker trades
    """

    symbols: int
    venues: int
    multiple: tuple[int, ...]
    basis: tuple[int, ...]
    window: int
    reach: int


def beats(side: int, price: int, other: int) -> bool:
    """Whether a price has priority over another."""
    return price > other if side == BID else price < other


class Book:
    """One symbol's orders on one venue."""

    def __init__(self) -> None:
        self.levels: tuple[dict[int, list[Order]], dict[int, list[Order]]] = ({}, {})

    def best(self, side: int, others_only: bool = False) -> int | None:
        """Best price of a side."""
        prices = [
            price for price, queue in self.levels[side].items() if any(not (others_only and order.own) for order in queue)
        ]
        if not prices:
            return None
        return max(prices) if side == BID else min(prices)

    def rest(self, side: int, price: int, order: Order) -> None:
        """Queue an order behind those at its price."""
        self.levels[side].setdefault(price, []).append(order)

    def remove(self, side: int, price: int, order: Order, lots: int) -> None:
        """Take lots off an order, and the order off the book when none is left."""
        queue = self.levels[side][price]
        order.lots -= lots
        if order.lots == 0:
            queue[:] = [other for other in queue if other is not order]
        if not queue:
            del self.levels[side][price]

    def first(self, queue: list[Order]) -> Order:
        """The order whose turn it is."""
        return queue[0]

    def own(self, side: int) -> tuple[int, Order] | None:
        """(price, order) of the agent's order on a side."""
        for price, queue in self.levels[side].items():
            for order in queue:
                if order.own:
                    return price, order
        return None

    def ahead(self, side: int) -> int:
        """Lots queued before the agent's order."""
        found = self.own(side)
        if found is None:
            return 0
        lots = 0
        for order in self.levels[side][found[0]]:
            if order.own:
                break
            lots += order.lots
        return lots

    def depth(self, side: int) -> dict[int, int]:
        """Lots of the others by price."""
        lots = {price: sum(o.lots for o in queue if not o.own) for price, queue in self.levels[side].items()}
        return {price: n for price, n in lots.items() if n > 0}


@dataclass
class Quote:
    """A message about one side: replace the order there (no lots cancel it), or only shrink what is left of it."""

    price: int
    lots: int
    shrink: bool = False


@dataclass
class Messages:
    """What reaches a venue at once for one symbol."""

    quotes: dict[int, Quote] = field(default_factory=dict)
    hedge: int = 0
    limit: int = 0


class Market:
    """All books, the agent's fills, and the volume that each party traded."""

    book_type = Book

    def __init__(self, rules: Rules, lows: list[int], mids: list[float]) -> None:
        self.rules = rules
        self.books = [[self.book_type() for _ in range(rules.venues)] for _ in range(rules.symbols)]
        self.low = list(lows)
        self.mid = list(mids)
        self.known: list[list[int | None]] = [[None, None] for _ in range(rules.symbols)]
        self.fills: list[Fill] = []
        self.given = self.given_own = self.withheld = 0
        self.posted: dict[tuple[int, int, int], int] = {}

    def touch(self, i: int, side: int) -> tuple[int, int] | None:
        """(venue, price) of the best order over venues, the first venue on ties."""
        found = None
        for v in range(self.rules.venues):
            price = self.books[i][v].best(side)
            if price is not None and (found is None or beats(side, price, found[1])):
                found = v, price
        return found

    def mid_of_others(self, i: int) -> float | None:
        """Consolidated mid without the agent's orders, where both sides exist."""
        bids = [book.best(BID, others_only=True) for book in self.books[i]]
        asks = [book.best(ASK, others_only=True) for book in self.books[i]]
        bids, asks = [b for b in bids if b is not None], [a for a in asks if a is not None]
        return 0.5 * (max(bids) + min(asks)) if bids and asks else None

    def update_mid(self, i: int) -> None:
        """Keep the last mid that existed."""
        mid = self.mid_of_others(i)
        self.mid[i] = self.mid[i] if mid is None else mid

    def limit(self, i: int, side: int) -> int:
        """Worst price that a taker accepts from a side: so far past the best of others, or the last mid, in the window."""
        others = [price for book in self.books[i] if (price := book.best(side, others_only=True)) is not None]
        if side == ASK:
            best = min(others) if others else math.ceil(self.mid[i])
            return min(best + self.rules.reach, self.low[i] + self.rules.window - 1)
        best = max(others) if others else math.floor(self.mid[i])
        return max(best - self.rules.reach, self.low[i])

    def hit(self, i: int, v: int, side: int, price: int, lots: int, role: int) -> int:
        """Trade at one price, order by order. Returns the lots traded."""
        book = self.books[i][v]
        queue = book.levels[side][price]
        own = others = 0
        while queue and own + others < lots:
            order = book.first(queue)
            part = min(order.lots, lots - own - others)
            own, others = (own + part, others) if order.own else (own, others + part)
            book.remove(side, price, order, part)
        self.given_own += own
        self.given += others
        if own:
            self.book_fill(i, v, side, MAKER, price, own)
        if role != OTHER and others:
            self.book_fill(i, v, 1 - side, role, price, others)
        return own + others

    def book_fill(self, i: int, v: int, side: int, role: int, price: int, lots: int) -> None:
        """Note an own fill at the mid before it."""
        basis = self.rules.basis[v]
        self.fills.append(Fill(i, v, side, role, price + basis, lots, self.mid[i] + basis))

    def take(self, i: int, v: int, side: int, lots: int, limit: int, role: int = OTHER) -> int:
        """An aggressor on one venue, no worse than `limit`. Returns the lots traded."""
        done = 0
        while done < lots:
            price = self.books[i][v].best(side)
            if price is None or beats(side, limit, price):
                break
            done += self.hit(i, v, side, price, lots - done, role)
        self.update_mid(i)
        return done

    def sweep(self, i: int, side: int, lots: int) -> None:
        """An aggressor that looks for the best price over venues again after each; the mid is its own until it is done."""
        done, limit = 0, self.limit(i, side)
        while done < lots:
            found = self.touch(i, side)
            if found is None or beats(side, limit, found[1]):
                break
            done += self.hit(i, found[0], side, found[1], lots - done, OTHER)
        self.update_mid(i)

    def arrive(self, i: int, v: int, side: int, price: int, lots: int) -> None:
        """A maker's limit order: what is marketable trades, and what would knowingly lock or cross does not rest."""
        opposite = self.books[i][v].best(1 - side)
        done = 0
        if opposite is not None and (price == opposite or beats(side, price, opposite)):
            done = self.take(i, v, 1 - side, lots, price)
        known = self.known[i][1 - side]
        if known is not None and (price == known or beats(side, price, known)):
            self.withheld += done == 0
        elif done < lots:
            self.books[i][v].rest(side, price, Order(lots - done))
        self.update_mid(i)

    def cancel(self, i: int, v: int, side: int, price: int, order: Order, lots: int) -> None:
        """Cancel lots of one order."""
        self.books[i][v].remove(side, price, order, lots)
        self.update_mid(i)

    def cancel_some(self, i: int, v: int, side: int, price: int, lots: int, ahead_first: bool) -> None:
        """Cancel lots from the orders before the agent's and, when these do not suffice, those after it, or the reverse."""
        queue = self.books[i][v].levels[side][price]
        place = next((k for k, order in enumerate(queue) if order.own), len(queue))
        ahead, behind = queue[:place], queue[place + 1 :]
        for order in ahead + behind if ahead_first else behind + ahead:
            part = min(lots, order.lots)
            if part:
                self.cancel(i, v, side, price, order, part)
            lots -= part

    def deliver(self, v: int, messages: list[Messages]) -> None:
        """One decision's messages of every symbol: cancels and shrinks, then the hedge, then what is new."""
        for i, message in enumerate(messages):
            book = self.books[i][v]
            for side, quote in message.quotes.items():
                found = book.own(side)
                if found is None:
                    continue
                price, order = found
                kept = quote.lots if price == quote.price and 0 < quote.lots <= order.lots else 0
                if quote.shrink:
                    kept = min(quote.lots, order.lots)
                book.remove(side, price, order, order.lots - kept)
            if message.hedge:
                resting = ASK if message.hedge > 0 else BID
                found = book.own(resting)
                if found is not None:
                    book.remove(resting, *found, found[1].lots)
                self.take(i, v, resting, abs(message.hedge), message.limit, HEDGE)
            for side, quote in message.quotes.items():
                if quote.lots > 0 and not quote.shrink and book.own(side) is None:
                    self.quote(i, v, side, quote)

    def quote(self, i: int, v: int, side: int, quote: Quote) -> None:
        """Rest a new own order, a venue tick away from the opposite best when it would trade."""
        price, opposite = quote.price, self.books[i][v].best(1 - side)
        tick = self.rules.multiple[v]
        if opposite is not None:
            price = min(price, opposite - tick) if side == BID else max(price, opposite + tick)
        if price + self.rules.basis[v] < 1:
            return
        self.books[i][v].rest(side, price, Order(quote.lots, own=True))
        self.posted[i, v, side] = self.posted.get((i, v, side), 0) + quote.lots

    def arbitrage(self, i: int) -> None:
        """Buy at the lower ask and sell at the higher bid, all that stands at the smaller of the two, until none crosses."""
        while True:
            bid, ask = self.touch(i, BID), self.touch(i, ASK)
            if bid is None or ask is None or bid[1] <= ask[1]:
                return
            at_bid = sum(order.lots for order in self.books[i][bid[0]].levels[BID][bid[1]])
            at_ask = sum(order.lots for order in self.books[i][ask[0]].levels[ASK][ask[1]])
            self.hit(i, *bid[:1], BID, bid[1], min(at_bid, at_ask), OTHER)
            self.hit(i, *ask[:1], ASK, ask[1], min(at_bid, at_ask), OTHER)
            self.update_mid(i)

    def move_window(self, i: int, low: int) -> None:
        """Cancel the others' orders that the window no longer holds; the agent's stay."""
        self.low[i] = low
        for book in self.books[i]:
            for side in (BID, ASK):
                for price in [p for p in book.levels[side] if not low <= p < low + self.rules.window]:
                    for order in [o for o in book.levels[side][price] if not o.own]:
                        book.remove(side, price, order, order.lots)
        self.update_mid(i)

    def learn_touch(self, i: int) -> None:
        """Makers look at the other venues."""
        for side in (BID, ASK):
            found = self.touch(i, side)
            self.known[i][side] = None if found is None else found[1]

    def liquidate(self, inventory: list[int]) -> None:
        """Cancel the agent's orders and trade its inventory away, best price first."""
        for i, held in enumerate(inventory):
            for book in self.books[i]:
                for side in (BID, ASK):
                    found = book.own(side)
                    if found is not None:
                        book.remove(side, *found, found[1].lots)
            resting, left, mid = (BID if held > 0 else ASK), abs(held), self.mid[i]
            while left and (found := self.touch(i, resting)) is not None:
                left -= self.take(i, found[0], resting, left, found[1], LIQUIDATION)
                self.mid[i] = mid  # its own until it is done, as a sweep's
            self.update_mid(i)
