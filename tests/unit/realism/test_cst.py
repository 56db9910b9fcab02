"""The zero-intelligence book: rates found again, queues of known law, and a book that its messages explain."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from mm_env.data.events import Events
from mm_env.errors import DataError
from mm_env.realism import cst_book
from mm_env.realism.cst import CstModel, fit_cst, power_law, simulate_cst

SECOND = 1_000_000_000
DAY = 23_400.0
MODEL = CstModel(
    tick=0.01, price=50.0, size=100.0,
    limit=np.array([0.1, 0.2, 0.4, 0.6, 0.6, 0.5, 0.4, 0.3, 0.2, 0.2, 0.1, 0.1]),
    cancel=np.array([0.4, 0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.1, 0.08, 0.08, 0.05, 0.05]), market=0.15,
)  # fmt: skip
ALL = 40  # levels, more than there ever are


def distances(events, kinds, tick=0.01):
    """Distance [ticks] of events from the opposite best price before them."""
    rows = np.flatnonzero(np.isin(events.kind, kinds))
    rows = rows[rows > 0]
    best = np.where(events.side[rows] > 0, events.ask_prices[rows - 1, 0], events.bid_prices[rows - 1, 0])
    return np.rint(events.side[rows] * (best - events.price[rows]) / tick).astype(int)


@pytest.mark.parametrize("levels", [40, 2])
def test_rates_are_found_again_within_their_errors(levels):
    """A false alarm in 1e4 runs: |z| of 200 normals above 5, or their deviation outside its own 4 errors."""
    z = []
    for seed in range(8):
        events = simulate_cst(MODEL, DAY / 4, levels, seed)
        fit = fit_cst(events, 0.01, reach=12, visible_share=0.02)
        measured = fit.measured
        assert measured == 12 if levels == 40 else 5 <= measured < 12
        for name, kind in (("limit", "limit"), ("cancel", "delete")):
            number = np.bincount(distances(events, (kind,)), minlength=13)[1 : measured + 1]
            true, found = (getattr(model, name)[:measured] for model in (MODEL, fit))
            z += list(((found - true) / (true / np.sqrt(number)))[number > 30])
        z.append((fit.market - 0.15) / np.sqrt(0.15 / (2.0 * DAY / 4)))
        assert fit.size == 100.0 and (fit.power_law is None) == (measured == 12)
        assert fit.price == pytest.approx(50.0, abs=1.0)
    assert len(z) > 100
    assert np.abs(z).max() < 5.0
    assert abs(np.mean(z)) < 4.0 / np.sqrt(len(z))
    assert np.std(z) == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * len(z)))


def hand_made():
    """Six events whose sums by distance can be done by hand, and a trade against a hidden order."""
    nan = np.nan
    bids = [[10, 8], [11, 10], [11, 10], [11, 10], [11, nan], [11, nan], [11, nan]]
    bid_sizes = [[10, 20], [30, 10], [30, 10], [30, 10], [30, nan], [30, nan], [30, nan]]
    asks = [[12, 15], [12, 15], [12, 15], [15, nan], [15, nan], [15, 16], [15, 16]]
    ask_sizes = [[10, 30], [10, 30], [10, 24], [24, nan], [24, nan], [24, 20], [24, 20]]
    return Events(
        time=np.array([0, 1, 3, 4, 10, 12, 12]) * SECOND,
        kind=np.array(["limit", "limit", "reduce", "trade", "delete", "limit", "hidden"], dtype=object),
        side=np.array([1, 1, -1, 1, 1, -1, 1], np.int8), price=np.array([10.0, 11, 15, 12, 10, 16, 13]),
        size=np.array([10.0, 30, 6, 10, 10, 20, 999]), order=np.arange(7), bid_prices=np.array(bids, float),
        bid_sizes=np.array(bid_sizes, float), ask_prices=np.array(asks, float), ask_sizes=np.array(ask_sizes, float),
    )  # fmt: skip


def test_rates_count_only_the_time_in_which_a_distance_is_shown():
    fit = fit_cst(hand_made(), 1.0, reach=5)
    assert (fit.size, fit.price, fit.measured) == (20.0, 11.0, 5)
    np.testing.assert_allclose(fit.limit, [30 / 20 / 24, 0, 0, 0, 20 / 20 / 17])
    np.testing.assert_allclose(fit.cancel, [0, 0, 0, 6 / 536, 10 / 90])  # at 3 nothing rested: that of 2
    assert fit.market == pytest.approx(10 / 20 / 2 / 12)
    assert fit_cst(hand_made(), 1.0, visible_share=0.8).measured == 4  # 17 of 24 seconds show 5 ticks, 21 show 4
    with pytest.raises(DataError, match="nothing is cancelled at 3 ticks"):
        fit_cst(hand_made(), 1.0, reach=3)


def test_nothing_is_shown_to_a_side_while_the_other_is_empty():
    events = hand_made()
    events.bid_prices[2], events.bid_sizes[2] = np.nan, np.nan  # for a second
    np.testing.assert_allclose(fit_cst(events, 1.0, reach=5).limit[0], 30 / 20 / 23)


def test_sizes_that_are_whole_have_a_whole_unit_that_keeps_the_volume():
    events = hand_made()
    events.size[5] = 22.0
    whole, parts = fit_cst(events, 1.0, reach=5), fit_cst(replace(events, size=events.size / 8), 1.0, reach=5)
    assert whole.size == 21.0 and parts.size == pytest.approx(62 / 24)
    for fit, traded in ((whole, 10.0), (parts, 10.0 / 8)):
        assert fit.market * 2 * 12 * fit.size == pytest.approx(traded)


def test_the_power_law_is_that_of_the_paper():
    """The paper's own rates, k = 1.92 and α = 0.52, which are no least squares of logarithms (1.98 and 0.56)."""
    assert power_law(np.array([1.85, 1.51, 1.09, 0.88, 0.77])) == pytest.approx((1.92, 0.52), abs=0.01)


