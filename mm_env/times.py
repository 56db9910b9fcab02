"""Times of ISO 8601 in cells of a table, the same for every version of pandas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_ZONED = re.compile(r"[T ]\d{2}.*?([Zz]|[+-]\d{2}(:?\d{2})?)$")


def iso_times(cells: Sequence[Any]) -> pd.Series[pd.Timestamp]:
    """Times in UTC, which a cell without a zone is in; NaT where a cell is no time of ISO 8601."""
    import pandas as pd

    zoned = np.array([isinstance(cell, str) and _ZONED.search(cell.strip()) is not None for cell in cells], bool)
    parts = []
    for rows in (np.flatnonzero(zoned), np.flatnonzero(~zoned)):  # pandas 2 reads a time without zone in that of another
        if rows.size or not len(cells):
            found = pd.to_datetime([cells[k] for k in rows.tolist()], format="ISO8601", utc=True, errors="coerce")
            parts.append(pd.Series(found, index=rows))
    return pd.concat(parts).sort_index()
