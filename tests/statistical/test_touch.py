"""How others meet at the touch: takers that choose by what stands there, cancels by order, and makers who answer at once."""

from __future__ import annotations

import numpy as np
import pytest

from mm_env.calibration.takers import touch_shares
from mm_env.config.io import load_config, override
from mm_env.data.events import join_events
from mm_env.errors import ConfigError
from mm_env.market.build import build_market
from mm_env.runs.book_events import book_about, simulate_books, simulate_events
from mm_env.sim.batch import Batch
from mm_env.sim.book_log import CANCELLED, PLACED, TAKEN
from mm_env.sim.state import WINDOW
from mm_env.sim.step import MARKET

QUIET = {
    "venues": [{"name": "A"}],
    "news.source": "none",
    "flow.parents.rate_per_second": 0.0,
    "regimes": [{"name": "day"}],
    "episode.burn_in_seconds": 20.0,
}
MAKERS = "flow.makers."
STILL = {"flow.impact_kappa": 0.0, "symbols.XYZ.volatility_bps_per_sqrt_second": 0.0}  # no maker meets another one's orders


def market_of(changes: dict[str, object], preset: str = "one_symbol") -> Batch:
    market = build_market(override(load_config(preset), {**QUIET, **changes}))
    batch = Batch(market.params, 1, market.capacity, market.headlines, threads=1, log_books=True)
    batch.seed([np.random.SeedSequence(5)])
    batch.reset()
    return batch


def logged(batch: Batch, steps: int) -> list[np.ndarray]:
    """Rows of the log, step by step."""
    found = []
    for _ in range(steps):
        batch.run(np.zeros((1, 3 * batch.symbols), np.float32), 0, np.full(1, MARKET, np.uint8))
        found.append(batch.logged_changes(0).copy())
    return found


VENUES = [
    {"name": "A", "liquidity_share": 3.0, "maker_share": 1.0},
    {"name": "B", "liquidity_share": 1.0, "maker_share": 3.0},
]


# where others go on to a second venue, what they take there is another taker of its record
@pytest.mark.parametrize(
    ("whole", "through", "venues"),
    [(0.6, 1.0, VENUES[:1]), (0.3, 0.25, VENUES[:1]), (0.0, 0.0, VENUES[:1]), (0.3, 0.6, VENUES[:1]), (0.3, 0.2, VENUES),
     (0.0, 0.0, VENUES)],
)  # fmt: skip
def test_takers_choose_by_the_touch_as_they_are_asked_to(whole, through, venues):
    changes = {
        "venues": venues,
        "flow.taker_touch_share": whole,
        "flow.taker_through_share": through,
        "flow.taker_size_quantiles_lots": [11, 11, 61, 111, 411],
        "flow.taker_reach_ticks": 20,
        "flow.sweep_share": 0.0,
        "flow.makers.size_quantiles_lots": [50, 250],  # sizes that are equal by no accident
        **STILL,
    }
    config = override(load_config("one_symbol"), {**QUIET, **changes})
    books = [(0, v, 8) for v in range(len(venues))]
    steps = list(simulate_books(config, 4000.0, books, seed=2))
    found, counts = [], []
    for v in range(len(venues)):
        events = join_events([parts[v] for parts in steps])
        found.append(touch_shares([events], book_about(config, 0, v, 8)))
        counts.append(found[-1].count)
    for one in found:
        assert one.equal >= one.whole - 1e-9 and one.equal + one.beyond <= 1.0
        assert one.whole == pytest.approx(whole, abs=0.05)
        assert one.through == pytest.approx(through, abs=0.12)
    if len(venues) == 2:
        assert counts[0] / sum(counts) == pytest.approx(0.75, abs=0.08), "takers stay where they are drawn to"


def test_sizes_of_takers_are_those_of_the_table():
    changes = {
        "flow.taker_size_quantiles_lots": [2, 2, 10],
        "flow.taker_reach_ticks": 100,
        "flow.makers.size_quantiles_lots": [400, 400],
        **STILL,
    }
    batch = market_of(changes)
    rows = np.concatenate(logged(batch, 1500))
    taken = np.bincount(rows["event"], rows["lots"] * (rows["kind"] == TAKEN)).astype(int)
    taken = taken[taken > 0]
    assert set(taken) <= set(range(1, 11)) and len(taken) > 500
    assert batch.params[0]["taker_size_mean"] == pytest.approx(np.mean(batch.params[0]["taker_sizes"][:]))
    share = np.mean(taken == 10)
    assert share == pytest.approx(0.25, abs=4.5 * np.sqrt(0.25 * 0.75 / len(taken)))


