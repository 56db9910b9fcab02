"""The kernels and the reference side by side: the same events go to both, and everything is compared after each."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from mm_env.config import MarketConfig
from mm_env.market.params import make_params
from mm_env.sim.ledger import FILL_DTYPE
from mm_env.sim.orders import REPLACE, SHRINK
from mm_env.sim.state import WINDOW, capacity_for, state_dtype
from tests.differential import driver
from tests.differential.reference_book import ASK, BID, Market, Messages, Quote, Rules
from tests.differential.reference_ledger import Ledger

EVENTS = {
    driver.ARRIVE: 0.50, driver.CANCEL: 0.19, driver.TAKE: 0.05, driver.SWEEP: 0.03, driver.DELIVER: 0.14,
    driver.ARBITRAGE: 0.02, driver.WINDOW: 0.03, driver.LOOK: 0.039, driver.LIQUIDATE: 0.001,
}  # fmt: skip
BOOK = ("best", "resting", "own_price", "own_quantity", "own_ahead", "posted")


class Disagreement(AssertionError):
    """The kernels and the reference differ."""


class Pair:
    """A market driven at random. reference: the class that plays the reference."""

    def __init__(self, config: MarketConfig, seed: int, reference: type[Market] = Market) -> None:
        capacity = capacity_for(len(config.symbols), len(config.venues))
        self.rng = np.random.default_rng(seed)
        self.params = make_params(config).reshape(1)
        self.states = np.zeros(1, state_dtype(capacity))
        self.twin = self.states.copy()
        self.fills = np.zeros((1, 512), FILL_DTYPE)
        p = self.params[0]
        n, m = len(config.symbols), len(config.venues)
        self.symbols, self.venues = n, m
        rules = Rules(
            n,
            m,
            tuple(map(int, p["tick_multiple"][:m])),
            tuple(map(int, p["price_basis_ticks"][:m])),
            WINDOW,
            int(p["taker_reach_ticks"]),
        )
        s = self.states[0]
        s["box_time"] = s["snapshot_time"] = s["arbitrage_time"] = s["scheduled_next"] = math.inf
        s["touch_venue"] = -1
        s["price"][:n] = p["start_price_ticks"][:n]
        s["window_low"] = np.floor(s["price"]).astype(int) - WINDOW // 2
        s["mid2"] = 2 * np.round(s["price"]).astype(int)
        self.reference = reference(rules, s["window_low"].tolist(), (0.5 * s["mid2"]).tolist())
        self.ledger = Ledger(p["lot_value"].tolist(), p["maker_fee"].tolist(), p["taker_fee"].tolist())
        driver.happen(self.states, self.params, self.fills, driver.RATES, 0, 0, 0, 0, 0, False)
        self.counts: Counter[int] = Counter()
        self.traded = 0

    def run(self, events: int) -> None:
        """Drive both until so many events happened, and compare after every one; raises Disagreement."""
        kinds, odds = list(EVENTS), np.array(list(EVENTS.values()))
        for number in range(events):
            self.states["time"], self.states["fill_count"] = float(number), 0
            self.reference.fills.clear()
            kind = int(self.rng.choice(kinds, p=odds))
            while not self._event(kind):
                kind = int(self.rng.choice(kinds, p=odds))
            self.counts[kind] += 1
            self.compare(kind, number)

    def _event(self, kind: int) -> bool:
        """Draw one event of a kind, and give it to both. Returns whether there was anything to do."""
        rng, reference = self.rng, self.reference
        i, v, side = int(rng.integers(self.symbols)), int(rng.integers(self.venues)), int(rng.integers(2))
        price, lots, flag = 0, 0, False
        if kind == driver.ARRIVE:
            price, lots = self._price(i, v, side, float(rng.gamma(0.9, 2.5))), int(rng.geometric(0.3))
            if not reference.low[i] <= price < reference.low[i] + WINDOW:
                return False
            reference.arrive(i, v, side, price, lots)
        elif kind == driver.CANCEL:
            chosen = self._choose_cancel(i, v, side)
            if chosen is None:
                return False
            price, lots, flag = chosen
        elif kind == driver.TAKE:
            lots = int(rng.pareto(1.3) * 4) + 1
            price = reference.limit(i, side)
            reference.take(i, v, side, lots, price)
        elif kind == driver.SWEEP:
            lots = int(rng.pareto(1.3) * 6) + 1
            reference.sweep(i, side, lots)
        elif kind == driver.DELIVER:
            reference.deliver(v, self._draw_messages(v))
        elif kind == driver.ARBITRAGE:
            reference.arbitrage(i)
        elif kind == driver.WINDOW:
            far = rng.random() < 0.1
            self.states["price"][0, i] += rng.normal(0.0, 60.0 if far else 1.5)
            reference.move_window(i, math.floor(self.states["price"][0, i]) - WINDOW // 2)
        elif kind == driver.LOOK:
            reference.learn_touch(i)
        elif kind == driver.LIQUIDATE:
            reference.liquidate([self.ledger.inventory(j) for j in range(self.symbols)])
        driver.happen(self.states, self.params, self.fills, kind, i, v, side, price, lots, flag)
        return True

    def _price(self, i: int, v: int, side: int, distance: float) -> int:
        """A price on the venue's grid, at a distance from the efficient price, rounded away from the market."""
        sign, multiple = 1 - 2 * side, self.reference.rules.multiple[v]
        return sign * (math.floor((sign * self.states["price"][0, i] - distance) / multiple) * multiple)

    def _choose_cancel(self, i: int, v: int, side: int) -> tuple[int, int, bool] | None:
        """Cancel a whole order, or lots of a level from the orders on one side of the agent's. Returns the kernel's view."""
        rng, book = self.rng, self.reference.books[i][v]
        levels = [price for price, lots in book.depth(side).items() if lots > 0]
        if not levels:
            return None
        price = int(rng.choice(levels))
        queue = book.levels[side][price]
        if rng.random() < 0.5:
            order = [o for o in queue if not o.own][int(rng.integers(sum(not o.own for o in queue)))]
            own = [k for k, o in enumerate(queue) if o.own]
            ahead = bool(own) and next(k for k, o in enumerate(queue) if o is order) < own[0]
            lots = order.lots
            self.reference.cancel(i, v, side, price, order, lots)
            return price, lots, ahead
        lots, ahead = int(rng.integers(1, book.depth(side)[price] + 1)), bool(rng.integers(2))
        self.reference.cancel_some(i, v, side, price, lots, ahead)
        return price, lots, ahead

    def _draw_messages(self, v: int) -> list[Messages]:
        """Messages for a venue, written into the kernel's mailbox 0 too."""
        s, messages = self.states[0], []
        for name in ("box_quote", "box_price", "box_quantity", "box_hedge", "box_limit"):
            s[name][0] = 0
        for i in range(self.symbols):
            message = Messages()
            for side in (BID, ASK):
                if self.rng.random() < 0.6:
                    quote = message.quotes[side] = self._draw_quote(i, v, side)
                    s["box_quote"][0, i, v, side] = SHRINK if quote.shrink else REPLACE
                    s["box_price"][0, i, v, side], s["box_quantity"][0, i, v, side] = quote.price, quote.lots
            if self.rng.random() < 0.3:
                message.hedge = int(self.rng.integers(-15, 16))
                message.limit = self._price(i, v, int(self.rng.integers(2)), float(self.rng.normal(0.0, 4.0)))
                s["box_hedge"][0, i, v], s["box_limit"][0, i, v] = message.hedge, message.limit
            messages.append(message)
        return messages

    def _draw_quote(self, i: int, v: int, side: int) -> Quote:
        """A cancel, a change of size at the standing price, or a quote anywhere: even through the market or far away."""
        rng, found = self.rng, self.reference.books[i][v].own(side)
        draw = rng.random()
        if draw < 0.15:
            return Quote(0, 0)
        if draw < 0.25:
            return Quote(self._price(i, v, side, 2.0), int(rng.geometric(0.15)), shrink=True)
        if found is not None and draw < 0.5:
            return Quote(found[0], max(1, found[1].lots + int(rng.integers(-4, 3))))
        distance = float(rng.normal(0.0, 40.0)) if draw > 0.95 else float(rng.normal(2.0, 3.0))
        return Quote(self._price(i, v, side, distance), int(rng.geometric(0.1)))

    def compare(self, kind: int, number: int) -> None:
        """Raises Disagreement at the first difference."""
        s = self.states[0]
        where = f"event {number} of kind {kind}: "
        ours, theirs = self._kernel_books(), self._reference_books()
        if ours != theirs:
            wrong = next(key for key in theirs if ours[key] != theirs[key])
            raise Disagreement(f"{where}{wrong}: kernel {ours[wrong]}, reference {theirs[wrong]}")
        fills = [tuple(f.__dict__.values()) for f in self.reference.fills]
        rows = self.fills[0, : int(s["fill_count"])]
        logged = [
            (int(f["symbol"]), int(f["venue"]), int(f["side"]), int(f["role"]), int(f["price"]), int(f["quantity"]),
             float(f["mid"])) for f in rows
        ]  # fmt: skip
        if sorted(fills) != sorted(logged):
            raise Disagreement(f"{where}fills: kernel {logged}, reference {fills}")
        self.traded += len(fills)
        for fill in fills:
            self.ledger.book(*fill)
        if abs(float(self.ledger.cash) - float(s["cash"])) > 1e-12 * max(1.0, self.ledger.gross):
            raise Disagreement(f"{where}cash: kernel {s['cash']}, reference {float(self.ledger.cash)}")
        held = [self.ledger.inventory(i) for i in range(self.symbols)]
        if s["inventory"][: self.symbols].tolist() != held:
            raise Disagreement(f"{where}inventory: kernel {s['inventory']}, reference {held}")
        for (i, v), lots in self.ledger.position.items():
            if s["position"][i, v] != lots:
                raise Disagreement(f"{where}position {i} {v}: kernel {s['position'][i, v]}, reference {lots}")
        if s["fault"]:
            raise Disagreement(f"{where}fault {s['fault']}")
        self._compare_rates(where)

    def _compare_rates(self, where: str) -> None:
        """Rates that events keep up to date are those that the books imply."""
        twin = self.twin
        twin[:] = self.states
        driver.happen(twin, self.params, self.fills[:, :0], driver.RATES, 0, 0, 0, 0, 0, False)
        for name in ("rate", "stale", "venue_rate", "symbol_rate"):
            kept, implied = self.states[name], twin[name]
            if (np.abs(kept - implied) > 1e-12 + 1e-9 * implied).any():
                raise Disagreement(f"{where}{name}: kept {kept}, implied {implied}")

    def _kernel_books(self) -> dict[tuple, object]:
        """Every level, own order, touch and counter of the kernels."""
        s = self.states[0]
        view: dict[tuple, object] = {
            (name,): int(s[name]) for name in ("maker_volume", "own_maker_volume", "taker_volume", "withheld")
        }
        low, touch, venue, known = (s[name].tolist() for name in ("window_low", "touch", "touch_venue", "known"))
        best, resting, price, own, ahead, posted = (s[name].tolist() for name in BOOK)
        for i in range(self.symbols):
            view[i, "mid"] = 0.5 * int(s["mid2"][i])
            view[i, "known"] = [known[i][k] if s["known_valid"][i, k] else None for k in (BID, ASK)]
            for side in (BID, ASK):
                view[i, side, "touch"] = (venue[i][side], touch[i][side]) if venue[i][side] >= 0 else None
                for v in range(self.venues):
                    view[i, v, side, "levels"] = {}
                    view[i, v, side, "best"] = best[i][v][side] if resting[i][v][side] > 0 else None
                    view[i, v, side, "resting"] = resting[i][v][side]
                    order = price[i][v][side], own[i][v][side], ahead[i][v][side]
                    view[i, v, side, "own"] = order if order[1] else None
                    view[i, v, side, "posted"] = posted[i][v][side]
        places = np.nonzero(s["depth"])
        for i, v, side, slot, lots in zip(*(axis.tolist() for axis in places), s["depth"][places].tolist(), strict=True):
            view[i, v, side, "levels"][(slot - low[i]) % WINDOW + low[i]] = lots  # type: ignore[index]
        return view

    def _reference_books(self) -> dict[tuple, object]:
        """The same of the reference."""
        r = self.reference
        view: dict[tuple, object] = {
            ("maker_volume",): r.given, ("own_maker_volume",): r.given_own, ("taker_volume",): r.given + r.given_own,
            ("withheld",): r.withheld,
        }  # fmt: skip
        for i in range(self.symbols):
            view[i, "mid"], view[i, "known"] = r.mid[i], r.known[i]
            for side in (BID, ASK):
                view[i, side, "touch"] = r.touch(i, side)
                for v, book in enumerate(r.books[i]):
                    depth, own = book.depth(side), book.own(side)
                    view[i, v, side, "levels"] = depth
                    view[i, v, side, "best"] = (max(depth) if side == BID else min(depth)) if depth else None
                    view[i, v, side, "resting"] = sum(depth.values())
                    view[i, v, side, "own"] = None if own is None else (own[0], own[1].lots, book.ahead(side))
                    view[i, v, side, "posted"] = r.posted.get((i, v, side), 0)
        return view
