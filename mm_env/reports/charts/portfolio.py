"""The portfolio over an episode: inventories, profit and drawdown, what made the profit, sentiment, value at risk."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mm_env.reports import style
from mm_env.reports.charts.look import (
    SYMBOLS,
    Clock,
    dress,
    figure,
    line_look,
    rounded,
    sampled,
    shade_regimes,
    thin,
)
from mm_env.reports.figures import PROFIT_PARTS

if TYPE_CHECKING:
    import pandas as pd


def inventory_chart(steps: pd.DataFrame, symbols: Sequence[str], height: int = 320) -> go.Figure:
    """Draw the positions of the symbols [lots]. steps: of one episode"""
    clock, drawn = Clock.of(steps), figure(height)
    for k, symbol in enumerate(symbols):
        _add_line(drawn, clock, steps, f"{symbol}.inventory", escape(symbol), k, shape="hv")
    shade_regimes(drawn, steps, clock)
    drawn.update_xaxes(title_text=clock.title)
    drawn.update_yaxes(title_text="position [lots]")
    return drawn


def equity_chart(steps: pd.DataFrame, height: int = 420) -> go.Figure:
    """Draw the profit so far and, below it, how far it stands under its high. steps: of one episode"""
    clock = Clock.of(steps)
    drawn = dress(make_subplots(2, 1, shared_xaxes=True, row_heights=[0.68, 0.32], vertical_spacing=0.06), height)
    profit = steps["pnl"].to_numpy()
    fall = profit - np.maximum.accumulate(np.maximum(profit, 0.0)) if len(profit) else profit
    time = rounded(clock(steps["time"]))
    kept = thin(profit)
    drawn.add_scatter(
        x=time[kept], y=rounded(profit[kept]), name="profit", mode="lines", line={"color": style.BLACK, "width": 1.6}
    )
    kept = thin(fall)
    drawn.add_scatter(
        x=time[kept], y=rounded(fall[kept]), name="drawdown", mode="lines", fill="tozeroy",
        line={"color": style.VERMILLION, "width": 1, "dash": "dot"}, row=2, col=1,
    )  # fmt: skip
    shade_regimes(drawn, steps, clock, rows=(1, 2))
    drawn.update_xaxes(title_text=clock.title, row=2)
    drawn.update_yaxes(title_text="profit<br>[currency]", row=1)
    drawn.update_yaxes(title_text="drawdown<br>[currency]", row=2)
    return drawn


def parts_chart(steps: pd.DataFrame, height: int = 360) -> go.Figure:
    """Draw the profit and the groups of terms that sum to it. steps: of one episode"""
    clock, drawn = Clock.of(steps), figure(height)
    for (label, colour, terms), dash in zip(PROFIT_PARTS, ("dash", "dot", "dashdot", "longdash"), strict=True):
        values = steps[[f"attribution.{term}" for term in terms]].sum(axis=1).to_numpy()
        kept = thin(values)
        drawn.add_scatter(
            x=rounded(clock(steps["time"]))[kept], y=rounded(values[kept]), name=label, mode="lines",
            line={"color": colour, "dash": dash, "width": 1.6},
        )  # fmt: skip
    kept = thin(steps["pnl"])
    drawn.add_scatter(
        x=rounded(clock(steps["time"]))[kept], y=rounded(steps["pnl"])[kept], name="profit, the sum of all", mode="lines",
        line={"color": style.BLACK, "width": 2},
    )  # fmt: skip
    shade_regimes(drawn, steps, clock)
    drawn.update_xaxes(title_text=clock.title)
    drawn.update_yaxes(title_text="currency so far")
    return drawn


def sentiment_chart(steps: pd.DataFrame, headlines: pd.DataFrame, symbols: Sequence[str], height: int = 420) -> go.Figure:
    """Draw the sentiment of each symbol with the headlines' scores and, below, the move that is expected of it [bps].

    steps, headlines: of one episode
    """
    clock = Clock.of(steps)
    drawn = dress(make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.07), height)
    for k, symbol in enumerate(symbols):
        _add_line(drawn, clock, steps, f"{symbol}.sentiment", escape(symbol), k)
        _add_line(drawn, clock, steps, f"{symbol}.alpha", escape(symbol), k, row=2)
    for k, name in enumerate([*symbols, ""]):
        part = headlines[headlines["symbol"] == name]
        if part.empty:
            continue
        part = part.iloc[sampled(len(part))]
        drawn.add_scatter(
            x=rounded(clock(part["time"])), y=rounded(part["score"]), mode="markers",
            name=f"score of a headline: {escape(name) or 'market-wide'}",
            marker={"symbol": SYMBOLS[k % len(SYMBOLS)] + "-open", "size": 8,
                    "color": line_look(k)["color"] if name else style.GREY},
            text=[escape(text) for text in part["text"]], hovertemplate="%{text}<br>score %{y:+.2f}<extra></extra>",
            row=1, col=1,
        )  # fmt: skip
    shade_regimes(drawn, steps, clock, rows=(1, 2))
    drawn.update_xaxes(title_text=clock.title, row=2)
    drawn.update_yaxes(title_text="sentiment, scores<br>[-1 to 1 a headline]", row=1)
    drawn.update_yaxes(title_text="expected move<br>[bps]", row=2)
    return drawn


def risk_chart(steps: pd.DataFrame, height: int = 360) -> go.Figure:
    """Draw value at risk, expected shortfall and the limit, with a mark where a hedge was sent. steps: of one episode"""
    clock, drawn = Clock.of(steps), figure(height)
    time = rounded(clock(steps["time"]))
    looks = (
        ("expected_shortfall", "expected shortfall", style.SKY, "dot", 1.2),
        ("value_at_risk", "value at risk", style.BLUE, "solid", 1.5),
        ("var_limit", "limit of the value at risk", style.BLACK, "dash", 1.4),
    )
    for name, label, colour, dash, width in looks:
        kept = thin(steps[name])
        drawn.add_scatter(
            x=time[kept], y=rounded(steps[name])[kept], name=label, mode="lines",
            line={"color": colour, "dash": dash, "width": width},
        )  # fmt: skip
    hedged = np.flatnonzero(steps["hedged"].to_numpy())
    if len(hedged):
        kept = hedged[sampled(len(hedged))]
        drawn.add_scatter(
            x=time[kept - 1], y=rounded(steps["value_at_risk"])[kept - 1], name="a hedge was sent", mode="markers",
            marker={"symbol": "diamond-open", "color": style.VERMILLION, "size": 8, "line": {"width": 1.5}},
        )  # fmt: skip
    shade_regimes(drawn, steps, clock)
    drawn.update_xaxes(title_text=clock.title)
    drawn.update_yaxes(title_text="risk [currency]", rangemode="tozero")
    return drawn


def _add_line(
    drawn: go.Figure, clock: Clock, steps: pd.DataFrame, column: str, name: str, k: int, row: int = 1, shape: str = "linear"
) -> None:
    kept = thin(steps[column])
    panel = {"row": row, "col": 1} if drawn._grid_ref is not None else {}
    drawn.add_scatter(
        x=rounded(clock(steps["time"]))[kept], y=rounded(steps[column])[kept], name=name, mode="lines",
        line={**line_look(k), "width": 1.5, "shape": shape}, legendgroup=name, showlegend=row == 1, **panel,
    )  # fmt: skip
