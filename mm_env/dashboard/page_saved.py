"""The page of saved runs: what `mm-env baseline` or the live page recorded, its charts, tables and downloads."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from mm_env.dashboard.downloads import as_archive, as_csv, as_parquet
from mm_env.dashboard.shown import chart, choose_folder, errors_shown, offer_report
from mm_env.reports import charts
from mm_env.reports.waterfall import waterfall_steps
from mm_env.runs import Run, read_run
from mm_env.runs.folder import TABLES

COMMAND = "mm-env baseline --config two_symbols --episodes 20 --record 2 --out runs/baseline"


def page() -> None:
    """Draw the page."""
    folder = choose_folder("a run", COMMAND, "summary.json", "steps.parquet")
    if folder is None:
        return
    with errors_shown():
        _show(folder, _read(str(folder), _stamp(folder)))


def _stamp(folder: Path) -> float:
    summary = folder / "summary.json"
    return summary.stat().st_mtime if summary.is_file() else 0.0


@st.cache_resource(max_entries=4, show_spinner="Reading the run.")
def _read(folder: str, stamp: float) -> Run:
    return read_run(folder)


def _show(folder: Path, run: Run) -> None:
    _figures(run)
    recorded = run.steps["episode"].unique().tolist()
    if not recorded:
        st.info("The run was stopped before a step was recorded.", icon=":material/info:")
        return
    symbols = [symbol.name for symbol in run.config.symbols]
    left, right = st.columns([1, 4], vertical_alignment="bottom")
    episode = left.selectbox("Episode", recorded, key=f"episode of {folder}", help="Those that were recorded in full.")
    chosen = right.pills(
        "Symbols", symbols, selection_mode="multi", default=symbols[:4], key=f"symbols of {folder}"
    )  # fmt: skip
    names = ["Prices", "Profit", "Risk", "Sentiment", "Venues", "Tables", "Download"]
    shown = dict(zip(names, st.tabs(names), strict=True))
    tables = {name: charts.one_episode(getattr(run, name), episode) for name in TABLES}
    steps, headlines = tables["steps"], tables["headlines"]
    with shown["Prices"]:
        for symbol in chosen:
            st.markdown(f"**{escape(symbol)}**")
            chart(charts.prices_chart(steps, tables["fills"], headlines, symbol), f"prices {symbol}")
        chart(charts.inventory_chart(steps, chosen), "inventory")
    with shown["Profit"]:
        _profit(run, steps)
    with shown["Risk"]:
        chart(charts.risk_chart(steps), "risk")
    with shown["Sentiment"]:
        chart(charts.sentiment_chart(steps, headlines, chosen), "sentiment")
    with shown["Venues"]:
        if run.summary.get("markouts"):
            st.markdown("**Mark-outs and fill ratios**, all episodes")
            chart(charts.venues_chart(run.summary), "venues")
        st.markdown("**Router**, this episode")
        chart(charts.router_chart(tables["venues"], symbols), "router")
    with shown["Tables"]:
        _tables(tables)
    with shown["Download"]:
        _downloads(folder, tables, episode)


def _figures(run: Run) -> None:
    """Statistics over all episodes, in a line of numbers."""
    summary: dict[str, Any] = run.summary
    portfolio = summary.get("portfolio")
    st.caption(
        f"Policy `{summary['policy']}`, seed {summary['seed']}, {summary['episodes']} episodes of "
        f"{run.config.episode.steps} steps, market `{summary['config'] or 'two_symbols'}` ({summary['config_hash']})"
        + ("; **the run was interrupted**" if summary["interrupted"] else "")
    )
    if portfolio is None:
        return
    cells = [
        ("Profit an episode [currency]", "profit", 0),
        ("Sharpe ratio over episodes", "sharpe", 2),
        ("Maximum drawdown [currency]", "drawdown", 0),
        ("Fills an episode", "fills", 0),
        ("Steps over VaR limit [share]", "over_limit", 3),
        ("Hedges an episode", "hedges", 1),
    ]
    for column, (label, name, digits) in zip(st.columns(len(cells)), cells, strict=True):
        found = portfolio[name]
        value = "n/a" if found["value"] is None else f"{found['value']:,.{digits}f}"
        error = None if found["error"] is None else f"± {found['error']:,.{digits}f}"
        column.metric(label, value, error, delta_color="off", delta_arrow="off", border=True, height="stretch",
                      help="Mean over episodes, with its standard error.")  # fmt: skip


def _profit(run: Run, steps: pd.DataFrame) -> None:
    left, right = st.columns(2)
    with left:
        st.markdown("**Profit and drawdown**, this episode")
        chart(charts.equity_chart(steps), "equity")
    with right:
        st.markdown("**What made it**, this episode")
        chart(charts.parts_chart(steps, 420), "parts")
    if not run.attribution.empty:
        st.markdown("**From the terms of the ledger to the profit**, mean over all episodes")
        chart(charts.waterfall_chart(waterfall_steps(run.attribution)), "waterfall")
        with st.expander("attribution by symbol and venue [currency, mean over all episodes]"):
            st.dataframe(run.attribution.round(2), hide_index=True, key="attribution")


def _tables(tables: dict[str, pd.DataFrame]) -> None:
    name = st.segmented_control("Table", list(TABLES), default="fills", key="table") or "fills"
    st.caption(f"{len(tables[name]):,} rows; prices and money in currency, sizes in lots, times in seconds")
    st.dataframe(tables[name], hide_index=True, height=480, key=f"table {name}")


def _downloads(folder: Path, tables: dict[str, pd.DataFrame], episode: int) -> None:
    st.markdown("**Tables of this episode**")
    for name, column in zip(TABLES, st.columns(len(TABLES)), strict=True):
        for form, make, kind in (("csv", as_csv, "text/csv"), ("parquet", as_parquet, "application/octet-stream")):
            column.download_button(
                f"{name}.{form}", make(tables[name]), f"{name}_{episode}.{form}", kind, icon=":material/download:",
                width="stretch", key=f"download {name}.{form}",
            )  # fmt: skip
    st.markdown("**The run**")
    st.download_button(
        "All files of the folder (ZIP)", as_archive(folder), f"{folder.name}.zip", "application/zip",
        icon=":material/folder_zip:", key="download folder",
    )  # fmt: skip
    st.markdown("**Report**, with this episode drawn")
    offer_report(folder, episode)
