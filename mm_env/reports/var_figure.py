"""The figure of a VaR backtest: how many blocks reject each variant, exceptions by block, and how far losses pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.reports.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, literal, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TESTS = (
    ("kupiec", "Kupiec: number", BLUE),
    ("christoffersen", "Christoffersen: number and independence", VERMILLION),
    ("z1", "Acerbi–Székely Z1: size of the tail", GREEN),
    ("z2", "Z2: number and size", ORANGE),
)
_LINES = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)


def var_figure(
    rows: Sequence[Mapping[str, Any]],
    band: tuple[float, float],
    accepted: tuple[int, int],
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    title: str,
    largest: float = 0.1,
) -> Figure:
    """Left: share of blocks that reject, by variant and test. Middle: exceptions by block. Right: how far losses pass VaR.

    rows: as `mm_env.risk.var_backtest.backtest` returns them
    band: shares of blocks in which Kupiec's test rejects a perfect figure, ends of the 95 % interval
    accepted: least and most exceptions of a block that Kupiec's test accepts
    curves: variant -> (multiples of VaR, share of losses past them)
    largest: share of rejecting blocks up to which a variant holds
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.0, 2.6 + 0.45 * max(len(rows), 5)), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 1.0, 1.0))
    for axes in (left, middle, right):
        plain_axes(axes)
    places = -np.arange(len(rows), dtype=float)
    _draw_shares(left, places, rows, band, largest)
    names = [literal(row["variant"]) for row in rows]
    left.set_yticks(places, names, fontsize=8)
    middle.set_yticks(places, [""] * len(rows))
    middle.axvspan(accepted[0] - 0.5, accepted[1] + 0.5, color=GREY, alpha=0.2, linewidth=0.0, label="accepted by Kupiec")
    for place, row in zip(places, rows, strict=True):
        low, first, half, third, high = np.percentile(row["exceptions_by_block"], [5, 25, 50, 75, 95])
        middle.plot([low, high], [place, place], color=BLUE, linewidth=1.0)
        middle.plot([first, third], [place, place], color=BLUE, linewidth=7.0, solid_capstyle="butt")
        middle.plot(half, place, "|", color="white", markersize=7, markeredgewidth=2.0)
    middle.axvline(rows[0]["expected"] * rows[0]["periods"], color=BLACK, linewidth=0.8, linestyle="--", label="expected")
    middle.set_xlabel("exceptions of a block: median, middle half, 5 to 95 %", fontsize=8)
    for axes in (left, middle):
        axes.set_ylim(places[-1] - 0.6, 0.6)
        axes.grid(False, axis="y")
    middle.margins(x=0.03)
    for k, (name, (multiples, shares)) in enumerate(curves.items()):
        shown = np.where(shares > 0.0, 100.0 * shares, np.nan)
        colour, line = _LINES[k % len(_LINES)], ("-", "--", ":")[k // len(_LINES) % 3]
        right.plot(multiples, shown, line, color=colour, linewidth=1.3, label=literal(name))
    right.plot(1.0, 100.0 * rows[0]["expected"], "x", color=BLACK, markersize=9, markeredgewidth=2.0, label="as stated")
    right.set_yscale("log")
    right.set_xlabel("loss as a multiple of the value at risk", fontsize=8)
    right.set_ylabel("share of positions that lose more [%]", fontsize=8)
    for axes, columns in ((left, 2), (middle, 2), (right, 3)):
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, fontsize=7, frameon=False, borderaxespad=0.1)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def _draw_shares(
    axes: Axes, places: NDArray[np.float64], rows: Sequence[Mapping[str, Any]], band: tuple[float, float], largest: float
) -> None:
    """Bars of the share of blocks that reject; the band in which those of a perfect figure lie."""
    axes.axvspan(100.0 * band[0], 100.0 * band[1], color=GREY, alpha=0.3, linewidth=0.0, label="of a perfect VaR (Kupiec)")
    axes.axvline(100.0 * largest, color=BLACK, linewidth=0.8, linestyle="--", label=f"{100.0 * largest:g} %: holds")
    height = 0.8 / len(_TESTS)
    for k, (test, label, colour) in enumerate(_TESTS):
        shares = [np.nan if row["rejected"][test] is None else 100.0 * row["rejected"][test] for row in rows]
        axes.barh(places + 0.4 - height * (k + 0.5), shares, height=height, color=colour, label=label)
    axes.set_xlim(0.0, 103.0)
    axes.set_xlabel("share of blocks that reject at 95 % [%]", fontsize=8)
