"""Plotly figures of the live market: prices with own quotes, the books of each venue, the portfolio, the router.

All of them are redrawn at each refresh: they have the look of `mm_env.reports.charts`, but are built from plain
dictionaries in a third of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from mm_env.reports.charts.look import line_look, template
from mm_env.reports.style import BLACK, BUY, DOWN, GREY, SELL, SKY, UP, VERMILLION

if TYPE_CHECKING:
    import pandas as pd

    from mm_env.envs.rendering import Ladder

_MARGIN = {"l": 84, "r": 12, "t": 34, "b": 40}
_ROLES = {"maker": ("triangle-up", "triangle-down", "fill"), "hedge": ("diamond-open", "diamond-open-dot", "hedge"),
          "liquidation": ("square-open", "square-open-dot", "liquidation")}  # fmt: skip


def _figure(traces: list[dict[str, Any]], height: int, **layout: Any) -> go.Figure:
    fixed = {"margin": _MARGIN, "uirevision": "kept"}  # a reader's zoom survives the next refresh
    return go.Figure(data=traces, layout={"template": template(), "height": height} | fixed | layout)


def _axis(title: str, **more: Any) -> dict[str, Any]:
    return {"title": {"text": title}, "automargin": False} | more


def price_figure(steps: pd.DataFrame, fills: pd.DataFrame, headlines: pd.DataFrame, symbol: str) -> go.Figure:
    """Mid, own bid and ask, own fills and headlines of a symbol over time, and its position below."""
    time = steps["time"].to_numpy()
    traces = [
        _line(time, steps[f"{symbol}.{side}"], f"own {side}", {"color": colour, "shape": "vh", "width": 1.2})
        for side, colour in (("bid", BUY), ("ask", SELL))
    ]
    traces.append(_line(time, steps[f"{symbol}.mid"], "mid", {"color": BLACK, "width": 1.5}))
    traces += _fills(fills[fills["symbol"] == symbol])
    traces += _headlines(headlines[headlines["symbol"].isin([symbol, ""])])
    position = _line(time, steps[f"{symbol}.inventory"], "position", {"color": GREY, "shape": "hv", "width": 1.0})
    traces.append(position | {"yaxis": "y2", "fill": "tozeroy", "showlegend": False})
    return _figure(
        traces,
        380,
        xaxis=_axis("time [s]", anchor="y2"),
        yaxis=_axis(f"{escape(symbol)} price [currency]", domain=[0.34, 1.0], tickformat=".2f"),
        yaxis2=_axis("position [lots]", domain=[0.0, 0.26]),
        yaxis3={"overlaying": "y", "range": [0, 1], "visible": False},
    )


def _line(x: Any, y: Any, name: str, look: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "x": np.asarray(x), "y": np.asarray(y, dtype=float), "name": name, "line": look,
    }  # fmt: skip


def _fills(fills: pd.DataFrame) -> list[dict[str, Any]]:
    """Own fills by role and side, their price less the venue's basis, so that venues compare."""
    traces = []
    for role, (buying, selling, name) in _ROLES.items():
        for side, marker, colour in (("buy", buying, BUY), ("sell", selling, SELL)):
            part = fills[(fills["role"] == role) & (fills["side"] == side)]
            if part.empty:
                continue
            traces.append(
                {
                    "type": "scatter", "mode": "markers", "name": f"{name}: {'bought' if side == 'buy' else 'sold'}",
                    "x": part["time"].to_numpy(), "y": (part["price"] - part["basis"]).to_numpy(),
                    "customdata": part["quantity"].to_numpy(), "hovertemplate": "%{customdata} lots at %{y}",
                    "marker": {"symbol": marker, "size": 6 if role == "maker" else 10, "color": colour,
                               "opacity": 0.7, "line": {"color": "white", "width": 0.5}},
                }
            )  # fmt: skip
    return traces


def _headlines(headlines: pd.DataFrame) -> list[dict[str, Any]]:
    """Headlines as marks at the top of the panel, coloured by the score that the agent sees."""
    if headlines.empty:
        return []
    hue = [UP if score > 0.05 else DOWN if score < -0.05 else GREY for score in headlines["score"]]
    said = [f"{score:+.2f} {escape(text)}" for score, text in zip(headlines["score"], headlines["text"], strict=True)]
    return [
        {
            "type": "scatter", "mode": "markers", "name": "headline", "x": headlines["time"].to_numpy(),
            "y": np.full(len(headlines), 0.97), "yaxis": "y3", "text": said, "hovertemplate": "%{text}",
            "marker": {"symbol": "star", "size": 10, "color": hue},
        }
    ]  # fmt: skip


