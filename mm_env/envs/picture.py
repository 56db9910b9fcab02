"""The picture of one env: depth of all books by price and venue, and the course of profit, inventory, alpha and VaR.

Colours are those of Okabe & Ito 2008, which people with any colour vision tell apart; own quotes are hatched as well.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mm_env.envs.rendering import ASK, BID, History, Ladder, decimals, var_limit
from mm_env.market.build import Market
from mm_env.sim.batch import Batch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VENUE_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442", "#D55E00", "#999999")
SYMBOL_COLOURS = ("#000000", "#D55E00", "#56B4E9", "#CC79A7", "#009E73", "#E69F00", "#0072B2", "#999999")
_LEAST_REACH, _LARGEST_REACH = 8, 32  # ticks on either side of the mid
_SIZE, _DPI = (12.8, 7.2), 100


def render_rgb(batch: Batch, market: Market, history: History, i: int) -> np.ndarray:
    """(720, 1280, 3) uint8 picture of env i."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI)
    canvas = FigureCanvasAgg(figure)
    draw(figure, batch, market, history, i)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def shade(palette: tuple[str, ...], index: int) -> tuple[float, float, float]:
    """Colour of that index: once the palette is used up, its colours again, half as bright."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(palette[index % len(palette)])
    dim = 0.5 ** (index // len(palette))
    return red * dim, green * dim, blue * dim


def draw(figure: Figure, batch: Batch, market: Market, history: History, i: int) -> None:
    """Draw env i into an empty figure."""
    state, result = batch.states[i], batch.results[i]
    regime = market.config.regimes[int(result["regime"])].name
    steps = int(batch.params["steps"][batch.params_index[i]])
    title = f"step {int(state['step'])} of {steps}    {state['time']:.0f} s    {regime} regime"
    title += f"    profit {result['pnl']:,.2f}" + ("    HEDGED" if result["hedged"] else "")
    figure.text(0.01, 0.965, title, fontsize=13, fontweight="bold")
    lines = _legend(figure, market.venues)
    columns = 1 if batch.symbols == 1 else 2 if batch.symbols <= 4 else math.ceil(math.sqrt(batch.symbols))
    rows = math.ceil(batch.symbols / columns)
    books = figure.add_gridspec(
        rows, columns, left=0.06, right=0.6, bottom=0.07, top=0.89 - 0.03 * lines, hspace=0.35, wspace=0.28
    )
    for k in range(batch.symbols):
        axes = figure.add_subplot(books[k // columns, k % columns])
        _draw_book(axes, Ladder.of(batch, market, i, k), 1.4 if columns < 3 else 1.8)
    _draw_series(figure, history.of(i), market.symbols, var_limit(batch, i))


def _legend(figure: Figure, venues: tuple[str, ...]) -> int:
    """Which colour is which venue; returns the number of lines."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=shade(VENUE_COLOURS, v), label=name) for v, name in enumerate(venues)]
    patches.append(Patch(facecolor="white", edgecolor="black", hatch="/////", label="own quotes"))
    columns = min(6, len(patches))
    figure.legend(handles=patches, loc="upper left", bbox_to_anchor=(0.005, 0.955), ncols=columns, fontsize=9, frameon=False)
    return math.ceil(len(patches) / columns)


