"""Mid, own quotes, fills and headlines of one symbol over an episode."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from mm_env.reports import style
from mm_env.reports.charts.look import Clock, figure, rounded, sampled, shade_regimes, thin
from mm_env.reports.panels import near_steps, quoted_prices, weightiest

if TYPE_CHECKING:
    import pandas as pd

_MARKS = {
    ("maker", "buy"): ("fill: bought", "triangle-up", style.BUY),
    ("maker", "sell"): ("fill: sold", "triangle-down", style.SELL),
    ("hedge", "buy"): ("hedge: bought", "diamond-open", style.BUY),
    ("hedge", "sell"): ("hedge: sold", "diamond-open-dot", style.SELL),
    ("liquidation", "buy"): ("liquidation: bought", "square-open", style.BUY),
    ("liquidation", "sell"): ("liquidation: sold", "square-open-dot", style.SELL),
}
_WIDE = 90  # characters of a line of hover text


def prices_chart(
    steps: pd.DataFrame, fills: pd.DataFrame, headlines: pd.DataFrame, symbol: str, height: int = 430,
    end: float | None = None,
) -> go.Figure:  # fmt: skip
    """Draw the prices of one symbol: mid, own bid and ask while they were quotes, fills by role and side, headlines.

    steps, fills, headlines: of one episode
    Headlines stand at the top, up or down by their polarity; the weightiest are numbered, as `weightiest` counts them.
    Prices of venues are shown without their basis. end: [s] of the episode, where the steps are a part of it
    """
    clock, drawn = Clock.of(steps), figure(height)
    own = fills[fills["symbol"] == symbol]
    news = headlines[headlines["symbol"].isin([symbol, ""])]
    kept = thin(steps[f"{symbol}.mid"])
    time = rounded(clock(steps["time"]))[kept]
    for side, colour in (("bid", style.BUY), ("ask", style.SELL)):
        prices = rounded(quoted_prices(steps, own, symbol, side))[kept]
        drawn.add_scatter(
            x=time, y=prices, name=f"own {side}", mode="lines", line={"color": colour, "width": 1, "shape": "vh"},
            opacity=0.55, connectgaps=False,
        )  # fmt: skip
    drawn.add_scatter(
        x=time, y=rounded(steps[f"{symbol}.mid"])[kept], name="mid", mode="lines",
        line={"color": style.BLACK, "width": 1.3},
    )  # fmt: skip
    for (role, side), look in _MARKS.items():
        _add_fills(drawn, clock, own[(own["role"] == role) & (own["side"] == side)], *look, large=end is not None)
    shade_regimes(drawn, steps, clock)
    _add_headlines(drawn, clock, news, float(steps["time"].max()) if end is None else end)
    clock.dress(drawn)
    drawn.update_layout(yaxis={
        "title": {"text": f"{escape(symbol)} price [currency]"}, "tickformat": ".2f", "domain": [0.0, 0.93],
    })  # fmt: skip
    return drawn


def close_up_chart(
    steps: pd.DataFrame, fills: pd.DataFrame, headlines: pd.DataFrame, symbol: str, height: int = 380
) -> go.Figure:
    """Draw a minute around the weightiest headline, or the fill in the middle; arguments of `prices_chart`."""
    own, news = fills[fills["symbol"] == symbol], headlines[headlines["symbol"].isin([symbol, ""])]
    near = near_steps(steps, own, news)
    low, high = float(near["time"].iloc[0]), float(near["time"].iloc[-1])
    drawn = prices_chart(near, own[own["time"].between(low, high)], headlines, symbol, height, float(steps["time"].max()))
    clock = Clock.of(near)
    return drawn.update_xaxes(range=clock([low, high]).tolist())


def _add_fills(drawn: go.Figure, clock: Clock, fills: pd.DataFrame, name: str, mark: str, colour: str, large: bool) -> None:
    if fills.empty:
        return
    kept = sampled(len(fills))
    few = f" (1 in {kept[1] - kept[0]} shown)" if len(kept) < len(fills) else ""
    part, filled = fills.iloc[kept], not mark.endswith(("open", "dot"))
    size = (8.0 if large else 6.0) if filled else 9.0
    if large:
        size = size + np.sqrt(part["quantity"].to_numpy())  # so that larger fills look larger
    drawn.add_scatter(
        x=rounded(clock(part["time"])),
        y=rounded(part["price"] - part["basis"]),
        name=name + few,
        mode="markers",
        marker={"symbol": mark, "color": colour, "size": size, "line": {"width": 0 if filled else 1.2}},
        opacity=0.75 if filled else 1.0,
        text=[f"{lots} lots at {escape(venue)}" for lots, venue in zip(part["quantity"], part["venue"], strict=True)],
        hovertemplate="%{text}<br>%{y} at %{x}<extra></extra>",
    )


def _add_headlines(drawn: go.Figure, clock: Clock, news: pd.DataFrame, end: float) -> None:
    """A strip of headlines above the prices, and numbered lines at the weightiest."""
    drawn.update_layout(yaxis2={
        "domain": [0.94, 1.0], "anchor": "x", "visible": False, "range": [-1.2, 1.2], "fixedrange": True,
    })  # fmt: skip
    if news.empty:
        return
    kept = sampled(len(news))
    part = news.iloc[kept]
    polarity = part["polarity"].to_numpy()
    drawn.add_scatter(
        x=rounded(clock(part["time"])),
        y=np.zeros(len(part)),
        yaxis="y2",
        name="headline (up: good, down: bad news)",
        mode="markers",
        marker={
            "symbol": np.where(polarity >= 0.0, "arrow-up", "arrow-down"),
            "size": 5 + 6 * np.abs(polarity),
            "color": np.where(polarity >= 0.0, style.UP, style.DOWN),
        },
        text=[_told(row) for _, row in part.iterrows()],
        hovertemplate="%{text}<extra></extra>",
    )
    for number, row, colour in weightiest(news, end):
        at = float(clock(row["time"]))
        drawn.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=0.96, yref="paper", line={"color": colour, "width": 1, "dash": "dot"},
            layer="below",
        )  # fmt: skip
        drawn.add_annotation(
            x=at, y=0.93, yref="paper", text=f"<b>{number}</b>", showarrow=False, xanchor="left", yanchor="top",
            font={"color": colour, "size": 12}, bgcolor="rgba(255,255,255,0.7)", borderpad=1,
        )  # fmt: skip


def _told(row: Any) -> str:
    """A headline as its hover text says it, in lines."""
    text = "<br>".join(map(escape, wrap(str(row["text"]), _WIDE)))
    whom = escape(row["symbol"]) or "market-wide"
    return f"{whom}: {text}<br>polarity {row['polarity']:+.2f}, score {row['score']:+.2f}"
