"""Backtest of a value at risk: exceptions of many blocks of frozen positions, tested block by block, and by regime.

In each block: Kupiec's test of the number of exceptions, Christoffersen's tests of their independence and of both, the Basel
zone, and Acerbi & Székely's tests of the expected shortfall. Tests at 95 % reject some blocks of a perfect figure too; how
many is computed (Kupiec, from the binomial law) or simulated (the others), and stands beside every share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import UsageError
from mm_env.evaluation.estimates import ratio_estimate
from mm_env.risk.backtests import (
    ZONES,
    acceptance_region,
    binomial_cumulative,
    christoffersen,
    traffic_light,
)
from mm_env.risk.es_tests import conditional_z, critical_values, unconditional_z
from mm_env.risk.var_samples import Samples

TESTS = ("kupiec", "independence", "christoffersen", "z1", "z2")
DEGREES = 5.0  # of freedom of the law behind the critical values of the shortfall: tails as fat as those of short horizons
LARGEST_SHARE = 0.1  # of blocks that may reject a figure that still holds
_FEWEST = 100  # periods of a block that is tested
_SIMULATED = 4000
_ROUND = 50


@dataclass(frozen=True)
class Levels:
    """conf: of the value at risk; es_conf: of the expected shortfall; confidence: of the tests."""

    conf: float = 0.99
    es_conf: float = 0.975
    confidence: float = 0.95


def backtest(samples: Samples, levels: Levels, regimes: Sequence[str]) -> list[dict[str, Any]]:
    """One row a variant, under stable names.

    regimes: their names, by index

    "rejected" holds for each test the share of blocks that reject, None where no test could be done; "blocks_tested" how
    many could; "holds" whether Kupiec's and Christoffersen's reject at most a tenth; "regimes" the exceptions by regime at
    the start of horizons without a switch, and those of horizons "within a switch", with intervals over blocks.
    Raises UsageError where no block has enough positions.
    """
    enough = samples.counted.sum(axis=0) >= _FEWEST
    if not enough.any():
        raise UsageError(f"no block holds {_FEWEST} positions that are not zero; expected longer blocks, or another policy")
    return [_row(name, samples, levels, regimes, np.flatnonzero(enough)) for name in samples.figures]


def _row(name: str, samples: Samples, levels: Levels, regimes: Sequence[str], blocks: NDArray[np.int64]) -> dict[str, Any]:
    figures = samples.figures[name]
    past = samples.profit < -figures.value_at_risk
    tested = [_block(samples, name, past, b, levels) for b in blocks.tolist()]
    counted = samples.counted[:, blocks]
    exceptions = (past & samples.counted)[:, blocks].sum(axis=0)
    rejected = {
        test: float(np.mean(found)) if (found := [one[test] for one in tested if one[test] is not None]) else None
        for test in TESTS
    }
    return {
        "variant": name,
        "blocks": len(blocks),
        "periods": round(float(counted.sum(axis=0).mean()), 1),
        "value_at_risk": float(figures.value_at_risk[:, blocks][counted].mean()),
        "exceptions": ratio_estimate(exceptions, counted.sum(axis=0)).as_dict(),
        "expected": 1.0 - levels.conf,
        "exceptions_by_block": exceptions.tolist(),
        "rejected": rejected,
        "blocks_tested": {test: sum(one[test] is not None for one in tested) for test in TESTS},
        "zones": {zone: sum(one["zone"] == zone for one in tested) for zone in ZONES},
        "holds": rejected["kupiec"] <= LARGEST_SHARE and rejected["christoffersen"] <= LARGEST_SHARE,  # type: ignore[operator]
        "regimes": _by_regime(samples, past, regimes, blocks),
    }


def _block(samples: Samples, name: str, past: NDArray[np.bool_], b: int, levels: Levels) -> dict[str, Any]:
    """What the tests say of one block: True where they reject; None where they cannot be done."""
    counted, figures, p = samples.counted[:, b], samples.figures[name], 1.0 - levels.conf
    series = past[counted, b]
    coverage = christoffersen(series, p, levels.confidence, implied_first=False)
    found: dict[str, Any] = {
        "kupiec": not coverage.unconditional.accepted,
        "independence": not coverage.independence.accepted,
        "christoffersen": not coverage.conditional.accepted,
        "zone": traffic_light(int(series.sum()), len(series), p),
        "z1": None,
        "z2": None,
    }
    if figures.expected_shortfall is None or figures.es_value_at_risk is None:
        return found
    shortfall, var = figures.expected_shortfall[:, b], figures.es_value_at_risk[:, b]
    some = counted & (shortfall > 0.0) & (var > 0.0)  # a figure of 0 of a held position is an exception, but has no ratio
    if some.sum() >= _FEWEST:
        tail = 1.0 - levels.es_conf
        periods = _ROUND * max(1, round(int(some.sum()) / _ROUND))  # blocks of nearly the same length share their law
        at = critical_values(periods, round(tail, 12), round(1.0 - levels.confidence, 12), DEGREES)
        profit = samples.profit[some, b]
        z1 = conditional_z(profit, var[some], shortfall[some])
        found["z1"] = None if z1 is None else z1 < at[0]
        found["z2"] = unconditional_z(profit, var[some], shortfall[some], tail) < at[1]
    return found


def _by_regime(
    samples: Samples, past: NDArray[np.bool_], regimes: Sequence[str], blocks: NDArray[np.int64]
) -> dict[str, dict[str, Any]]:
    """Exceptions by regime at the start where it lasted, and over a switch."""
    cells = {name: samples.counted & ~samples.switched & (samples.regime == k) for k, name in enumerate(regimes)}
    cells["within a switch"] = samples.counted & samples.switched
    return {
        name: {
            "periods": int(cell[:, blocks].sum()),
            "exceptions": ratio_estimate((past & cell)[:, blocks].sum(axis=0), cell[:, blocks].sum(axis=0)).as_dict(),
        }
        for name, cell in cells.items()
        if cell[:, blocks].any()
    }


@cache
def false_alarms(periods: int, levels: Levels, seed: int = 0) -> dict[str, float]:
    """Share of blocks of that many periods in which each test rejects a perfect figure.

    Kupiec's by the binomial law; independence and both of `_SIMULATED` series of independent exceptions; the shortfall's are
    what their critical values were simulated for.
    """
    p, rng = 1.0 - levels.conf, np.random.default_rng(seed)
    least, most = acceptance_region(periods, p, levels.confidence)
    inside = binomial_cumulative(most, periods, p) - (binomial_cumulative(least - 1, periods, p) if least else 0.0)
    found = [christoffersen(rng.random(periods) < p, p, levels.confidence, implied_first=False) for _ in range(_SIMULATED)]
    return {
        "kupiec": 1.0 - inside,
        "independence": float(np.mean([not one.independence.accepted for one in found])),
        "christoffersen": float(np.mean([not one.conditional.accepted for one in found])),
        "z1": 1.0 - levels.confidence,
        "z2": 1.0 - levels.confidence,
    }


def nominal_band(alarm: float, blocks: int, confidence: float = 0.95) -> tuple[float, float]:
    """(low, high) share of rejecting blocks of a perfect figure that rejects with probability `alarm`, central binomial."""
    tail = 0.5 * (1.0 - confidence)
    cumulative = np.array([binomial_cumulative(k, blocks, alarm) for k in range(blocks + 1)])
    return int(np.searchsorted(cumulative, tail)) / blocks, int(np.searchsorted(cumulative, 1.0 - tail)) / blocks


def passed_curve(samples: Samples, name: str, multiples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of losses that pass each multiple of a variant's value at risk: at 1 what should be 1 - conf."""
    counted = samples.counted
    var = samples.figures[name].value_at_risk[counted]
    loss = -samples.profit[counted]
    return np.array([float((loss > multiple * var).mean()) for multiple in multiples])
