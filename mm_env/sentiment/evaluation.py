"""Accuracy of a scorer on labelled headlines."""

from __future__ import annotations

import csv
import io
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mm_env.errors import LabelledError, UsageError
from mm_env.sentiment.scorers import Scorer, class_of, get_scorer

CLASSES = ("negative", "neutral", "positive")
_NAMES = {"0": -1, "1": 1, "2": 0, "negative": -1, "positive": 1, "neutral": 0, "bearish": -1, "bullish": 1}
_TEXTS, _LABELS = ("text", "headline", "sentence"), ("label", "sentiment")
_BINS = 10
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Scorecard:
    """Results of a scorer on n labelled headlines; classes in the order of `CLASSES`.

    macro_f1: mean over the classes of the harmonic mean of precision and recall
    confusion: (3, 3) int64 headlines of the true class (row) given the class (column)
    correlation: Spearman's, of score and label; NaN where either is constant
    calibration_error: expected calibration error of the most probable class, over ten bins of its probability (Guo et al.
        2017); NaN for a scorer that states no probabilities
    headlines_per_second: once it is loaded
    """

    scorer: str
    headlines: int
    accuracy: float
    macro_f1: float
    confusion: NDArray[np.int64]
    correlation: float
    calibration_error: float
    headlines_per_second: float


def chosen(named: str | None, usual: Sequence[str]) -> list[str]:
    """Names of scorers separated by commas, each once; where none are named the usual ones, less those not installed.

    Raises UsageError for an empty list.
    """
    if named is not None:
        names = list(dict.fromkeys(name.strip() for name in named.split(",") if name.strip()))
        if not names:
            raise UsageError(f"--scorers {named!r}: expected names separated by commas, as {','.join(usual)}")
        return names
    try:
        get_scorer("minilm")
    except ValueError as error:
        logger.warning("left out: %s", error)
        return [name for name in usual if name != "minilm"]
    return list(usual)


def read_labelled(path: str | Path) -> pd.DataFrame:
    """Return `text` and `label` (0 negative, 1 positive, 2 neutral) of a labelled file, in its order.

    path: CSV with columns text (or headline, sentence) and label (or sentiment), labels 0, 1, 2, or negative, positive,
        neutral; or lines of `sentence@label` as the Financial PhraseBank has them (Malo et al. 2014)

    Raises LabelledError.
    """
    path = Path(path)
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise LabelledError(f"{path}: cannot read the labelled headlines: {error.strerror}") from error
    lines = [line for line in (raw.strip("\r") for raw in text.split("\n")) if line.strip()]
    if lines and all("@" in line and line.rpartition("@")[2].strip().casefold() in _NAMES for line in lines[:20]):
        table = pd.DataFrame([line.rpartition("@")[::2] for line in lines], columns=["text", "label"])
    else:
        table = _read_csv(path, text)
    sign = table["label"].astype(str).str.strip().str.casefold().map(_NAMES)
    if sign.isna().any():
        row = int(np.argmax(sign.isna()))
        allowed = "0 or negative, 1 or positive, 2 or neutral"
        raise LabelledError(f"{path}, row {row + 1}: label {table['label'].iloc[row]!r}; expected {allowed}")
    label = sign.map({-1: 0, 1: 1, 0: 2}).astype(np.int64)
    return pd.DataFrame({"text": table["text"].fillna("").astype(str), "label": label})


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _read_csv(path: Path, text: str) -> pd.DataFrame:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise LabelledError(f"{path}: not a CSV file: it is empty")
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise LabelledError(f"{path}, line {reader.line_num}: not a row of CSV: {error}") from error
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            hint = "a headline with a comma needs quotes"
            raise LabelledError(f"{path}, row {number}: {len(row)} cells under a header of {len(header)}; {hint}")
    table = pd.DataFrame(rows, columns=header, dtype=str)
    names = {str(name).strip().casefold(): name for name in table.columns}
    picked = {}
    for wanted, known in (("text", _TEXTS), ("label", _LABELS)):
        found = next((names[name] for name in known if name in names), None)
        if found is None:
            raise LabelledError(f"{path}: no column {' or '.join(known)}; found: {', '.join(map(str, table.columns))}")
        picked[wanted] = table[found]
    if table.empty:
        raise LabelledError(f"{path}: no rows")
    return pd.DataFrame(picked)


def evaluate_scorer(scorer: Scorer, labelled: pd.DataFrame) -> Scorecard:
    """Score the texts and compare with the labels.

    labelled: what `read_labelled` returns
    """
    texts = labelled["text"].tolist()
    scorer.score(texts[:1])  # loads it
    start = time.perf_counter()
    score = scorer.score(texts)
    seconds = time.perf_counter() - start
    truth = np.array([0, 2, 1])[labelled["label"].to_numpy()]  # in the order of CLASSES
    predicted = class_of(score, scorer.neutral_band)
    confusion = np.zeros((3, 3), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    hits = np.diag(confusion)
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = np.divide(2.0 * hits, both, out=np.zeros(3), where=both > 0)
    present = both > 0
    return Scorecard(
        scorer=scorer.name,
        headlines=len(texts),
        accuracy=float(hits.sum() / len(texts)),
        macro_f1=float(f1[present].mean()),
        confusion=confusion,
        correlation=_rank_correlation(score, truth),
        calibration_error=_calibration_error(scorer, texts, truth),
        headlines_per_second=len(texts) / seconds,
    )


def _rank_correlation(score: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    if np.ptp(score) == 0 or np.ptp(truth) == 0:
        return float("nan")
    return float(pd.Series(score).corr(pd.Series(truth), method="spearman"))


def _calibration_error(scorer: Scorer, texts: list[str], truth: NDArray[np.int64]) -> float:
    probabilities = getattr(scorer, "probabilities", None)
    if probabilities is None:
        return float("nan")
    p = probabilities(texts)[:, [0, 2, 1]]
    sure, right = p.max(axis=1), p.argmax(axis=1) == truth
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    gaps = [abs(float(np.sum(right[bins == k] - sure[bins == k]))) for k in range(_BINS)]
    return sum(gaps) / len(texts)
