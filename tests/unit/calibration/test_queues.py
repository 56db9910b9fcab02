"""Rates by queue and imbalance are found within their errors."""

import numpy as np
import pytest

from mm_env.calibration.queues import block_ratio, queue_rates
from mm_env.errors import DataError
from tests.unit.calibration.made import honest, made, takers_of


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
