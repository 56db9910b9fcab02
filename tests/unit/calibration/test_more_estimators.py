"""Estimators of placement, rates by state, regimes, the day's profile and venues: known laws within their errors."""

import json
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mm_env.calibration.intraday import Windows, day_profile, window_sums
from mm_env.calibration.placement import fit_placement
from mm_env.calibration.queues import block_ratio, queue_rates
from mm_env.calibration.regimes import fit_regimes
from mm_env.calibration.summary import summarise
from mm_env.calibration.venues import compare_venues
from mm_env.cli import describe as describe_data
from mm_env.data.events import About, Events, EventWriter
from mm_env.errors import DataError
from mm_env.reports.flow_figure import flow_figure
from mm_env.reports.style import png

SECOND = 1_000_000_000


def made(seconds, kind="quote", side=0, price=np.nan, size=1.0, bid=99.0, ask=101.0, bid_size=1.0, ask_size=1.0):
    """Events; each column a value or (n,), of the book also (n, levels)."""
    n = len(seconds)

    def book(value):
        value = np.asarray(value, float)
        return value.copy() if value.ndim == 2 else np.broadcast_to(value, (n,))[:, None].copy()

    def column(value, dtype):
        return np.broadcast_to(np.asarray(value, dtype), (n,)).copy()

    return Events(
        time=np.round(np.asarray(seconds) * SECOND).astype(np.int64), kind=column(kind, object), side=column(side, np.int8),
        price=column(price, float), size=column(size, float), order=np.zeros(n, np.int64),
        bid_prices=book(bid), ask_prices=book(ask), bid_sizes=book(bid_size), ask_sizes=book(ask_size),
    )  # fmt: skip


def takers_of(events):
    traded = events.kind == "trade"
    return events.time[traded], (events.side[traded] > 0).astype(np.int64)


def honest(z, most=1.6):
    """Errors that are right, of z-scores (runs, k): the mean of a column is within 3 of its standard deviations of 0, which
    happens by chance once in 370 times; the spread of 16 is 1 within 0.18, and here within some 3 of these.
    """
    z = np.asarray(z, float).reshape(len(z), -1)
    assert np.abs(z.mean(axis=0)).max() < 3.0 / np.sqrt(len(z))
    assert z.std(axis=0).min() > 0.55
    assert z.std(axis=0).max() < most


def test_ratios_have_the_errors_of_blocks_not_of_events():
    rng = np.random.default_rng(0)
    clustered = [block_ratio(5.0 * rng.poisson(0.6, (20, 1)), np.full((20, 1), 10.0)) for _ in range(40)]
    honest([((ratio - 0.3) / error) for ratio, error in clustered])
    ratio, error = block_ratio(
        np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    )
    assert ratio[0] == 2.0 and np.isnan([ratio[1], error[1]]).all()
    assert error[0] == pytest.approx(np.sqrt((1.0 + 1.0) * 2 / 1) / 2.0)  # the block without time says nothing
    assert np.isnan(block_ratio(np.ones((1, 1)), np.ones((1, 1)))[1]).all()


def placed(seed, n=3000, offset=1.0, exponent=1.0, reaches=(12, 25, 300, np.inf), law=None):
    """Limit orders behind a best price that moves, as far as a book of two levels shows; inf: there is no second level."""
    rng = np.random.default_rng(seed)
    best = np.cumsum(rng.integers(-3, 4, n))  # [ticks]
    reach = rng.choice(reaches, n)
    support = np.arange(1, 100_000)
    total = np.cumsum((offset + support) ** -(1.0 + exponent))
    ends = total[np.minimum(reach, support[-1]).astype(int) - 1]
    d = support[np.searchsorted(total, rng.random(n) * ends)] if law is None else law(rng, n)
    side = rng.choice([-1, 1], n)
    bid, ask = 1000.0 + best * 0.01, 1000.04 + best * 0.01
    price = np.where(side > 0, bid - 0.01 * d, ask + 0.01 * d)
    deep = np.where(np.isfinite(reach), 0.01 * reach, np.nan)
    before = np.arange(n)
    return made(
        np.arange(n + 1.0), "limit", np.append(1, side), np.append(999.0, price),
        bid=np.stack([bid, bid - deep], axis=1)[np.append(before, n - 1)],
        ask=np.stack([ask, ask + deep], axis=1)[np.append(before, n - 1)],
    )  # fmt: skip


