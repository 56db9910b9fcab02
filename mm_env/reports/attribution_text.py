"""Attribution cuts as a table and as plain records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from mm_env.evaluation.attribution_cuts import ALL, DIMENSIONS, QUANTITIES
from mm_env.reports.tables import text_table

_WIDEST = 130  # characters of a line

_TERMS_A_TABLE = 5


def cut_records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, an unknown error as None."""
    return [
        {str(name): None if name == "error" and pd.isna(value) else value for name, value in row.items()}
        for row in rows.to_dict("records")
    ]


def cut_table(rows: pd.DataFrame, cut: Sequence[str]) -> str:
    """Terms down and keys across; where that is too wide keys down, a few terms a table.

    rows: of one cut
    """
    dimensions = [name for name in DIMENSIONS if name in cut]
    keys = [" ".join(row[name] for name in dimensions) or ALL for row in rows.to_dict("records")]
    cells: dict[tuple[str, str], str] = {}
    for key, term, mean, error in zip(keys, rows["term"], rows["mean"], rows["error"], strict=True):
        cells[key, term] = f"{mean:,.2f}" if pd.isna(error) else f"{mean:,.2f} ± {error:,.2f}"
    across, there = list(dict.fromkeys(keys)), set(rows["term"])
    terms = [term for term in QUANTITIES if term in there and not term.startswith("marked")]
    table = text_table(
        ["", *across], [[term.replace("_", " "), *(cells.get((key, term), "") for key in across)] for term in terms]
    )
    if max(map(len, table.splitlines())) <= _WIDEST:
        return table
    return "\n\n".join(
        text_table(
            ["", *(term.replace("_", " ") for term in part)],
            [[key, *(cells.get((key, term), "") for term in part)] for key in across],
        )
        for part in (terms[k : k + _TERMS_A_TABLE] for k in range(0, len(terms), _TERMS_A_TABLE))
    )