def test_the_power_law_is_of_the_rates_that_fall():
    law = 3.0 / np.arange(1, 31) ** 1.7
    assert power_law(law) == pytest.approx((3.0, 1.7), rel=1e-3)
    law[:8] = np.linspace(0.001, 0.9 * law[8], 8)
    assert power_law(law) == pytest.approx((3.0, 1.7), rel=1e-3)
    assert power_law(np.array([0.1, 0.2, 0.3])) == (0.3, 0.0)


def test_beyond_what_is_seen_rates_follow_the_power_law_and_cancels_the_last():
    near = fit_cst(simulate_cst(MODEL, DAY / 4, 40, 0), 0.01, reach=30)
    k, exponent = near.power_law
    assert (near.measured, near.reach) == (12, 30)
    np.testing.assert_allclose(near.limit[12:], k / np.arange(13, 31) ** exponent)
    assert (near.cancel[12:] == near.cancel[11]).all()
    assert fit_cst(simulate_cst(MODEL, DAY / 4, 40, 0), 0.01).reach == 48


def held(events, values):
    """Mean over time of what is after each event."""
    seconds = np.diff(events.time)
    return float((values[:-1] * seconds).sum() / seconds.sum())


def test_without_market_orders_a_side_holds_arrivals_times_lifetime():
    """With one cancel rate the number on a side is that of M/M/∞, wherever the prices go: Poisson with mean Λ/θ."""
    theta, seconds = 0.2, 5000.0
    model = replace(MODEL, cancel=np.full(12, theta), market=0.0)
    mean = MODEL.limit.sum() / theta
    z = []
    for seed in range(10):
        events = simulate_cst(model, seconds, ALL, seed)
        for sizes in (events.bid_sizes, events.ask_sizes):
            number = np.nansum(sizes, axis=1) / 100.0
            z.append((held(events, number) - mean) / np.sqrt(2.0 * mean / (theta * seconds)))
    assert np.abs(z).max() < 4.0  # a false alarm in 800 runs
    assert 0.5 < np.std(z) < 1.7
    assert held(events, (number - mean) ** 2) == pytest.approx(mean, rel=0.2)


