"""Estimators of calibration: what was put into made data comes out within its errors; known facts of real data."""

import numpy as np
import pytest

from mm_env.calibration.cancels import cancel_rates
from mm_env.calibration.fills import fit_intensity
from mm_env.calibration.prices import Mids, correlation, hayashi_yoshida, moves, spread, volatility, weighted_quantile
from mm_env.calibration.sizes import fit_tail
from mm_env.data.events import Events, ReadReport
from mm_env.data.readers.binance import find_binance, read_binance
from mm_env.data.readers.lobster import find_lobster, read_lobster
from mm_env.errors import DataError

SECOND = 1_000_000_000


def quotes(seconds, bid, ask, kind="quote", price=None):
    n = len(seconds)
    column = {"bid_prices": bid, "ask_prices": ask, "bid_sizes": np.ones(n), "ask_sizes": np.ones(n)}
    return Events(
        time=np.round(np.asarray(seconds) * SECOND).astype(np.int64), kind=np.array([kind] * n, dtype=object),
        side=np.zeros(n, np.int8), price=np.full(n, np.nan) if price is None else np.asarray(price, float), size=np.ones(n),
        order=np.zeros(n, np.int64), **{name: np.asarray(values, float)[:, None] for name, values in column.items()},
    )  # fmt: skip


def joined(batches):
    parts = list(batches)
    return Events(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__})


def test_mids_are_the_last_of_each_time_and_only_where_they_change():
    events = quotes([1, 1, 2, 3, 4, 5], [9, 10, 10, np.nan, 11, 11], [11, 12, 12, 12, 13, 13])
    mids = Mids.of(events)
    assert mids.time.tolist() == [SECOND, 4 * SECOND]
    assert mids.price.tolist() == [11.0, 12.0]
    np.testing.assert_array_equal(mids.at(np.array([0, 1, 3, 4, 9]) * SECOND), [np.nan, 11, 11, 12, 12])
    with pytest.raises(DataError, match="no event with a bid and an ask"):
        Mids.of(quotes([1], [np.nan], [1]))


