"""Recorded events of a simulated market: orders that explain every book, and books that are the market's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.data.events import Events
from mm_env.market.build import build_market
from mm_env.runs.book_events import BookRecorder, book_about, simulate_events
from mm_env.sim.action import ABSOLUTE, RESIDUAL
from mm_env.sim.batch import Batch
from mm_env.sim.book_log import BOOK_LOG_DTYPE
from mm_env.sim.state import WINDOW

LEVELS = 64  # all that a book holds, so that nothing is left untold
FAST = {"episode.burn_in_seconds": 5.0, "episode.steps": 400, "news.rate_per_hour": 3600.0}


class Orders:
    """Orders that rest, by identity, as a reader of messages knows them; those that stood before it are not known."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[int, float, float]] = {}

    def follow(self, e: Events, k: int) -> None:
        kind, order = e.kind[k], int(e.order[k])
        if kind == "limit":
            assert order not in self.known
            self.known[order] = (int(e.side[k]), float(e.price[k]), float(e.size[k]))
            return
        if order not in self.known:
            return
        side, price, size = self.known[order]
        assert side == (-e.side[k] if kind == "trade" else e.side[k])
        assert price == e.price[k]
        assert e.size[k] <= size
        if kind == "delete":
            assert e.size[k] == size
        if kind == "reduce":
            assert e.size[k] < size
        self.known[order] = (side, price, size - float(e.size[k]))
        if self.known[order][2] == 0.0:
            del self.known[order]


def playing(preset: str, seed: int, steps: int, mode: int = RESIDUAL) -> Iterator[tuple[Batch, list[BookRecorder]]]:
    """A market with an agent that quotes at random, each step logged."""
    config = override(load_config(preset), FAST)
    market = build_market(config)
    batch = Batch(market.params, 1, market.capacity, market.headlines, threads=1, log_books=True)
    batch.seed([np.random.SeedSequence(seed)])
    batch.reset()
    books = [(i, v) for i in range(batch.symbols) for v in range(batch.venues)]
    recorders = [BookRecorder(batch, 0, i, v, book_about(config, i, v, LEVELS), 0) for i, v in books]
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        batch.step(rng.uniform(-1.0, 1.0, (1, 3 * batch.symbols)).astype(np.float32), mode)
        yield batch, recorders


def book_of(batch: Batch, i: int, v: int, side: int) -> list[tuple[float, float]]:
    """The best levels as the state holds them."""
    s, p = batch.states[0], batch.params[0]
    low = int(s["window_low"][i])
    lots = {price: int(s["depth"][i, v, side, price & (WINDOW - 1)]) for price in range(low, low + WINDOW)}
    own = int(s["own_price"][i, v, side])
    if s["own_quantity"][i, v, side] > 0:
        lots[own] = lots.get(own, 0) + int(s["own_quantity"][i, v, side])
    prices = sorted((price for price, held in lots.items() if held > 0), reverse=side == 0)[:LEVELS]
    tick, basis = float(p["tick_size"][i]), int(p["price_basis_ticks"][v])
    return [(round((price + basis) * tick, 6), lots[price] * float(p["lot_value"][i]) / tick) for price in prices]


@pytest.mark.parametrize(("preset", "mode"), [("two_symbols", RESIDUAL), ("crisis", RESIDUAL), ("large_tick", ABSOLUTE)])
def test_books_are_the_markets_and_orders_explain_them(preset, mode):
    orders: dict[int, Orders] = {}
    last: dict[int, Events] = {}
    own_trades = own_seen = 0
    for batch, recorders in playing(preset, 3, 60, mode):
        log = batch.logged_changes(0)
        for n, recorder in enumerate(recorders):
            e = recorder.take(log)
            held = orders.setdefault(n, Orders())
            own_seen += len(recorder.own)
            own_trades += int(np.isin(e.order, recorder.own)[e.kind == "trade"].sum())
            for k in range(len(e)):
                held.follow(e, k)
            if len(e):
                last[n] = e
            if n in last:
                for side, (prices, sizes) in enumerate(
                    ((last[n].bid_prices, last[n].bid_sizes), (last[n].ask_prices, last[n].ask_sizes))
                ):
                    there = np.isfinite(prices[-1])
                    told = list(zip(np.round(prices[-1][there], 6), sizes[-1][there], strict=True))
                    assert told == book_of(batch, recorder.symbol, recorder.venue, side)
    assert own_seen > 100
    assert own_trades > 5


