"""Headlines that are made from patterns for training."""

import pandas as pd

from mm_env.sentiment import bundled_headlines
from mm_env.sentiment.training.phrases import made_headlines


def test_made_headlines_are_many_repeatable_and_of_all_classes():
    made = made_headlines(3, 1)
    pd.testing.assert_frame_equal(made, made_headlines(3, 1))
    assert not made_headlines(3, 2).equals(made)
    assert len(made) > 600 and not made["text"].duplicated().any()
    assert made["label"].value_counts(normalize=True).min() > 0.15
    assert not made["text"].str.contains(r"[{}]").any()


def test_no_bundled_headline_trains_a_scorer():
    made = set(made_headlines(5, 1)["text"].str.casefold())
    assert not {headline.about("Acme").casefold() for headline in bundled_headlines()} & made
