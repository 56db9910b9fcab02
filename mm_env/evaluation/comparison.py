"""Who is better, and by how much: paired statistics of policies on the same episodes.

One episode is one observation. A policy that was trained more than once holds one row of values a training seed; its figures
resample seeds first and episodes within (the same episodes for all policies), so that the luck of training widens intervals.

Source: Agarwal et al. 2021 (interquartile mean, stratified bootstrap, probability of improvement); Efron & Tibshirani 1993
(percentile bootstrap); Rockafellar & Uryasev 2000 (CVaR).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import UsageError, check_choice
from mm_env.evaluation.estimates import sharpe_ratio
from mm_env.evaluation.evaluation import VALUES, Evaluation

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
RESAMPLES = 4000
TAIL = 0.05  # of episodes, for CVaR


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its bootstrap interval."""

    value: float
    low: float
    high: float


def interquartile_mean(values: ArrayLike) -> Floats:
    """Mean over the last axis of the middle half, the values at its edges by their share."""
    x = np.sort(np.asarray(values, np.float64), axis=-1)
    n = x.shape[-1]
    upper = np.arange(1, n + 1)
    inside = np.clip(np.minimum(upper, 0.75 * n) - np.maximum(upper - 1, 0.25 * n), 0.0, 1.0)
    return np.asarray((x * inside).sum(axis=-1) / inside.sum())


def conditional_value_at_risk(values: ArrayLike, tail: float = TAIL) -> Floats:
    """Mean over the last axis of the worst `tail` of the values, that at the edge by its share [as values]."""
    x = np.sort(np.asarray(values, np.float64), axis=-1)
    n = x.shape[-1]
    inside = np.clip(tail * n - np.arange(n), 0.0, 1.0)
    return np.asarray((x * inside).sum(axis=-1) / inside.sum())


def mean(values: ArrayLike) -> Floats:
    """Mean over the last axis."""
    return np.asarray(np.asarray(values, np.float64).mean(axis=-1))


def probability_of_improvement(differences: ArrayLike) -> Floats:
    """Share over the last axis of episodes that are better than the baseline's, those alike by half."""
    x = np.asarray(differences, np.float64)
    return np.asarray((x > 0.0).mean(axis=-1) + 0.5 * (x == 0.0).mean(axis=-1))


