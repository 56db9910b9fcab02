"""Figures of scenarios: a surface as heat maps, fans of profit and inventory, and differences from the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mm_env.reports.style import BLUE, GREY, ORANGE, VERMILLION, literal, plain_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mm_env.risk.scenarios import Fan, ScenarioResults

SURFACES = (("profit", "mean profit"), ("es_95", "expected shortfall, 95 %"))
"""Figures of a surface, each with its title."""
_BANDS = ((0, 6, 0.18, "98 %"), (1, 5, 0.28, "90 %"), (2, 4, 0.45, "middle half"))
_MOST_FANS = 4


def surface_axes(results: ScenarioResults) -> tuple[str, str] | None:
    """Axes of the surface: volatility and regime where there are such, else the first two of which cells were played."""
    names = list(results.axes)
    pairs = [("volatility", "regime"), *((a, b) for k, a in enumerate(names) for b in names[k + 1 :])]
    for rows, columns in pairs:
        if rows in names and columns in names and results.surface(rows, columns).notna().all(axis=None):
            return rows, columns
    return None


def surface_figure(results: ScenarioResults, rows: str, columns: str, title: str) -> Figure:
    """Two heat maps over the levels of two axes, with the numbers and half of their 95 % intervals in the cells."""
    from matplotlib.figure import Figure

    size = results.surface(rows, columns).shape
    figure = Figure(figsize=(2.2 + 2 * 1.45 * size[1], 1.9 + 0.62 * size[0]), layout="constrained")
    panels = figure.subplots(1, len(SURFACES), squeeze=False)[0]
    for axes, (name, label) in zip(panels, SURFACES, strict=True):
        _heat_map(axes, results, rows, columns, name)
        axes.set_title(f"{label} [currency an episode]", fontsize=9)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def _heat_map(axes: Axes, results: ScenarioResults, rows: str, columns: str, name: str) -> None:
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    values = results.surface(rows, columns, name)
    low, high = (results.surface(rows, columns, f"{name}_{end}").to_numpy() for end in ("low", "high"))
    ends = (VERMILLION, "#FFFFFF", BLUE) if name == "profit" else (BLUE, "#FFFFFF", VERMILLION)
    reach = float(np.nanmax(np.abs(values.to_numpy()))) or 1.0
    norm = TwoSlopeNorm(0.0, -reach, reach)
    axes.imshow(values, cmap=LinearSegmentedColormap.from_list(name, ends), norm=norm, aspect="auto", origin="lower")
    for (y, x), value in np.ndenumerate(values.to_numpy()):
        half = 0.5 * (high[y, x] - low[y, x])
        text = f"{value:,.0f}" + (f"\n± {half:,.0f}" if np.isfinite(half) else "")
        dark = abs(value) > 0.75 * reach
        axes.text(x, y, text, ha="center", va="center", fontsize=8, color="white" if dark else "black")
    axes.set_xticks(range(values.shape[1]), [literal(str(level)) for level in values.columns], fontsize=8)
    axes.set_yticks(range(values.shape[0]), [literal(str(level)) for level in values.index], fontsize=8)
    axes.set_xlabel(literal(columns), fontsize=8)
    axes.set_ylabel(literal(rows), fontsize=8)


def chosen_fans(table: pd.DataFrame, most: int = _MOST_FANS) -> list[str]:
    """The base, and the scenarios whose mean profit differs most from it: of all stresses first, in order of the table."""
    rest = table.iloc[1:].assign(size=lambda rows: rows["difference"].abs(), other=lambda rows: rows["kind"] != "stress")
    first = rest.sort_values(["other", "size"], ascending=[True, False])["scenario"].head(most - 1)
    return [table["scenario"].iloc[0], *(name for name in table["scenario"] if name in set(first))]


def fan_figure(results: ScenarioResults, scenarios: Sequence[str], title: str) -> Figure:
    """Profit so far and the inventory's value over the episode, a column a scenario: median and bands of all episodes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.2 + 3.0 * max(2, len(scenarios)), 5.6), layout="constrained")
    panels = figure.subplots(2, len(scenarios), sharex=True, squeeze=False)
    for column, name in enumerate(scenarios):
        fan = results.fans[name]
        _draw_fan(panels[0, column], fan, fan.profit, BLUE)
        _draw_fan(panels[1, column], fan, fan.inventory / 1000.0, ORANGE)
        panels[0, column].set_title(f"{literal(name)}\n{fan.episodes:,} episodes", fontsize=9)
        panels[1, column].set_xlabel("time in the episode [s]", fontsize=8)
    panels[0, 0].set_ylabel("profit so far [currency]", fontsize=8)
    panels[1, 0].set_ylabel("value of the inventory [thousand currency]", fontsize=8)
    panels[0, 0].legend(fontsize=7, frameon=False, loc="upper left")
    figure.suptitle(literal(title), fontsize=10)
    return figure


def _draw_fan(axes: Axes, fan: Fan, values: np.ndarray, colour: str) -> None:
    for low, high, strength, label in _BANDS:
        axes.fill_between(
            fan.seconds,
            values[:, low],
            values[:, high],
            color=colour,
            alpha=strength,
            linewidth=0.0,
            label=f"{label} of episodes",
        )
    axes.plot(fan.seconds, values[:, 3], color="black", linewidth=1.2, label="median")
    axes.axhline(0.0, color=GREY, linewidth=0.8, linestyle="--")
    plain_axes(axes)


def difference_figure(table: pd.DataFrame, title: str) -> Figure:
    """Mean profit of each scenario less that of the base on the same episodes, with its 95 % interval, by its size."""
    from matplotlib.figure import Figure

    rows = table.iloc[1:].sort_values("difference", ascending=True)
    figure = Figure(figsize=(9.5, 1.6 + 0.3 * max(4, len(rows))), layout="constrained")
    axes = figure.subplots()
    ends = rows[["difference_low", "difference_high"]].to_numpy()
    finite = np.abs(ends[np.isfinite(ends)])
    reach = float(finite.max()) if finite.size and finite.max() > 0.0 else 1.0
    for place, row in enumerate(rows.to_dict("records")):
        colour = VERMILLION if row["difference_high"] < 0.0 else BLUE if row["difference_low"] > 0.0 else GREY
        axes.plot(
            [row["difference_low"], row["difference_high"]],
            [place, place],
            color=colour,
            linewidth=4.0,
            solid_capstyle="butt",
        )
        axes.plot(row["difference"], place, "o", color=colour, markersize=5)
        axes.annotate(
            f"{row['difference']:+,.0f}", (1.0, place), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=7.5,
        )  # fmt: skip
    plain_axes(axes)
    axes.set_xscale("symlog", linthresh=10.0 ** np.floor(np.log10(reach) - 1.5), linscale=0.6)
    axes.set_xlim(-2.0 * reach, 2.0 * reach)
    axes.axvline(0.0, color=GREY, linewidth=1.0, linestyle="--")
    axes.set_yticks(range(len(rows)), [literal(name) for name in rows["scenario"]], fontsize=8)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlabel(
        f"mean profit of an episode less that of {table['scenario'].iloc[0]} [currency], 95 % interval; "
        "linear about 0, logarithmic outside", fontsize=8,
    )  # fmt: skip
    figure.suptitle(literal(title), fontsize=10)
    return figure
