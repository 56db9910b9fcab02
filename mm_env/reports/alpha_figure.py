"""The figure of a fitted alpha: predicted against realised moves, and what signals say at which horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mm_env.reports.style import ABOVE, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, literal, plain_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mm_env.evaluation.alpha import Blend, Forecast

_COLOURS = (SKY, GREEN, BLUE, ORANGE, VERMILLION, PURPLE, GREY)


def alpha_figure(blend: Blend, results: Sequence[Forecast], title: str) -> Figure:
    """Left: mean realised move by predicted move, a line a horizon. Right: weights by horizon, each with a 95 % interval.

    results: at least one horizon
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        plain_axes(axes)
        axes.margins(x=0.03)
    reach = max(float(np.abs(one.predicted).max(initial=0.0)) for one in results)
    left.plot([-reach, reach], [-reach, reach], color=GREY, linewidth=1.0, linestyle="--", label="as predicted")
    for one, colour in zip(results, _COLOURS, strict=False):
        left.errorbar(
            one.predicted, one.realised, one.realised_95, color=colour, marker="o", markersize=3.0, linewidth=1.0,
            elinewidth=0.8, label=f"{one.horizon_seconds:g} s",
        )  # fmt: skip
    left.set_xlabel("predicted move [bps], bins of as many predictions", fontsize=8)
    left.set_ylabel("mean realised move [bps]", fontsize=8)
    left.legend(**ABOVE)
    horizons = [one.horizon_seconds for one in results]
    for name, label, colour, fitted in (
        ("alpha_weight", "at sentiment 1", BLUE, blend.alpha_weight),
        ("obi_weight", "at imbalance 1", VERMILLION, blend.obi_weight),
    ):
        values = [getattr(one, name) for one in results]
        widths = [getattr(one, f"{name}_95") for one in results]
        right.errorbar(horizons, values, widths, color=colour, marker="o", markersize=3.0, linewidth=1.2, label=label)
        right.plot(blend.horizon_seconds, fitted, marker="D", color=colour, markersize=7.0, markerfacecolor="white")
    right.axhline(0.0, color=GREY, linewidth=0.8)
    right.set_xscale("log")
    right.set_xticks(horizons, [f"{horizon:g}" for horizon in horizons])
    right.minorticks_off()
    right.set_xlabel("horizon [s]; diamonds: the weights that were fitted", fontsize=8)
    right.set_ylabel("expected move of the mid [bps]", fontsize=8)
    right.legend(**ABOVE)
    figure.suptitle(literal(title), fontsize=10)
    return figure
