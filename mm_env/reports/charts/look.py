"""How interactive figures look: one template in the colours of `mm_env.reports.style`, and series that stay short."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from mm_env.reports import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MOST_POINTS = 2000
"""Of a trace: a page of a dozen figures stays small, and no screen shows more."""
COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, style.ORANGE, style.PURPLE, style.SKY)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")
GRID = "#DDDDDD"


@cache
def template() -> go.layout.Template:
    """Dark text on white, light grid, a legend in one line above the panel."""
    axis = {
        "gridcolor": GRID, "linecolor": style.GREY, "zerolinecolor": style.GREY, "zerolinewidth": 1, "automargin": True,
        "ticks": "outside", "tickcolor": GRID, "title": {"standoff": 8},
    }  # fmt: skip
    layout = go.Layout(
        colorway=COLOURS,
        font={"family": "system-ui, Segoe UI, Helvetica, Arial, sans-serif", "size": 12, "color": "#1A1A1A"},
        paper_bgcolor="white",
        plot_bgcolor="white",
        xaxis=axis,
        yaxis=axis,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11}},
        margin={"l": 70, "r": 20, "t": 40, "b": 50},
        hovermode="closest",
    )
    return go.layout.Template(layout=layout)


def figure(height: int, **layout: Any) -> go.Figure:
    """An empty figure in the common look. height: [pixels]"""
    return dress(go.Figure(), height, **layout)


def dress(drawn: go.Figure, height: int, **layout: Any) -> go.Figure:
    """Give a figure the common look, and return it. height: [pixels]"""
    return drawn.update_layout(template=template(), height=height, **layout)


def line_look(k: int) -> dict[str, Any]:
    """Colour and dash of the k-th line of a panel: distinct without colour too."""
    return {"color": COLOURS[k % len(COLOURS)], "dash": DASHES[(k + k // len(COLOURS)) % len(DASHES)]}


def one_episode(table: pd.DataFrame, episode: int) -> pd.DataFrame:
    """Rows of one episode, renumbered. table: any of a run's tables."""
    return table[table["episode"] == episode].reset_index(drop=True)


@dataclass(frozen=True)
class Clock:
    """Time of an episode as its axis shows it. unit: name; seconds: in one unit; end: of the episode [units]"""

    unit: str
    seconds: float
    end: float

    @classmethod
    def of(cls, steps: pd.DataFrame) -> Clock:
        """Minutes for more than half an hour, else seconds."""
        end = float(steps["time"].max()) if len(steps) else 0.0
        return cls("min", 60.0, end / 60.0) if end > 1800.0 else cls("s", 1.0, end)

    def __call__(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return seconds in the unit."""
        return np.asarray(seconds, np.float64) / self.seconds

    def dress(self, drawn: go.Figure, row: int | None = None) -> None:
        """Name the axis of time and let it reach from 0 to the episode's end. row: the lowest of panels that share it"""
        reach = 0.005 * self.end
        drawn.update_xaxes(range=[-reach, max(self.end + reach, 1e-9)])
        drawn.update_xaxes(title_text=f"time [{self.unit}]", row=row, col=None if row is None else 1)


def thin(values: ArrayLike, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Return ascending indices of at most `most` values that keep both ends and the extremes of each stretch.

    values: (n,) float64; NaN is taken only where a stretch holds nothing else
    """
    y = np.asarray(values, np.float64)
    if len(y) <= most:
        return np.arange(len(y))
    kept = {0, len(y) - 1}
    for part in np.array_split(np.arange(len(y)), (most - 2) // 2):
        known = part[np.isfinite(y[part])]
        kept |= {int(part[0])} if not len(known) else {int(known[np.argmin(y[known])]), int(known[np.argmax(y[known])])}
    return np.array(sorted(kept), np.int64)


def sampled(count: int, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Indices of every n-th of `count` marks, so that no more than `most` are left."""
    return np.arange(0, count, max(1, -(-count // most)))


def rounded(values: ArrayLike) -> NDArray[np.float32]:
    """Values to seven significant digits, which no figure shows more of: a page of them is half as long."""
    return np.asarray(values, np.float32)


def shade_regimes(drawn: go.Figure, steps: pd.DataFrame, clock: Clock, axes: Sequence[str] = ("y",)) -> None:
    """Shade the time that is not spent in the episode's most common regime, with an entry of the legend for each.

    axes: the vertical axis of each panel, from the top; panels share the axis of time
    """
    names, time = steps["regime"].to_numpy(), clock(steps["time"])
    if not len(names):
        return
    common = steps["regime"].mode().iloc[0]
    edges: list[int] = np.flatnonzero(np.append(True, names[1:] != names[:-1])).tolist()
    shades = dict(zip((name for name in dict.fromkeys(names) if name != common), style.SHADES * len(names), strict=False))
    for name, colour in shades.items():
        drawn.add_scatter(
            x=[None], y=[None], mode="markers", name=f"regime: {name}", hoverinfo="skip",
            marker={"symbol": "square", "size": 11, "color": colour, "opacity": 0.45},
        )  # fmt: skip
    shapes = [
        {
            "type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": shades[names[first]], "opacity": 0.25,
            "x0": float(time[max(first - 1, 0)]), "x1": float(time[following - 1]), "y0": 0, "y1": 1,
            "xref": "x" if row == 1 else f"x{row}", "yref": f"{axes[row - 1]} domain",
        }
        for first, following in zip(edges, [*edges[1:], len(names)], strict=True)
        if names[first] in shades
        for row in range(1, len(axes) + 1)
    ]  # fmt: skip
    drawn.update_layout(shapes=[*drawn.layout.shapes, *shapes])