def test_queues_of_prices_that_stand_still_have_their_known_means():
    """So many orders at the touch that the prices never move: each queue is a birth and death process of its own."""
    limit, cancel, market, seconds = np.array([40.0, 8.0, 4.0]), np.array([0.8, 0.5, 0.25]), 4.0, 4000.0
    model = CstModel(tick=1.0, price=1000.0, size=1.0, limit=limit, cancel=cancel, market=market)
    weight = np.cumprod(limit[0] / (market + cancel[0] * np.arange(1, 200)))
    touch = (np.arange(1, 200) * weight).sum() / (1.0 + weight.sum())
    means = [touch, *(limit / cancel)[1:]]
    for seed in range(3):
        events = simulate_cst(model, seconds, 3, seed)
        assert (events.bid_prices == [1000, 999, 998]).all() and (events.ask_prices == [1001, 1002, 1003]).all()
        for sizes in (events.bid_sizes, events.ask_sizes):
            for k in range(3):
                error = np.sqrt(2.0 * means[k] / (cancel[k] * seconds))
                assert held(events, sizes[:, k]) == pytest.approx(means[k], abs=4.0 * error)


def test_limit_orders_are_a_poisson_process():
    events = simulate_cst(MODEL, DAY, ALL, 5)
    times = events.time[events.kind == "limit"] * 1e-9
    rate = 2.0 * MODEL.limit.sum()
    assert kstest(np.diff(times) * rate, "expon").pvalue > 1e-4
    buys = np.count_nonzero(events.side[events.kind == "limit"] > 0)
    assert abs(2 * buys - len(times)) < 4 * np.sqrt(len(times))


def test_the_beginning_is_a_moment_like_any_other():
    """The first limit order comes after an exponential time, however long nothing had happened before the beginning."""
    model = replace(MODEL, limit=MODEL.limit / 40, cancel=MODEL.cancel / 40, market=0.0)
    paths = [simulate_cst(model, 1000.0, ALL, seed) for seed in range(400)]
    first = np.array([path.time[path.kind == "limit"][0] for path in paths]) * 1e-9
    assert kstest(first * 2.0 * model.limit.sum(), "expon").pvalue > 1e-4


def replay(events, tick, size):
    """Follow the messages by order from the first book on, and yield the best prices before each and its row.

    Asserts that each book is the one before with its message, that none is crossed, and that trades take the oldest.
    """
    books = [{}, {}]
    for side, (prices, sizes) in enumerate(((events.bid_prices, events.bid_sizes), (events.ask_prices, events.ask_sizes))):
        for price, held_there in zip(prices[0], sizes[0], strict=True):
            if np.isfinite(price):
                books[side][round(price / tick)] = [None] * round(held_there / size)  # orders whose identity is not known
    ids = set()
    for row in range(1, len(events)):
        kind, price, order = events.kind[row], round(events.price[row] / tick), int(events.order[row])
        side = (0 if events.side[row] > 0 else 1) if kind != "trade" else (1 if events.side[row] > 0 else 0)
        yield row, kind, side, price, [sorted(books[0], reverse=True), sorted(books[1])]
        queue = books[side].setdefault(price, [])
        if kind == "limit":
            assert order not in ids and order > max(ids, default=0)
            ids.add(order)
            queue.append(order)
        elif kind == "delete":
            queue.remove(order if order in queue else None)
        else:
            assert price == (max(books[0]) if side == 0 else min(books[1]))
            assert queue[0] == order if order in queue else queue[0] is None
            queue.pop(0)
        if not queue:
            del books[side][price]
        for k, (prices, sizes) in enumerate(((events.bid_prices, events.bid_sizes), (events.ask_prices, events.ask_sizes))):
            levels = sorted(books[k], reverse=k == 0)
            there = np.isfinite(prices[row])
            assert (there == (np.arange(len(there)) < len(levels))).all() and (np.isfinite(sizes[row]) == there).all()
            assert np.rint(prices[row, there] / tick).astype(int).tolist() == levels
            assert (sizes[row, there] / size).tolist() == [len(books[k][level]) for level in levels]
        if books[0] and books[1]:
            assert max(books[0]) < min(books[1])


