"""Venues in the report of a run: fill ratios, mark-outs, and where the router sends quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_env.reports import charts
from mm_env.reports.report import paper
from mm_env.reports.report.content import Block, Chart, Table
from mm_env.reports.report.numbers import UNKNOWN, number, with_error
from mm_env.runs import Run

if TYPE_CHECKING:
    import pandas as pd


def venue_blocks(run: Run, routed: pd.DataFrame | None, where: str) -> list[Block]:
    """Tables and figures of the venues.

    routed: rows of the venues' table of one episode, None where none is recorded; where: which episode, in words
    """
    summary = run.summary
    horizons = list(dict.fromkeys(row["horizon_seconds"] for row in summary["markouts"]))
    found = {(row["venue"], row["horizon_seconds"]): row for row in summary["markouts"]}
    fees = {venue.name: (venue.maker_fee_bps, venue.taker_fee_bps, venue.latency_ms) for venue in run.config.venues}
    rows, marks = [], []
    for name, part in summary["venues"].items():
        maker, taker, latency = fees[name]
        cells = [with_error({**part[key], "error": None}) for key in ("posted_lots", "filled_lots")]
        rows.append((
            name, *cells, with_error(part["fill_ratio"], 2, 100.0), _routed(routed, name),
            number(summary["attribution"]["venues"][name]["profit"]), number(maker, 2), number(taker, 2), number(latency, 1),
        ))  # fmt: skip
    for name in [*summary["venues"], "all"]:
        cells = [number(found[name, horizons[0]]["fills"])]
        marks.append((name, *cells, *(with_error(found[name, horizon]["bps"], 2) for horizon in horizons)))
    header = (
        "venue", "posted [lots]", "filled [lots]", "filled / posted [%]", "router weight [%]", "profit [currency]",
        "maker fee [bps]", "taker fee [bps]", "latency [ms]",
    )  # fmt: skip
    marked = ("venue", "fills", *("at the fill" if h == 0.0 else f"after {h:g} s" for h in horizons))
    blocks: list[Block] = [
        Table(
            f"Venues: lots and profit are means of an episode; the router's weight is the mean share of the quoted size in "
            f"{where}; a negative fee is a rebate", header, tuple(rows),
        ),
        Table("Mark-outs of own quotes' fills [bps of the traded value, before fees]; ± one standard error", marked,
              tuple(marks), total=True),
        Chart("venues", "Mark-outs by horizon and fill ratios, with 95 % intervals over episodes.",
              lambda: charts.venues_chart(summary), lambda: paper.venues_paper(summary)),
    ]  # fmt: skip
    if routed is not None:
        table, symbols = routed, [symbol.name for symbol in run.config.symbols]
        blocks.append(
            Chart("router", f"Where the router sends the quotes, by symbol, {where}.",
                  lambda: charts.router_chart(table, symbols), lambda: paper.router_paper(table, symbols))
        )  # fmt: skip
    return blocks


def _routed(routed: pd.DataFrame | None, venue: str) -> str:
    if routed is None:
        return UNKNOWN
    return number(100.0 * float(routed.loc[routed["venue"] == venue, "weight"].mean()), 1)
