"""Classifiers that are read from a folder."""

import numpy as np
import pytest

from mm_env.sentiment import get_scorer


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