def walks(seed, rho=0.6, n=20_000, told=0.3):
    """Two correlated Brownian prices of 1 bps a second; each is told at times of its own."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, n))
    steps = 1e-4 * np.sqrt(0.1) * np.stack([z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1]])
    paths = 100.0 * np.exp(np.cumsum(steps, axis=1))
    time = np.round(np.arange(n) * 0.1 * SECOND).astype(np.int64)
    both = []
    for path in paths:
        seen = rng.random(n) < told
        both.append(Mids(time[seen], path[seen]))
    return both


def test_volatility_and_correlation_of_brownian_prices():
    z = []
    for seed in range(12):
        a, b = walks(seed)
        vol, error = volatility(a, 10.0, int(a.time[0]), int(a.time[-1]))
        r, r_error = correlation(a, b, 10.0)
        z.append([(vol - 1.0) / error, (r - 0.6) / r_error])
        assert hayashi_yoshida(a, b) == pytest.approx(0.6, abs=0.05)
        assert correlation(a, b, 0.2)[0] < 0.45  # the Epps effect, which the estimator of all pairs does not have
    z = np.array(z)
    assert np.abs(z.mean(axis=0)).max() < 1.0
    assert 0.5 < z.std() < 1.6


def test_prices_that_say_nothing_are_refused():
    a, b = walks(0)
    still = Mids(a.time, np.full(len(a.time), 5.0))
    with pytest.raises(DataError, match="a price that does not move over steps of 1 s"):
        correlation(a, still, 1.0)
    with pytest.raises(DataError, match="two or more steps"):
        moves(a, 1e6, int(a.time[0]), int(a.time[-1]))
    with pytest.raises(DataError, match="a price that does not move"):
        hayashi_yoshida(Mids(a.time[:1], a.price[:1]), b)


def test_spreads_count_by_how_long_they_last():
    found = spread(quotes([0, 1, 4, 10], [9.98, 9.99, 9.97, 9.97], [10.0, 10.0, 10.0, 10.0]), 0.01)
    assert (found.median_ticks, found.one_tick_share) == (3.0, pytest.approx(0.3))
    assert found.mean_ticks == pytest.approx((2 * 1 + 1 * 3 + 3 * 6) / 10)
    assert weighted_quantile([3, 1, 2], [1, 1, 8], 0.5) == 2.0
    with pytest.raises(DataError, match="tick 0, "):
        spread(quotes([0, 1], [1, 1], [2, 2]), 0.0)


def reaching(seed, rate, decay, seconds=4000):
    """Trades on both sides of a mid of 100 that reach as far as the exponential law says."""
    rng = np.random.default_rng(seed)
    time, price = [np.array([0.0, seconds + 2.0])], [np.array([np.nan, np.nan])]
    for side in (-1.0, 1.0):
        n = rng.poisson(rate * seconds)
        time.append(rng.uniform(0.0, seconds, n))
        price.append(100.0 + side * rng.exponential(1.0 / decay, n))
    time, price = np.concatenate(time), np.concatenate(price)
    order = np.argsort(time)
    events = quotes(time[order], np.full(len(time), 99.99), np.full(len(time), 100.01), "trade", price[order])
    return events


def test_the_exponential_law_is_found_within_its_errors():
    z = []
    for seed in range(16):
        fit = fit_intensity(reaching(seed, 0.8, 20.0), [0.02, 0.05, 0.1, 0.15, 0.2], 1.0)
        z.append([(fit.rate - 0.8) / fit.rate_error, (fit.decay - 20.0) / fit.decay_error])
        np.testing.assert_allclose(fit.fitted, fit.reached, rtol=0.25, atol=20)
    z = np.array(z)
    assert np.abs(z.mean(axis=0)).max() < 0.9
    assert 0.6 < z.std() < 1.5
    assert fit.tried == 2 * 4002


@pytest.mark.parametrize("distances", [[0.1], [0.0, 0.1], [0.2, 0.1]])
def test_distances_and_trades_that_fit_nothing(distances):
    with pytest.raises(DataError, match="two or more, rising, above 0"):
        fit_intensity(reaching(0, 0.8, 20.0), distances)
    with pytest.raises(DataError, match="are reached; expected 10 or more"):
        fit_intensity(reaching(0, 0.8, 20.0), [5.0, 6.0])


def zipf(exponent, start, size, seed):
    """Discrete power law from `start` on, by inversion."""
    support = np.arange(start, 200_000)
    weight = support**-exponent
    return np.random.default_rng(seed).choice(support, size, p=weight / weight.sum())


def test_a_power_tail_is_found_within_its_error():
    z = []
    for seed in range(20):
        fit = fit_tail(zipf(2.6, 3, 4000, seed), 3)
        z.append((fit.exponent - 2.6) / fit.error)
        assert fit.tail_exponent == fit.exponent - 1.0
    assert abs(np.mean(z)) < 0.7
    assert 0.6 < np.std(z) < 1.5


def test_the_beginning_of_the_tail_is_where_the_law_begins():
    rng = np.random.default_rng(0)
    sizes = np.concatenate([rng.integers(1, 20, 6000), zipf(2.5, 20, 4000, 1)])
    fit = fit_tail(sizes)
    assert 15 <= fit.start <= 30
    assert fit.exponent == pytest.approx(2.5, abs=0.15)
    assert fit.distance < 0.03
    assert fit_tail(sizes, 1).distance > 0.2


@pytest.mark.parametrize("sizes", [[], [1.5] * 60, [0] * 60, [1] * 10])
def test_sizes_that_are_none(sizes):
    with pytest.raises(DataError, match=r"expected whole numbers of lots|expected 50 or more in the tail"):
        fit_tail(sizes)


def test_known_facts_of_real_prices(shared_data):
    def lobster(name):
        path = shared_data / "lobster" / f"LOBSTER_SampleFile_{name}_2012-06-21_1.zip"
        return joined(read_lobster(find_lobster(path), ReadReport()))

    apple, amazon = lobster("AAPL"), lobster("AMZN")
    for seconds, known in ((1.0, 0.16), (5.0, 0.32), (60.0, 0.54)):
        assert correlation(Mids.of(apple), Mids.of(amazon), seconds)[0] == pytest.approx(known, abs=0.02)
    assert spread(apple, 0.01).median_ticks == 15 and spread(apple, 0.01).one_tick_share < 0.01
    coins = []
    for name in ("btcusdt", "ethusdt"):
        path = shared_data / "crypto" / f"spot_{name}_20240808.gz"
        coins.append(Mids.of(joined(read_binance(path, find_binance(path, "spot"), ReadReport()))))
    assert correlation(*coins, 1.0)[0] == pytest.approx(0.64, abs=0.05)


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
