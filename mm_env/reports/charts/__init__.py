"""Interactive figures (Plotly) of recorded tables, shared by the HTML report and the dashboard.

module      | what it draws
----------- | -------------
look        | the common template, clocks, thinning of long series, shading of regimes
prices      | mid, own quotes, fills and headlines of one symbol
portfolio   | inventories, profit and drawdown, what made the profit, sentiment, value at risk
venues      | mark-outs and fill ratios, where the router sends quotes
attribution | the waterfall from the ledger's terms to the profit
fans        | how the paths of many episodes spread
grids       | a heat map over two axes, as the surface of scenarios
agents      | a comparison of agents

Tables are those of `mm_env.runs.tables`, cut to one episode (`one_episode`). Figures have no title of their own: who
shows them gives the heading. Every axis states its unit.
"""

from mm_env.reports.charts.agents import differences_chart, profits_chart
from mm_env.reports.charts.attribution import waterfall_chart
from mm_env.reports.charts.fans import fan_chart
from mm_env.reports.charts.grids import surface_chart
from mm_env.reports.charts.look import one_episode
from mm_env.reports.charts.portfolio import (
    equity_chart,
    inventory_chart,
    parts_chart,
    risk_chart,
    sentiment_chart,
)
from mm_env.reports.charts.prices import close_up_chart, prices_chart
from mm_env.reports.charts.venues import router_chart, venues_chart

__all__ = [
    "close_up_chart",
    "differences_chart",
    "equity_chart",
    "fan_chart",
    "inventory_chart",
    "one_episode",
    "parts_chart",
    "prices_chart",
    "profits_chart",
    "risk_chart",
    "router_chart",
    "sentiment_chart",
    "surface_chart",
    "venues_chart",
    "waterfall_chart",
]
