"""What a comparison shows: its table, its figures, and the share of the optimum that was recovered."""

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config, override
from mm_env.evaluation.comparison import Bootstrap, compare
from mm_env.evaluation.evaluation import VALUES, Evaluation, evaluate
from mm_env.evaluation.recovered import recovered_shares
from mm_env.policies import get_policy
from mm_env.reports.comparison_figures import comparison_figure, depth_figure
from mm_env.reports.comparison_table import comparison_table
from mm_env.reports.style import png
from mm_env.theory.lattice import Lattice
from mm_env.theory.optimal import best_constant_depth, optimal_policy

CJ = load_config(
    {
        "episode": {"step": 0.02, "inventory_limit": 20},
        "reward": {"inventory_penalty": 1.0, "terminal_penalty": 0.1},
        "policy": {"name": "cj"},
        "flow": {"arrival_rate": 40.0},
    },
    ClassicConfig,
)


def evaluation(reward) -> Evaluation:
    rest = {name: np.zeros(len(reward)) for name in VALUES if name not in ("reward", "profit")}
    return Evaluation(reward=reward, profit=2.0 * reward, **rest, reward_terms={}, attribution={})


@pytest.fixture(scope="module")
def rows():
    """The baseline, one that gains 10, and one that is far away."""
    noise = np.random.default_rng(0).normal(0.0, 3.0, (3, 50))
    values = {"as": noise[0], "glft$": noise[1] + 10.0, "random": noise[2] - 5000.0}
    evaluations = {name: [evaluation(reward)] for name, reward in values.items()}
    return compare(evaluations, "as"), evaluations


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_shows_each_figure_in_its_column(rows):
    lines = comparison_table(rows[0], "as", False).splitlines()
    assert len(lines) == 5
    head, first, second = (dict(zip(cells(lines[0]), cells(lines[k]), strict=True)) for k in (0, 2, 3))
    assert "less as" in head and head["steps over VaR limit"]
    row = rows[0][1]
    assert first["less as"] == first["better in"] == "" and first["agent"] == "as"
    low, high = row["reward_difference_low"], row["reward_difference_high"]
    assert second["less as"] == f"{row['reward_difference']:+.0f} [{low:+.0f}, {high:+.0f}]"
    assert second["better in"] == "100 %" and second["profit"] == f"{row['profit']:.0f}"
    assert second["steps over VaR limit"] == "0.00 % (+0.00 [+0.00, +0.00])"
    classic = comparison_table([row | {"recovered": 0.5, "recovered_low": 0.4, "recovered_high": 0.61}], "as", True)
    assert cells(classic.splitlines()[2])[-1] == "0.500 [0.400, 0.610]"
    assert "VaR limit" not in comparison_table([row], "as", True)


def test_the_figure_keeps_its_scale_when_one_is_far_away(rows):
    figure = comparison_figure(*rows, "as", "title")
    left, right = figure.axes
    assert png(figure).startswith(b"\x89PNG")
    assert left.get_xlim()[1] < 60.0  # four times the middle one of the sizes, not 5000
    labels = [text.get_text() for text in left.get_yticklabels()]
    assert labels[0] == "as" and labels[1].startswith("glft\\$\n+9.7") and labels[2].startswith("random\n-5,00")
    markers = {line.get_marker(): line.get_xydata()[0] for line in left.lines if line.get_marker() not in ("None", "")}
    assert markers["o"] == pytest.approx([rows[0][1]["reward_difference"], -1.0])
    assert markers["<"][1] == -2.0 and left.get_xlim()[0] < markers["<"][0] < -40.0
    shown = np.concatenate([line.get_xdata() for line in right.lines])
    assert shown.min() > -10_100.0 and shown.min() == pytest.approx(-10_000.0, abs=30.0)


def test_figures_of_a_baseline_alone_and_of_agents_alike_are_drawn(rows):
    alone = {"as": rows[1]["as"]}
    assert len(comparison_figure(compare(alone, "as"), alone, "as", "title").axes) == 2
    alike = {"as": rows[1]["as"], "same": rows[1]["as"]}
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


def test_the_recovered_share_is_0_of_the_best_constant_and_1_of_the_optimum():
    lattice = Lattice.of(CJ)
    optimum = optimal_policy(lattice, 1.0, 0.1).start
    depth, constant = best_constant_depth(lattice, 1.0, 0.1)
    noise = np.random.default_rng(0).normal(0.0, 1.0, 100)
    exact = {
        "half": [evaluation(np.full(100, 0.5 * (optimum + constant)))],
        "both": [evaluation(np.full(100, optimum)), evaluation(np.full(100, constant))],
        "noisy": [evaluation(optimum + noise)],
    }
    found = recovered_shares(CJ, exact, Bootstrap(100))
    assert found["half"]["recovered"] == pytest.approx(0.5) == found["half"]["recovered_low"]
    assert found["both"]["recovered"] == pytest.approx(0.5) and found["both"]["recovered_low"] == pytest.approx(0.0)
    width = found["noisy"]["recovered_high"] - found["noisy"]["recovered_low"]
    assert width == pytest.approx(2 * 1.96 * noise.std() / 10.0 / (optimum - constant), rel=0.15)
    assert (found["half"]["optimal_value"], found["half"]["constant_value"]) == (optimum, constant)
    # played: seed fixed, 99.99 % intervals (a false alarm in 5000) hold the constant's 0; cj nearly is the optimum
    low, high = CJ.policy.absolute_min_depth, CJ.policy.absolute_max_depth
    action = 2.0 * (depth - low) / (high - low) - 1.0
    played = {name: [evaluate(get_policy(name), CJ, 1500, 1)] for name in ("cj", f"constant:{action:.6f}")}
    bootstrap = Bootstrap(1500, confidence=0.9999)
    shares = list(recovered_shares(CJ, played, bootstrap).values())
    assert shares[0]["recovered_high"] > 0.9 and shares[0]["recovered_low"] > shares[1]["recovered_high"]
    assert shares[1]["recovered_low"] < 0.0 < shares[1]["recovered_high"] < 0.5


# at 2.8 arrivals a step a constant depth at which all fill is the optimum
@pytest.mark.parametrize("changes", [{"flow.arrivals": "hawkes"}, {"reward.profit": 0.5}, {"flow.arrival_rate": 140.0}])
def test_no_share_is_told_where_the_optimum_is_not_known_or_nothing_can_be_gained(changes):
    assert recovered_shares(override(CJ, changes), {"cj": [evaluation(np.zeros(4))]}, Bootstrap(4)) == {}
