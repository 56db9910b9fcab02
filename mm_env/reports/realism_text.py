"""Table and plain figures of distances between markets."""

from __future__ import annotations

from typing import Any

import numpy as np

from mm_env.realism.scores import Realism
from mm_env.reports.tables import text_table


def realism_table(markets: dict[str, Realism]) -> str:
    """Distances of each statistic by market, and their means."""
    names = list(next(iter(markets.values())).distances)
    rows = [
        [name, *(_cell(one.distances[name].l1, one.distances[name].error) for one in markets.values())] for name in names
    ]
    rows.append(["mean", *(_cell(*one.mean) for one in markets.values())])
    rows.append(["interquartile mean", *(_cell(*one.interquartile_mean) for one in markets.values())])
    return text_table(["statistic", *markets], rows)


def _cell(value: float, error: float) -> str:
    return f"{value:.3f} ± {error:.3f}"


def realism_figures(markets: dict[str, Realism]) -> dict[str, Any]:
    """The distances under stable names."""
    return {
        name: {
            "mean": one.mean[0], "mean_error": one.mean[1],
            "interquartile_mean": one.interquartile_mean[0], "interquartile_mean_error": one.interquartile_mean[1],
            "statistics": {
                statistic: {"l1": d.l1, "error": d.error, "wasserstein": None if np.isnan(d.wasserstein) else d.wasserstein}
                for statistic, d in one.distances.items()
            },
        }
        for name, one in markets.items()
    }  # fmt: skip
