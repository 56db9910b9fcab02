"""The portfolio over an episode: inventories, profit and drawdown, what made the profit, sentiment, value at risk."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mm_env.evaluation.estimates import below_high
from mm_env.reports import style
from mm_env.reports.charts.look import (
    Clock,
    dress,
    figure,
    rounded,
    sampled,
    shade_regimes,
    thin,
)
from mm_env.reports.figures import PROFIT_PARTS

if TYPE_CHECKING:
    import pandas as pd


def inventory_chart(steps: pd.DataFrame, symbols: Sequence[str], height: int | None = None) -> go.Figure:
    """Draw the positions of the symbols [lots], a panel each. steps: of one episode"""
    clock, count = Clock.of(steps), len(symbols)
    drawn = make_subplots(count, 1, shared_xaxes=True, vertical_spacing=0.12 / count)
    dress(drawn, height or 100 + (220 if count == 1 else 120 * count))
    for k, symbol in enumerate(symbols):
        held = steps[f"{symbol}.inventory"]
        kept = thin(held)
        drawn.add_scatter(
            x=rounded(clock(steps["time"]))[kept], y=held.to_numpy()[kept], name=escape(symbol), mode="lines",
            line={"color": style.BLUE, "width": 1.2, "shape": "hv"}, fill="tozeroy", showlegend=False, row=k + 1, col=1,
        )  # fmt: skip
        drawn.update_yaxes(title_text=f"<b>{escape(symbol)}</b><br>position<br>[lots]", row=k + 1, col=1)
    shade_regimes(drawn, steps, clock, _axes(count))
    clock.dress(drawn, row=count)
    return drawn


def equity_chart(steps: pd.DataFrame, height: int = 420) -> go.Figure:
    """Draw the profit so far and, below it, how far it stands under its high. steps: of one episode"""
    clock = Clock.of(steps)
    drawn = dress(make_subplots(2, 1, shared_xaxes=True, row_heights=[0.68, 0.32], vertical_spacing=0.06), height)
    profit = steps["pnl"].to_numpy()
    fall = below_high(profit)
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
    shade_regimes(drawn, steps, clock, _axes(2))
    clock.dress(drawn, row=2)
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
    clock.dress(drawn)
    drawn.update_yaxes(title_text="currency so far")
    return drawn


def sentiment_chart(
    steps: pd.DataFrame, headlines: pd.DataFrame, symbols: Sequence[str], height: int | None = None
) -> go.Figure:
    """Draw, a panel a symbol, the sentiment with the headlines' scores and, to the right, the expected move [bps].

    steps, headlines: of one episode
    """
    clock, count = Clock.of(steps), len(symbols)
    drawn = make_subplots(
        count, 1, shared_xaxes=True, vertical_spacing=0.12 / count, specs=[[{"secondary_y": True}]] * count
    )
    dress(drawn, height or 120 + (240 if count == 1 else 150 * count), showlegend=True)
    time = rounded(clock(steps["time"]))
    loudest, farthest = (
        max([1.0, *(float(steps[f"{symbol}.{name}"].abs().max()) for symbol in symbols)]) for name in ("sentiment", "alpha")
    )
    for k, symbol in enumerate(symbols):
        first = {"showlegend": k == 0, "row": k + 1, "col": 1}
        for name, label, colour, dash, right in (
            ("alpha", "expected move (right)", style.ORANGE, "dot", True),
            ("sentiment", "sentiment", style.BLUE, "solid", False),
        ):
            kept = thin(steps[f"{symbol}.{name}"])
            drawn.add_scatter(
                x=time[kept], y=rounded(steps[f"{symbol}.{name}"])[kept], name=label, mode="lines", legendgroup=label,
                line={"color": colour, "dash": dash, "width": 1.4}, secondary_y=right, **first,
            )  # fmt: skip
        for whose, label, mark in ((symbol, "score of a headline", "circle"), ("", "of a market-wide one", "diamond-open")):
            part = headlines[headlines["symbol"] == whose]
            part = part.iloc[sampled(len(part))]
            drawn.add_scatter(
                x=rounded(clock(part["time"])), y=rounded(part["score"]), mode="markers", name=label, legendgroup=label,
                marker={"symbol": mark, "size": 7, "color": style.VERMILLION},
                text=[escape(text) for text in part["text"]], hovertemplate="%{text}<br>score %{y:+.2f}<extra></extra>",
                **first,
            )  # fmt: skip
        names = f"<b>{escape(symbol)}</b><br>sentiment<br>[sum of scores]", "expected<br>move [bps]"
        for title, reach, secondary in zip(names, (loudest, farthest), (False, True), strict=True):  # zeros at one height
            drawn.update_yaxes(
                title_text=title, range=[-1.1 * reach, 1.1 * reach], tickmode="auto", nticks=5, showgrid=not secondary,
                row=k + 1, secondary_y=secondary,
            )  # fmt: skip
    shade_regimes(drawn, steps, clock, _axes(count, 2))
    clock.dress(drawn, row=count)
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
    clock.dress(drawn)
    drawn.update_yaxes(title_text="risk [currency]", rangemode="tozero")
    return drawn


def _axes(count: int, each: int = 1) -> list[str]:
    """Names of the left axes of `count` panels that have `each` vertical axes."""
    return ["y" if k == 0 else f"y{each * k + 1}" for k in range(count)]