def test_the_tail_of_distances_is_found_within_its_errors():
    z = []
    for seed in range(16):
        tail = fit_placement(placed(seed, 20_000), 0.01).tail
        z.append([(tail.exponent - 1.0) / tail.exponent_error, (tail.offset - 1.0) / tail.offset_error])
        assert tail.seen[0] == 20_000
        np.testing.assert_allclose(tail.expected, tail.seen, atol=2.0 * np.sqrt(20_000))
    honest(z)


@pytest.mark.parametrize(
    "events",
    [
        placed(0, reaches=(8, 12)),  # levels that are seen cut it
        placed(0, 30_000, offset=3.0, reaches=(25,)),  # less than a decade of offsets, though errors are small
        placed(0, 150, reaches=(30,)),  # too few for a small error
        placed(0, reaches=(np.inf,), law=lambda rng, n: rng.geometric(0.05, n)),  # no power law
        placed(0, reaches=(np.inf,), law=lambda rng, n: np.zeros(n)),  # nothing behind the best
    ],
)
def test_no_exponent_where_the_data_have_none(events):
    assert fit_placement(events, 0.01).tail is None


def test_quantiles_of_distances_count_from_the_book_before():
    n = 400
    pattern = np.tile([-1, 0, 5, 5], n // 4)
    found = fit_placement(placed(0, n, law=lambda rng, size: pattern), 0.01, quantiles=5)
    assert (found.orders, found.inside, found.at_best) == (n, 0.25, 0.25)
    assert found.from_best.tolist() == [-1.0, -1.0, 0.0, 5.0, 5.0]
    assert found.from_mid.tolist() == [1.0, 1.0, 2.0, 7.0, 7.0]  # the spread is 4 ticks
    assert np.isnan(found.from_best_error[[0, -1]]).all()
    whole = placed(0, n)
    gone = replace(whole, ask_prices=np.where(np.arange(n + 1)[:, None] < 100, np.nan, whole.ask_prices))
    assert fit_placement(gone, 0.01).orders == n - 100  # the others found no mid
    z = []
    for seed in range(16):
        spread_out = placed(
            seed, 2000, law=lambda rng, size: np.where(rng.random(size) < 0.2, -1, rng.geometric(1e-4, size))
        )
        found = fit_placement(spread_out, 0.01)
        middle = np.searchsorted(found.shares, 0.5)
        median = np.log1p(-0.3 / 0.8) / np.log1p(-1e-4)  # half of all: 0.3 of the 0.8 that are behind
        z.append(
            [(found.inside - 0.2) / found.inside_error, (found.from_best[middle] - median) / found.from_best_error[middle]]
        )
    honest(z)


def test_placement_that_cannot_be():
    with pytest.raises(DataError, match=r"tick 0, 65 quantiles; expected above 0, 2 or more"):
        fit_placement(placed(0, 200), 0.0)
    with pytest.raises(DataError, match=r"tick 0\.01, 1 quantiles"):
        fit_placement(placed(0, 200), 0.01, 1)
    with pytest.raises(DataError, match="50 limit orders in a book with a bid and an ask; expected 100 or more"):
        fit_placement(placed(0, 50), 0.01)


def reactive(seed, seconds=4000, tilt=0.8, grows=0.0, per_lot=-0.4):
    """Queues of 1 to 10 hundreds that are drawn anew each second, and flow that reacts to them.

    An event triples the queue for a microsecond, so that an estimator which looks at the book after it is wrong.
    """
    rng = np.random.default_rng(seed)
    queue = rng.integers(1, 11, (2, seconds)).astype(float)
    rows = [(np.arange(seconds), np.full(seconds, "quote", object), np.zeros(seconds), np.zeros(seconds), np.zeros(seconds))]
    for k, side in enumerate((1, -1)):
        own, other = queue[k], queue[1 - k]
        touch = 100.0 - side
        flows = {
            ("limit", side, touch, 100.0): 0.5 * np.exp(tilt * (own - other) / (own + other)) * own**grows,
            ("limit", side, touch - side, 500.0): 0.3 * np.ones(seconds),  # behind the touch
            ("delete", side, touch, 100.0): 0.1 * own ** (1.0 + per_lot),
            ("trade", -side, touch, 100.0): np.where(own <= 5, 0.8, 0.4),
        }
        for (kind, sign, price, size), rate in flows.items():
            number = rng.poisson(rate)
            time = np.repeat(np.arange(seconds), number) + rng.uniform(0.001, 0.999, number.sum())
            rows.append((time, *(np.full(len(time), value, object) for value in (kind, sign, price, size))))
    time, kind, side, price, size = (np.concatenate(column) for column in zip(*rows, strict=True))
    own = np.flatnonzero(kind != "quote")
    time = np.concatenate([time, time[own] + 1e-6])  # the queue is what it was again
    order = np.argsort(time, kind="stable")
    pad = np.full(len(own), "quote", object)
    kind = np.concatenate([kind, pad])[order]
    rest = [np.concatenate([column.astype(float), np.zeros(len(own))])[order] for column in (side, price, size)]
    size_there = 100.0 * queue[:, time[order].astype(int)] * np.where(kind == "quote", 1.0, 3.0)
    return made(time[order], kind, *rest, bid_size=size_there[0], ask_size=size_there[1])


def test_rates_by_state_and_their_slopes_are_found_within_their_errors():
    slopes, bins = [], []
    for seed in range(16):
        events = reactive(seed)
        found = queue_rates(events, *takers_of(events))
        assert found.mean_size == 100.0
        assert found.queue.seconds.sum() == pytest.approx(2.0 * 3999.0, rel=1e-3)
        assert len(found.queue.seconds) == 8 and found.queue.seconds.max() < 0.25 * found.queue.seconds.sum()
        low, high = found.queue.edges[:-1, None], found.queue.edges[1:, None]
        lots = np.arange(1, 11)
        inside = (lots >= low) & (lots < high)
        np.testing.assert_allclose(found.queue.middle, (inside * lots).sum(axis=1) / inside.sum(axis=1), rtol=0.03)
        takers = (inside * np.where(lots <= 5, 0.8, 0.4)).sum(axis=1) / inside.sum(axis=1)
        cancels = (inside * 0.1 * lots**0.6).sum(axis=1) / inside.sum(axis=1)
        laws = {"taker": takers, "cancel": cancels}
        bins.append([(found.queue.rate[kind] - law) / found.queue.error[kind] for kind, law in laws.items()])
        limit, cancel = found.limit_imbalance, found.cancel_queue
        slopes.append([
            (limit.value - 0.8) / limit.error, (cancel.value + 0.4) / cancel.error,
        ])  # fmt: skip
        assert np.exp(limit.level) == pytest.approx(0.5, rel=0.1) and np.exp(cancel.level) == pytest.approx(0.1, rel=0.3)
    honest(slopes)
    honest(bins)


def test_the_elasticity_of_limit_orders_is_found_within_its_error():
    z = []
    for seed in range(16):
        events = reactive(seed, 1500, tilt=0.0, grows=0.3)
        slope = queue_rates(events, *takers_of(events)).limit_queue
        assert slope.value == pytest.approx(0.3, abs=4.5 * slope.error)
        z.append([(slope.value - 0.3) / slope.error])
    honest(z)


def test_imbalance_is_that_of_the_own_side():
    events = reactive(0, tilt=1.5)
    found = queue_rates(events, *takers_of(events), bins=4, parts=3).imbalance
    assert found.edges.tolist() == pytest.approx([-1.0, -1 / 3, 1 / 3, 1.0])
    assert found.rate["limit"][0] < 0.25 and found.rate["limit"][2] > 0.9
    assert found.rate["taker"][0] > found.rate["taker"][2] + 0.2  # short queues are hit more often
    assert (queue_rates(events, *takers_of(events), bins=40).queue.seconds > 0.0).all()  # though queues have ten sizes


def test_rates_where_orders_are_not_told_and_where_nothing_is():
    events = reactive(0, 300)
    quotes = events.where(np.isin(events.kind, ("quote", "trade")))
    found = queue_rates(quotes, *takers_of(quotes))
    assert list(found.queue.rate) == ["taker"]
    assert (found.limit_imbalance, found.limit_queue, found.cancel_queue) == (None, None, None)
    nobody = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    for wrong, arguments, message in (
        (events, {"bins": 1}, "1 bins of the queue, 5 of the imbalance; expected 2 or more of each"),
        (events.where(events.time < 1), {}, "both sides of the book there for 0 s"),
        (events.where(events.kind == "quote"), {}, "no limit order at the touch and no trade"),
    ):
        with pytest.raises(DataError, match=message):
            queue_rates(wrong, *nobody, **arguments)


def test_windows_split_what_lasts_over_their_edges():
    kinds = ["quote", "limit", "delete", "trade", "quote", "quote"]
    events = made([10, 45, 100, 100, 5000, 5001], kinds, ask=[101, 103, 103, 103, 100, 100], bid_size=4.0)
    found = window_sums(events, np.array([100 * SECOND]), 60)
    assert found.start[:2].tolist() == [0, 60 * SECOND]
    assert found.seconds[:3] == pytest.approx([50.0, 40.0, 0.0])  # then no event comes for over an hour
    assert found.seconds[-1] == pytest.approx(1.0) and found.seconds.sum() == pytest.approx(91.0)
    assert found.spread[:2] == pytest.approx([2.0 * 35 + 4.0 * 15, 4.0 * 40])
    assert found.depth[:2] == pytest.approx([2.5 * 50, 2.5 * 40])
    assert [found.limits[:2].tolist(), found.cancels[:2].tolist(), found.takers[:2].tolist()] == [[1, 0], [0, 1], [0, 1]]
    assert found.variance.sum() == pytest.approx(1e8 * np.log(101.0 / 100.0) ** 2)  # not the move while it was closed
    assert found.moves[:2].tolist() == [50.0, 40.0]
    for wrong, seconds in ((events, 0), (events.where(events.time < 20 * SECOND), 60)):
        with pytest.raises(DataError, match="expected a number from 1 to 10000000 s, windows of 1 s or more"):
            window_sums(wrong, np.zeros(0, np.int64), seconds)


def two_days(seed, rates=(2.0, 0.5, 1.0)):
    """Two days of three bins of 600 s from 10:00 UTC on: takers at these rates, all else at the same."""
    rng = np.random.default_rng(seed)
    clock = np.concatenate([day * 86_400 + 36_000 + np.arange(1801) for day in (0, 1)])
    mid = 100.0 * np.exp(1e-4 * np.cumsum(rng.standard_normal(len(clock))))
    half = rng.choice([0.01, 0.02], len(clock))
    number = rng.poisson(np.tile(np.append(np.repeat(rates, 600), 0.0), 2))
    at = np.repeat(np.arange(len(clock)), number)
    time = np.concatenate([clock, clock[at] + rng.uniform(0.0, 1.0, len(at))])
    order = np.argsort(time, kind="stable")
    row = np.concatenate([np.arange(len(clock)), at])[order]
    traded = order >= len(clock)
    depth = rng.choice([100.0, 300.0], len(clock))[row]
    return made(
        time[order], np.where(traded, "trade", "quote").astype(object), traded.astype(int), mid[row], 1.0,
        mid[row] - half[row], mid[row] + half[row], depth, depth,
    )  # fmt: skip


def test_the_profile_of_a_day_is_found_within_its_errors():
    z = []
    for seed in range(16):
        events = two_days(seed)
        found = day_profile(events, takers_of(events)[0], 600)
        assert found.start.tolist() == [36_000.0, 36_600.0, 37_200.0]
        np.testing.assert_allclose(found.seconds, 1200.0, atol=1e-6)
        assert list(found.value) == ["takers", "spread", "depth", "volatility"]  # no orders are told
        law = {"takers": np.array([2.0, 0.5, 1.0]), "spread": 0.03, "depth": 200.0, "volatility": 1.0}
        z.append(np.concatenate([(found.value[name] - law[name]) / found.error[name] for name in law]))
    honest(z)


@pytest.mark.parametrize(
    "bin_seconds, message",
    [(0, "bins of 0 s"), (605, "bins of 605 s"), (7000, "bins of 7000 s"), (7200, "events in 1 bins")],
)
def test_bins_that_no_day_has(bin_seconds, message):
    events = two_days(0)
    with pytest.raises(DataError, match=message):
        day_profile(events, takers_of(events)[0], bin_seconds)


LEVELS = {"volatility": (1.0, 2.5), "takers": (0.5, 1.5), "spread": (0.02, 0.03), "depth": (300.0, 200.0)}


def windows_of(state, seed=0, levels=LEVELS, noise=0.3, factor=1.0, start=None):
    """Windows of a minute whose features are log-normal about those of their state."""
    rng = np.random.default_rng(1000 + seed)
    n = len(state)
    feature = {
        name: np.asarray(values)[state] * np.exp(noise * rng.standard_normal(n)) * factor for name, values in levels.items()
    }
    minute, none = np.full(n, 60.0), np.zeros(n)
    return Windows(
        (np.arange(n) if start is None else start) * 60 * SECOND, minute, none, none, 60.0 * feature["takers"],
        60.0 * feature["spread"], 60.0 * feature["depth"], 60.0 * feature["volatility"] ** 2, minute,
    )  # fmt: skip


def chain(seed, n, durations):
    """States of a Markov chain with these mean durations, which leaves for any other state alike."""
    rng = np.random.default_rng(seed)
    state, path = 0, np.zeros(n, int)
    for k in range(1, n):
        if rng.random() < 1.0 / durations[state]:
            state = (state + rng.integers(1, len(durations))) % len(durations)
        path[k] = state
    return path


@pytest.mark.parametrize("windows, noise", [((20.0, 8.0), 0.5), ((10 / 3, 10 / 7), 0.45)])  # the latter forget at once
def test_regimes_are_found_within_their_errors(windows, noise):
    duration, level = np.array(windows), np.array(LEVELS["volatility"])
    z = []
    for seed in range(16):
        found = fit_regimes(windows_of(chain(seed, 1000, windows), seed, noise=noise), most=2, profile_degree=0)
        assert found.features == ("volatility", "takers", "spread", "depth")
        mean = np.average(level, weights=duration)
        z.append(np.concatenate([
            np.log(found.duration / (60.0 * duration)) * found.duration / found.duration_error,
            (found.multiplier["volatility"] - level / mean) / found.multiplier_error["volatility"],
            [(found.share[0] - duration[0] / duration.sum()) / found.share_error[0]],
        ]))  # fmt: skip
        np.testing.assert_allclose(found.transition.sum(axis=1), 1.0)
        assert found.duration[0] == pytest.approx(60.0 / (1.0 - found.transition[0, 0]))
    honest(z)


def test_the_number_of_regimes_is_that_of_the_lowest_bic():
    three = {
        "volatility": (3.0, 1.0, 9.0),
        "takers": (1.0, 0.3, 3.0),
        "spread": (0.02, 0.02, 0.06),
        "depth": (9.0, 9.0, 3.0),
    }
    state = chain(0, 800, (15.0, 15.0, 15.0))
    found = fit_regimes(windows_of(state, levels=three), profile_degree=0)
    assert found.bic[3] == min(found.bic.values())
    assert found.share == pytest.approx(np.bincount(state)[[1, 0, 2]] / 800, abs=0.02)  # in order of volatility
    np.testing.assert_allclose(found.transition[~np.eye(3, dtype=bool)], 1.0 / 30.0, atol=0.03)
    few = np.isin(np.arange(800), range(0, 800, 160)).astype(int)
    wild = fit_regimes(windows_of(few, levels=dict.fromkeys(three, (1.0, 30.0))), 2, 0)
    assert len(wild.share) == 1 and list(wild.bic) == [1]  # five outliers are no state
    one = fit_regimes(windows_of(np.zeros(800, int)), profile_degree=0)
    assert one.share.tolist() == [1.0] and np.isnan(one.duration).all()
    assert one.multiplier["depth"] == pytest.approx([1.0]) and one.multiplier_error["depth"] == pytest.approx(0.0, abs=1e-12)


def test_the_day_is_no_regime_once_its_profile_is_taken_off():
    n = 390
    shape = np.exp(1.5 * np.linspace(-1.0, 1.0, n) ** 2)
    windows = windows_of(np.zeros(n, int), noise=0.15, factor=shape, start=810 + np.arange(n))
    assert len(fit_regimes(windows, profile_degree=0).share) > 1
    assert len(fit_regimes(windows, profile_degree=2).share) == 1
    state = chain(0, n, (20.0, 8.0))
    plain, shaped = (
        fit_regimes(windows_of(state, factor=factor, start=810 + np.arange(n)), 2, 2) for factor in (1.0, shape)
    )
    np.testing.assert_allclose(shaped.multiplier["volatility"], plain.multiplier["volatility"], rtol=1e-3)


def test_a_regime_does_not_change_while_the_market_is_closed():
    state = np.repeat(np.arange(10) % 2, 40)
    start = np.arange(400) + 1000 * (np.arange(400) // 40)
    assert np.isnan(fit_regimes(windows_of(state, start=start), 2, 0).duration).all()
    assert np.isfinite(fit_regimes(windows_of(state), 2, 0).duration).all()


def test_windows_that_tell_no_regimes():
    windows = windows_of(chain(0, 200, (20.0, 8.0)))
    flat = replace(windows, spread=np.full(200, 0.6))
    found = fit_regimes(flat, 2, 0)
    assert found.features == ("volatility", "takers", "depth") and found.multiplier["spread"] == pytest.approx(1.0)
    assert np.isnan(fit_regimes(replace(windows, takers=np.zeros(200)), 2, 0).multiplier["takers"]).all()
    half = np.where(np.arange(200) < 100, 20.0, 60.0)
    assert fit_regimes(replace(windows, seconds=half), 2, 0).windows == 100
    still = np.where(np.arange(200) < 60, 0.0, windows.variance)
    for wrong, arguments, message in (
        (windows, {"most": 0}, "0 states, degree 2; expected 1 to 5, 0 to 6"),
        (replace(windows, variance=still), {}, "200 windows of 60 s, 60 of the same volatility; expected fewer than 20%"),
        (windows_of(np.zeros(20, int)), {}, "20 windows that are open; expected 30 or more"),
    ):
        with pytest.raises(DataError, match=message):
            fit_regimes(wrong, **arguments)


def venues_of(seed, seconds=2000, persistence=0.8):
    """Two venues: mids a deviation of order one around 5 apart, a quarter of the volume and two fifths of the depth at A."""
    rng = np.random.default_rng(seed)
    mid = 100.0 + 0.01 * np.cumsum(rng.standard_normal(seconds))
    away = np.zeros(seconds)
    away[0] = rng.standard_normal() / np.sqrt(1.0 - persistence**2)
    for k in range(1, seconds):
        away[k] = persistence * away[k - 1] + rng.standard_normal()
    found = {}
    for name, path, rate, depth in (("A", mid, 0.5, 20.0), ("B", mid + 5.0 + away, 1.5, 30.0)):
        number = rng.poisson(rate, seconds)
        at = np.repeat(np.arange(seconds), number)
        row = np.concatenate([np.arange(seconds), at])
        time = np.concatenate([np.arange(seconds), at + rng.uniform(0.0, 1.0, len(at))])
        traded = np.arange(len(row)) >= seconds
        order = np.argsort(time, kind="stable")
        row, traded = row[order], traded[order]
        size = depth * rng.choice([0.5, 1.5], seconds)[row]
        found[name] = made(
            time[order], np.where(traded, "trade", "quote").astype(object), traded.astype(int), path[row],
            rng.exponential(1.0, len(row)), path[row] - 0.5, path[row] + 0.5, size, size,
        )  # fmt: skip
    return found


def test_venues_are_compared_within_their_errors():
    z = []
    for seed in range(16):
        found = compare_venues(venues_of(seed))
        basis = found.basis["B"]
        assert found.seconds == pytest.approx(1999.0, abs=1.0)
        z.append([
            (found.volume["A"][0] - 0.25) / found.volume["A"][1], (found.depth["A"][0] - 0.4) / found.depth["A"][1],
            (basis.median - 5.0) / basis.median_error,
            (basis.interquartile_range - 1.34898 / 0.6) / basis.interquartile_range_error,
            (basis.persistence - 0.8) / basis.persistence_error,
            (basis.half_life - np.log(0.5) / np.log(0.8)) / basis.half_life_error,
        ])  # fmt: skip
        assert basis.autocorrelation[:3] == pytest.approx([0.8, 0.64, 0.51], abs=0.12)
        assert found.volume["A"][0] + found.volume["B"][0] == pytest.approx(1.0)
    honest(z)


def test_a_basis_that_does_not_fade_has_no_half_life():
    events = venues_of(0, 200)
    same = compare_venues({"A": events["A"], "C": events["A"]}).basis["C"]
    assert (same.median, same.interquartile_range) == (0.0, 0.0) and np.isnan([same.half_life, same.persistence]).all()
    drift = replace(events["A"], ask_prices=events["A"].ask_prices + 0.1 * (events["A"].time[:, None] / SECOND) ** 2)
    assert np.isnan(compare_venues({"A": events["A"], "C": drift}).basis["C"].half_life)


def test_venues_that_cannot_be_compared():
    events = venues_of(0, 100)
    late = replace(events["B"], time=events["B"].time + 50 * SECOND)
    for wrong, message in (
        ({"A": events["A"]}, "1 venues; expected two or more"),
        ({"A": events["A"], "B": late}, r"[45]\d(\.\d+)? s that A, B have in common; expected 60 s or more"),
        ({"A": events["A"], "B": replace(events["B"], bid_prices=np.nan * events["B"].bid_prices)}, "no event with a bid"),
    ):
        with pytest.raises(DataError, match=message):
            compare_venues(wrong)


APP = typer.Typer()
APP.command()(describe_data.main)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def kept(path, events, symbol="XYZ", venue="A"):
    with EventWriter(path, About("made", symbol, venue, events.bid_prices.shape[1], 0.01)) as writer:
        writer.write(events)
    return path


def test_the_command_tells_placement_rates_regimes_and_the_day(tmp_path):
    path = kept(tmp_path / "events.parquet", reactive(0, 2400))
    result = run(path, "--structure", "shared", "--exponentials", 1, "--out", tmp_path / "new")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "new" / "estimates.json").read_text())
    assert told["queues"]["limit_imbalance"]["value"] == pytest.approx(0.8, abs=0.25)
    assert told["queues"]["queue"]["edges"][-1] is None
    assert told["placement"]["at_best"] == pytest.approx(0.5 / 0.8, abs=0.1)
    assert (told["placement"]["tail"], told["regimes"]) == (None, None)  # one level, and a mid that stands still
    assert told["day_profile"]["value"]["takers"] == pytest.approx([1.2, 1.2], rel=0.15)
    assert "limit orders at the best price [share]" in result.output and "00:30" in result.output
    assert (tmp_path / "new" / "flow.png").read_bytes().startswith(b"\x89PNG")


