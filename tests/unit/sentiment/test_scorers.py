"""Scorers: their contract, names, classes, and what they say of the bundled headlines."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mm_env.sentiment import (
    NEUTRAL_BAND,
    SCORER_NAMES,
    Scorer,
    bundled_headlines,
    class_of,
    get_scorer,
)
from mm_env.sentiment.confusion import NEUTRAL_NAME

HEADLINES = {
    "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn": 1,
    "Acme beats estimates and raises its full-year guidance": 1,
    "Acme upgraded to buy at a large bank": 1,
    "Net loss widened as sales fell 12 % in the quarter": -1,
    "Acme cuts guidance, shares plunge": -1,
    "Acme misses profit estimates": -1,
    "The annual general meeting will be held in Helsinki on 4 May": 0,
    "Acme to report second-quarter results on Thursday": 0,
}


def scorer_or_skip(name: str) -> Scorer:
    try:
        return get_scorer(name)
    except ValueError as error:
        if name != "minilm":
            raise
        pytest.skip(str(error))


def test_a_lexicon_is_right_on_the_sign_three_times_in_four() -> None:
    # public sets of labelled headlines give VADER 76 to 79 % on those where both it and the truth take a side
    scores = get_scorer("vader").score([headline.about(NEUTRAL_NAME) for headline in bundled_headlines()])
    scored = class_of(scores)
    truth = class_of([headline.polarity for headline in bundled_headlines()])
    sided = (scored != 1) & (truth != 1)
    assert 0.70 <= np.mean(scored[sided] == truth[sided]) <= 0.82
    assert 0.45 <= np.mean(scored == truth) <= 0.65


def test_vader_knows_good_from_bad_and_negation() -> None:
    texts = ["a great success", "a terrible failure", "not a great success", "the report is on the table"]
    scores = get_scorer("vader").score(texts)
    assert scores.dtype == np.float64
    assert scores.shape == (4,)
    np.testing.assert_array_equal(class_of(scores), [2, 0, 0, 1])


def test_vader_score_is_the_compound_of_its_own_text() -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    texts = [headline.text for headline in bundled_headlines()[:40]]
    expected = [SentimentIntensityAnalyzer().polarity_scores(text)["compound"] for text in texts[::-1]]
    np.testing.assert_array_equal(get_scorer("vader").score(texts)[::-1], expected)


@pytest.mark.parametrize("name", SCORER_NAMES)
def test_scorers_keep_their_contract(name: str) -> None:
    scorer = scorer_or_skip(name)
    assert scorer.name == name
    assert get_scorer(name) is scorer
    assert scorer.score([]).shape == (0,)
    scores = scorer.score(["", "crisis", "\ufffd\ufffd", "profit! " * 500])
    assert scores.dtype == np.float64
    assert np.all(np.abs(scores) <= 1)
    assert np.any(scores != 0) == (name != "none")


def test_unknown_scorer_names_value_allowed_and_nearest() -> None:
    allowed = "'tfidf', 'minilm', 'vader', 'none', 'transformer:PATH_OR_NAME', 'flipped:NAME', and 'perfect' in a market"
    with pytest.raises(ValueError, match=rf"'vadre'; expected {allowed}; nearest: 'vader'"):
        get_scorer("vadre")
    with pytest.raises(ValueError, match=f"'zzz'; expected {allowed}$"):
        get_scorer("zzz")


def test_a_flipped_scorer_says_the_opposite() -> None:
    texts = ["a great success", "a terrible failure", "the report is on the table"]
    flipped, plain = get_scorer("flipped:vader"), get_scorer("vader")
    np.testing.assert_array_equal(flipped.score(texts), -plain.score(texts))
    assert (flipped.name, flipped.neutral_band) == ("flipped:vader", plain.neutral_band)
    assert flipped.key != plain.key
    with pytest.raises(ValueError, match="unknown scorer 'vadre'"):
        get_scorer("flipped:vadre")


def test_class_boundaries() -> None:
    inside = np.nextafter(NEUTRAL_BAND, 0)
    values = [-1, -NEUTRAL_BAND, -inside, 0, inside, NEUTRAL_BAND, 1]
    np.testing.assert_array_equal(class_of(values), [0, 0, 1, 1, 1, 2, 2])
    assert class_of(0.3) == 2
    assert class_of(np.zeros((2, 3))).shape == (2, 3)


def test_heavy_libraries_are_not_imported_with_the_package() -> None:
    heavy = ("pandas", "pyarrow", "vaderSentiment", "matplotlib", "sklearn", "torch", "onnx")
    code = f"import sys, mm_env.sentiment; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module", params=["tfidf", "minilm"])
def learned(request):
    return scorer_or_skip(request.param)


def test_plain_headlines_have_the_class_that_anybody_gives_them(learned):
    told = class_of(learned.score(list(HEADLINES)), learned.neutral_band) - 1
    assert dict(zip(HEADLINES, told.tolist(), strict=True)) == HEADLINES


def test_a_score_depends_on_its_own_text_alone(learned):
    texts = [*HEADLINES, "short", "a much longer text " * 20]
    together = learned.score(texts)
    np.testing.assert_array_equal(learned.score(texts[::-1])[::-1], together)
    np.testing.assert_array_equal([learned.score([text])[0] for text in texts], together)


def test_probabilities_sum_to_one_and_give_the_score(learned):
    p = learned.probabilities(list(HEADLINES))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-9)
    assert p.min() >= 0.0
    np.testing.assert_allclose(learned.score(list(HEADLINES)), p[:, 1] - p[:, 0])
    assert learned.probabilities([]).shape == (0, 3)
