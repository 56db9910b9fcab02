"""Headlines made from patterns, to teach a scorer what a few thousand real ones do not show often enough.

What moves which way is good news for one figure and bad for another ("loss narrows"), and numbers say it without a
verb ("4.1 mln, compared to 3.2 mln"). The patterns are general English of company news; none is taken from a data set, and
none of the bundled headlines is among them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np
import pandas as pd
import yaml

_SLOT = re.compile(r"\{(\w+)\}")

_UNITS = (
    "EUR {} mn",
    "EUR{}mn",
    "{} million euro",
    "${} million",
    "USD {}m",
    "{} mln euro",
    "euro {} million",
    "${}B",
    "SEK {}m",
    "{} mln",
)

_LABELS = {"negative": 0, "positive": 1, "neutral": 2}


def made_headlines(each: int, seed: int) -> pd.DataFrame:
    """Return headlines made from the patterns, without duplicates.

    each: how often each pattern is filled

    Returns `text` and `label` (0 negative, 1 positive, 2 neutral), as the training data have them.
    """
    phrases = yaml.safe_load(files("mm_env.sentiment.training").joinpath("phrases.yaml").read_text(encoding="utf-8"))
    rng = np.random.default_rng(seed)
    rows = [
        (_fill(pattern, phrases["words"], rng), label)
        for name, label in _LABELS.items()
        for pattern in phrases["patterns"][name]
        for _ in range(each)
    ]
    return pd.DataFrame(rows, columns=["text", "label"]).drop_duplicates("text", ignore_index=True)


def _fill(pattern: str, words: Mapping[str, Sequence[str]], rng: np.random.Generator) -> str:
    scale = 10.0 ** rng.uniform(0.3, 3.0)
    decimals = int(rng.integers(0, 3))
    unit = _UNITS[rng.integers(len(_UNITS))]
    numbers = {
        "less": unit.format(f"{scale:.{decimals}f}"),
        "more": unit.format(f"{scale * rng.uniform(1.2, 3.0) + 0.01:.{decimals}f}"),
        "pct": f"{rng.uniform(1, 60):.{int(rng.integers(0, 2))}f}{(' %', '%')[rng.integers(2)]}",
        "pctn": f"{rng.uniform(1, 30):.0f}",
        "ratio": f"{rng.uniform(0.05, 1.5):.2f}",
        "n": str(int(10.0 ** rng.uniform(0.7, 3.9))),
        "day": str(int(rng.integers(1, 29))),
        "year": str(int(rng.integers(2003, 2024))),
    }

    def word(slot: re.Match[str]) -> str:
        key = slot[1]
        return numbers[key] if key in numbers else str(words[key][int(rng.integers(len(words[key])))])

    return " ".join(_SLOT.sub(word, pattern).split())
