"""What bars say, as tables, as figures under stable names, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.calibration.bars import BarSummary, Correlation, moves_of
from mm_env.data.events import About, Bars
from mm_env.reports.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, literal, plain_axes
from mm_env.reports.tables import text_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOKS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, GREY)
_LEGEND = 12  # symbols


def bars_table(summaries: Mapping[str, BarSummary]) -> str:
    """A column a symbol; estimates with their standard errors."""
    lines: list[tuple[str, list[str]]] = [
        ("bars", [str(one.bars) for one in summaries.values()]),
        ("first begins, UTC", [_date(one.first) for one in summaries.values()]),
        ("last ends, UTC", [_date(one.last) for one in summaries.values()]),
        ("mean volume of a bar", [f"{one.mean_volume:,.0f}" for one in summaries.values()]),
    ]
    for scale in sorted({scale for one in summaries.values() for scale in one.volatility}):
        what = f"volatility over {scale} bar{'s' * (scale > 1)} [bps/√bar]"
        lines.append((what, [_cell(one.volatility.get(scale)) for one in summaries.values()]))
    named = {
        "volatility from high and low [bps/√bar]": "range_volatility", "volatility within a day [bps/√s]": "per_second",
        "move over a gap [bps]": "gap", "volatility a year [%]": "a_year",
    }  # fmt: skip
    for what, name in named.items():
        found = [getattr(one, name) for one in summaries.values()]
        if any(one is not None for one in found):
            lines.append((what, [_cell(one) for one in found]))
    return text_table(["estimate ± standard error", *summaries], [[what, *cells] for what, cells in lines])


def correlations_table(found: Mapping[tuple[str, str], Correlation]) -> str:
    """A row for each two symbols."""
    return text_table(
        ["symbols", "bars in common", "correlation ± standard error", "of overlapping moves"],
        [
            [f"{a}, {b}", str(one.bars), f"{one.value:.3f} ± {one.error:.3f}", f"{one.overlapping:.3f}"]
            for (a, b), one in found.items()
        ],
    )


def bars_figures(summaries: Mapping[str, BarSummary], found: Mapping[tuple[str, str], Correlation]) -> dict[str, Any]:
    """The estimates under stable names; None where there is none."""
    return {
        "bars": {
            name: {**asdict(one), "volatility": {str(scale): list(value) for scale, value in one.volatility.items()}}
            for name, one in summaries.items()
        },
        "correlations": [{"symbols": list(names), **asdict(one)} for names, one in found.items()],
    }


def bars_figure(files: Mapping[str, tuple[Bars, About]], title: str) -> Figure:
    """Closes against the first of each symbol, and how moves are distributed, beside the normal law of the same variance."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    plain_axes(left)
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    left.xaxis.set_major_locator(locator)
    left.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    plain_axes(right)
    for k, (name, (bars, about)) in enumerate(files.items()):
        look = {"color": _LOOKS[k % len(_LOOKS)], "linestyle": ("-", "--", ":")[k // len(_LOOKS) % 3]}
        left.plot(
            bars.time.astype("datetime64[ns]").astype("datetime64[s]").astype(object), 100.0 * bars.price / bars.price[0],
            linewidth=1.1, label=literal(name), **look,
        )  # fmt: skip
        moves, joined = moves_of(bars, about)
        within = moves[joined]
        scale = float(np.sqrt((within**2).mean())) if len(within) else 0.0
        if scale > 0.0:
            share, edges = np.histogram(within / scale, np.arange(-6.25, 6.5, 0.5), density=True)
            right.plot((0.5 * (edges[:-1] + edges[1:]))[share > 0], share[share > 0], marker=".", linewidth=0.9, **look)
    grid = np.linspace(-4.0, 4.0, 161)
    right.plot(grid, np.exp(-0.5 * grid**2) / np.sqrt(2.0 * np.pi), color=GREY, linewidth=1.0, label="normal law")
    right.set_yscale("log")
    left.set_ylabel("close, the first is 100", fontsize=8)
    left.set_xlabel("end of the bar, UTC", fontsize=8)
    right.set_xlabel("move from bar to bar [root mean squares]", fontsize=8)
    right.set_ylabel("density", fontsize=8)
    if len(files) <= _LEGEND:
        left.legend(fontsize=8, frameon=False)
    right.legend(fontsize=8, frameon=False)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def _cell(value: tuple[float, float] | None) -> str:
    return "too few" if value is None else f"{value[0]:.4g} ± {value[1]:.2g}"


def _date(ns: int) -> str:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M")
