"""Figures of realism: distances of all statistics on one radar, and the histograms behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.reports.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, literal, plain_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mm_env.realism.scores import Realism

_COLOURS = (VERMILLION, GREEN, BLUE, ORANGE)
_COLUMNS = 4


def radar_figure(markets: Mapping[str, Realism], title: str) -> Figure:
    """L1 of each statistic as a radius, a line a market.

    markets: name -> its distances from the same real market
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 8.0), layout="constrained")
    axes: Any = figure.add_subplot(projection="polar")
    names = list(next(iter(markets.values())).distances)
    angles = np.linspace(0.0, 2.0 * np.pi, len(names), endpoint=False)
    for (name, realism), colour in zip(markets.items(), _COLOURS, strict=False):
        radius = np.array([realism.distances[statistic].l1 for statistic in names])
        label = f"{name}: mean {realism.mean[0]:.3f} ± {realism.mean[1]:.3f}"
        axes.plot(
            np.append(angles, angles[0]), np.append(radius, radius[0]), color=colour, linewidth=1.5, label=literal(label)
        )
        axes.fill(angles, radius, color=colour, alpha=0.12)
    axes.set_xticks(angles, [""] * len(names))
    reach = 1.06 * max(float(distance.l1) for one in markets.values() for distance in one.distances.values())
    for angle, name in zip(angles, names, strict=True):
        right = np.cos(angle)
        side = "left" if right > 0.1 else "right" if right < -0.1 else "center"
        height = "center" if side != "center" else "bottom" if np.sin(angle) > 0.0 else "top"
        text = literal(name.replace(" that ", "\nthat "))
        axes.text(angle, 1.04 * reach, text, ha=side, va=height, fontsize=7)
    axes.set_ylim(0.0, reach)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_rlabel_position(90.0)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def histogram_figure(realism: Realism, title: str) -> Figure:
    """Each statistic's histogram in the real market and in the other."""
    from matplotlib.figure import Figure

    rows = -(-len(realism.histograms) // _COLUMNS)
    figure = Figure(figsize=(12.0, 2.3 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False)
    for one, (name, (positions, real, other)) in zip(axes.flat, realism.histograms.items(), strict=False):
        plain_axes(one)
        one.fill_between(positions, real, step="mid", color=GREY, alpha=0.45, linewidth=0.0, label="real")
        one.step(positions, other, where="mid", color=VERMILLION, linewidth=1.0, label="other")
        one.set_title(f"{literal(name)}: L1 {realism.distances[name].l1:.3f}", fontsize=8)
        one.set_ylim(0.0)
        one.tick_params(labelsize=7)
    axes[0, 0].legend(fontsize=7, frameon=False)
    for one in axes.flat[len(realism.histograms) :]:
        one.set_axis_off()
    figure.supylabel("share", fontsize=8)
    figure.suptitle(literal(title), fontsize=10)
    return figure
