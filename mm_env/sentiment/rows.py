"""Rows of a file of headlines that a tape uses, their symbols, and their stated polarity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import TapeError, nearest_hint
from mm_env.sentiment.bank import MARKET_WIDE
from mm_env.sentiment.reading import Table
from mm_env.sentiment.report import some

_UNKNOWN = -2  # a symbol that the market does not have; its row is dropped


@dataclass(frozen=True, eq=False)
class Rows:
    """The usable rows of a file, in the order of the file, and how many were dropped for which reason.

    index: (n,) int64 row of the file
    symbol: (n,) int32 index into the market's symbols, -1 for market-wide
    text: n headlines, each on one line
    """

    index: NDArray[np.int64]
    symbol: NDArray[np.int32]
    text: tuple[str, ...]
    empty: int
    outside_session: int
    unknown_symbol: int
    duplicates: int
    unknown_names: tuple[str, ...]


def stated_polarities(table: Table) -> NDArray[np.float64]:
    """Return (n,) float64 [-1 to 1] the true polarity of every row of the file, NaN where its cell is empty.

    Raises TapeError for a cell that is not a number in that range.
    """
    stated = np.full(len(table.places), np.nan)
    for row, cell in enumerate(table.columns.get("polarity", ())):
        if not cell:
            continue
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not -1.0 <= value <= 1.0:
            table.reject(row, "polarity", "a number from -1 to 1, or an empty cell")
        stated[row] = value
    return stated


def usable_rows(table: Table, seconds: NDArray[np.float64], symbols: Sequence[str]) -> Rows:
    """Drop rows without a headline, outside the session, of unknown symbols, and those that repeat another.

    seconds: (n,) float64 [s] time of every row, NaN outside the session
    symbols: the market's, matched in any case

    Raises TapeError where no row is left.
    """
    names = table.columns.get("symbol", [""] * len(table.places))
    owners = _owners(names, symbols)
    texts = [" ".join(cell.split()) for cell in table.columns["headline"]]
    empty = outside = duplicates = 0
    unknown: list[str] = []
    index: list[int] = []
    seen: set[tuple[float, int, str]] = set()
    for row, key in enumerate(zip(seconds.tolist(), owners, texts, strict=True)):
        if not key[2]:
            empty += 1
        elif math.isnan(key[0]):
            outside += 1
        elif key[1] == _UNKNOWN:
            unknown.append(names[row])
        elif key in seen:
            duplicates += 1
        else:
            seen.add(key)
            index.append(row)
    unknown_names = tuple(dict.fromkeys(unknown))
    if not index:
        off = f"{outside} outside the session, " if outside else ""
        reasons = f"{empty} without a headline, {off}{len(unknown)} of unknown symbols"
        raise TapeError(f"{table.path}: no usable row: {reasons}{_known_symbols(unknown_names, symbols)}")
    return Rows(
        index=np.array(index, dtype=np.int64),
        symbol=np.array([owners[row] for row in index], dtype=np.int32),
        text=tuple(texts[row] for row in index),
        empty=empty,
        outside_session=outside,
        unknown_symbol=len(unknown),
        duplicates=duplicates,
        unknown_names=unknown_names,
    )


def _owners(names: Sequence[str], symbols: Sequence[str]) -> list[int]:
    """Return each name's index into symbols; one in another case than any symbol means the first alike."""
    exact = {symbol: s for s, symbol in enumerate(symbols)}
    any_case = {"": MARKET_WIDE}
    for s, symbol in enumerate(symbols):
        any_case.setdefault(symbol.casefold(), s)
    return [exact.get(name, any_case.get(name.casefold(), _UNKNOWN)) for name in names]


def _known_symbols(unknown_names: Sequence[str], symbols: Sequence[str]) -> str:
    if not unknown_names:
        return ""
    hint = next((hint for name in unknown_names if (hint := nearest_hint(name, symbols))), "")
    allowed = f"expected one of {', '.join(symbols)}, or empty for market-wide"
    return f" ({some(unknown_names)}); {allowed}{hint}"
