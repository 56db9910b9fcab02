"""The fit of a scorer to labelled headlines."""

import numpy as np
import pandas as pd
import pytest

from mm_env.sentiment.linear import TfidfScorer
from mm_env.sentiment.training import fit

REAL = pd.DataFrame(
    [
        (f"{subject} {verb} {tail}", label)
        for label, verbs in enumerate((("tumble", "sink"), ("thrive", "shine"), ("convene", "meet")))
        for verb in verbs
        for subject in ("shares", "sales", "profits", "exports", "orders")
        for tail in ("today", "in May", "at noon", "again")
    ],
    columns=["text", "label"],
)


def test_repeated_headlines_are_kept_once():
    twice = pd.concat([REAL, REAL], ignore_index=True)
    assert fit.without_repeats(twice)["text"].tolist() == REAL["text"].tolist()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(fit, "MADE_EACH", {"tfidf": 1, "minilm": 1})


@pytest.mark.usefixtures("quick")
def test_the_fit_learns_what_it_is_shown_and_judges_itself_on_what_it_was_not():
    fitted = fit.fit_tfidf(REAL, lambda stage: None)
    scorer = TfidfScorer(fitted.archive)
    told = scorer.probabilities(["bonds tumble", "bonds thrive", "bonds convene"]).argmax(axis=1)
    np.testing.assert_array_equal(told, [0, 1, 2])
    assert fitted.held_out.shape == (len(REAL), 3)
    np.testing.assert_allclose(fitted.held_out.sum(axis=1), 1.0, atol=1e-6)
    assert (fitted.held_out.argmax(axis=1) == REAL["label"]).mean() > 0.9
    assert fitted.archive == fit.fit_tfidf(REAL, lambda stage: None).archive


def test_the_band_is_the_one_that_does_best():
    rng = np.random.default_rng(0)
    label = rng.choice(3, 3000, p=[0.2, 0.2, 0.6])
    centre = np.array([-0.6, 0.6, 0.0])[label]
    margin = np.clip(centre + 0.08 * rng.standard_normal(len(label)), -0.95, 0.95)
    p = np.column_stack([(1 - margin) / 2, (1 + margin) / 2, np.zeros_like(margin)])
    assert fit._best_band(p, label, lambda stage: None) == pytest.approx(0.3, abs=0.051)
