"""Any Hugging Face sequence classifier as a scorer (FinBERT: Araci 2019); from disk alone, nothing is downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import UsageError

_BATCH = 32
_LONGEST = 128  # tokens


class TransformerScorer:
    """P(positive) - P(negative) by a sequence classifier with classes of those names."""

    neutral_band = 1.0 / 3.0

    def __init__(self, model: str) -> None:
        """Load the classifier.

        model: folder with `config.json`, weights and tokenizer, or a name that is in the cache of the Hugging Face hub

        Raises UsageError where it is not there, is no such classifier, or transformers and torch are not installed.
        """
        missing = [name for name in ("transformers", "torch") if find_spec(name) is None]
        if missing:
            raise UsageError(f"the scorer 'transformer:' needs {', '.join(missing)}: pip install 'mm_env[transformer]'")
        if not model:
            raise UsageError("scorer 'transformer:' names no model; expected transformer:PATH_OR_NAME")
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        load: dict[str, Any] = {"local_files_only": True}
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model, **load)
            self._model: Any = AutoModelForSequenceClassification.from_pretrained(model, dtype=torch.float32, **load)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UsageError(
                f"scorer 'transformer:{model}': no classifier in that folder, and none of that name in the cache of the hub "
                f"(nothing is downloaded; `hf download {model}` puts it there): {reason}"
            ) from error
        self._model.eval()
        self._columns = _columns(model, self._model.config.id2label)
        self.name = f"transformer:{model}"
        self.key = f"transformer-{_digest(self._model, self._tokenizer)}"

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n, 3) float64 of negative, positive, neutral; neutral is 0 for a classifier of two classes."""
        import torch

        out = np.zeros((len(texts), 3))
        longest_last = sorted(range(len(texts)), key=lambda k: len(texts[k]))  # little padding
        for first in range(0, len(texts), _BATCH):
            rows = longest_last[first : first + _BATCH]
            batch = self._tokenizer(
                [texts[k] for k in rows], padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt"
            )
            with torch.inference_mode():
                p = torch.softmax(self._model(**batch).logits.double(), dim=1).numpy()
            for column, source in enumerate(self._columns):
                if source is not None:
                    out[rows, column] = p[:, source]
        return out

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) float64 [-1 to 1] P(positive) - P(negative) of each text."""
        p = self.probabilities(texts)
        return np.asarray(p[:, 1] - p[:, 0])


def _columns(model: str, names: dict[int, str]) -> list[int | None]:
    """Which output is negative, positive, neutral."""
    found: list[int | None] = []
    for starts in (("neg", "bear"), ("pos", "bull"), ("neu",)):
        column = next((k for k, name in names.items() if str(name).casefold().startswith(starts)), None)
        found.append(None if column is None else int(column))
    if found[0] is None or found[1] is None:
        stated = ", ".join(repr(name) for name in names.values())
        raise UsageError(
            f"scorer 'transformer:{model}': classes {stated}; expected id2label that names positive and negative"
        )
    return found


def _digest(model: Any, tokenizer: Any) -> str:
    """Of all that decides a score: labels, the tokenizer, the weights."""
    digest = hashlib.sha256(repr((sorted(model.config.id2label.items()), tokenizer)).encode())
    digest.update(repr(sorted(tokenizer.get_vocab().items())).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