def test_each_message_changes_the_book_by_its_size():
    config = override(load_config("one_symbol"), FAST)
    checked = 0
    for e in simulate_events(config, 20.0, levels=64, seed=1):
        for before, after in pairwise(range(len(e))):
            bids = (e.side[after] > 0) != (e.kind[after] == "trade")
            prices, sizes = (e.bid_prices, e.bid_sizes) if bids else (e.ask_prices, e.ask_sizes)
            change = _at(prices[after], sizes[after], e.price[after]) - _at(prices[before], sizes[before], e.price[after])
            assert change == (e.size[after] if e.kind[after] == "limit" else -e.size[after])
            checked += 1
    assert checked > 500


def _at(prices: np.ndarray, sizes: np.ndarray, price: float) -> float:
    here = prices == price
    return float(sizes[here].sum())


def test_events_keep_the_form_of_market_data():
    config = override(load_config("two_symbols"), FAST)
    parts = list(simulate_events(config, 30.0, venue=2, levels=3, seed=2, start=5_000_000_000))
    time = np.concatenate([part.time for part in parts])
    assert (np.diff(time) >= 0).all()
    assert time[0] >= 5_000_000_000
    assert time[-1] <= 35_000_000_000
    order = np.concatenate([part.order[part.kind == "limit"] for part in parts])
    assert len(np.unique(order)) == len(order)
    traded = {int(np.sign(side)) for part in parts for side in part.side[part.kind == "trade"]}
    assert traded == {-1, 1}
    e = parts[-1]
    assert not (e.ask_prices[:, 0] <= e.bid_prices[:, 0]).any()
    again = list(simulate_events(config, 30.0, venue=2, levels=3, seed=2, start=5_000_000_000))
    assert np.array_equal(again[-1].order, e.order)


def test_recording_changes_no_path():
    market = build_market(override(load_config("two_symbols"), FAST))
    batches = [Batch(market.params, 1, market.capacity, market.headlines, threads=1, log_books=on) for on in (False, True)]
    for batch in batches:
        batch.seed([np.random.SeedSequence(5)])
        batch.reset()
        for _ in range(20):
            batch.step(np.full((1, 6), 0.3, np.float32), RESIDUAL)
    assert batches[0].states.tobytes() == batches[1].states.tobytes()


def test_a_log_that_does_not_fit_is_told():
    _, recorders = next(playing("one_symbol", 1, 1))
    row = np.zeros(1, BOOK_LOG_DTYPE)
    row["kind"], row["lots"], row["price"] = 2, 10**6, 1
    with pytest.raises(RuntimeError, match="does not fit"):
        recorders[0].take(row)


def test_what_is_past_the_levels_is_not_told():
    config = override(load_config("one_symbol"), FAST)
    few, all_of_them = (list(simulate_events(config, 20.0, levels=levels, seed=1)) for levels in (2, 64))
    told = 0
    for narrow, wide in zip(few, all_of_them, strict=True):
        better = np.where(
            (wide.side > 0) != (wide.kind == "trade"),
            (wide.bid_prices > wide.price[:, None]).sum(axis=1),
            (wide.ask_prices < wide.price[:, None]).sum(axis=1),
        )
        np.testing.assert_array_equal(narrow.order, wide.order[better < 2])
        np.testing.assert_array_equal(narrow.bid_prices, wide.bid_prices[better < 2, :2])
        told += len(narrow)
    assert 0 < told < 0.8 * sum(len(wide) for wide in all_of_them)
