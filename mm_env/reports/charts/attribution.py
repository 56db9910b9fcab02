"""The waterfall from the ledger's terms to the profit."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from statistics import NormalDist

import plotly.graph_objects as go

from mm_env.reports import style
from mm_env.reports.charts.look import figure
from mm_env.reports.waterfall import TERM, WaterfallStep, amount


def waterfall_chart(steps: Sequence[WaterfallStep], confidence: float = 0.95, height: int = 430) -> go.Figure:
    """Draw the bars: gains blue, losses vermillion and hatched, subtotal and profit grey, intervals where errors are known.

    steps: as `mm_env.reports.waterfall.waterfall_steps` returns them
    """
    reach = NormalDist().inv_cdf(0.5 + 0.5 * confidence)
    drawn = figure(height, showlegend=False, bargap=0.3)
    labels = [escape(step.label).replace(" ", "<br>") for step in steps]
    colours = [style.GREY if s.kind != TERM else style.BLUE if s.value > 0.0 else style.VERMILLION for s in steps]
    drawn.add_bar(
        x=labels, y=[step.value for step in steps], base=[step.start for step in steps],
        marker={"color": colours, "pattern": {
            "shape": ["/" if s.kind == TERM and s.value < 0.0 else "" for s in steps], "fgcolor": "white", "size": 5,
            "solidity": 0.25}},
        customdata=[step.value for step in steps], hovertemplate="%{x}: %{customdata:+,.2f}<extra></extra>",
    )  # fmt: skip
    known = [step for step in steps if step.error is not None]
    if known:
        drawn.add_scatter(
            x=[labels[steps.index(step)] for step in known], y=[step.end for step in known], mode="markers",
            marker={"size": 1, "color": style.BLACK}, hoverinfo="skip",
            error_y={"array": [reach * (step.error or 0.0) for step in known], "color": style.BLACK, "thickness": 1,
                     "width": 4},
        )  # fmt: skip
    for label, step in zip(labels, steps, strict=True):
        top = max(step.start, step.end, step.end + reach * (step.error or 0.0))
        drawn.add_annotation(x=label, y=top, text=amount(step.value), showarrow=False, yshift=10, font={"size": 11})
    for k in range(len(steps) - 1):
        drawn.add_shape(
            type="line", x0=k + 0.35, x1=k + 0.65, y0=steps[k].end, y1=steps[k].end, xref="x", yref="y",
            line={"color": style.GREY, "width": 1},
        )  # fmt: skip
    drawn.update_xaxes(type="category", tickangle=0, showgrid=False, tickfont={"size": 10})
    drawn.update_yaxes(title_text="currency an episode, mean")
    return drawn
