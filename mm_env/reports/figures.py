"""The picture of a recorded episode: prices, own quotes and fills, headlines, inventory, profit, VaR."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mm_env.extras import installed
from mm_env.reports import style
from mm_env.reports.panels import Clock, close_up, inventory, overview

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)

PICTURE = "episode.png"
PROFIT_PARTS = (
    ("spread capture", style.BLUE, ("spread_capture",)),
    ("maker rebates and fees", style.GREEN, ("maker_rebates", "maker_fees")),
    ("hedges, liquidation, taker fees", style.VERMILLION, ("hedge_cost", "liquidation_cost", "taker_fees")),
    (
        "revaluation of inventory",
        style.ORANGE,
        ("revaluation_news", "revaluation_diffusion", "revaluation_impact", "revaluation_mispricing"),
    ),
)


def write_episode_picture(folder: Path) -> Path | None:
    """Draw the first recorded episode of a run folder into its episode.png.

    Returns None, and draws nothing, where not a step was recorded or the extra `report` is not installed.
    """
    from mm_env.files import write_bytes
    from mm_env.runs.folder import read_run

    if not (installed("pyarrow") and installed("matplotlib")):
        logger.warning("no tables of steps and no picture: pip install 'mm_env[report]'")
        return None
    run = read_run(folder)
    if run.steps.empty:
        return None
    summary = run.summary
    title = f"{summary['config'] or 'two_symbols'}, policy {summary['policy']}, seed {summary['seed']}, episode 0"
    symbols = [symbol.name for symbol in run.config.symbols]
    picture = folder / PICTURE
    write_bytes(picture, style.png(episode_figure(run.steps, run.fills, run.headlines, symbols, title)))
    return picture


def episode_figure(
    steps: pd.DataFrame,
    fills: pd.DataFrame,
    headlines: pd.DataFrame,
    symbols: Sequence[str],
    title: str,
    episode: int = 0,
) -> Figure:
    """Draw one recorded episode.

    steps, fills, headlines: as in `mm_env.runs.tables`
    symbols: those to draw, each in panels of its own

    Raises ValueError when the episode is not among the steps.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    steps = steps[steps["episode"] == episode]
    if steps.empty:
        raise ValueError(f"episode {episode}: not recorded")
    fills, headlines = fills[fills["episode"] == episode], headlines[headlines["episode"] == episode]
    end = max(float(steps["time"].iloc[-1]), 1e-9)
    clock = Clock("min", 60.0, end / 60.0) if end > 600.0 else Clock("s", 1.0, end)
    columns = 1 if len(symbols) == 1 else 2 if len(symbols) <= 4 else 3
    blocks = -(-len(symbols) // columns)
    figure = Figure(figsize=(max(12.0, 8.5 * columns), 9.0 * blocks + 6.0))
    figure.set_layout_engine(ConstrainedLayoutEngine(hspace=0.03, wspace=0.02))
    figure.suptitle(style.literal(title), fontsize=12, x=0.01, ha="left", fontweight="bold")
    grid = figure.add_gridspec(3 * blocks + 2, columns, height_ratios=[3.8, 1.6, 3.6] * blocks + [3.4, 2.3])
    whole = []
    for k, symbol in enumerate(symbols):
        row, column = divmod(k, columns)
        price = figure.add_subplot(grid[3 * row, column])
        position = figure.add_subplot(grid[3 * row + 1, column], sharex=price)
        near = figure.add_subplot(grid[3 * row + 2, column])
        own, news = fills[fills["symbol"] == symbol], headlines[headlines["symbol"].isin([symbol, ""])]
        overview(price, clock, steps, own, news, symbol)
        inventory(position, clock, steps, symbol)
        close_up(near, price, clock, steps, own, news, symbol)
        whole += [price, position]
    profit = figure.add_subplot(grid[3 * blocks, :])
    risk = figure.add_subplot(grid[3 * blocks + 1, :], sharex=profit)
    profit_panel(profit, clock, steps)
    _risk(risk, clock, steps)
    whole += [profit, risk]
    shade_regimes(whole, clock, steps, legend=profit)
    for axes in whole:
        axes.set_xlim(0.0, clock.end)
    return figure


def profit_panel(axes: Axes, clock: Clock, steps: pd.DataFrame) -> None:
    """The profit and the groups of terms that sum to it."""
    style.plain_axes(axes)
    time = clock(steps["time"])
    for label, colour, terms in PROFIT_PARTS:
        axes.plot(
            time, steps[[f"attribution.{term}" for term in terms]].sum(axis=1), color=colour, linewidth=1.1, label=label
        )
    axes.plot(time, steps["pnl"], color=style.BLACK, linewidth=1.8, label="profit, the sum of all")
    axes.axhline(0.0, color=style.BLACK, linewidth=0.6)
    axes.set_ylabel("profit and what made it\n[currency]", fontsize=9)
    axes.tick_params(labelbottom=False)


def _risk(axes: Axes, clock: Clock, steps: pd.DataFrame) -> None:
    style.plain_axes(axes)
    time, risk, limit = clock(steps["time"]), steps["value_at_risk"], steps["var_limit"]
    axes.plot(time, risk, color=style.BLUE, linewidth=1.0, label="value at risk")
    axes.plot(time, limit, color=style.BLACK, linewidth=1.0, linestyle="--", label="its limit")
    axes.fill_between(
        time, risk, limit, where=risk > limit, color=style.VERMILLION, alpha=0.45, linewidth=0, label="over it"
    )
    hedged = steps["hedged"].to_numpy()
    if hedged.any():
        axes.plot(
            time[hedged], risk[hedged], linestyle="", marker="D", markersize=4, markerfacecolor="none",
            color=style.VERMILLION, label="after a hedge",
        )  # fmt: skip
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("value at risk\n[currency]", fontsize=9)
    axes.set_xlabel(f"time [{clock.unit}]", fontsize=9)
    axes.legend(**style.ABOVE)


def shade_regimes(every: Sequence[Axes], clock: Clock, steps: pd.DataFrame, legend: Axes) -> None:
    """Shade the time that is not spent in the regime most common in the episode."""
    from matplotlib.patches import Patch

    names = steps["regime"].to_numpy()
    time = clock(steps["time"])
    common = steps["regime"].mode().iloc[0]
    others = [name for name in dict.fromkeys(names) if name != common]
    patches = []
    edges = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    for name, colour in zip(others, style.SHADES * len(others), strict=False):
        patches.append(Patch(facecolor=colour, alpha=0.25, label=style.literal(f"regime: {name}")))
        for first, following in zip(edges, np.append(edges[1:], len(names)), strict=True):
            if names[first] == name:
                low, high = time[max(first - 1, 0)], time[following - 1]
                for axes in every:
                    axes.axvspan(low, high, color=colour, alpha=0.25, linewidth=0, zorder=0)
    handles, _ = legend.get_legend_handles_labels()
    legend.legend(handles=handles + patches, **style.ABOVE)
