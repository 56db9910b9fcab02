"""The bundled headlines as a market with Poisson news draws them: about each of its symbols, scored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.sentiment.cache import scored
from mm_env.sentiment.headlines import bundled_headlines
from mm_env.sentiment.scorers import Scorer

MARKET_WIDE = -1


@dataclass(frozen=True, eq=False)
class Bank:
    """Scored headlines in blocks: those of symbol 0, of symbol 1, …, and last the market-wide ones.

    symbol: (n,) int32 index of the symbol, -1 for market-wide
    polarity: (n,) float64 [-1 to 1] true polarity
    score: (n,) float64 [-1 to 1] the scorer's
    text: n texts
    first: (S + 2,) int32 block s is first[s]:first[s + 1]; block S is market-wide
    """

    symbol: NDArray[np.int32]
    polarity: NDArray[np.float64]
    score: NDArray[np.float64]
    text: tuple[str, ...]
    first: NDArray[np.int32]


def bundled_bank(symbols: Sequence[str], scorer: Scorer) -> Bank:
    """Return every bundled symbol headline about every symbol, then the market-wide ones.

    symbols: S names; they fill the placeholders, and a text is scored with the name in it
    """
    about_one = [headline for headline in bundled_headlines() if headline.scope == "symbol"]
    about_all = [headline for headline in bundled_headlines() if headline.scope == "macro"]
    text = [headline.about(name) for name in symbols for headline in about_one]
    text += [headline.text for headline in about_all]

    sizes = [len(about_one)] * len(symbols) + [len(about_all)]
    owners = [*range(len(symbols)), MARKET_WIDE]
    return Bank(
        symbol=np.repeat(np.array(owners, dtype=np.int32), sizes),
        polarity=np.array([headline.polarity for headline in about_one * len(symbols) + about_all]),
        score=scored(scorer, text),
        text=tuple(text),
        first=np.concatenate(([0], np.cumsum(sizes))).astype(np.int32),
    )
