"""The default scorer without scikit-learn, against scikit-learn."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from importlib.resources import files

import numpy as np
import pytest

from mm_env.sentiment import get_scorer
from mm_env.sentiment.bank import bundled_headlines
from mm_env.sentiment.domain import normalise
from mm_env.sentiment.linear import FIELDS, WEIGHTS, TfidfScorer, ngrams

ODD = [
    "",
    "  ",
    "0",
    "x",
    "Émile’s café – up 5%",
    "don't-stop 'me' now",
    "no profit, $TSLA down 3.2 % to 4.1 mln from 5.2 mln",
]
ANALYSERS = {
    "word": {"ngram_range": (1, 3), "token_pattern": r"(?u)\b\w[\w'-]*\b"},
    "char": {"ngram_range": (2, 5), "analyzer": "char_wb"},
}


def headlines() -> list[str]:
    return [*(headline.about("Acme") for headline in bundled_headlines()), *ODD]


@pytest.mark.parametrize("field", FIELDS)
def test_ngrams_are_those_of_scikit_learn(field):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    analyse = text.TfidfVectorizer(preprocessor=normalise, **ANALYSERS[field]).build_analyzer()
    for headline in headlines():
        assert sorted(ngrams(field, normalise(headline))) == sorted(analyse(headline)), headline


def test_probabilities_are_those_of_scikit_learn_to_the_last_bit():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    scorer, texts = TfidfScorer(), headlines()
    logits = np.tile(scorer._arrays["intercept"].astype(np.float64), (len(texts), 1))
    for field in FIELDS:
        terms = scorer._arrays[f"{field}_terms"].tobytes().decode().split("\n")
        fitted = text.TfidfVectorizer(
            preprocessor=normalise, sublinear_tf=True, dtype=np.float32,
            vocabulary={term: k for k, term in enumerate(terms)}, **ANALYSERS[field],
        )  # fmt: skip
        fitted.idf_ = scorer._arrays[f"{field}_idf"].astype(np.float32)
        logits += fitted.transform(texts) @ scorer._arrays[f"{field}_coefficients"].astype(np.float32).T
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_array_equal(scorer.probabilities(texts), odds / odds.sum(axis=1, keepdims=True))
    assert scorer.probabilities([]).shape == (0, 3)


def test_the_default_scorer_needs_no_extra():
    code = "from mm_env.sentiment.scorers import get_scorer; get_scorer('tfidf').score(['profit rises']); import sys; "
    code += "print([name for name in ('sklearn', 'scipy', 'pyarrow') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


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
