"""VaR, expected shortfall and quantile sketches against laws whose figures are known."""

import math

import numpy as np
import pytest
from scipy import stats

from mm_env.risk.sketch import ACCURACY, LARGEST, Sketch
from mm_env.risk.tails import expected_shortfall, quantile_interval, value_at_risk


def test_by_hand():
    profits = -np.arange(1.0, 201.0)  # losses 1 to 200
    assert value_at_risk(profits, 0.95).value == 191.0  # 10 of them are as large
    assert expected_shortfall(profits, 0.95).value == pytest.approx(195.5)
    assert expected_shortfall(profits, 0.99).value == pytest.approx(199.5)
    assert math.isnan(expected_shortfall(profits, 0.99).low)  # two observations say nothing of their spread
    assert quantile_interval(profits, 0.5).value == -101.0
    alike = value_at_risk(np.full(300, 7.0), 0.95)
    assert (alike.value, alike.low, alike.high) == (-7.0, -7.0, -7.0)


def test_ends_are_the_order_statistics_of_the_binomial():
    x = np.arange(1.0, 101.0)
    median = quantile_interval(x, 0.5)
    assert (median.low, median.high) == (40.0, 61.0)  # the textbook's pair for 100 draws: 95.4 %
    far = quantile_interval(x, 0.01)
    assert far.low == -math.inf and far.high == 4.0
    with pytest.raises(ValueError, match="inside"):
        quantile_interval(x, 1.0)
    with pytest.raises(ValueError, match="finite"):
        expected_shortfall([1.0, math.nan], 0.95)


LAWS = {"normal": stats.norm(50.0, 20.0), "heavy tail": stats.t(4.0, 10.0, 5.0), "skewed": stats.gumbel_l(3.0, 2.0)}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_intervals_cover_what_they_say(law, level):
    """1000 samples of 2000 profits; the bounds are four standard errors or more from what a longer run gave.

    Order statistics cover 95 % or a little more. A shortfall covers less where few observations decide: of 8000 samples
    93 to 95 % at level 0.95, 93 % at 0.99 (20 observations), and of the heavy tail 90 % there.
    """
    profits = LAWS[law].rvs((1000, 2000), random_state=1)
    quantile = LAWS[law].ppf(1.0 - level)
    shortfall = -LAWS[law].expect(ub=quantile) / (1.0 - level)
    held = [value_at_risk(row, level) for row in profits]
    tails = [expected_shortfall(row, level) for row in profits]
    var_covers = np.mean([one.low <= -quantile <= one.high for one in held])
    es_covers = np.mean([one.low <= shortfall <= one.high for one in tails])
    assert 0.95 - 0.028 < var_covers < 0.985
    assert (0.83 if (law, level) == ("heavy tail", 0.99) else 0.88) < es_covers < 0.97
    assert np.mean([one.value for one in tails]) == pytest.approx(shortfall, rel=0.03, abs=0.02 * LAWS[law].std())


def test_a_sketch_finds_every_quantile_to_its_accuracy_and_adds_up():
    rng = np.random.default_rng(2)
    values = [rng.normal(100.0, 5000.0, 20_001), np.zeros(10), rng.standard_cauchy(5000), -rng.exponential(3.0, 4001)]
    sketch, parts = Sketch(4), Sketch(4)
    for t, x in enumerate(values):
        sketch.add(t, x)
        for part in np.array_split(x, 7):
            parts.add(t, part)
    np.testing.assert_array_equal(sketch.counts, parts.counts)
    probabilities = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    for t, x in enumerate(values):
        exact = np.sort(x)[np.ceil(np.array(probabilities) * len(x) - 1e-9).astype(int) - 1]
        np.testing.assert_allclose(sketch.quantiles(probabilities)[t], exact, rtol=ACCURACY * (1 + 1e-9), atol=0.01)
    assert np.isnan(Sketch(1).quantiles((0.5,))).all()
    for wrong in (math.nan, math.inf, 2.0 * LARGEST):
        with pytest.raises(ValueError, match="expected a finite"):
            sketch.add(0, [1.0, wrong])
