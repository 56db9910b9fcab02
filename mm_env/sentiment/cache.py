"""Scores kept on disk: a tape is scored once, whatever the number of runs that play it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import tokenize
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mm_env.files import write_bytes
from mm_env.sentiment.scorers import Scorer

WORTH_KEEPING = 100
"""Fewer texts are scored without the cache."""
CHUNK = 5000
logger = logging.getLogger(__name__)


def scores_folder() -> Path:
    """Folder of the kept scores, below MM_ENV_CACHE when set, else in the user's cache folder."""
    named = os.environ.get("MM_ENV_CACHE")
    if named:
        return Path(named) / "scores"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111, Path.home() raises without a user
    return Path(home) / "mm_env" / "scores"


def scored(scorer: Scorer, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return (n,) float64 [-1 to 1] what `scorer.score(texts)` does, from disk where the same texts were scored before.

    A file holds `CHUNK` scores, so that a stopped run keeps its scores; its name encodes scorer, weights and texts.
    A damaged one is rebuilt; where the folder cannot be written, each run scores again.
    """
    if len(texts) < WORTH_KEEPING:
        return scorer.score(texts)
    parts = []
    for first in range(0, len(texts), CHUNK):
        chunk = texts[first : first + CHUNK]
        path = scores_folder() / f"{_digest(scorer, chunk)}.npy"
        score = _read(path, len(chunk))
        if score is None:
            if len(texts) > CHUNK:
                logger.info("scoring headlines %d to %d of %d by %s", first + 1, first + len(chunk), len(texts), scorer.name)
            score = scorer.score(chunk)
            with contextlib.suppress(OSError):
                _write(path, score)
        parts.append(score)
    return np.concatenate(parts)


def _digest(scorer: Scorer, texts: Sequence[str]) -> str:
    digest = hashlib.sha256(scorer.key.encode())
    for text in texts:
        content = text.encode(errors="surrogatepass")
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _read(path: Path, count: int) -> NDArray[np.float64] | None:
    try:
        kept = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (
        OSError,
        ValueError,
        EOFError,
        SyntaxError,
        zipfile.BadZipFile,
        tokenize.TokenError,
    ):  # what a damaged file brings
        return None
    whole = isinstance(kept, np.ndarray) and kept.shape == (count,) and kept.dtype == np.float64
    return kept if whole and bool((np.abs(kept) <= 1.0).all()) else None


def _write(path: Path, score: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.save(content, np.asarray(score, np.float64), allow_pickle=False)
    write_bytes(path, content.getvalue())
