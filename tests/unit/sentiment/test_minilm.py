"""Without its packages MiniLM says what to install."""

import pytest

from mm_env.errors import MissingExtraError, UsageError
from mm_env.sentiment import get_scorer


def test_without_its_packages_minilm_says_what_to_install(monkeypatch):
    from mm_env.sentiment import minilm

    monkeypatch.setattr(minilm, "PACKAGES", ("onnxruntime_that_is_not_there",))
    message = r"^onnxruntime-that-is-not-there is not installed: pip install 'mm_env\[sentiment\]'$"
    with pytest.raises(MissingExtraError, match=message):
        minilm.MiniLmScorer()
    get_scorer.cache_clear()
    with pytest.raises(UsageError, match=r"^scorer 'minilm': onnxruntime-that-is-not-there is not installed"):
        get_scorer("minilm")
