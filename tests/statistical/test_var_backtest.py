"""The VaR backtest: on positions whose law is known a right figure holds and wrong ones do not.

Fixed seeds. Bounds on shares of blocks are those of the binomial law at 1e-3 around the false alarm that is computed.
"""

import numpy as np
import pytest

from mm_env.risk.backtests import kupiec
from mm_env.risk.var_backtest import Levels, backtest, false_alarms, nominal_band, passed_curve
from mm_env.risk.var_samples import Samples
from mm_env.risk.var_variants import Figures

BLOCKS, PERIODS = 200, 1000
Z99, Z975, ES975 = 2.3263479, 1.9599640, 2.3378027
LEVELS = Levels()


def samples_of(profit, sd, regime=None, counted=None):
    """Figures of a normal law of standard deviation sd, right or wrong."""
    shape = profit.shape
    figures = {
        name: Figures(Z99 * s * np.ones(shape), ES975 * s * np.ones(shape), Z975 * s * np.ones(shape))
        for name, s in sd.items()
    }
    regime = np.zeros(shape, np.int64) if regime is None else regime
    switched = np.zeros(shape, bool)
    switched[:-1] = regime[1:] != regime[:-1]
    return Samples(
        profit, np.ones(shape, bool) if counted is None else counted, regime, switched, np.zeros(shape, bool), figures
    )


@pytest.fixture(scope="module")
def normal():
    profit = np.random.default_rng(3).normal(size=(PERIODS, BLOCKS))
    rows = backtest(samples_of(profit, {"right": 1.0, "small": 0.8, "large": 1.3}), LEVELS, ["calm"])
    return {row["variant"]: row for row in rows}


def test_a_right_figure_is_rejected_as_often_as_computed(normal):
    alarms = false_alarms(PERIODS, LEVELS)
    for test in ("kupiec", "independence", "christoffersen"):
        low, high = nominal_band(alarms[test], BLOCKS, 0.999)
        assert low <= normal["right"]["rejected"][test] <= high, test
    # the critical values of the shortfall are those of fatter tails, so that of a normal law fewer are rejected
    assert normal["right"]["rejected"]["z1"] <= 0.11 and normal["right"]["rejected"]["z2"] <= 0.11
    assert normal["right"]["holds"] and normal["right"]["zones"]["green"] >= 0.9 * BLOCKS
    assert normal["right"]["exceptions"]["low"] < 0.01 < normal["right"]["exceptions"]["high"]


def test_wrong_figures_are_rejected(normal):
    for name, zone in (("small", "red"), ("large", "green")):
        assert normal[name]["rejected"]["kupiec"] > 0.75 and not normal[name]["holds"]
        assert normal[name]["zones"][zone] > 0.75 * BLOCKS
    assert normal["small"]["rejected"]["z2"] > 0.95 and normal["large"]["rejected"]["z2"] == 0.0


def test_exceptions_that_come_together_are_found_by_independence_alone():
    rng = np.random.default_rng(4)
    profit = np.abs(rng.normal(size=(PERIODS, BLOCKS)))
    starts = rng.random((PERIODS, BLOCKS)) < 0.005
    profit[starts | np.roll(starts, 1, axis=0)] = -3.0  # always two in a row, one in a hundred in all
    row = backtest(samples_of(profit, {"right": 1.0}), LEVELS, ["calm"])[0]
    assert row["rejected"]["independence"] > 0.9 and row["rejected"]["christoffersen"] > 0.8
    assert row["rejected"]["kupiec"] < 0.35


def test_regimes_are_told_apart_and_switches_beside_them():
    rng = np.random.default_rng(5)
    regime = np.repeat(rng.integers(0, 2, (PERIODS // 50, BLOCKS)), 50, axis=0)
    profit = rng.normal(size=regime.shape) * np.where(regime == 1, 2.0, 1.0)
    samples = samples_of(profit, {"blind": 1.0}, regime)
    row = backtest(samples, LEVELS, ["calm", "wild"])[0]
    parts = row["regimes"]
    assert list(parts) == ["calm", "wild", "within a switch"]
    assert parts["calm"]["exceptions"]["low"] < 0.01 < parts["calm"]["exceptions"]["high"]
    wild = parts["wild"]["exceptions"]  # of a normal law past 2.326 / 2; four standard errors: 6e-5
    assert abs(wild["value"] - 0.12237) < 4.0 * wild["error"] < 0.006
    assert sum(part["periods"] for part in parts.values()) == regime.size
    assert parts["within a switch"]["periods"] == samples.switched.sum() > 0


def test_kupiec_rejects_independent_exceptions_as_often_as_the_binomial_law_says():
    alarm = false_alarms(PERIODS, LEVELS)["kupiec"]
    counts = np.random.default_rng(6).binomial(PERIODS, 0.01, 20_000)
    share = np.mean([not kupiec(int(n), PERIODS, 0.01).accepted for n in counts])
    assert abs(share - alarm) < 4.0 * np.sqrt(alarm * (1.0 - alarm) / 20_000)
    assert 0.03 < alarm < 0.08  # not 5 %: counts are whole numbers


def test_positions_that_are_not_counted_count_nowhere():
    rng = np.random.default_rng(7)
    profit = rng.normal(size=(400, 6))
    counted = rng.random(profit.shape) < 0.5
    counted[:, 5] = False
    profit[~counted] = -1e6
    row = backtest(samples_of(profit, {"right": 1.0}, counted=counted), LEVELS, ["calm"])[0]
    assert row["blocks"] == 5 and len(row["exceptions_by_block"]) == 5
    assert row["exceptions"]["value"] < 0.03
    with pytest.raises(ValueError, match="no block holds 100 positions"):
        backtest(samples_of(profit[:50], {"right": 1.0}), LEVELS, ["calm"])


def test_the_curve_is_the_share_of_losses_past_multiples():
    profit = np.random.default_rng(8).normal(size=(1000, 40))
    curve = passed_curve(samples_of(profit, {"right": 1.0}), "right", np.array([0.0, 1.0, 1.2]))
    assert curve == pytest.approx([0.5, 0.01, 0.00263], abs=0.004)
    assert curve[1] == (profit < -Z99).mean()
