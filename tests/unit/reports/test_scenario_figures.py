"""Figures of scenarios show the numbers of the table."""

import numpy as np
import pandas as pd
import pytest

from mm_env.reports.scenario_figures import chosen_fans, difference_figure, fan_figure, surface_axes, surface_figure
from mm_env.reports.scenario_text import scenario_text
from mm_env.reports.style import png
from mm_env.risk.scenarios import LEVELS, Fan, ScenarioResults

AXES = {"volatility": ["own", "double"], "regime": ["calm", "switching"], "news": ["own", "none"]}


def row(name, kind, volatility="own", regime="switching", news="own", profit=100.0, difference=0.0):
    ends = {"profit_low": profit - 10.0, "profit_high": profit + 10.0, "es_95_low": 40.0, "es_95_high": np.nan}
    spread = {"difference_low": difference - 5.0, "difference_high": difference + 5.0}
    return {
        "scenario": name, "kind": kind, "description": "", "axis.volatility": volatility, "axis.regime": regime,
        "axis.news": news, "episodes": 1234, "profit": profit, "difference": difference, "es_95": 50.0, "var_95": 45.0,
        "var_99": 60.0, "es_99": np.nan, "drawdown": 30.0, "over_limit": 0.0125, "hedge_cost": 7.0, "correlation": 0.5,
        "variance_reduction": 2.0, **ends, **spread,
    }  # fmt: skip


@pytest.fixture
def results(tmp_path):
    table = pd.DataFrame(
        [
            row("base", "base"),
            row("regime=calm", "grid", regime="calm", profit=80.0, difference=-20.0),
            row("volatility=double regime=calm", "grid", "double", "calm", profit=-60.0, difference=-160.0),
            row("volatility=double", "grid", "double", profit=-1000.0, difference=-1100.0),
            row("news=none", "sweep", news="none", profit=103.0, difference=3.0),
            row("$crash", "stress", profit=90.0, difference=-10.0),
        ]
    )
    seconds = np.arange(0.0, 40.0, 10.0)
    values = np.outer(seconds, np.linspace(-3.0, 3.0, len(LEVELS)) + 1.0)
    fans = {name: Fan(seconds, values, 1000.0 * values, 1234) for name in table["scenario"]}
    return ScenarioResults(tmp_path, table, fans, {"axes": AXES, "episodes": 1234, "scenarios": [0] * 6})


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_surface_has_a_number_and_half_an_interval_in_every_cell(results):
    assert surface_axes(results) == ("volatility", "regime")
    figure = surface_figure(results, "volatility", "regime", "policy as")
    left, right = figure.axes
    assert texts(left) == ["80\n± 10", "100\n± 10", "-60\n± 10", "-1,000\n± 10"]
    assert texts(right) == ["50"] * 4  # no upper end, no interval
    assert [label.get_text() for label in left.get_yticklabels()] == AXES["volatility"]
    assert left.get_xlabel() == "regime" and left.get_ylabel() == "volatility"
    shown = left.images[0].get_array()
    assert shown[1, 1] == -1000.0 and left.images[0].norm.vmin == -1000.0 == -left.images[0].norm.vmax


def test_there_is_no_surface_of_axes_that_were_swept_one_at_a_time(results):
    part = ScenarioResults(results.folder, results.table.drop(index=2), results.fans, results.about)
    assert surface_axes(part) is None


def test_fans_are_of_the_base_the_stresses_and_what_differs_most(results):
    assert chosen_fans(results.table) == ["base", "volatility=double regime=calm", "volatility=double", "$crash"]
    figure = fan_figure(results, ["base", "$crash"], "policy as")
    upper = figure.axes[0]
    np.testing.assert_allclose(upper.lines[0].get_ydata(), results.fans["base"].profit[:, 3])
    np.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), results.fans["base"].inventory[:, 3] / 1000.0)
    outer = upper.collections[0].get_paths()[0].vertices[:, 1]
    assert outer.min() == results.fans["base"].profit[:, 0].min() and outer.max() == results.fans["base"].profit[:, 6].max()
    assert figure.axes[1].get_title() == "\\$crash\n1,234 episodes" and "[currency]" in upper.get_ylabel()
    assert png(figure).startswith(b"\x89PNG")


def test_differences_stand_by_size_with_their_numbers(results):
    figure = difference_figure(results.table, "policy as")
    axes = figure.axes[0]
    assert texts(axes) == ["-1,100", "-160", "-20", "-10", "+3"]
    assert [label.get_text() for label in axes.get_yticklabels()][3] == "\\$crash"
    middles = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert middles == [-1100.0, -160.0, -20.0, -10.0, 3.0]
    low, high = axes.get_xlim()
    assert low < -1105.0 and high > 8.0


def test_the_table_as_text(results):
    text = scenario_text(results.table).splitlines()
    assert text[0].split("  ")[0] == "scenario" and "ES 95 %" in text[0]
    cells = [cell for cell in text[3].split("  ") if cell]
    assert [cell.strip() for cell in cells] == [
        "regime=calm", "1234", "80 [70, 90]", "45", "50", "60", "30", "0.013", "7", "-20 [-25, -15]", "0.50", "2.0"
    ]  # fmt: skip
