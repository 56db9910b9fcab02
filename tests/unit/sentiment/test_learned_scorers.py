"""Scorers that learned: scores of plain headlines, alone or in a batch, and their weights."""

import io
import zipfile
from importlib.resources import files

import numpy as np
import pytest

from mm_env.sentiment import class_of, get_scorer
from mm_env.sentiment.linear import WEIGHTS, TfidfScorer

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


@pytest.fixture(scope="module", params=["tfidf", "minilm"])
def scorer(request):
    try:
        return get_scorer(request.param)
    except ValueError as error:
        if request.param == "tfidf":
            raise
        pytest.skip(str(error))


def test_plain_headlines_have_the_class_that_anybody_gives_them(scorer):
    told = class_of(scorer.score(list(HEADLINES)), scorer.neutral_band) - 1
    assert dict(zip(HEADLINES, told.tolist(), strict=True)) == HEADLINES


def test_a_score_depends_on_its_own_text_alone(scorer):
    texts = [*HEADLINES, "short", "a much longer text " * 20]
    together = scorer.score(texts)
    np.testing.assert_array_equal(scorer.score(texts[::-1])[::-1], together)
    np.testing.assert_array_equal([scorer.score([text])[0] for text in texts], together)


def test_probabilities_sum_to_one_and_give_the_score(scorer):
    p = scorer.probabilities(list(HEADLINES))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-9)
    assert p.min() >= 0.0
    np.testing.assert_allclose(scorer.score(list(HEADLINES)), p[:, 1] - p[:, 0])
    assert scorer.probabilities([]).shape == (0, 3)


def test_the_shipped_weights_hold_no_pickle_and_are_small():
    data = files("mm_env.sentiment").joinpath(WEIGHTS).read_bytes()
    assert len(data) < 4e6
    for name in zipfile.ZipFile(io.BytesIO(data)).namelist():
        assert name.endswith(".npy")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive)


def test_other_weights_have_another_key():
    data = files("mm_env.sentiment").joinpath(WEIGHTS).read_bytes()
    with np.load(io.BytesIO(data)) as archive:
        arrays = dict(archive)
    arrays["neutral_band"] = np.array(0.9)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    other = TfidfScorer(buffer.getvalue())
    assert other.neutral_band == 0.9
    assert other.key != get_scorer("tfidf").key
