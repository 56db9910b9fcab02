"""A comparison of agents: differences from the baseline, and how the profits of the episodes lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from mm_env.reports import style
from mm_env.reports.charts.look import SYMBOLS, figure, line_look

if TYPE_CHECKING:
    import pandas as pd


def differences_chart(rows: Sequence[Mapping[str, Any]], baseline: str, height: int | None = None) -> go.Figure:
    """Draw each agent's reward less the baseline's, with its interval. rows: as comparison.json holds them"""
    others = [row for row in rows if row["agent"] != baseline]
    drawn = figure(height or 130 + 46 * max(len(others), 2), showlegend=False)
    for k, row in enumerate(others):
        value, low, high = (row[f"reward_difference{end}"] for end in ("", "_low", "_high"))
        drawn.add_scatter(
            x=[value], y=[escape(row["agent"])], mode="markers",
            marker={"symbol": SYMBOLS[k % len(SYMBOLS)], "size": 10, "color": line_look(k)["color"]},
            error_x={"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
                     "thickness": 2, "width": 5, "color": line_look(k)["color"]},
            hovertemplate=f"%{{x:+,.4g}} [{low:+,.4g}, {high:+,.4g}]<extra></extra>",
        )  # fmt: skip
    drawn.add_vline(x=0.0, line={"color": style.GREY, "width": 1, "dash": "dash"})
    drawn.update_xaxes(title_text=f"reward of an episode less that of {escape(baseline)} [currency], 95 % interval")
    drawn.update_yaxes(type="category", autorange="reversed", title_text="agent")
    return drawn


def profits_chart(episodes: pd.DataFrame, height: int | None = None) -> go.Figure:
    """Draw the distribution of the profit of each agent's episodes: middle half, median, 5 to 95 %.

    episodes: as episodes.parquet of a comparison holds them
    """
    names = list(dict.fromkeys(episodes["agent"]))
    drawn = figure(height or 130 + 46 * max(len(names), 2), showlegend=False)
    for k, name in enumerate(names):
        profits = episodes.loc[episodes["agent"] == name, "profit"]
        low, first, middle, third, high = np.percentile(profits, [5.0, 25.0, 50.0, 75.0, 95.0])
        drawn.add_box(
            y=[escape(name)], q1=[first], median=[middle], q3=[third], lowerfence=[low], upperfence=[high],
            mean=[profits.mean()], orientation="h", fillcolor="white", line={"color": line_look(k)["color"], "width": 2},
        )  # fmt: skip
    drawn.update_xaxes(title_text="profit of an episode [currency]: median, middle half, 5 to 95 %, mean dashed")
    drawn.update_yaxes(type="category", autorange="reversed", title_text="agent")
    return drawn
