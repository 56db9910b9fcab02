"""The table of a comparison."""

from mm_env.reports.comparison_table import comparison_table


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_shows_each_figure_in_its_column(compared):
    lines = comparison_table(compared[0], "as", False).splitlines()
    assert len(lines) == 5
    head, first, second = (dict(zip(cells(lines[0]), cells(lines[k]), strict=True)) for k in (0, 2, 3))
    assert "less as" in head and head["steps over VaR limit"]
    row = compared[0][1]
    assert first["less as"] == first["better in"] == "" and first["agent"] == "as"
    low, high = row["reward_difference_low"], row["reward_difference_high"]
    assert second["less as"] == f"{row['reward_difference']:+.0f} [{low:+.0f}, {high:+.0f}]"
    assert second["better in"] == "100 %" and second["profit"] == f"{row['profit']:.0f}"
    assert second["steps over VaR limit"] == "0.00 % (+0.00 [+0.00, +0.00])"
    classic = comparison_table([row | {"recovered": 0.5, "recovered_low": 0.4, "recovered_high": 0.61}], "as", True)
    assert cells(classic.splitlines()[2])[-1] == "0.500 [0.400, 0.610]"
    assert "VaR limit" not in comparison_table([row], "as", True)
