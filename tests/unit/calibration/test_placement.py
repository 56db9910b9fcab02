"""The law of distances of limit orders is found within its errors."""

from dataclasses import replace

import numpy as np
import pytest

from mm_env.calibration.placement import fit_placement
from mm_env.errors import DataError
from tests.unit.calibration.made import honest, made


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