def test_orders_behind_a_depth_are_counted():
    """With one size no order can be cut by a cancel: what is counted is what stands there, and what goes is an order."""
    changes = {MAKERS + "size_quantiles_lots": [7, 7], MAKERS + "cancel_unit": "order", "flow.hawkes_mu": 1e-6}
    batch = market_of(changes)
    state = batch.states[0]
    cancelled = 0
    for rows in logged(batch, 300):
        assert (state["depth"] == 7 * state["orders"].astype(int)).all()
        assert (state["order_count"] == state["orders"].sum(axis=-1)).all()
        cancelled += int((rows["kind"] == CANCELLED).sum())
        assert (rows["lots"][rows["kind"] != PLACED] % 7 == 0).all()
    assert cancelled > 300


def test_counts_and_depths_agree_whatever_happens():
    changes = {
        MAKERS + "size_quantiles_lots": [1, 3, 40],
        MAKERS + "cancel_unit": "order",
        MAKERS + "cancel_rate_per_second": 2.0,
        "flow.hawkes_mu": 1.0,
        "symbols.XYZ.volatility_bps_per_sqrt_second": 20.0,  # the window leaves levels behind
    }
    batch = market_of(changes)
    for _ in range(300):
        logged(batch, 1)
        depth, orders = batch.states[0]["depth"], batch.states[0]["orders"].astype(int)
        assert ((depth > 0) == (orders > 0)).all() and (orders <= depth).all()
        assert (batch.states[0]["order_count"] == orders.sum(axis=-1)).all()
    assert batch.states[0]["fault"] == 0


def test_counts_follow_takers_on_the_average():
    """Orders of 100 lots that takers take in tens: where they stand one by one an order is counted for each hundred."""
    changes = {
        MAKERS + "size_quantiles_lots": [100, 100],
        MAKERS + "cancel_unit": "order",
        MAKERS + "limit_rate_per_second": 20.0,
        "flow.taker_size_quantiles_lots": [10, 10],
        "flow.hawkes_mu": 5.0,
        **STILL,
    }
    batch = market_of(changes)
    lots, orders = 0, 0
    for _ in range(800):
        logged(batch, 1)
        s = batch.states[0]
        for side in (0, 1):
            at = int(s["best"][0, 0, side]) % WINDOW
            lots, orders = lots + int(s["depth"][0, 0, side, at]), orders + int(s["orders"][0, 0, side, at])
    assert 0.9 < orders / (lots / 100.0) < 1.35  # one that is partly taken counts as one


def test_with_a_round_lot_no_splinters_are_left():
    changes = {
        MAKERS + "size_quantiles_lots": [100, 100, 200, 300],
        MAKERS + "round_lot_lots": 100,
        MAKERS + "cancel_unit": "order",
        "flow.hawkes_mu": 1e-6,
    }
    batch = market_of(changes)
    rows = np.concatenate(logged(batch, 400))
    assert (rows["lots"] % 100 == 0).all() and (rows["kind"] == CANCELLED).sum() > 300


def lives(unit: str) -> tuple[float, float]:
    """Shares of large orders (40 lots for 1) among those that are placed, and among cancels."""
    changes = {
        MAKERS + "size_quantiles_lots": [1, 1, 40, 40],
        MAKERS + "cancel_unit": unit,
        MAKERS + "cancel_rate_per_second": 0.5,
        MAKERS + "placement_exponent": 0.1,
        MAKERS + "placement_offset_ticks": 50.0,
        "flow.hawkes_mu": 1e-6,
    }
    rows = np.concatenate(logged(market_of(changes), 800))
    placed, gone = (rows["lots"][rows["kind"] == kind] for kind in (PLACED, CANCELLED))
    return float(np.mean(placed == 40)), float(np.mean(gone >= 39))


def test_an_order_is_as_likely_to_be_cancelled_as_any_other():
    placed, gone = lives("order")
    assert gone == pytest.approx(placed, abs=0.1)
    placed, gone = lives("lot")
    assert gone < placed - 0.05, "where lots are cancelled a large order goes in parts"


