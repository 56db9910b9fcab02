"""Tables of profit by symbol and venue."""

import numpy as np
import pytest

from mm_env.evaluation.attribution import ATTRIBUTION_COLUMNS, attribution_margins, attribution_rows
from mm_env.sim.state import TERMS

BREAKDOWN = np.random.default_rng(5).normal(size=(2, 3, len(TERMS)))
NAMES = ["XYZ", "ABC"], ["ALPHA", "BETA", "GAMMA"]


def test_rows_say_where_and_what_and_sum_to_the_profit():
    rows = attribution_rows(BREAKDOWN, *NAMES)
    assert [(row["symbol"], row["venue"]) for row in rows][3] == ("ABC", "ALPHA")
    assert all(tuple(row) == ATTRIBUTION_COLUMNS for row in rows)
    assert [rows[4][term] for term in TERMS] == BREAKDOWN[1, 1].tolist()
    assert sum(row["profit"] for row in rows) == pytest.approx(BREAKDOWN.sum())
    assert rows[4]["profit"] == pytest.approx(sum(rows[4][term] for term in TERMS))


def test_margins_are_the_sums_of_the_rows():
    rows, margins = attribution_rows(BREAKDOWN, *NAMES), attribution_margins(BREAKDOWN, *NAMES)
    for group, key in (("symbols", "symbol"), ("venues", "venue")):
        for name, part in margins[group].items():
            for term in (*TERMS, "profit"):
                assert part[term] == pytest.approx(sum(row[term] for row in rows if row[key] == name))
    assert margins["all"]["all"]["profit"] == pytest.approx(BREAKDOWN.sum())


def test_a_breakdown_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 3, 10\)"):
        attribution_rows(BREAKDOWN[:, :2], *NAMES)