def test_the_messages_explain_the_book_on_a_grid_that_the_prices_leave():
    events = simulate_cst(replace(MODEL, market=1.0), 1500.0, 40, 3)
    rows = list(replay(events, 0.01, 100.0))
    kinds = [kind for _, kind, *_ in rows]
    assert min(kinds.count(kind) for kind in ("limit", "delete", "trade")) > 500
    assert (events.size == 100.0).all()
    assert np.ptp(events.price) / 0.01 > 4 * 14  # the first grid is left, so it was centred again


def test_cancels_take_any_order_at_their_price():
    """Seats of cancelled orders in queues of three or more, counted from the oldest: none is taken more than another."""
    seats, variance, queues = [], [], {}
    model = CstModel(tick=1.0, price=1000.0, size=1.0, limit=np.array([8.0]), cancel=np.array([1.0]), market=0.5)
    events = simulate_cst(model, 4000.0, ALL, 0)
    for kind, side, price, order in zip(events.kind, events.side, events.price, events.order.tolist(), strict=True):
        queue = queues.setdefault(((side if kind != "trade" else -side), price), [])
        if kind == "limit":
            queue.append(order)
        elif order in queue:
            if kind == "delete" and len(queue) > 3:
                seats.append((queue.index(order) + 0.5) / len(queue))
                variance.append((1.0 - len(queue) ** -2) / 12.0)
            queue.remove(order)
    assert len(seats) > 10_000
    assert np.mean(seats) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / len(seats)))
    assert np.var(seats) == pytest.approx(np.mean(variance), rel=0.04)


def test_an_empty_side_has_its_best_price_one_past_its_farthest():
    """All orders arrive 3 ticks from the opposite best price, of an empty side as the convention has it."""
    reach = 5
    limit = np.array([0.0, 0.0, 0.4, 0.0, 0.0])
    model = CstModel(tick=1.0, price=10_000.0, size=1.0, limit=limit, cancel=np.full(reach, 0.5), market=0.3)
    events = simulate_cst(model, 20_000.0, ALL, 1)
    empty = np.isnan(events.bid_prices[:, 0]), np.isnan(events.ask_prices[:, 0])
    assert min(side.sum() for side in empty) > 500 and (empty[0] & empty[1]).sum() > 100
    best, stands, arrivals = [], [True, True], 0
    for _, kind, side, price, levels in replay(events, 1.0, 1.0):
        if best:
            for k in range(2):
                sign = 1 - 2 * k
                if levels[k]:
                    best[k] = levels[k][0]
                    stands[k] = True
                elif stands[k]:
                    best[k] = best[1 - k] - sign * (reach + 1)
                    stands[k] = False
            if kind == "limit":
                assert price == best[1 - side] - (1 - 2 * side) * 3
                arrivals += not stands[1 - side]
        elif levels[0] and levels[1]:
            best = [levels[0][0], levels[1][0]]
    assert arrivals > 1000


def test_few_levels_show_part_of_the_same_path():
    deep, flat = (simulate_cst(MODEL, 2000.0, levels, 7) for levels in (40, 2))
    seen = []
    for row in range(1, len(deep)):
        own = deep.bid_prices if (deep.side[row] > 0) == (deep.kind[row] != "trade") else deep.ask_prices
        better = (own[row] - deep.price[row]) * (1 if own is deep.bid_prices else -1) > 1e-9
        seen.append(np.count_nonzero(better) < 2)  # levels better than it are as many before it as after
    part = deep.where(np.array([deep.time[0] == flat.time[0], *seen]))
    assert 100 < len(flat) < 0.8 * len(deep)
    for name in ("time", "kind", "side", "price", "order"):
        np.testing.assert_array_equal(getattr(part, name), getattr(flat, name))
    for name in ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes"):
        np.testing.assert_array_equal(getattr(part, name)[:, :2], getattr(flat, name))


def digest(events):
    return [getattr(events, name).tobytes() for name in events.__dataclass_fields__ if name != "kind"]


def test_a_seed_has_one_path_however_much_room_there_is(monkeypatch):
    first, again, other = (simulate_cst(MODEL, 3000.0, 5, seed) for seed in (0, 0, 1))
    assert digest(first) == digest(again) != digest(other)
    monkeypatch.setattr(cst_book, "_ROOM", 100)
    assert digest(simulate_cst(MODEL, 3000.0, 5, 0)) == digest(first)


