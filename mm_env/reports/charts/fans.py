"""Fans: how the paths of many episodes spread."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mm_env.reports import style
from mm_env.reports.charts.look import dress, rounded

if TYPE_CHECKING:
    from mm_env.risk.scenarios import Fan

_BANDS = ((0, 6, 0.15, "1 to 99 %"), (1, 5, 0.25, "5 to 95 %"), (2, 4, 0.45, "middle half"))
_TITLES = {"profit": "profit so far [currency]", "inventory": "value of the inventory [currency]"}


def fan_chart(fans: Mapping[str, Fan], path: str, height: int = 380) -> go.Figure:
    """Draw the quantiles of a path over the episode, a panel a scenario. path: "profit" or "inventory" """
    drawn = make_subplots(1, len(fans), shared_yaxes=True, horizontal_spacing=0.04)
    dress(drawn, height)
    for k, (name, fan) in enumerate(fans.items(), start=1):
        values = getattr(fan, path)
        time = rounded(fan.seconds)
        for low, high, opacity, label in _BANDS:
            for column, fill in ((low, None), (high, "tonexty")):
                drawn.add_scatter(
                    x=time, y=rounded(values[:, column]), mode="lines", line={"width": 0}, hoverinfo="skip", fill=fill,
                    fillcolor=f"rgba(0,114,178,{opacity})", name=label, showlegend=fill is not None and k == 1,
                    legendgroup=label, row=1, col=k,
                )  # fmt: skip
        drawn.add_scatter(
            x=time, y=rounded(values[:, 3]), mode="lines", line={"color": style.BLACK, "width": 1.5}, name="median",
            showlegend=k == 1, legendgroup="median", row=1, col=k,
        )  # fmt: skip
        drawn.update_xaxes(title_text=f"<b>{escape(name)}</b><br>time [s]", row=1, col=k)
    drawn.update_yaxes(title_text=_TITLES[path], row=1, col=1)
    return drawn