def answered(share: float, emptied_by: int) -> tuple[float, int]:
    """Share of best prices that a taker (or a cancel) emptied at which something was placed within 5 ms, of how many."""
    key = "refill_after_takers" if emptied_by == TAKEN else "refill_after_cancels"
    changes = {
        MAKERS + key: share,
        MAKERS + "refill_latency_ms": 0.5,
        MAKERS + "limit_rate_per_second": 3.0,
        MAKERS + "cancel_rate_per_second": 0.1,
        "flow.taker_touch_share": 1.0,
        "flow.hawkes_mu": 0.3,
    }
    batch = market_of(changes)
    state = batch.states[0]
    emptied, filled = 0, 0
    for _ in range(2500):
        best = [int(state["best"][0, 0, side]) for side in (0, 1)]
        depth = state["depth"][0, 0].copy()
        (rows,) = logged(batch, 1)
        for k, row in enumerate(rows):
            side, price = int(row["side"]), int(row["price"])
            depth[side, price % WINDOW] += row["lots"] if row["kind"] == PLACED else -row["lots"]
            if row["kind"] == PLACED:
                best[side] = max(best[side], price) if side == 0 else min(best[side], price)
                continue
            if price != best[side] or depth[side, price % WINDOW] > 0:
                continue
            while depth[side].any() and depth[side, best[side] % WINDOW] <= 0:
                best[side] += 2 * side - 1
            if row["kind"] == emptied_by and row["time"] < rows["time"][-1] - 0.005:
                soon = rows[k + 1 :][rows["time"][k + 1 :] < row["time"] + 0.005]
                emptied += 1
                filled += bool(((soon["kind"] == PLACED) & (soon["price"] == price)).any())
    return filled / emptied, emptied


@pytest.mark.parametrize("emptied_by", [TAKEN, CANCELLED])
def test_makers_answer_to_emptied_prices_as_often_as_asked(emptied_by):
    for share in (0.0, 0.5, 1.0):
        found, of = answered(share, emptied_by)
        assert of > 200
        assert found == pytest.approx(share, abs=4.5 * 0.5 / np.sqrt(of) + 0.06)


def test_answers_narrow_the_spread():
    def mean_spread(share: float) -> float:
        changes = {MAKERS + "refill_after_takers": share, MAKERS + "refill_after_cancels": share, "flow.hawkes_mu": 0.5}
        config = override(load_config("one_symbol"), {**QUIET, **changes})
        events = join_events(list(simulate_events(config, 1500.0, levels=1, seed=2)))
        lasted = np.diff(events.time)
        return float(np.average((events.ask_prices - events.bid_prices)[:-1, 0], weights=lasted))

    assert mean_spread(1.0) < 0.85 * mean_spread(0.0)


def test_makers_may_have_other_shares_of_the_venues_than_takers():
    venues = [{"name": "A", "liquidity_share": 3.0, "maker_share": 1.0}, {"name": "B", "liquidity_share": 1.0}]
    p = market_of({"venues": venues}).params[0]
    assert p["liquidity_share"][:2] == pytest.approx([0.75, 0.25])
    assert p["limit_rate"][0, 0] == pytest.approx(p["limit_rate"][0, 1])


def test_impact_is_multiplied_by_the_symbols_own():
    changes = {"symbols.XYZ.impact_multiplier": 4.0, "flow.hawkes_mu": 1e-9, "flow.impact_permanent_share": 1.0}
    batch = market_of(changes, "two_symbols")
    before = batch.states[0]["price_moves"][:2, 2].copy()
    batch.states["surprise"][:, :2] = 100.0
    price = batch.states[0]["price"][:2].copy()
    logged(batch, 1)
    move = (batch.states[0]["price_moves"][:2, 2] - before) / price
    assert move[0] == pytest.approx(4.0 * move[1], rel=1e-2) and move[1] > 0.0


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("flow.taker_touch_share", 1.1, "taker_touch_share"),
        ("flow.taker_through_share", -0.1, "taker_through_share"),
        ("flow.taker_size_quantiles_lots", [3, 1], "never fall"),
        ("flow.makers.cancel_unit", "share", "'lot' or 'order'"),
        ("flow.makers.refill_latency_ms", 0.0, "refill_latency_ms"),
    ],
)
def test_what_cannot_be_is_refused(key, value, told):
    with pytest.raises(ConfigError, match=told):
        override(load_config("one_symbol"), {key: value})