def test_the_figure_shows_a_tail_and_regimes():
    summary = summarise(two_days(0), About("made", "XYZ", "A", 1, 0.01), "shared", most=1)
    assert summary.placement is None and len(summary.regimes.share) == 1
    plain = png(flow_figure(summary, "a"))
    tail = fit_placement(placed(0), 0.01)
    regimes = fit_regimes(windows_of(chain(0, 300, (20.0, 8.0))), 2, 0)
    both = png(flow_figure(replace(summary, placement=tail, regimes=regimes), "a"))
    assert both != plain


def test_the_command_compares_venues_of_one_symbol(tmp_path):
    paths = [kept(tmp_path / f"{name}.parquet", events, venue=name) for name, events in venues_of(0, 300).items()]
    result = run(*paths, "--out", tmp_path / "new", "--json", tmp_path / "venues.json")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "venues.json").read_text())
    assert told == json.loads((tmp_path / "new" / "venues.json").read_text())
    assert told["venues"]["basis"]["B"]["median"] == pytest.approx(5.0, abs=1.0)
    assert "basis of B, half-life [s]" in result.output
    assert (tmp_path / "new" / "venues.png").read_bytes().startswith(b"\x89PNG")
    other = kept(tmp_path / "other.parquet", venues_of(0, 300)["A"], symbol="OTHER")
    for wrong, message in ((other, "symbol OTHER; expected XYZ"), (paths[0], "venues A, A; expected each once")):
        result = run(paths[0], wrong, "--out", tmp_path / "none")
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
