"""Figures of a comparison: differences with their intervals beside the profits of the episodes, and learned depths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.reports.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, literal, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from mm_env.evaluation.evaluation import Evaluation

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
_OUTSIDE = 0.5  # % of the profits at either end that the picture leaves out
_WINDOW = 4.0  # of the middle one of the differences' sizes: what is farther away is shown by an arrow


def comparison_figure(
    rows: Sequence[Mapping[str, Any]], evaluations: Mapping[str, Sequence[Evaluation]], baseline: str, title: str
) -> Figure:
    """Left: each agent's reward less the baseline's, with its 95 % interval. Right: how its episodes' profits lie.

    rows: as `mm_env.evaluation.comparison.compare` returns them
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 1.6 + 0.55 * max(len(rows), 4)), layout="constrained")
    left, right = figure.subplots(1, 2)
    places = [-float(k) for k in range(len(rows))]
    reach = _reach([row for row in rows if row["agent"] != baseline])
    for place, row, colour in zip(places, rows, _colours(len(rows)), strict=True):
        if row["agent"] != baseline:
            _draw_difference(left, place, row, colour, reach)
        profits = np.concatenate([one.profit for one in evaluations[row["agent"]]])
        inside = np.percentile(profits, [_OUTSIDE, 5, 25, 50, 75, 95, 100 - _OUTSIDE])
        right.plot(inside[[0, 6]], [place, place], color=colour, linewidth=0.8)
        right.plot(inside[[1, 5]], [place, place], color=colour, linewidth=3.0, alpha=0.5, solid_capstyle="butt")
        right.plot(inside[[2, 4]], [place, place], color=colour, linewidth=8.0, solid_capstyle="butt")
        right.plot(inside[3], place, "|", color="white", markersize=8, markeredgewidth=2.0)
    for axes in (left, right):
        plain_axes(axes)
        axes.set_ylim(places[-1] - 0.6, 0.6)
    left.set_xlim(-1.08 * reach, 1.08 * reach)
    right.margins(x=0.05)
    right.autoscale_view(scaley=False)
    left.axvline(0.0, color=GREY, linewidth=1.0, linestyle="--")
    left.set_yticks(places, [_label(row, baseline) for row in rows], fontsize=8)
    right.set_yticks(places, [""] * len(rows))
    left.set_xlabel(f"reward of an episode less that of\n{literal(baseline)} [currency], 95 % interval", fontsize=8)
    right.set_xlabel("profit of an episode [currency]:\nmedian, middle half, 5 to 95 %, all but 1 %", fontsize=8)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def _label(row: Mapping[str, Any], baseline: str) -> str:
    """Name of an agent and, below it, its difference with the interval."""
    if row["agent"] == baseline:
        return literal(baseline)
    value, low, high = (row[f"reward_difference{end}"] for end in ("", "_low", "_high"))
    return f"{literal(row['agent'])}\n{value:+,.4g} [{low:+,.4g}, {high:+,.4g}]"


def _reach(rows: Sequence[Mapping[str, Any]]) -> float:
    """How far the axis of differences reaches on both sides, so that one agent far away does not hide the others."""
    sizes = sorted(max(abs(float(row[f"reward_difference_{end}"])) for end in ("low", "high")) for row in rows)
    if not sizes or sizes[-1] == 0.0:
        return 1.0
    middle = sizes[(len(sizes) - 1) // 2]
    return min(sizes[-1], _WINDOW * middle) if middle > 0.0 else sizes[-1]


def _draw_difference(axes: Axes, place: float, row: Mapping[str, Any], colour: str, reach: float) -> None:
    """A difference and its interval, or an arrow where it lies past the reach of the axis."""
    value, low, high = (row[f"reward_difference{end}"] for end in ("", "_low", "_high"))
    if abs(value) > reach:
        side = np.sign(value)
        axes.plot(1.05 * side * reach, place, "<" if side < 0 else ">", color=colour, markersize=9)
        return
    axes.plot([low, high], [place, place], color=colour, linewidth=3.0, solid_capstyle="butt")
    axes.plot(value, place, "o", color=colour, markersize=7)


def depth_figure(
    learned: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    inventories: NDArray[np.int64],
    times: Sequence[float],
    title: str,
) -> Figure:
    """Bid and ask depth over inventory at the first, middle and last part of an episode: learned ones over closed forms.

    learned, curves: name -> (bid, ask), each (steps, 2Q+1) [currency]; inventories: (2Q+1,) [units]
    times: shares of the episode that have passed
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 5.6), layout="constrained")
    panels = figure.subplots(2, len(times), sharex=True, sharey=True)
    for column, share in enumerate(times):
        for side, label in enumerate(("bid", "ask")):
            axes = panels[side, column]
            styles = ("-", "--", ":")
            for (name, depths), style in zip(curves.items(), styles, strict=False):
                values = depths[side][round(share * (len(depths[side]) - 1))]
                axes.plot(inventories, np.where(np.isfinite(values), values, np.nan), style, color=GREY, label=name)
            for (name, depths), colour in zip(learned.items(), _colours(len(learned)), strict=True):
                values = depths[side][round(share * (len(depths[side]) - 1))]
                shown = np.where(np.isfinite(values), values, np.nan)
                axes.plot(inventories, shown, ".", color=colour, markersize=4, label=literal(name))
            plain_axes(axes)
            if side == 0:
                axes.set_title(f"{100 * share:.0f} % of the episode has passed", fontsize=9)
            else:
                axes.set_xlabel("inventory [units]", fontsize=8)
            if column == 0:
                axes.set_ylabel(f"{label} depth [currency]", fontsize=8)
    panels[0, 0].legend(fontsize=7, frameon=False)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def _colours(number: int) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(number)]
