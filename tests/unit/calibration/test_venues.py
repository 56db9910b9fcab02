"""Venues are compared within their errors."""

from dataclasses import replace

import numpy as np
import pytest

from mm_env.calibration.venues import compare_venues
from mm_env.errors import DataError
from tests.unit.calibration.made import SECOND, honest, made


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
