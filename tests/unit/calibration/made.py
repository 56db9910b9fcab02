"""Events for tests of estimators, and the check of their errors."""

import numpy as np

from mm_env.data.events import About, Events

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


def quotes(seconds, bid, ask, kind="quote", price=None):
    n = len(seconds)
    column = {"bid_prices": bid, "ask_prices": ask, "bid_sizes": np.ones(n), "ask_sizes": np.ones(n)}
    return Events(
        time=np.round(np.asarray(seconds) * SECOND).astype(np.int64), kind=np.array([kind] * n, dtype=object),
        side=np.zeros(n, np.int8), price=np.full(n, np.nan) if price is None else np.asarray(price, float), size=np.ones(n),
        order=np.zeros(n, np.int64), **{name: np.asarray(values, float)[:, None] for name, values in column.items()},
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


ABOUT = About("made", "XYZ", "A", 1, 0.01)


def market(seed=0, n=6000, seconds=3000.0):
    """Quotes that move and trades on both sides of them, with sizes of a power tail."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0.0, seconds, n))
    mid = 100.0 + 0.01 * np.cumsum(rng.choice([-1, 0, 1], n))
    traded = rng.random(n) < 0.5
    side = np.where(traded, rng.choice([-1, 1], n), 0)
    reach = rng.exponential(0.02, n)
    book = {"bid_prices": mid - 0.01, "ask_prices": mid + 0.01, "bid_sizes": np.ones(n), "ask_sizes": np.ones(n)}
    return Events(
        time=np.round(time * SECOND).astype(np.int64), kind=np.where(traded, "trade", "quote").astype(object),
        side=side.astype(np.int8), price=np.where(traded, mid + side * reach, np.nan),
        size=np.ceil(100.0 * (rng.pareto(1.5, n) + 1.0)), order=np.zeros(n, np.int64),
        **{name: values[:, None] for name, values in book.items()},
    )  # fmt: skip
