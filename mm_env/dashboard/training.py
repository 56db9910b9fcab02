"""Learning curves out of TensorBoard's event files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import RunError
from mm_env.extras import require

EVENT_FILES = "events.out.tfevents.*"


@dataclass(frozen=True, eq=False)
class Curve:
    """One tag of one run. steps: (n,) int64 env steps; values: (n,) float64, in the unit that the tag means"""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]


def read_curves(folder: Path) -> dict[str, Curve]:
    """Scalars of a folder of event files, by tag.

    Raises `MissingExtraError` where TensorBoard is not installed, `RunError` for a folder without event files or with broken
    ones.
    """
    require("tensorboard")
    if not folder.is_dir() or not any(folder.glob(EVENT_FILES)):
        raise RunError(f"{folder}: no event files; expected a folder that holds {EVENT_FILES}")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

    try:
        found = EventAccumulator(str(folder), size_guidance={"scalars": 0})  # 0: all of them
        found.Reload()
        scalars = {tag: found.Scalars(tag) for tag in found.Tags()["scalars"]}
    except (OSError, ValueError) as error:
        raise RunError(f"{folder}: cannot read the event files: {error}") from error
    return {
        tag: Curve(np.array([event.step for event in events], np.int64), np.array([event.value for event in events]))
        for tag, events in scalars.items()
    }


def smoothed(values: ArrayLike, weight: float) -> NDArray[np.float64]:
    """Exponential moving average from the first value on, without its pull towards zero, as TensorBoard draws it.

    weight: from 0 (none) to below 1, of what was before; values that are not finite stay what they are
    """
    y = np.asarray(values, np.float64)
    out, average, sum_of_weights = y.copy(), 0.0, 0.0
    for k, value in enumerate(y):
        if np.isfinite(value):
            average = weight * average + (1.0 - weight) * value
            sum_of_weights = weight * sum_of_weights + 1.0 - weight
            out[k] = average / sum_of_weights
    return out
