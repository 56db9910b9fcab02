"""What must hold of a running market after every step, whatever its parameters and the agent's actions."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest

from mm_env.config import MarketConfig
from mm_env.market.params import make_params
from mm_env.sim.batch import Batch
from mm_env.sim.inputs import Headlines
from mm_env.sim.ledger import HEDGE, LIQUIDATION, MAKER
from mm_env.sim.news import TAPE_DTYPE
from mm_env.sim.state import MAILBOXES, WINDOW, capacity_for

BID, ASK = 0, 1
EXACT = 1e-9  # relative to the gross traded value
INSTANT = 1e-9  # [s] within which an arrival and another event may be in either order
# times that say "never" by an infinity
ENDLESS = {"replay_time", "refill_time", "refill_next",
    "box_time", "box_arrival", "intent_time", "arbitrage_time", "snapshot_time", "scheduled_next", "news_next",
    "taker_next", "headline_time",
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """What the agent sent about one side, or as a hedge (signed lots)."""

    arrival: float
    price: int
    lots: int


def headlines(symbols: int) -> Headlines:
    """A bank of headlines of every polarity for each symbol and the market."""
    polarities = [-1.0, -0.3, 0.0, 0.3, 1.0]
    tape = np.zeros((symbols + 1) * len(polarities), TAPE_DTYPE)
    for k in range(symbols + 1):
        rows = tape[k * len(polarities) : (k + 1) * len(polarities)]
        rows["symbol"] = k if k < symbols else -1
        rows["polarity"] = rows["score"] = polarities
        rows["scored"], rows["stated"] = np.sign(polarities).astype(int) + 1, True
    return Headlines(tape, np.arange(symbols + 2) * len(polarities))


class Watch:
    """One env that is stepped and checked."""

    def __init__(self, config: MarketConfig, seed: int) -> None:
        self.config = config
        n = len(config.symbols)
        self.batch = Batch(make_params(config), 1, capacity_for(n, len(config.venues)), headlines(n), threads=1, log=True)
        self.batch.seed([np.random.SeedSequence(seed)])
        self.batch.reset()
        self.n, self.venues = n, len(config.venues)
        self.p = self.batch.params[0]
        self.quotes: dict[tuple[int, int, int], list[Message]] = defaultdict(list)
        self.hedges: dict[tuple[int, int], list[Message]] = defaultdict(list)
        self.hedged: dict[tuple[int, int, float], int] = defaultdict(int)
        self.cash = self.gross = self.rewards = self.profit_terms = self.maker_lots = 0.0
        self.inventory = np.zeros(n, np.int64)
        self.check_books()
        self.check_kept()
        self.check_finite()

    def step(self, action: np.ndarray, mode: int) -> None:
        """One decision, and all checks."""
        s = self.batch.states[0]
        before = {name: s[name].copy() for name in ("posted", "own_price", "own_quantity", "own_ahead", "position")}
        wanted, k, time = self.wanted(action, mode), int(s["step"]), float(s["time"])
        self.batch.step(action[None].astype(np.float32), mode)
        last = k + 1 == self.config.episode.steps
        self.read_messages(k, time)
        fills = self.batch.logged_fills(0)
        self.check_quotes(wanted)
        self.check_books()
        self.check_kept()
        self.check_fills(fills, last)
        self.check_orders(before, last)
        self.check_seen(fills, before, time, last)
        self.check_money(fills, last)
        self.check_finite()

    def wanted(self, action: np.ndarray, mode: int) -> np.ndarray:
        """(S, 2) bid and ask [ticks] that the action asks for, before any rounding."""
        s, p = self.batch.states[0], self.p
        moves = action.astype(np.float32).astype(np.float64).reshape(self.n, 3)[:, :2]
        if mode == 0:
            reach = p["residual_half_spreads"] * s["default_half_spread"][: self.n]
            return s["default_price"][: self.n] + moves * np.stack([-reach, reach], axis=1)
        reach = 0.5 * p["absolute_max_ticks"] * (moves + 1.0)
        return s["seen_mid"][: self.n, None] + reach * [-1.0, 1.0]

    def check_quotes(self, wanted: np.ndarray) -> None:
        """Rounding widens a quote and never tightens it; what lies past any possible price is as good as infinite."""
        wanted = np.clip(wanted, -(2.0**52), 2.0**52)
        quote = self.batch.states[0]["quote"][: self.n].astype(np.float64)
        slack = 1e-9 * (1.0 + np.abs(wanted))
        assert (quote[:, BID] <= wanted[:, BID] + slack[:, BID]).all(), (quote, wanted)
        assert (quote[:, ASK] >= wanted[:, ASK] - slack[:, ASK]).all(), (quote, wanted)
        assert (quote[:, BID] < quote[:, ASK]).all()

    def read_messages(self, k: int, time: float) -> None:
        """Note what was sent at decision k, and when it arrives by the venue's latency."""
        s, m = self.batch.states[0], k % MAILBOXES
        for v in range(self.venues):
            if not (s["box_quote"][m, :, v].any() or s["box_hedge"][m, :, v].any()):
                continue
            arrival = time + self.config.venues[v].latency_ms * 1e-3
            for i in range(self.n):
                for side in (BID, ASK):
                    if s["box_quote"][m, i, v, side]:
                        price, lots = int(s["box_price"][m, i, v, side]), int(s["box_quantity"][m, i, v, side])
                        self.quotes[i, v, side].append(Message(arrival, price, lots))
                if s["box_hedge"][m, i, v]:
                    limit, lots = int(s["box_limit"][m, i, v]), int(s["box_hedge"][m, i, v])
                    self.hedges[i, v].append(Message(arrival, limit, lots))

    def in_force(self, key: tuple[int, int, int], time: float) -> list[Message]:
        """Messages of which one rules a side at a time: the last that arrived, and any that arrives at that instant."""
        arrived = [m for m in self.quotes[key] if m.arrival <= time + INSTANT]
        certain = [m for m in arrived if m.arrival < time - INSTANT]
        return certain[-1:] + arrived[len(certain) :]

    def check_fills(self, fills: np.ndarray, last: bool) -> None:
        """An own fill needs an order that had arrived, at a price no worse than its limit, within the inventory limit."""
        limits = self.p["inventory_limit"]
        for f in fills:
            i, v, side, role = (int(f[name]) for name in ("symbol", "venue", "side", "role"))
            sign, time = 1 - 2 * side, float(f["time"])
            price = int(f["price"]) - int(self.p["price_basis_ticks"][v])
            assert f["quantity"] > 0 and f["price"] >= 1
            if role == MAKER:
                orders = [m for m in self.in_force((i, v, side), time) if m.lots > 0]
                assert any(sign * (price - m.price) <= 0 for m in orders), (f, orders)
            elif role == HEDGE:
                orders = [m for m in self.hedges[i, v] if abs(m.arrival - time) < INSTANT and m.lots * sign > 0]
                assert any(sign * (price - m.price) <= 0 for m in orders), (f, orders)
                self.hedged[i, v, time] += int(f["quantity"])
                assert self.hedged[i, v, time] <= sum(abs(m.lots) for m in orders)
            else:
                assert role == LIQUIDATION and last
            self.inventory[i] += sign * int(f["quantity"])
            assert abs(self.inventory[i]) <= limits[i], (f, self.inventory, limits)
            self.maker_lots += int(f["quantity"]) * (role == MAKER)

    def check_orders(self, before: dict[str, np.ndarray], last: bool) -> None:
        """Own orders are what a message that has arrived allows; places in queues only improve."""
        s, now = self.batch.states[0], self.batch.states[0]["step"] * self.p["step_seconds"]
        for i in range(self.n):
            for v in range(self.venues):
                for side in (BID, ASK):
                    place = i, v, side
                    price, lots = int(s["own_price"][place]), int(s["own_quantity"][place])
                    if lots == 0:
                        continue
                    assert not (last and self.config.episode.liquidate_at_end)
                    orders = self.in_force(place, now)
                    sign = 1 - 2 * side
                    assert any(0 < lots <= m.lots and sign * (price - m.price) <= 0 for m in orders), (place, orders)
                    assert (price - int(self.p["price_basis_ticks"][v])) % int(self.p["tick_multiple"][v]) == 0
                    if s["posted"][place] == before["posted"][place]:
                        assert price == before["own_price"][place]
                        assert lots <= before["own_quantity"][place]
                        assert s["own_ahead"][place] <= before["own_ahead"][place]

    def check_seen(self, fills: np.ndarray, before: dict[str, np.ndarray], time: float, last: bool) -> None:
        """The agent knows the fills that are older than the venue's data, and no others; at the end it knows all."""
        s, closed = self.batch.states[0], last and self.config.episode.liquidate_at_end
        for v, venue in enumerate(self.config.venues):
            shot = time + self.config.episode.step_seconds - venue.data_latency_ms * 1e-3
            own = fills[(fills["venue"] == v) & (fills["role"] != LIQUIDATION)]
            if (np.abs(own["time"] - shot) < INSTANT).any():
                continue
            seen = before["position"][:, v].copy()
            for f in own[own["time"] < shot]:
                seen[f["symbol"]] += (1 - 2 * int(f["side"])) * int(f["quantity"])
            assert (s["seen_position"][:, v] == (s["position"][:, v] if closed else seen)).all()

    def check_books(self) -> None:
        """No crossed book, no negative lots, totals and best prices that agree with the levels, places within queues."""
        s = self.batch.states[0]
        assert int(s["fault"]) == 0
        n, m = self.n, self.venues
        depth, own = s["depth"][:n, :m], s["own_quantity"][:n, :m]
        assert (depth >= 0).all() and (own >= 0).all()
        assert (s["resting"][:n, :m] == depth.sum(axis=-1)).all()
        orders = s["orders"][:n, :m].astype(int)
        assert ((orders > 0) == ((depth > 0) & bool(self.p["cancel_by_order"]))).all() and (orders <= depth).all()
        assert (s["order_count"][:n, :m] == orders.sum(axis=-1)).all()
        slots = (s["window_low"][:n, None] + np.arange(WINDOW)) % WINDOW
        for i in range(n):
            levels = depth[i][..., slots[i]]
            low = int(s["window_low"][i])
            for v in range(m):
                best: list[float] = [-math.inf, math.inf]
                for side in (BID, ASK):
                    filled = np.flatnonzero(levels[v, side])
                    if filled.size:
                        best[side] = low + int(filled[-1 if side == BID else 0])
                        assert s["best"][i, v, side] == best[side]
                        multiple = int(self.p["tick_multiple"][v])
                        assert ((low + filled) % multiple == 0).all()
                        assert low + filled[0] + int(self.p["price_basis_ticks"][v]) >= 1
                    if own[i, v, side]:
                        price, ahead = int(s["own_price"][i, v, side]), int(s["own_ahead"][i, v, side])
                        inside = low <= price < low + WINDOW
                        queue = int(depth[i, v, side, price % WINDOW]) if inside else 0
                        assert 0 <= ahead <= queue
                        best[side] = max(best[side], price) if side == BID else min(best[side], price)
                assert best[BID] < best[ASK], (i, v, best)

    def check_kept(self) -> None:
        """What kernels keep up to date event by event follows from the books: touch, mid, queues, rates and sums."""
        s, n, m, regime = self.batch.states[0], self.n, self.venues, int(self.batch.states[0]["regime"])
        for i in range(n):
            fronts = [None, None]
            for side in (BID, ASK):
                better = max if side == BID else min
                others = [(int(s["best"][i, v, side]), v) for v in range(m) if s["resting"][i, v, side]]
                own = [(int(s["own_price"][i, v, side]), v) for v in range(m) if s["own_quantity"][i, v, side]]
                fronts[side] = better(price for price, _ in others) if others else None
                assert s["best_of_others_valid"][i, side] == bool(others)
                touch = better((price for price, _ in others + own), default=None)
                if touch is None:
                    assert s["touch_venue"][i, side] == -1
                else:
                    first = min(v for price, v in others + own if price == touch)
                    assert (s["touch"][i, side], s["touch_venue"][i, side]) == (touch, first)
            assert s["mid_valid"][i] == (None not in fronts)
            if s["mid_valid"][i]:
                assert s["mid2"][i] == sum(fronts) and fronts == s["best_of_others"][i].tolist()
            for v in range(m):
                self._check_rates(i, v, regime)
        assert s["symbol_rate"] == pytest.approx(s["venue_rate"].sum(axis=1), rel=EXACT, abs=1e-9)
        assert s["maker_rate"] == pytest.approx(s["venue_rate"].sum(), rel=EXACT, abs=1e-9)
        assert not s["venue_rate"][n:].any() and not s["venue_rate"][:, m:].any()

    def _check_rates(self, i: int, v: int, regime: int) -> None:
        s, p = self.batch.states[0], self.p
        queues, slope = [], float(p["queue_slope"][i, v])
        for side in (BID, ASK):
            sign, low = 1 - 2 * side, int(s["window_low"][i])
            levels = {price: int(s["depth"][i, v, side, price % WINDOW]) for price in range(low, low + WINDOW)}
            orders = [price for price, lots in levels.items() if lots]
            if s["own_quantity"][i, v, side]:
                own = int(s["own_price"][i, v, side])
                levels[own] = levels.get(own, 0) + int(s["own_quantity"][i, v, side])
                orders.append(own)
            queues.append(float(levels[max(orders, key=lambda price: sign * price)]) if orders else 0.0)
            counted, all_of_it = ("orders", "order_count") if self.p["cancel_by_order"] else ("depth", "resting")
            stale = sum(
                int(s[counted][i, v, side, price % WINDOW])
                for price in range(low, low + WINDOW)
                if sign * price > sign * s["price"][i]
            )
            leave = p["regime_cancel"][regime] * (1.0 + min(slope * queues[side], p["queue_longest"]))
            assert s["queue"][i, v, side] == queues[side] and s["stale"][i, v, side] == stale
            assert s["unit_cancel_rate"][i, v, side] == pytest.approx(leave)
            assert s["rate"][i, v, 2 + side] == pytest.approx(leave * (s[all_of_it][i, v, side] + p["stale_extra"] * stale))
        bid, ask = queues
        lean = p["imbalance_reaction"] * (bid - ask) / (bid + ask) if bid + ask else 0.0
        come = p["limit_rate"][i, v] * p["regime_limit"][regime]
        assert s["rate"][i, v, BID] == pytest.approx(come * (1.0 + lean) / (1.0 + slope * bid))
        assert s["rate"][i, v, ASK] == pytest.approx(come * (1.0 - lean) / (1.0 + slope * ask))
        assert s["venue_rate"][i, v] == pytest.approx(s["rate"][i, v].sum())

    def check_money(self, fills: np.ndarray, last: bool) -> None:
        """Cash, inventory, attribution and rewards are the sums of their parts."""
        s, result, p = self.batch.states[0], self.batch.results[0], self.p
        for f in fills:
            value = float(f["price"]) * float(f["quantity"]) * float(p["lot_value"][f["symbol"]])
            rate = float((p["maker_fee"] if f["role"] == MAKER else p["taker_fee"])[f["venue"]])
            assert math.isclose(f["fee"], rate * value, rel_tol=EXACT, abs_tol=1e-300)
            self.cash -= (1 - 2 * int(f["side"])) * value + rate * value
            self.gross += value
        tolerance = EXACT * self.gross
        assert abs(s["cash"] - self.cash) <= tolerance
        assert (s["inventory"][: self.n] == self.inventory).all()
        assert (s["position"].sum(axis=1) == s["inventory"]).all()
        held = s["position"][: self.n] * p["lot_value"][: self.n, None]
        mids = 0.5 * s["mid2"][: self.n, None] + p["price_basis_ticks"][None, :]
        pnl = self.cash + float((held * mids).sum())
        tolerance += EXACT * float(np.abs(held * mids).sum() + np.abs(result["attribution"]).sum())
        assert abs(result["pnl"] - pnl) <= tolerance
        assert abs(result["attribution"].sum() - result["pnl"]) <= tolerance, (result["attribution"], result["pnl"])
        assert s["taker_volume"] == s["maker_volume"] + s["own_maker_volume"]
        assert s["own_maker_volume"] == s["filled"].sum() == self.maker_lots
        assert (s["filled"] <= s["posted"]).all()
        self.rewards += float(result["reward"])
        self.profit_terms += float(result["terms"][0])
        assert math.isclose(result["reward"], result["terms"].sum(), rel_tol=1e-9, abs_tol=1e-9)
        weight = self.config.reward.profit
        assert abs(self.profit_terms - weight * result["pnl"]) <= abs(weight) * tolerance
        if last:
            assert bool(result["truncated"])
            if not any(self.config.reward.model_dump(exclude={"profit", "utility_risk_aversion"}).values()):
                assert abs(self.rewards - weight * result["pnl"]) <= abs(weight) * tolerance

    def check_finite(self) -> None:
        """No number is infinite but the times that say never, and none is undefined."""
        for record in (self.batch.states[0], self.batch.results[0]):
            for name in record.dtype.names or ():
                value = np.asarray(record[name])
                if value.dtype.kind == "f":
                    bad = np.isnan(value) if name in ENDLESS else ~np.isfinite(value)
                    assert not bad.any(), (name, value)
        row = self.batch.rows[0]
        assert np.isfinite(row).all() and (np.abs(row) <= 10.0).all()
        result = self.batch.results[0]
        assert result["value_at_risk"] >= 0.0 and result["expected_shortfall"] >= 0.0