def _draw_book(axes: Axes, ladder: Ladder, room: float) -> None:
    """Bids to the left of zero and asks to the right, venues stacked, prices upwards. room: for text beside the bars."""
    from matplotlib.ticker import MultipleLocator

    middle = ladder.mid / ladder.tick
    reach = _reach(ladder, middle)
    keep = np.abs(ladder.price - middle) <= reach
    price = ladder.price[keep] * ladder.tick
    widest = 1.0
    for side, sign in ((BID, -1), (ASK, 1)):
        edge = np.zeros(len(price))
        for v in range(len(ladder.lots)):
            venue = shade(VENUE_COLOURS, v)
            lots, own = ladder.lots[v, side, keep], ladder.own[v, side, keep]
            for sizes, look in (
                (lots, {"color": venue}),
                (own, {"facecolor": venue, "edgecolor": "black", "hatch": "/////", "linewidth": 1.0}),
            ):
                shown = sizes > 0
                left = sign * edge[shown]
                axes.barh(price[shown], sign * sizes[shown], height=0.8 * ladder.tick, left=left, **look)
                edge += sizes
        for n in np.flatnonzero(ladder.own[:, side, keep].sum(axis=0)).tolist():
            said = f" {ladder.own[:, side, keep][:, n].sum()} own "
            axes.text(sign * edge[n], price[n], said, ha="left" if sign > 0 else "right", va="center", fontsize=8)
            widest = max(widest, float(edge[n]) / (0.55 * room))  # two fifths of the way out are for what is said
        widest = max(widest, float(edge.max(initial=0.0)))
    axes.axhline(ladder.mid, color="black", linewidth=0.8, linestyle=":")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlim(-room * widest, room * widest)
    axes.set_ylim(ladder.mid - (reach + 0.5) * ladder.tick, ladder.mid + (reach + 0.5) * ladder.tick)
    digits = decimals(ladder.tick)
    apart = next(ticks for ticks in (1, 2, 5, 10) if 2 * reach / ticks <= 10 or ticks == 10)
    axes.yaxis.set_major_locator(MultipleLocator(apart * ladder.tick))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.{digits}f}")
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    axes.tick_params(labelsize=8)
    axes.set_title(f"{ladder.name}   mid {ladder.mid:.{digits + 1}f}", fontsize=11, loc="left")
    axes.set_xlabel("bid lots      ask lots", fontsize=8)


def _reach(ladder: Ladder, middle: float) -> float:
    """Ticks from the mid that show the best prices of both sides with room around them, and own quotes."""
    distances = [float(_LEAST_REACH)]
    taken, own = ladder.lots.sum(axis=0) > 0, ladder.own.sum(axis=0) > 0
    for side in (BID, ASK):
        away = np.abs(ladder.price[taken[side]] - middle)
        distances += [away.min() + 4.0] if len(away) else []
        away = np.abs(ladder.price[own[side]] - middle)
        distances += [away.max() + 2.0] if len(away) else []
    return min(max(distances), float(_LARGEST_REACH))


def _draw_series(figure: Figure, series: dict[str, np.ndarray], symbols: tuple[str, ...], limit: float) -> None:
    grid = figure.add_gridspec(4, 1, left=0.665, right=0.945, bottom=0.07, top=0.93, hspace=0.42)
    time = series["time"]
    panels = [figure.add_subplot(grid[row, 0]) for row in range(4)]
    profit, inventory, alpha, risk = panels
    profit.plot(time, series["profit"], color="black", linewidth=1.2)
    profit.set_title(f"profit [currency]   {_last(series['profit']):,.2f}", fontsize=10, loc="left")
    for axes, name, unit, digits in ((inventory, "inventory", "lots", 0), (alpha, "alpha", "bps", 2)):
        style = "steps-post" if name == "inventory" else "default"
        for k, symbol in enumerate(symbols):
            values = series[name][:, k]
            label = f"{symbol} {_last(values):+.{digits}f}" if len(symbols) <= 3 else symbol
            axes.plot(time, values, color=shade(SYMBOL_COLOURS, k), linewidth=1.2, drawstyle=style, label=label)
        above = len(symbols) <= 5  # beside the title; more names than that stand inside
        axes.legend(
            loc="lower right" if above else "upper left", bbox_to_anchor=(1.02, 0.96) if above else None, ncols=5,
            fontsize=8 if above else 6, frameon=not above, handlelength=0.8, handletextpad=0.4, columnspacing=0.8,
        )  # fmt: skip
        axes.set_title(f"{name} [{unit}]", fontsize=10, loc="left")
    values = series["value_at_risk"]
    risk.plot(time, values, color="black", linewidth=1.2)
    risk.axhline(limit, color="#D55E00", linewidth=1.2, linestyle="--")
    risk.annotate("limit", (1.0, limit), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                  color="#D55E00", fontsize=8, va="center")  # fmt: skip
    risk.fill_between(time, limit, values, where=values > limit, color="#D55E00", alpha=0.3, interpolate=True)
    risk.set_ylim(0.0, 1.15 * max(limit, values.max(initial=0.0)))
    risk.set_title(f"value at risk [currency]   {_last(values):,.2f} of {limit:,.2f}", fontsize=10, loc="left")
    risk.set_xlabel("time [s]", fontsize=8)
    for axes in panels:
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        if axes is not risk:
            axes.axhline(0.0, color="black", linewidth=0.5)
            axes.tick_params(labelbottom=False)


def _last(values: np.ndarray) -> float:
    return float(values[-1]) if len(values) else 0.0
