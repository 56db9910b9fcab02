"""Times of ISO 8601."""

from __future__ import annotations

import pandas as pd
import pytest

from mm_env.times import iso_times

CELLS = {
    "2024-01-02T09:30:00-05:00": "2024-01-02T14:30",
    "2024-01-02 15:30": "2024-01-02T15:30",
    "2024-01-02": "2024-01-02T00:00",
    "20240102T0930+0200": "2024-01-02T07:30",
    "2024-01-02T09:30:00.25Z": "2024-01-02T09:30:00.25",
    "soon": None,
}


@pytest.mark.parametrize("order", [list(CELLS), list(reversed(CELLS))])
def test_each_cell_has_its_own_zone_or_utc(order):
    found = iso_times(order)
    assert found.index.tolist() == list(range(len(order)))
    for stamp, cell in zip(found, order, strict=True):
        wanted = CELLS[cell]
        assert pd.isna(stamp) if wanted is None else stamp == pd.Timestamp(wanted, tz="UTC")


def test_no_cells_are_no_times():
    assert len(iso_times([])) == 0
    assert iso_times(["x", "y"]).isna().all()
