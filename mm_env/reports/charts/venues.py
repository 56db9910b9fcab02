"""Value of venues: mark-outs and fill ratios, and where the router sends quotes over an episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mm_env.reports import style
from mm_env.reports.charts.look import SYMBOLS, Clock, dress, line_look, rounded

if TYPE_CHECKING:
    import pandas as pd

_BINS = 60  # of time, in which the router's choices are averaged
_Z95 = 1.96


def venues_chart(summary: Mapping[str, Any], height: int = 380) -> go.Figure:
    """Draw mark-outs by horizon and, beside them, fill ratios, of each venue with 95 % intervals where they are known.

    summary: with the tables "markouts" and "venues" of `mm_env.evaluation.episodes.statistics`
    """
    drawn = dress(make_subplots(1, 2, column_widths=[0.6, 0.4], horizontal_spacing=0.13), height)
    names = list(summary["venues"])
    horizons = list(dict.fromkeys(row["horizon_seconds"] for row in summary["markouts"]))
    labels = ["at the fill" if h == 0.0 else f"{h:g} s" for h in horizons]
    places = np.arange(len(labels))
    for k, name in enumerate([*names, "all"]):
        found = {row["horizon_seconds"]: row["bps"] for row in summary["markouts"] if row["venue"] == name}
        errors = [found[h]["error"] for h in horizons]
        drawn.add_scatter(
            x=places + 0.5 * ((k + 0.5) / (len(names) + 1) - 0.5), y=[found[h]["value"] for h in horizons],
            name=escape(name), mode="lines+markers",
            error_y={"array": [_Z95 * (error or 0.0) for error in errors], "thickness": 1, "width": 3},
            line={"color": style.BLACK, "dash": "solid", "width": 2} if name == "all" else {**line_look(k), "width": 1.4},
            marker={"symbol": SYMBOLS[k % len(SYMBOLS)], "size": 7}, row=1, col=1,
        )  # fmt: skip
    ratios = [summary["venues"][name]["fill_ratio"] for name in names]
    drawn.add_bar(
        x=[escape(name) for name in names], y=[_percent(ratio["value"]) for ratio in ratios], showlegend=False,
        error_y={"array": [_Z95 * (_percent(ratio["error"]) or 0.0) for ratio in ratios], "thickness": 1, "width": 3},
        marker={"color": style.SKY, "line": {"color": style.BLUE, "width": 1}}, row=1, col=2,
    )  # fmt: skip
    drawn.update_xaxes(title_text="time after the fill", tickvals=places, ticktext=labels, zeroline=False, row=1, col=1)
    drawn.update_xaxes(title_text="venue", type="category", row=1, col=2)
    drawn.update_yaxes(title_text="mark-out [bps of the traded value]", row=1, col=1)
    drawn.update_yaxes(title_text="filled / posted lots [%]", rangemode="tozero", row=1, col=2)
    return drawn


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share


def router_chart(venues: pd.DataFrame, symbols: Sequence[str], height: int | None = None) -> go.Figure:
    """Draw the share of each symbol's quoted size that the router sends to each venue, a panel a symbol.

    venues: of one episode; averaged over about 60 stretches of time
    """
    clock = Clock.of(venues)
    names = list(dict.fromkeys(venues["venue"]))
    tall = height or 110 + len(symbols) * (20 + 24 * max(len(names), 4))
    drawn = make_subplots(len(symbols), 1, shared_xaxes=True, vertical_spacing=0.1 / max(1, len(symbols)))
    dress(drawn, tall)
    begun = venues[venues["step"] > 0]
    last = int(begun["step"].max()) if len(begun) else 0
    width = max(1, -(-last // _BINS))
    for row, symbol in enumerate(symbols, start=1):
        part = begun[begun["symbol"] == symbol]
        mean = part.groupby([part["venue"], (part["step"] - 1) // width])["weight"].mean().unstack().reindex(names)
        ends = part.groupby((part["step"] - 1) // width)["time"].max()
        drawn.add_heatmap(
            x=rounded(clock(np.concatenate([[0.0], ends.to_numpy()]))), y=[escape(name) for name in names],
            z=100.0 * mean.to_numpy(), coloraxis="coloraxis",
            hovertemplate="%{y}: %{z:.0f} % of the quoted size<extra></extra>", row=row, col=1,
        )  # fmt: skip
        drawn.update_yaxes(
            title_text=f"<b>{escape(symbol)}</b>, venue",
            autorange="reversed",
            type="category",
            showgrid=False,
            row=row,
            col=1,
        )
    clock.dress(drawn, row=len(symbols))
    most = 100.0 * float(begun["weight"].max()) if len(begun) else 100.0
    bar = {"title": {"text": "share of<br>the quoted<br>size [%]"}, "thickness": 14, "lenmode": "pixels", "len": 180, "y": 1,
           "yanchor": "top"}  # fmt: skip
    return drawn.update_layout(coloraxis={"colorscale": "Blues", "cmin": 0, "cmax": most, "colorbar": bar})
