"""The bundled headlines: their number, polarity and placeholders."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from mm_env.sentiment import (
    Headline,
    bundled_headlines,
    class_of,
)


def of_scope(scope: str) -> list[Headline]:
    return [headline for headline in bundled_headlines() if headline.scope == scope]


def test_headlines_are_enough_and_a_quarter_is_market_wide() -> None:
    assert len(bundled_headlines()) >= 340
    assert {headline.scope for headline in bundled_headlines()} == {"symbol", "macro"}
    assert 0.2 <= len(of_scope("macro")) / len(bundled_headlines()) <= 0.3


@pytest.mark.parametrize("scope", ["symbol", "macro"])
def test_polarity_is_graded_balanced_and_often_neutral(scope: str) -> None:
    polarity = np.array([headline.polarity for headline in of_scope(scope)])
    assert np.all(np.abs(polarity) <= 1)
    assert abs(polarity.mean()) <= 0.02
    assert 0.25 <= np.mean(polarity == 0) <= 0.30
    assert len(np.unique(polarity)) >= 15
    counts = np.bincount(class_of(polarity), minlength=3)
    assert abs(counts[0] - counts[2]) <= 0.1 * counts[0]


def test_placeholder_stands_in_symbol_headlines_alone() -> None:
    for headline in bundled_headlines():
        assert ("{company}" in headline.text) == (headline.scope == "symbol"), headline
        assert not re.search(r"[{}]", headline.about("XYZ")), headline
    everywhere = Headline("{company} sues {company} unit", -0.2, "symbol", "legal")
    assert everywhere.about("A{b}") == "A{b} sues A{b} unit"


def test_headlines_read_as_written_one_by_one() -> None:
    texts = [headline.text for headline in bundled_headlines()]
    assert all(text == " ".join(text.split()) and 12 <= len(text) <= 120 for text in texts)
    words = [frozenset(re.findall(r"[a-z0-9']+", text.lower())) - {"company"} for text in texts]
    alike = max(combinations(words, 2), key=lambda pair: len(pair[0] & pair[1]) / len(pair[0] | pair[1]))
    assert len(alike[0] & alike[1]) / len(alike[0] | alike[1]) < 0.6, alike
    kinds = Counter(headline.kind for headline in bundled_headlines())
    assert len(kinds) >= 14, kinds
    assert min(kinds.values()) >= 10, kinds
