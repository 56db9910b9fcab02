"""Evaluation of scorers: files of labelled headlines, and figures that can be computed by hand."""

import numpy as np
import pytest

from mm_env.errors import LabelledError
from mm_env.sentiment.evaluation import chosen, evaluate_scorer, read_labelled


class Table:
    """Scores by a table; the probabilities are made up so that their calibration is known."""

    name = key = "table"
    neutral_band = 0.5

    def __init__(self, scores):
        self.scores = scores

    def score(self, texts):
        return np.array([self.scores[text] for text in texts])


class Stated(Table):
    def probabilities(self, texts):
        return np.tile([0.1, 0.2, 0.7], (len(texts), 1))  # neutral with 0.7


def write(tmp_path, content, name="labelled.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        "text,label\na,0\nb,1\nc,2\n",
        "Headline,Sentiment\na,negative\nb,Positive\nc, neutral \n",
        "\ufeffid,sentence,label\n7,a,bearish\n8,b,bullish\n9,c,neutral\n",
        "a@negative\nb@positive\nc@neutral\n",
    ],
)
def test_files_of_every_kind(tmp_path, content):
    table = read_labelled(write(tmp_path, content))
    assert table["text"].tolist() == ["a", "b", "c"]
    assert table["label"].tolist() == [0, 1, 2]


def test_sentences_with_an_at_sign_and_latin_letters(tmp_path):
    path = write(tmp_path, "mail me @ home@neutral\nn\xe4yt\xf6t@positive\n".encode("latin-1"))
    assert read_labelled(path)["text"].tolist() == ["mail me @ home", "n\xe4yt\xf6t"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,0\nb,7\n", r"row 2: label '7'; expected 0 or negative, 1 or positive, 2 or neutral"),
        ("words,label\na,0\n", "no column text or headline or sentence; found: words, label"),
        ("text,mood\na,0\n", "no column label or sentiment; found: text, mood"),
        ("text,label\n", "no rows"),
        ("", "not a CSV file"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(LabelledError, match=message) as caught:
        read_labelled(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(LabelledError, match=r"no_file\.csv: cannot read the labelled headlines: No such file"):
        read_labelled(tmp_path / "no_file.csv")


def test_figures_by_hand(tmp_path):
    path = write(tmp_path, "text,label\na,negative\nb,negative\nc,neutral\nd,positive\n")
    card = evaluate_scorer(Table({"a": -0.9, "b": 0.0, "c": 0.0, "d": 0.5}), read_labelled(path))
    np.testing.assert_array_equal(card.confusion, [[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert card.accuracy == 0.75
    assert card.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert np.isnan(card.calibration_error)
    assert card.correlation == pytest.approx(0.8333, abs=1e-3)
    assert card.headlines == 4


def test_calibration_is_the_gap_between_what_is_told_and_what_holds(tmp_path):
    path = write(tmp_path, "text,label\n" + "a,neutral\n" * 5 + "b,positive\n" * 5)
    card = evaluate_scorer(Stated({"a": 0.0, "b": 0.0}), read_labelled(path))
    assert card.calibration_error == pytest.approx(0.2)  # told 0.7, true in half of them
    assert np.isnan(card.correlation)


def test_absent_classes_do_not_count(tmp_path):
    card = evaluate_scorer(Table({"a": 0.9}), read_labelled(write(tmp_path, "text,label\na,positive\n")))
    assert card.macro_f1 == card.accuracy == 1.0


def test_names_of_scorers(monkeypatch):
    usual = ("tfidf", "minilm", "none")
    assert chosen(" vader, tfidf,vader,", usual) == ["vader", "tfidf"]
    with pytest.raises(ValueError, match="--scorers ', ': expected names separated by commas, as tfidf,minilm,none"):
        chosen(", ", usual)

    def missing(name):
        raise ValueError(f"{name} is not installed")

    monkeypatch.setattr("mm_env.sentiment.evaluation.get_scorer", missing)
    assert chosen(None, usual) == ["tfidf", "none"]


def test_the_aims_hold_on_headlines_that_nobody_trained_on(shared_data):
    from mm_env.sentiment import get_scorer

    for name, aim in (("twitter_valid.csv", 0.79), ("phrasebank/Sentences_50Agree.txt", 0.66)):
        card = evaluate_scorer(get_scorer("tfidf"), read_labelled(shared_data / "sentiment" / name))
        assert card.macro_f1 >= aim, name
        assert card.correlation > 0.4
