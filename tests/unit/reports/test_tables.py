"""Plain-text tables: alignment, what is not known, and tables too wide for a line."""

import pytest

from mm_env.evaluation.estimates import mean_estimate
from mm_env.reports.tables import interval, plus_minus, run_report, text_table


def estimate(value, error=None):
    return {"value": value, "error": error, "low": None, "high": None, "episodes": 1}


def part(profit):
    names = (
        "profit", "sharpe", "drawdown", "fills", "fill_ratio", "inventory_absolute_lots",
        "hedged_lots", "hedge_unfilled_lots", "hedge_cost",
    )  # fmt: skip
    return {"profit_first": profit, "drawdown_worst": 7.0, **{name: estimate(profit) for name in names}}


def summary(symbols):
    terms = {"spread_capture": 2.0, "profit": 2.0}
    portfolio = {**part(1234.5), "over_limit": estimate(0.25, 0.125), "hedges": estimate(3.0)}
    return {
        "episodes": 1,
        "complete_episodes": False,
        "steps": 10,
        "policy": "as",
        "seed": 5,
        "symbols": {name: {**part(1.0), "inventory_sd_lots": 3.0, "inventory_end_lots_first": -4} for name in symbols},
        "portfolio": portfolio,
        "attribution": {"symbols": dict.fromkeys(symbols, terms), "venues": {"ALPHA": terms}, "all": {"all": terms}},
        "markouts": [
            {"venue": v, "horizon_seconds": h, "fills": 9, "bps": estimate(h)} for v in ("ALPHA", "all") for h in (0.0, 60.0)
        ],
    }


def test_the_first_column_goes_left_and_the_others_right():
    assert text_table(["", "a", "long"], [["name", "1", "2"], ["n", "10", ""]]) == (
        "       a  long\n----  --  ----\nname   1     2\nn     10"
    )


@pytest.mark.parametrize(
    "given, expected",
    [
        (estimate(None), "n/a"),
        (estimate(1.236), "1.24"),
        (estimate(1.236, 0.004), "1.24 ± 0.00"),
        (estimate(-0.5, 2.0), "-0.50 ± 2.00"),
    ],
)
def test_an_estimate_shows_what_is_known(given, expected):
    assert plus_minus(given, 2) == expected


def test_an_interval_needs_two_episodes():
    assert interval(mean_estimate([1.0]).as_dict(), 1) == "n/a"
    assert interval(mean_estimate([1.0, 3.0], confidence=0.5).as_dict(), 1) == "1.0 to 3.0"


def test_a_report_names_its_run_and_says_when_it_was_cut_short():
    text = run_report(summary(["XYZ"]))
    assert text.startswith("basic stats: 1 episode, cut short, 10 steps, policy as, seed 5\n")
    lines = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert lines["profit of the first episode"][-2:] == ["1.00", "1234.50"]
    assert lines["VaR over its limit [share of steps]"][-3:] == ["0.2500", "±", "0.1250"]
    assert lines["inventory at the first's end, before liquidation [lots]"][-1] == "-4"
    assert lines["spread capture"][-3:] == ["2.00", "2.00", "2.00"]
    assert lines["all"] == ["all", "9", "0.000", "60.000"]


def test_a_wide_table_goes_on_below():
    names = [f"SYMBOL{k:02}" for k in range(20)]
    text = run_report(summary(names))
    assert max(map(len, text.splitlines())) <= 120
    assert all(text.count(name) == 2 for name in names)
