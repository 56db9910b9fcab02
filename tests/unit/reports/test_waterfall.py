"""Bars of the waterfall: from 0 to the profit, from any of the forms in which an attribution is kept."""

import numpy as np
import pandas as pd
import pytest

from mm_env.evaluation.attribution import attribution_margins, attribution_rows
from mm_env.reports.style import png
from mm_env.reports.waterfall import waterfall_figure, waterfall_steps
from mm_env.sim.state import TERMS

BREAKDOWN = np.random.default_rng(1).normal(size=(2, 3, len(TERMS))) + 1.0
NAMES = ["XYZ", "ABC"], ["ALPHA", "BETA", "GAMMA"]
MEANS = dict(zip(TERMS, BREAKDOWN.sum(axis=(0, 1)).tolist(), strict=True))


def cuts(means):
    """Rows of the cut of the whole: the terms, then what sums of them, and memo items."""
    rows = [{"term": term, "mean": value, "error": abs(value) / 7.0} for term, value in means.items()]
    trading = {"term": "trading", "mean": 0.0, "error": 0.25}
    return pd.DataFrame(
        [*rows, trading, {"term": "profit", "mean": 0.0, "error": 0.5}, {"term": "fills", "mean": 9.0, "error": 1.0}]
    )


def test_bars_lead_from_zero_to_the_profit_each_from_where_the_last_one_ended():
    steps = waterfall_steps(MEANS)
    assert [step.kind for step in steps] == ["term"] * 6 + ["subtotal"] + ["term"] * 4 + ["total"]
    height = 0.0
    for step in steps:
        if step.kind == "term":
            assert step.start == pytest.approx(height) and step.value == pytest.approx(sum(MEANS[t] for t in step.terms))
            height = step.end
        else:
            assert step.start == 0.0 and step.value == pytest.approx(height)
    assert steps[-1].value == pytest.approx(BREAKDOWN.sum())
    assert steps[6].value == pytest.approx(sum(MEANS[term] for term in TERMS[:6]))
    assert sorted(t for step in steps if step.kind == "term" for t in step.terms) == sorted(TERMS)


def test_all_forms_of_an_attribution_give_the_same_bars_and_cuts_give_their_errors():
    margin = attribution_margins(BREAKDOWN, *NAMES)["all"]["all"]
    table = pd.DataFrame(attribution_rows(BREAKDOWN, *NAMES))
    values = [[step.value for step in waterfall_steps(form)] for form in (MEANS, margin, table, cuts(MEANS))]
    for other in values[1:]:
        assert other == pytest.approx(values[0])
    assert all(step.error is None for step in waterfall_steps(table))
    known = {step.label: step.error for step in waterfall_steps(cuts(MEANS))}
    assert known["trading"] == 0.25 and known["profit"] == 0.5
    assert known["news"] == pytest.approx(abs(MEANS["revaluation_news"]) / 7.0)


def test_a_term_that_is_nothing_has_no_bar_and_what_is_missing_is_named():
    labels = [step.label for step in waterfall_steps(MEANS | {"maker_fees": 0.0, "liquidation_cost": 0.0})]
    assert "maker fees" not in labels and "liquidation" not in labels and "taker fees" in labels
    with pytest.raises(ValueError, match="attribution without hedge_cost; needed: spread_capture"):
        waterfall_steps({term: value for term, value in MEANS.items() if term != "hedge_cost"})
    with pytest.raises(ValueError, match="several keys"):
        waterfall_steps(pd.concat([cuts(MEANS), cuts(MEANS)]))


def test_the_figure_draws_each_bar_where_it_lies_with_its_interval():
    steps = waterfall_steps(cuts(MEANS))
    figure = waterfall_figure(steps, "a $ title")
    axes = figure.axes[0]
    np.testing.assert_allclose([bar.get_y() for bar in axes.patches], [step.start for step in steps])
    np.testing.assert_allclose([bar.get_height() for bar in axes.patches], [step.value for step in steps])
    assert len(axes.containers) == 2 * len(steps)  # a bar and its interval
    assert png(figure)[:4] == b"\x89PNG"
    assert len(waterfall_figure(waterfall_steps(MEANS), "t").axes[0].containers) == len(steps)