class Bootstrap:
    """Percentile intervals by resampling episodes and, of several training seeds, the seeds.

    All intervals share one set of resamples.
    """

    def __init__(self, episodes: int, seed: int = 0, resamples: int = RESAMPLES, confidence: float = 0.95) -> None:
        """Draw the episodes of each resample; raises `ValueError` for fewer than two episodes."""
        if episodes < 2:
            raise UsageError(f"{episodes} episode(s): expected at least 2, as an interval needs their spread")
        self.chosen = np.random.default_rng(seed).integers(episodes, size=(resamples, episodes), dtype=np.int32)
        self.seed, self.confidence = seed, confidence

    def interval(self, values: ArrayLike, statistic: Callable[[ArrayLike], Floats] = mean) -> Interval:
        """A statistic over episodes, averaged over training seeds, with its interval.

        values: (E,) or (seeds, E) float64
        statistic: of the last axis

        Raises `UsageError` for another number of episodes, and for values that are not finite.
        """
        x = np.atleast_2d(np.asarray(values, np.float64))
        if x.shape[-1] != self.chosen.shape[1] or not np.isfinite(x).all():
            raise UsageError(f"values of shape {x.shape}: expected {self.chosen.shape[1]} finite numbers a training seed")
        found = np.empty((len(self.chosen), len(x)))
        for block in np.array_split(np.arange(len(self.chosen)), max(1, self.chosen.size * len(x) // 4_000_000)):
            found[block] = np.stack([statistic(row[self.chosen[block]]) for row in x], axis=1)
        if len(x) > 1:
            drawn = np.random.default_rng([self.seed, len(x)]).integers(len(x), size=found.shape)
            found = np.take_along_axis(found, drawn, axis=1)
        means = found.mean(axis=1)
        tail = 50.0 * (1.0 - self.confidence)
        low, high = np.nanpercentile(means, [tail, 100.0 - tail]) if np.isfinite(means).any() else (np.nan, np.nan)
        return Interval(float(statistic(x).mean()), float(low), float(high))


def pairing_correlation(values: ArrayLike, baseline: ArrayLike) -> float | None:
    """Correlation of two policies over the same episodes: what pairing gains. None where either never varies."""
    x, y = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    if x.std() == 0.0 or y.std() == 0.0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


COLUMNS: tuple[tuple[str, str, Callable[[ArrayLike], Floats]], ...] = (
    ("reward", "reward", mean),
    ("reward_iqm", "reward", interquartile_mean),
    ("profit", "profit", mean),
    ("sharpe", "profit", sharpe_ratio),
    ("cvar", "profit", conditional_value_at_risk),
    ("drawdown", "drawdown", mean),
    ("inventory_sd", "inventory_sd", mean),
    ("over_limit", "over_limit", mean),
    ("breaches", "breaches", mean),
    ("value_at_risk", "value_at_risk", mean),
    ("fills", "fills", mean),
    ("spread_capture", "spread_capture", mean),
    ("hedge_cost", "hedge_cost", mean),
    ("hedges", "hedges", mean),
)
"""Figure of a row, the value of an episode that it is of, and the statistic over episodes."""
PAIRED = ("reward", "profit", "over_limit", "breaches", "drawdown", "inventory_sd")
"""Values whose difference from the baseline's, episode by episode, has a figure `NAME_difference`."""


def compare(
    rows: Mapping[str, Sequence[Evaluation]], baseline: str, seed: int = 0, resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """Figures of each row, in their order: `agent`, `seeds`, `episodes`, and by name a value with its 95 % interval.

    rows: name of an agent -> its evaluation for each training seed, all on the same episodes; baseline: one of the names

    A figure `x` has `x_low` and `x_high` beside it, None where the figure does not exist. `improvement` is the share of
    episodes with a better reward than the baseline's; `correlation` what pairing gains. Of a baseline that was trained more
    than once the others are compared with its mean over seeds, whose luck no interval holds.
    Raises `UsageError` for a baseline that is not among the rows, and for different numbers of episodes.
    """
    check_choice("baseline", baseline, rows)
    base = rows[baseline]
    episodes = len(base[0])
    bootstrap = Bootstrap(episodes, seed, resamples)
    found = []
    for name, evaluations in rows.items():
        values = {field: np.stack([getattr(one, field) for one in evaluations]) for field in VALUES}
        row: dict[str, Any] = {"agent": name, "seeds": len(evaluations), "episodes": episodes}
        for figure, field, statistic in COLUMNS:
            row |= _named(figure, bootstrap.interval(values[field], statistic))
        if name != baseline:
            for field in PAIRED:
                less = values[field] - np.stack([getattr(one, field) for one in base]).mean(axis=0)
                row |= _named(f"{field}_difference", bootstrap.interval(less))
                if field == "reward":
                    row |= _named("improvement", bootstrap.interval(less, probability_of_improvement))
            own, theirs = values["reward"].mean(axis=0), np.mean([one.reward for one in base], axis=0)
            row["correlation"] = pairing_correlation(own, theirs)
        found.append(row)
    return found


def single_seeds(rows: Mapping[str, Sequence[Evaluation]]) -> dict[str, list[Evaluation]]:
    """`NAME (k)` -> evaluation of training seed k by itself, of the rows that hold more than one."""
    return {f"{name} ({k})": [one] for name, group in rows.items() if len(group) > 1 for k, one in enumerate(group)}


def compare_seeds(
    rows: Mapping[str, Sequence[Evaluation]], baseline: str, seed: int = 0, resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """The figures of each of `single_seeds` against the same baseline; arguments and errors as of `compare`."""
    single = single_seeds(rows)
    return [row for row in compare({baseline: rows[baseline]} | single, baseline, seed, resamples) if row["agent"] in single]


def episodes_table(rows: Mapping[str, Sequence[Evaluation]]) -> pd.DataFrame:
    """One row an agent, training seed (`run`) and episode; columns are the metrics (`VALUES`) and the reward terms."""
    import pandas as pd

    frames = [
        pd.DataFrame(
            {"agent": name, "run": k, "episode": np.arange(len(one))}
            | {field: getattr(one, field) for field in VALUES}
            | {f"reward.{term}": values for term, values in one.reward_terms.items()}
        )
        for name, group in rows.items()
        for k, one in enumerate(group)
    ]
    return pd.concat(frames, ignore_index=True)


def _named(name: str, interval: Interval) -> dict[str, float | None]:
    ends = {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {key: None if np.isnan(value) else value for key, value in ends.items()}
