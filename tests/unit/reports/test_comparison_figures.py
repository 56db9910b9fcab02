"""Figures of a comparison, and of the depths that agents quote."""

import numpy as np
import pytest

from mm_env.evaluation.comparison import compare
from mm_env.reports.comparison_figures import comparison_figure, depth_figure
from mm_env.reports.style import png


def test_the_figure_keeps_its_scale_when_one_is_far_away(compared):
    figure = comparison_figure(*compared, "as", "title")
    left, right = figure.axes
    assert png(figure).startswith(b"\x89PNG")
    assert left.get_xlim()[1] < 60.0  # four times the middle one of the sizes, not 5000
    labels = [text.get_text() for text in left.get_yticklabels()]
    assert labels[0] == "as" and labels[1].startswith("glft\\$\n+9.7") and labels[2].startswith("random\n-5,00")
    markers = {line.get_marker(): line.get_xydata()[0] for line in left.lines if line.get_marker() not in ("None", "")}
    assert markers["o"] == pytest.approx([compared[0][1]["reward_difference"], -1.0])
    assert markers["<"][1] == -2.0 and left.get_xlim()[0] < markers["<"][0] < -40.0
    shown = np.concatenate([line.get_xdata() for line in right.lines])
    assert shown.min() > -10_100.0 and shown.min() == pytest.approx(-10_000.0, abs=30.0)


def test_figures_of_a_baseline_alone_and_of_agents_alike_are_drawn(compared):
    alone = {"as": compared[1]["as"]}
    assert len(comparison_figure(compare(alone, "as"), alone, "as", "title").axes) == 2
    alike = {"as": compared[1]["as"], "same": compared[1]["as"]}
    assert png(comparison_figure(compare(alike, "as"), alike, "as", "title")).startswith(b"\x89PNG")


def test_depths_are_drawn_over_the_closed_form_at_their_times():
    inventories = np.arange(-2, 3)
    line = np.add.outer(np.arange(11.0), inventories)  # of step and inventory
    line[:, 0] = np.inf
    figure = depth_figure({"ppo": (line, -line)}, {"optimum": (line, -line)}, inventories, (0.0, 0.5, 1.0), "title")
    assert len(figure.axes) == 6
    for column, step in enumerate((0, 5, 10)):
        for side, sign in enumerate((1.0, -1.0)):
            for drawn in figure.axes[3 * side + column].lines:
                np.testing.assert_array_equal(drawn.get_xdata(), inventories)
                np.testing.assert_array_equal(drawn.get_ydata(), np.r_[np.nan, sign * (step + inventories[1:])])
    png(figure)
