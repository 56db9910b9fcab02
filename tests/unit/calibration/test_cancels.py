"""Cancel rates by level are found within their errors."""

import numpy as np
import pytest

from mm_env.calibration.cancels import cancel_rates
from mm_env.data.events import Events
from mm_env.errors import DataError

SECOND = 1_000_000_000


def cancelling(seed, rate=0.2, seconds=4000.0):
    """A book of two levels a side with constant sizes (what is cancelled is put back at once)."""
    rng = np.random.default_rng(seed)
    sizes = {1: 300.0, 2: 500.0}
    rows = []
    for side in (1, -1):
        for level, size in sizes.items():
            n = rng.poisson(rate * level * size / 10.0 * seconds)  # orders of 10
            rows += [(t, side, level) for t in rng.uniform(0, seconds, n)]
    rows.sort()
    n = len(rows) + 1
    time = np.concatenate(([0.0], [t for t, _, _ in rows]))
    bid, ask = np.tile([99.0, 98.0], (n, 1)), np.tile([101.0, 102.0], (n, 1))
    price = np.array([np.nan] + [{1: [99.0, 98.0], -1: [101.0, 102.0]}[side][level - 1] for _, side, level in rows])
    return Events(
        time=(time * SECOND).astype(np.int64), kind=np.array(["limit"] + ["delete", "reduce"] * n, dtype=object)[:n],
        side=np.array([1] + [side for _, side, _ in rows], np.int8), price=price, size=np.full(n, 10.0),
        order=np.zeros(n, np.int64), bid_prices=bid, ask_prices=ask, bid_sizes=np.tile([300.0, 500.0], (n, 1)),
        ask_sizes=np.tile([300.0, 500.0], (n, 1)),
    )  # fmt: skip


def test_cancel_rates_by_level_are_found_within_their_errors():
    z = []
    for seed in range(12):
        found = cancel_rates(cancelling(seed, seconds=200.0))
        z.append((found.rate - [0.2, 0.4]) / found.error)
        assert found.share == pytest.approx(1.0)
    z = np.array(z)
    assert np.abs(z.mean(axis=0)).max() < 0.9
    assert 0.6 < z.std() < 1.6


def test_cancels_outside_the_book_and_books_without_levels():
    events = cancelling(0, seconds=20.0)
    away = np.where(events.side > 0, 50.0, 150.0)
    half = np.arange(len(events)) % 2 == 0
    moved = {name: getattr(events, name) for name in Events.__dataclass_fields__} | {
        "price": np.where(half, away, events.price), "ask_sizes": np.full_like(events.ask_sizes, np.nan),
        "bid_sizes": np.full_like(events.bid_sizes, np.nan),
    }  # fmt: skip
    found = cancel_rates(Events(**moved))
    assert found.share == pytest.approx(0.5, abs=0.01)
    assert np.isnan(found.rate).all()
    with pytest.raises(DataError, match="span no time"):
        cancel_rates(events.where(np.arange(len(events)) < 1))
