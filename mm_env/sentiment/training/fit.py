"""Fit the weights of the scorers `tfidf` and `minilm` to labelled headlines.

Made headlines count less than real ones, and never in what is measured: the neutral band is chosen by the macro F1 of real
headlines, each scored by a model that has not seen it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mm_env.errors import LabelledError
from mm_env.extras import require
from mm_env.sentiment.domain import normalise
from mm_env.sentiment.linear import FIELDS, NEGATIVE, NEUTRAL, POSITIVE, ngrams
from mm_env.sentiment.training.phrases import made_headlines

Progress = Callable[[str], None]
MADE_EACH = {"tfidf": 25, "minilm": 12}  # times that a pattern is filled
MADE_WEIGHT = 0.5
FEWEST = 10  # real headlines of a class
_SEED = 1
_FOLDS = 5
_STRENGTH = 6.0  # C of the logistic regression
_RAREST = {"word": 2, "char": 3}  # texts that a term must be found in
_BANDS = np.arange(0.10, 0.51, 0.05)
_RESAMPLES = 100  # of the standard error of macro F1


def training_set(real: pd.DataFrame, each: int) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the real headlines, then the made ones, and (n,) float64 weights.

    real: `text` and `label` (0 negative, 1 positive, 2 neutral)
    each: how often a pattern is filled
    """
    made = made_headlines(each, _SEED)
    both = pd.concat([real[["text", "label"]], made], ignore_index=True)
    return both, np.where(both.index < len(real), 1.0, MADE_WEIGHT)


def without_repeats(real: pd.DataFrame) -> pd.DataFrame:
    """Return the headlines that differ: one in two folds would be known when it is held out.

    Raises LabelledError for fewer than `FEWEST` of a class.
    """
    distinct = real.drop_duplicates("text", ignore_index=True)
    counts = np.bincount(distinct["label"], minlength=3)
    if counts.min() < FEWEST:
        found = f"{counts[NEGATIVE]} negative, {counts[POSITIVE]} positive, {counts[NEUTRAL]} neutral"
        raise LabelledError(f"headlines that differ: {found}; expected {FEWEST} or more of each")
    return distinct


@dataclass(frozen=True)
class Fitted:
    """archive: what the scorer reads; held_out: (n, 3) float64 probabilities of real headlines that no model had seen."""

    archive: bytes
    held_out: NDArray[np.float64]


def fit_tfidf(real: pd.DataFrame, progress: Progress) -> Fitted:
    """Fit what `TfidfScorer` reads.

    real: as `without_repeats` returns it
    """
    require("sklearn", extra="sentiment")
    from scipy import sparse

    both, weight = training_set(real, MADE_EACH["tfidf"])
    progress(f"{len(real)} headlines and {len(both) - len(real)} made ones: counting n-grams")
    fitted = {field: _vectorizer(field) for field in FIELDS}
    features = sparse.hstack([fitted[field].fit_transform(both["text"]) for field in FIELDS], format="csr")
    model, held_out = _fit(features, both["label"].to_numpy(), weight, len(real), progress)
    arrays = _arrays(model, _best_band(held_out, real["label"].to_numpy(), progress))
    coefficients = arrays.pop("coefficients")
    first = 0
    for field in FIELDS:
        terms = fitted[field].get_feature_names_out()
        arrays[f"{field}_terms"] = np.frombuffer("\n".join(terms).encode(), np.uint8)
        arrays[f"{field}_idf"] = fitted[field].idf_.astype(np.float16)
        arrays[f"{field}_coefficients"] = coefficients[:, first : first + len(terms)].astype(np.float16)
        first += len(terms)
    return Fitted(_archive(arrays), held_out)


def _vectorizer(field: str) -> Any:
    """What weighs the n-grams of a field as `TfidfScorer` does."""
    require("sklearn", extra="sentiment")
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        analyzer=lambda text: ngrams(field, normalise(text)), sublinear_tf=True, dtype=np.float32, min_df=_RAREST[field]
    )


