"""The figures of a report for paper: as wide as a page of A4 between its margins, legible in grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from mm_env.evaluation.estimates import below_high
from mm_env.reports import style
from mm_env.reports.figures import profit_panel, shade_regimes
from mm_env.reports.panels import Clock, close_up, inventory, overview

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

WIDTH = 7.0  # inches
_BINS = 60  # of time, in which the router's choices are averaged
_MARKERS = ("o", "s", "D", "^", "X", "P", "*")
_COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, style.ORANGE, style.PURPLE, style.SKY)
_DASHES = ("-", "--", ":", "-.")


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)  # type: ignore[union-attr, call-arg]
    return figure


def _clock(steps: pd.DataFrame) -> Clock:
    end = max(float(steps["time"].iloc[-1]), 1e-9)
    return Clock("min", 60.0, end / 60.0) if end > 1800.0 else Clock("s", 1.0, end)


def _finish(panels: Sequence[Axes], clock: Clock, steps: pd.DataFrame, legend: Axes) -> None:
    """Shade the regimes, name the time below, and put the legend above in lines that fit."""
    shade_regimes(panels, clock, steps, legend=legend)
    for axes in panels:
        axes.set_xlim(0.0, clock.end)
        axes.tick_params(labelbottom=axes is panels[-1])
        axes.set_xlabel(f"time [{clock.unit}]" if axes is panels[-1] else "", fontsize=8)
        axes.yaxis.label.set_fontsize(8)
    _legend(legend)


def _legend(axes: Axes, columns: int = 4) -> None:
    handles, labels = axes.get_legend_handles_labels()
    shown = axes.get_legend()
    if shown is not None:
        handles = [handle for handle in shown.legend_handles if handle is not None]
        labels = [text.get_text() for text in shown.get_texts()]
    if handles:
        axes.legend(handles, labels, **{**style.ABOVE, "ncols": columns, "fontsize": 7})


def prices_paper(steps: pd.DataFrame, fills: pd.DataFrame, headlines: pd.DataFrame, symbol: str) -> Figure:
    """Prices, quotes, fills and headlines of one symbol; tables of one episode."""
    figure, clock = _figure(3.1), _clock(steps)
    axes = figure.subplots()
    own, news = fills[fills["symbol"] == symbol], headlines[headlines["symbol"].isin([symbol, ""])]
    overview(axes, clock, steps, own, news, symbol, texts=False)
    _finish([axes], clock, steps, axes)
    return figure


def close_up_paper(steps: pd.DataFrame, fills: pd.DataFrame, headlines: pd.DataFrame, symbol: str) -> Figure:
    """A minute of the same, with quotes and fills one by one."""
    figure = _figure(2.7)
    axes = figure.subplots()
    own, news = fills[fills["symbol"] == symbol], headlines[headlines["symbol"].isin([symbol, ""])]
    close_up(axes, None, _clock(steps), steps, own, news, symbol)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    axes.set_ylabel(style.literal(f"{symbol} price [currency]"), fontsize=8)
    _legend(axes, 5)
    return figure


def inventory_paper(steps: pd.DataFrame, symbols: Sequence[str]) -> Figure:
    """Positions, a panel a symbol; steps of one episode."""
    figure, clock = _figure(0.5 + 1.05 * max(2, len(symbols))), _clock(steps)
    panels = list(figure.subplots(len(symbols), 1, sharex=True, squeeze=False)[:, 0])
    for axes, symbol in zip(panels, symbols, strict=True):
        inventory(axes, clock, steps, symbol)
    _finish(panels, clock, steps, panels[0])
    return figure


def equity_paper(steps: pd.DataFrame) -> Figure:
    """Profit and the distance from its high; steps of one episode."""
    figure, clock = _figure(3.4), _clock(steps)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.0, 1.0])
    for axes in (above, below):
        style.plain_axes(axes)
    time, profit = clock(steps["time"]), steps["pnl"].to_numpy()
    above.plot(time, profit, color=style.BLACK, linewidth=1.3, label="profit")
    below.fill_between(time, below_high(profit), 0.0, color=style.VERMILLION, alpha=0.7, linewidth=0)
    above.axhline(0.0, color=style.GREY, linewidth=0.6)
    above.set_ylabel("profit\n[currency]")
    below.set_ylabel("drawdown\n[currency]")
    _finish([above, below], clock, steps, above)
    return figure


def parts_paper(steps: pd.DataFrame) -> Figure:
    """The profit and the groups of terms that sum to it; steps of one episode."""
    figure, clock = _figure(3.0), _clock(steps)
    axes = figure.subplots()
    profit_panel(axes, clock, steps)
    dashes: tuple[Any, ...] = ("--", ":", "-.", (0, (8, 2)), "-")
    for line, dash in zip(axes.get_lines(), dashes, strict=False):
        line.set_linestyle(dash)
    _finish([axes], clock, steps, axes)
    return figure


def sentiment_paper(steps: pd.DataFrame, headlines: pd.DataFrame, symbols: Sequence[str]) -> Figure:
    """Sentiment, scores of headlines and the expected move, a panel a symbol; tables of one episode."""
    figure, clock = _figure(0.6 + 1.2 * max(2, len(symbols))), _clock(steps)
    panels = list(figure.subplots(len(symbols), 1, sharex=True, sharey=True, squeeze=False)[:, 0])
    loudest, farthest = (
        max([1.0, *(float(steps[f"{symbol}.{name}"].abs().max()) for symbol in symbols)]) for name in ("sentiment", "alpha")
    )
    time = clock(steps["time"])
    for axes, symbol in zip(panels, symbols, strict=True):
        style.plain_axes(axes)
        right = axes.twinx()
        right.spines[["top", "left"]].set_visible(False)
        right.tick_params(labelsize=8)
        (line,) = right.plot(time, steps[f"{symbol}.alpha"], ":", color=style.ORANGE, linewidth=0.9)
        line.set_label("expected move (right)")
        axes.plot([], [], ":", color=style.ORANGE, label="expected move (right)")
        axes.plot(time, steps[f"{symbol}.sentiment"], color=style.BLUE, linewidth=1.0, label="sentiment")
        for whose, mark, label in ((symbol, "o", "score of a headline"), ("", "D", "of a market-wide one")):
            part = headlines[headlines["symbol"] == whose]
            axes.plot(clock(part["time"]), part["score"], mark, color=style.VERMILLION, markersize=3.5, label=label,
                      markerfacecolor=style.VERMILLION if whose else "none")  # fmt: skip
        axes.set_ylim(-1.1 * loudest, 1.1 * loudest)
        right.set_ylim(-1.1 * farthest, 1.1 * farthest)
        axes.set_ylabel(style.literal(f"{symbol}\nsentiment\n[sum of scores]"))
        right.set_ylabel("move [bps]", fontsize=8)
    _finish(panels, clock, steps, panels[0])
    return figure


def risk_paper(steps: pd.DataFrame) -> Figure:
    """Value at risk, expected shortfall, the limit, and the hedges; steps of one episode."""
    figure, clock = _figure(3.2), _clock(steps)
    axes = figure.subplots()
    style.plain_axes(axes)
    time, risk = clock(steps["time"]), steps["value_at_risk"].to_numpy()
    axes.plot(time, steps["expected_shortfall"], ":", color=style.SKY, linewidth=0.9, label="expected shortfall")
    axes.plot(time, risk, color=style.BLUE, linewidth=1.0, label="value at risk")
    axes.plot(time, steps["var_limit"], "--", color=style.BLACK, linewidth=1.1, label="limit of the value at risk")
    hedged = np.flatnonzero(steps["hedged"].to_numpy())
    if len(hedged):
        axes.plot(time[hedged - 1], risk[hedged - 1], "D", markersize=4, markerfacecolor="none", color=style.VERMILLION,
                  label="a hedge was sent")  # fmt: skip
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("risk [currency]")
    _finish([axes], clock, steps, axes)
    return figure


def venues_paper(summary: Mapping[str, Any]) -> Figure:
    """Mark-outs by horizon and fill ratios of the venues, with 95 % intervals; summary of a run."""
    names = list(summary["venues"])
    figure = _figure(3.0 + 0.05 * len(names))
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
    horizons = list(dict.fromkeys(row["horizon_seconds"] for row in summary["markouts"]))
    places = np.arange(len(horizons))
    for k, name in enumerate([*names, "all"]):
        found = {row["horizon_seconds"]: row["bps"] for row in summary["markouts"] if row["venue"] == name}
        values, errors = (
            np.array([found[h][key] for h in horizons], np.float64) for key in ("value", "error")
        )  # None becomes NaN: where a figure does not exist none is drawn
        colour = style.BLACK if name == "all" else _COLOURS[k % len(_COLOURS)]
        left.errorbar(
            places + 0.5 * ((k + 0.5) / (len(names) + 1) - 0.5), values, 1.96 * np.nan_to_num(errors), color=colour,
            linestyle="-" if name == "all" else _DASHES[(k + k // len(_COLOURS)) % len(_DASHES)],
            marker=_MARKERS[k % len(_MARKERS)], markersize=3.5, linewidth=1.0, elinewidth=0.7, label=style.literal(name),
        )  # fmt: skip
    ratios = [summary["venues"][name]["fill_ratio"] for name in names]
    values, errors = (100.0 * np.array([ratio[key] for ratio in ratios], np.float64) for key in ("value", "error"))
    right.barh(names, np.nan_to_num(values), xerr=1.96 * np.nan_to_num(errors), color=style.SKY, ecolor=style.BLACK)
    right.invert_yaxis()
    for axes in (left, right):
        style.plain_axes(axes) if axes is left else axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    left.axhline(0.0, color=style.GREY, linewidth=0.8)
    left.margins(x=0.05)
    left.set_xticks(places, ["at the fill" if h == 0.0 else f"{h:g} s" for h in horizons])
    left.set_xlabel("time after the fill", fontsize=8)
    left.set_ylabel("mark-out [bps of the traded value]", fontsize=8)
    right.set_xlim(left=0.0)
    right.set_xlabel("filled / posted lots [%]", fontsize=8)
    _legend(left, 5)
    return figure


def router_paper(venues: pd.DataFrame, symbols: Sequence[str]) -> Figure:
    """Share of the quoted size that the router sends to each venue, a panel a symbol; venues of one episode."""
    names = list(dict.fromkeys(venues["venue"]))
    figure, clock = _figure(min(8.8, 0.7 + len(symbols) * (0.2 + 0.16 * max(4, len(names))))), _clock(venues)
    panels = figure.subplots(len(symbols), 1, sharex=True, squeeze=False)[:, 0]
    begun = venues[venues["step"] > 0]
    most = 100.0 * float(begun["weight"].max())
    width = max(1, -(-int(venues["step"].max()) // _BINS))
    images = []
    for axes, symbol in zip(panels, symbols, strict=True):
        part = begun[begun["symbol"] == symbol]
        mean = part.groupby([part["venue"], (part["step"] - 1) // width])["weight"].mean().unstack().reindex(names)
        ends = part.groupby((part["step"] - 1) // width)["time"].max()
        edges = clock(np.concatenate([[0.0], ends.to_numpy()]))
        z = 100.0 * mean.to_numpy()
        images.append(axes.pcolormesh(edges, np.arange(len(names) + 1), z, cmap="Blues", vmin=0.0, vmax=most))
        axes.set_yticks(np.arange(len(names)) + 0.5, [style.literal(name) for name in names], fontsize=7)
        axes.invert_yaxis()
        axes.set_ylabel(style.literal(symbol), fontsize=8, fontweight="bold")
        axes.tick_params(labelsize=7)
    bar = figure.colorbar(
        images[0], ax=list(panels), fraction=0.04, pad=0.01, aspect=30, shrink=min(1.0, 3.0 / len(symbols))
    )
    bar.set_label("share of the quoted size [%]", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    panels[-1].set_xlabel(f"time [{clock.unit}]", fontsize=8)
    return figure


def surface_paper(
    columns: Sequence[str], rows: Sequence[str], values: ArrayLike, *, column_title: str, row_title: str, unit: str,
    errors: ArrayLike | None = None,
) -> Figure:  # fmt: skip
    """A value over two axes, each cell with its number; arguments as of `mm_env.reports.charts.surface_chart`."""
    from mm_env.reports.charts.grids import cell_texts

    z = np.asarray(values, np.float64)
    figure = _figure(0.9 + 0.42 * max(3, len(rows)))
    axes = figure.subplots()
    image = axes.pcolormesh(z, cmap="cividis", edgecolors="white", linewidth=1.0)
    low, high = np.nanmin(z), np.nanmax(z)
    for (i, k), text in np.ndenumerate(np.array(cell_texts(z, errors), dtype=object)):
        dark = z[i, k] < 0.5 * (low + high)
        axes.text(k + 0.5, i + 0.5, text.replace("<br>", "\n"), ha="center", va="center", fontsize=7,
                  color="white" if dark else "black")  # fmt: skip
    axes.set_xticks(np.arange(len(columns)) + 0.5, [style.literal(name) for name in columns], fontsize=8)
    axes.set_yticks(np.arange(len(rows)) + 0.5, [style.literal(name) for name in rows], fontsize=8)
    axes.set_xlabel(style.literal(column_title), fontsize=8)
    axes.set_ylabel(style.literal(row_title), fontsize=8)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.01)
    bar.set_label(style.literal(unit.replace(" [", "\n[")), fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def fan_paper(fans: Mapping[str, Any], path: str) -> Figure:
    """Quantiles of a path over the episode, a panel a scenario; arguments of `mm_env.reports.charts.fan_chart`."""
    figure = _figure(2.9)
    panels = figure.subplots(1, len(fans), sharey=True, squeeze=False)[0]
    bands = ((0, 6, 0.2, "1 to 99 %"), (1, 5, 0.35, "5 to 95 %"), (2, 4, 0.6, "middle half"))
    for axes, (name, fan) in zip(panels, fans.items(), strict=True):
        style.plain_axes(axes)
        values = getattr(fan, path)
        for low, high, alpha, label in bands:
            axes.fill_between(fan.seconds, values[:, low], values[:, high], color=style.BLUE, alpha=alpha, linewidth=0,
                              label=label)  # fmt: skip
        axes.plot(fan.seconds, values[:, 3], color=style.BLACK, linewidth=1.2, label="median")
        axes.axhline(0.0, color=style.GREY, linewidth=0.6)
        axes.set_xlabel(style.literal(f"{name}, time [s]"), fontsize=8)
    panels[0].set_ylabel({"profit": "profit so far [currency]", "inventory": "value of the inventory\n[currency]"}[path],
                         fontsize=8)  # fmt: skip
    _legend(panels[0])
    return figure


def differences_paper(rows: Sequence[Mapping[str, Any]], baseline: str) -> Figure:
    """Each agent's reward less the baseline's with its interval; rows of comparison.json."""
    others = [row for row in rows if row["agent"] != baseline]
    figure = _figure(0.8 + 0.35 * max(2, len(others)))
    axes = figure.subplots()
    style.plain_axes(axes)
    for k, row in enumerate(others):
        value, low, high = (row[f"reward_difference{end}"] for end in ("", "_low", "_high"))
        axes.errorbar(
            value, k, xerr=[[value - low], [high - value]], color=_COLOURS[k % len(_COLOURS)], capsize=4,
            marker=_MARKERS[k % len(_MARKERS)], markersize=6, linewidth=2,
        )  # fmt: skip
    axes.axvline(0.0, color=style.GREY, linewidth=1.0, linestyle="--")
    axes.set_yticks(range(len(others)), [style.literal(row["agent"]) for row in others], fontsize=8)
    axes.set_ylim(max(len(others), 1) - 0.4, -0.6)
    axes.margins(x=0.05)
    axes.set_xlabel(style.literal(f"reward of an episode less that of {baseline} [currency], 95 % interval"), fontsize=8)
    return figure


def profits_paper(episodes: pd.DataFrame) -> Figure:
    """How the profits of each agent's episodes lie; episodes.parquet of a comparison."""
    names = list(dict.fromkeys(episodes["agent"]))
    figure = _figure(0.8 + 0.35 * max(3, len(names)))
    axes = figure.subplots()
    style.plain_axes(axes)
    for k, name in enumerate(names):
        profits = episodes.loc[episodes["agent"] == name, "profit"]
        low, first, middle, third, high = np.percentile(profits, [5.0, 25.0, 50.0, 75.0, 95.0])
        colour = _COLOURS[k % len(_COLOURS)]
        axes.plot([low, high], [k, k], color=colour, linewidth=1.2)
        axes.plot([first, third], [k, k], color=colour, linewidth=8.0, solid_capstyle="butt")
        axes.plot(middle, k, "|", color="white", markersize=8, markeredgewidth=2.0)
    axes.set_yticks(range(len(names)), [style.literal(name) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.05)
    axes.set_xlabel("profit of an episode [currency]", fontsize=8)
    return figure
