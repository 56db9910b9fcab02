"""The bank of Poisson news."""

from __future__ import annotations

import numpy as np

from mm_env.sentiment import (
    bundled_bank,
    get_scorer,
)
from tests.unit.sentiment.test_headlines import of_scope


def test_bank_holds_each_headline_for_each_symbol_in_blocks() -> None:
    symbols = ["XYZ", "ABC", "QRS"]
    bank = bundled_bank(symbols, get_scorer("vader"))
    per_symbol, macro = len(of_scope("symbol")), len(of_scope("macro"))
    assert bank.first.dtype == np.int32
    assert bank.symbol.dtype == np.int32
    np.testing.assert_array_equal(np.diff(bank.first), [per_symbol] * 3 + [macro])
    assert bank.first[0] == 0
    assert bank.first[-1] == len(bank.text) == len(bank.polarity) == len(bank.score)
    for s, name in enumerate(symbols):
        block = slice(bank.first[s], bank.first[s + 1])
        assert np.all(bank.symbol[block] == s)
        assert list(bank.text[block]) == [headline.about(name) for headline in of_scope("symbol")]
        expected = [headline.polarity for headline in of_scope("symbol")]
        np.testing.assert_array_equal(bank.polarity[block], expected)
    last = slice(bank.first[3], bank.first[4])
    assert np.all(bank.symbol[last] == -1)
    assert list(bank.text[last]) == [headline.text for headline in of_scope("macro")]
    np.testing.assert_array_equal(bank.polarity[last], [headline.polarity for headline in of_scope("macro")])


def test_bank_scores_the_filled_text() -> None:
    scorer = get_scorer("vader")
    bank = bundled_bank(["XYZ", "Disaster"], scorer)
    np.testing.assert_array_equal(bank.score, scorer.score(bank.text))
    plain, gloomy = (bank.score[bank.first[s] : bank.first[s + 1]] for s in (0, 1))
    assert gloomy.mean() < plain.mean() - 0.2