def test_times_and_prices_are_those_of_market_data():
    events = simulate_cst(replace(MODEL, price=50.005), 1000.0, 5, 0, start=34_200 * SECOND)
    assert events.time[0] >= 34_200 * SECOND and events.time[-1] < 35_200 * SECOND
    assert events.time[0] < 34_210 * SECOND and events.time[-1] > 35_190 * SECOND
    assert (np.diff(events.time) >= 0).all()
    for prices in (events.price, events.bid_prices[:, 0]):
        assert all(float(f"{price:.2f}") == price for price in prices)
    assert events.side.dtype == np.int8 and events.order.dtype == np.int64 and events.time.dtype == np.int64


def test_the_book_before_the_beginning_is_stationary():
    """Mean first spreads of paths are those after a long time; without a burn-in they are not."""

    def first_spreads(burn_in):
        paths = [simulate_cst(MODEL, 20.0, 5, seed, burn_in=burn_in) for seed in range(400)]
        return np.array([path.ask_prices[0, 0] - path.bid_prices[0, 0] for path in paths]) / MODEL.tick

    given, late, at_once = (first_spreads(burn_in) for burn_in in (None, 2000.0, 0.0))
    error = np.sqrt((given.var() + late.var()) / 400)
    assert abs(given.mean() - late.mean()) < 4 * error  # a false alarm in 1e4 runs
    assert abs(at_once.mean() - late.mean()) > 4 * error


@pytest.mark.parametrize(
    "change, said",
    [
        ({"tick": 0.0}, "tick 0; expected a number above 0"),
        ({"size": float("inf")}, "size inf; expected a number above 0 and finite"),
        ({"price": -1.0}, "price -1; expected"),
        ({"limit": np.ones(3)}, r"limit \(3,\) and cancel \(12,\); expected one length"),
        ({"limit": np.full(12, np.nan)}, "rate nan per second; expected 0 or more"),
        ({"market": -0.5}, "rate -0.5 per second"),
        ({"limit": np.zeros(12)}, "no limit orders arrive"),
        ({"cancel": np.append(np.ones(11), 0.0)}, "cancel rate 0 at 12 ticks and beyond; expected a number above 0"),
    ],
)
def test_models_that_are_none(change, said):
    with pytest.raises(DataError, match=said):
        replace(MODEL, **change)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"seconds": 0.0}, "seconds 0, "),
        ({"seconds": float("inf")}, "seconds inf, "),
        ({"levels": 0}, "levels 0, "),
        ({"seed": -1}, "seed -1; expected"),
        ({"burn_in": -1.0}, "burn_in -1, "),
    ],
)
def test_simulations_that_are_none(change, said):
    with pytest.raises(DataError, match=said):
        simulate_cst(MODEL, **({"seconds": 10.0, "levels": 1, "seed": 0} | change))


def test_a_price_that_falls_to_nothing_is_told():
    with pytest.raises(DataError, match=r"a price fell to 0 from 0.03; expected a price farther from 0"):
        simulate_cst(replace(MODEL, price=0.03), 100.0, 40, 0)


def test_events_that_nothing_can_be_fitted_to():
    events = hand_made()
    for change in ({"tick": 0.0}, {"tick": float("nan")}, {"visible_share": 0.0}, {"reach": 0}):
        with pytest.raises(DataError, match="expected above 0, above 0 to 1, 1 or more"):
            fit_cst(events, **({"tick": 1.0} | change))
    with pytest.raises(DataError, match="1 events that span no time"):
        fit_cst(events.where(np.arange(7) == 0), 1.0)
    with pytest.raises(DataError, match="no limit orders in 4 events; expected events with orders"):
        fit_cst(events.where(events.kind != "limit"), 1.0)
    away = replace(events, price=np.where(events.side > 0, 1.0, 99.0), bid_prices=np.nan_to_num(events.bid_prices, nan=9.0),
                   ask_prices=np.nan_to_num(events.ask_prices, nan=17.0))  # fmt: skip
    with pytest.raises(DataError, match="no limit order of 3 within the visible levels"):
        fit_cst(away, 1.0)