def fit_minilm(real: pd.DataFrame, tfidf: Fitted, progress: Progress) -> Fitted:
    """Fine-tune what `MiniLmScorer` averages with `tfidf`; about twenty minutes on two cores.

    real: as `without_repeats` returns it

    A first model, without a fifth of the real headlines, sets the neutral band; the final one is fitted to all.
    """
    require("sklearn", extra="sentiment")
    from sklearn.model_selection import train_test_split

    from mm_env.sentiment.training.encoder import UpperLayers, fine_tune

    both, weight = training_set(real, MADE_EACH["minilm"])
    label = both["label"].to_numpy()
    progress(f"encoding {len(both)} headlines by the layers that stay")
    texts = UpperLayers(_SEED).lower(both["text"].tolist(), progress)
    rows, held = train_test_split(np.arange(len(real)), test_size=0.2, random_state=_SEED, stratify=label[: len(real)])
    seen = np.concatenate((rows, np.arange(len(real), len(both))))
    trial = UpperLayers(_SEED)
    fine_tune(trial, [texts[k] for k in seen], label[seen], weight[seen], _SEED, progress)
    mean = 0.5 * (trial.probabilities([texts[k] for k in held]) + tfidf.held_out[held])
    band = _best_band(mean, label[held], progress)
    model = UpperLayers(_SEED)
    fine_tune(model, texts, label, weight, _SEED, progress)
    return Fitted(_archive({**model.arrays(), "neutral_band": np.array(band)}), mean)


def _fit(
    features: Any, label: NDArray[np.int64], weight: NDArray[np.float64], real: int, progress: Progress
) -> tuple[Any, NDArray[np.float64]]:
    """The model on all rows, and the probabilities of the first `real` out of fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    def fit(rows: NDArray[np.int64]) -> Any:
        model = LogisticRegression(C=_STRENGTH, max_iter=3000)
        return model.fit(features[rows], label[rows], sample_weight=weight[rows])

    held_out = np.zeros((real, 3))
    made = np.arange(real, len(label))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED).split(np.zeros(real), label[:real])
    for fold, (seen, held) in enumerate(folds):
        progress(f"fold {fold + 1} of {_FOLDS}")
        held_out[held] = fit(np.concatenate((seen, made))).predict_proba(features[held])
    progress("fitting to all")
    return fit(np.arange(len(label))), held_out


def _best_band(held_out: NDArray[np.float64], label: NDArray[np.int64], progress: Progress) -> float:
    """The smallest neutral band whose macro F1 is within one standard error of the best.

    Two thirds of these headlines are neutral, and fewer of most other sources: of bands that are about as good the
    smallest. Source: Breiman, Friedman, Olshen & Stone 1984 (the rule of one standard error).
    """
    from sklearn.metrics import f1_score

    margin = held_out[:, POSITIVE] - held_out[:, NEGATIVE]

    def f1(band: float, rows: NDArray[np.int64]) -> float:
        return float(f1_score(label[rows], labels_of(margin[rows], band), average="macro"))

    everything = np.arange(len(label))
    found = np.array([f1(band, everything) for band in _BANDS])
    best = _BANDS[int(np.argmax(found))]
    rng = np.random.default_rng(_SEED)
    error = np.std([f1(best, rng.integers(len(label), size=len(label))) for _ in range(_RESAMPLES)])
    band = float(_BANDS[found >= found.max() - error][0])
    progress(f"neutral within {band:.2f}: macro F1 {f1(band, everything):.3f} unseen, {found.max():.3f} at the best band")
    return round(band, 2)


def _arrays(model: Any, band: float) -> dict[str, NDArray[Any]]:
    return {
        "coefficients": model.coef_.astype(np.float32),
        "intercept": model.intercept_.astype(np.float32),
        "neutral_band": np.array(band),
    }


def labels_of(score: NDArray[np.float64], band: float) -> NDArray[np.int64]:
    """Return (n,) int64 labels as training data have them: neutral strictly within +-band."""
    return np.where(score >= band, POSITIVE, np.where(score <= -band, NEGATIVE, NEUTRAL)).astype(np.int64)


def _archive(arrays: dict[str, NDArray[Any]]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()
