"""Tables of profit: where it was made (symbol and venue) and what made it (the ledger's terms)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import UsageError
from mm_env.sim.state import TERMS

PROFIT = "profit"
ATTRIBUTION_COLUMNS = ("symbol", "venue", *TERMS, PROFIT)


def attribution_rows(breakdown: NDArray[np.float64], symbols: Sequence[str], venues: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row for each symbol and venue: their names, the ledger's terms, and their sum.

    breakdown: (S, V, T) float64 [currency] terms in the order of `mm_env.sim.state.TERMS`

    The profits of all rows sum to the profit. Raises UsageError for another shape.
    """
    _check(breakdown, symbols, venues)
    return [
        {"symbol": symbol, "venue": venue, **_terms(breakdown[i, v])}
        for i, symbol in enumerate(symbols)
        for v, venue in enumerate(venues)
    ]


def attribution_margins(
    breakdown: NDArray[np.float64], symbols: Sequence[str], venues: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the sums over venues by symbol, over symbols by venue, and over all: each term, and the profit.

    breakdown: (S, V, T) float64 [currency]

    Keys: "symbols" and "venues" to names to terms, and "all" to "all" to terms.
    """
    _check(breakdown, symbols, venues)
    return {
        "symbols": {name: _terms(breakdown[i].sum(axis=0)) for i, name in enumerate(symbols)},
        "venues": {name: _terms(breakdown[:, v].sum(axis=0)) for v, name in enumerate(venues)},
        "all": {"all": _terms(breakdown.sum(axis=(0, 1)))},
    }


def _terms(values: NDArray[np.float64]) -> dict[str, float]:
    return {**dict(zip(TERMS, values.tolist(), strict=True)), PROFIT: float(values.sum())}


def _check(breakdown: NDArray[np.float64], symbols: Sequence[str], venues: Sequence[str]) -> None:
    needed = (len(symbols), len(venues), len(TERMS))
    if breakdown.shape != needed:
        raise UsageError(f"a breakdown of shape {breakdown.shape}; expected {needed} (symbols, venues, terms)")