def book_figure(ladder: Ladder, venues: Sequence[str], quote: tuple[float | None, float | None]) -> go.Figure:
    """The books of a symbol, one panel a venue: bids to the left, asks to the right, own orders outlined.

    quote: own bid and ask aimed at [currency], None where there is none
    """
    price = ladder.price * ladder.tick
    widest = float((ladder.lots + ladder.own).max(initial=1)) * 1.08
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    gap, count, half = 0.02, len(venues), max(1, round(widest / 2))
    for v, venue in enumerate(venues):
        axis = "x" if v == 0 else f"x{v + 1}"
        for side, colour in ((0, BUY), (1, SELL)):
            sign = 2 * side - 1
            for lots, name, look in (
                (ladder.lots[v, side], "bids" if side == 0 else "asks", {"color": colour, "opacity": 0.55}),
                (ladder.own[v, side], f"own {'bid' if side == 0 else 'ask'}",
                 {"color": colour, "line": {"color": BLACK, "width": 1.5}}),
            ):  # fmt: skip
                shown = lots > 0
                traces.append(
                    {
                        "type": "bar", "orientation": "h", "y": price[shown], "x": sign * lots[shown],
                        "width": 0.8 * ladder.tick,
                        "name": name, "legendgroup": name, "showlegend": v == 0, "marker": look, "xaxis": axis,
                        "customdata": lots[shown], "hovertemplate": f"{escape(venue)}: %{{customdata}} lots at %{{y}}",
                    }
                )  # fmt: skip
        layout[f"xaxis{'' if v == 0 else v + 1}"] = _axis(
            f"{escape(venue)} [lots]", domain=[v / count + gap * (v > 0), (v + 1) / count], range=[-widest, widest],
            zerolinecolor=BLACK, tickvals=[-half, 0, half], ticktext=[f"{half:,}", "0", f"{half:,}"],
        )  # fmt: skip
    lines = [(ladder.mid, BLACK, "dot"), *((at, GREY, "dash") for at in quote if at is not None)]
    low, high = float(price.min(initial=ladder.mid)), float(price.max(initial=ladder.mid))
    return _figure(
        traces, 380, barmode="relative", **layout,
        yaxis=_axis(f"{escape(ladder.name)} price [currency]", tickformat=".2f",
                    range=[low - ladder.tick, high + ladder.tick]),
        shapes=[{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at,
                 "line": {"color": colour, "width": 1, "dash": dash}} for at, colour, dash in lines],
    )  # fmt: skip


def portfolio_figure(steps: pd.DataFrame, symbols: Sequence[str]) -> go.Figure:
    """Profit, VaR against its limit with hedges, sentiment and alpha over time."""
    time = steps["time"].to_numpy()
    traces = [_line(time, steps["pnl"], "all symbols", {"color": BLACK, "width": 2.0})]
    for k, symbol in enumerate(symbols):
        for name, axis in (("pnl", "y"), ("sentiment", "y3"), ("alpha", "y4")):
            trace = _line(time, steps[f"{symbol}.{name}"], escape(symbol), line_look(k) | {"width": 1.5})
            traces.append(trace | {"yaxis": axis, "legendgroup": symbol, "showlegend": axis == "y"})
    risk = steps["value_at_risk"].to_numpy()
    value = _line(time, risk, "VaR", {"color": SKY, "width": 1.5})
    traces.append(value | {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "rgba(86,180,233,0.25)"})
    traces.append(_line(time, steps["var_limit"], "VaR limit", {"color": BLACK, "dash": "dash"}) | {"yaxis": "y2"})
    sent = np.maximum(np.flatnonzero(steps["hedged"].to_numpy(bool)) - 1, 0)  # the VaR that made the decision hedge
    traces.append(
        {
            "type": "scatter", "mode": "markers", "x": time[sent], "y": risk[sent], "name": "hedge sent", "yaxis": "y2",
            "marker": {"symbol": "diamond-open", "size": 8, "color": VERMILLION, "line": {"width": 1.5}},
        }
    )  # fmt: skip
    titles = ("profit<br>[currency]", "VaR<br>[currency]", "sentiment", "alpha<br>[bps]")
    domains = ([0.76, 1.0], [0.51, 0.72], [0.26, 0.47], [0.0, 0.22])
    axes = {
        f"yaxis{'' if k == 0 else k + 1}": _axis(title, domain=domain)
        for k, (title, domain) in enumerate(zip(titles, domains, strict=True))
    }
    axes["yaxis2"] |= {"rangemode": "tozero"}
    return _figure(traces, 620, **axes, xaxis=_axis("time [s]", anchor="y4"))


def router_figure(venues: pd.DataFrame, names: Sequence[str], symbols: Sequence[str]) -> go.Figure:
    """The router's weights by venue and symbol: averages over the rows, and current values.

    venues: rows of `venues` in the columns of `mm_env.runs.tables`
    """
    newest = venues[venues["step"] == venues["step"].max()]
    traces = []
    for k, symbol in enumerate(symbols):
        now = newest[newest["symbol"] == symbol].set_index("venue")["weight"].astype(float)
        average = venues[venues["symbol"] == symbol].groupby("venue")["weight"].mean()
        common: dict[str, Any] = {
            "type": "bar",
            "x": list(names),
            "offsetgroup": symbol,
            "hovertemplate": "%{x}: %{y:.0f} %",
        }
        traces.append(
            common
            | {"name": escape(symbol), "y": [100.0 * float(average.get(name, np.nan)) for name in names],
               "marker": {"color": line_look(k)["color"], "opacity": 0.65}}
        )  # fmt: skip
        traces.append(
            {
                "type": "bar", "x": list(names), "offsetgroup": symbol, "name": "now",
                "y": [100.0 * float(now.get(name, np.nan)) for name in names], "hovertemplate": "now %{x}: %{y:.0f} %",
                "marker": {"color": "rgba(0,0,0,0)", "line": {"color": BLACK, "width": 1.5}}, "showlegend": k == 0,
            }
        )  # fmt: skip
    return _figure(
        traces, 250, barmode="group", xaxis={"type": "category"}, yaxis=_axis("share of quoted<br>size [%]", range=[0, 102])
    )
