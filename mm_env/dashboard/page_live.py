"""The live page: a market played step by step, with all that the agent sees and does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from mm_env.dashboard.figures import book_figure, portfolio_figure, price_figure, router_figure
from mm_env.dashboard.folders import runs_folder
from mm_env.dashboard.live import LiveMarket
from mm_env.dashboard.settings import ask_settings
from mm_env.dashboard.shown import chart, errors_shown, show_error
from mm_env.errors import Error, RunError
from mm_env.runs.baseline import Baseline

REFRESH_SECONDS = 1.0
BUSY_SECONDS = 0.6  # of a refresh that steps may take, whatever the speed asked for
MOST_POINTS = 500  # of a line
MOST_FILLS = 400  # of quotes, and as many of hedges: each is a mark that the browser redraws at every refresh
MOST_SYMBOLS = 2  # shown at once unless others are chosen
WINDOWS = {"last 100 steps": 100, "last 300 steps": 300, "last 1000 steps": 1000, "whole episode": None}


def page() -> None:
    """Draw the page."""
    options: Baseline | None = None
    try:
        options = ask_settings()
    except Error as error:
        show_error(error)
    _controls(options)
    if "problem" in st.session_state:
        show_error(st.session_state["problem"])
    market: LiveMarket | None = st.session_state.get("market")
    if market is None:
        st.info(
            "Choose a market, a policy and a seed on the left, then press **Start** or **Step**.", icon=":material/info:"
        )
        return
    if options is not None and options != market.options:
        st.warning("The settings have changed since this market began. **Reset** begins one with the new ones.")
    st.fragment(_watch, run_every=REFRESH_SECONDS if _running() else None)()
    _keep(market)


def _running() -> bool:
    market: LiveMarket | None = st.session_state.get("market")
    return bool(st.session_state.get("running")) and market is not None and not market.ended


def _controls(options: Baseline | None) -> None:
    """Buttons and speed; they take effect at once."""
    start, step, reset, speed, window = st.columns([1.2, 1, 1, 3, 2], vertical_alignment="bottom")
    market: LiveMarket | None = st.session_state.get("market")
    running = _running()
    playable = options is not None and (market is None or not market.ended)
    speed.slider("Speed [steps a refresh]", 1, 200, 20, key="speed", help="A refresh comes about once a second.")
    window.selectbox("Shown", list(WINDOWS), index=1, key="window")
    started = start.button(
        "Pause" if running else "Start",
        icon=":material/pause:" if running else ":material/play_arrow:",
        type="primary",
        width="stretch",
        disabled=not (running or playable),
        key="start",
    )
    stepped = step.button("Step", icon=":material/skip_next:", width="stretch", disabled=not playable, key="step")
    emptied = reset.button("Reset", icon=":material/restart_alt:", width="stretch", disabled=options is None, key="reset")
    if not (started or stepped or emptied):
        return
    st.session_state["running"] = started and not running
    st.session_state.pop("problem", None)
    if options is not None and (emptied or market is None):
        begin(options)
    if stepped:
        advance(1)
    st.rerun()  # the buttons have other labels now


def begin(options: Baseline) -> None:
    """Replace the market that was played; on an error the page shows why."""
    with st.spinner("Making the market; after an installation its kernels are compiled, about a minute."):
        try:
            market = LiveMarket(options)
        except Error as error:
            _stop(error)
            return
    before: LiveMarket | None = st.session_state.get("market")
    if before is not None:
        before.close()
    st.session_state["market"] = market


def advance(steps: int) -> None:
    """Continue; a trained agent that does not fit the market stops the run, and the page shows why."""
    market: LiveMarket | None = st.session_state.get("market")
    if market is None:
        return
    try:
        market.step(steps, BUSY_SECONDS)
    except Error as error:
        _stop(error)


def _stop(error: Exception) -> None:
    st.session_state["running"], st.session_state["problem"] = False, error


def _watch() -> None:
    """Content that is redrawn at each refresh, after some steps where the market runs."""
    market: LiveMarket = st.session_state["market"]
    if _running():
        advance(int(st.session_state["speed"]))
        if not _running():
            st.rerun()  # the whole page, whose buttons have other labels now
    _figures(market)
    last = WINDOWS[st.session_state["window"]]
    steps = market.steps(MOST_POINTS, last)
    since = int(steps["step"].iloc[0])
    fills, headlines = market.fills(since, MOST_FILLS), market.headlines(since)
    state = market.envs.batch.states[0]
    for symbol in _chosen(market):
        k = market.symbols.index(symbol)
        left, right = st.columns([3, 2])
        with left:
            chart(price_figure(steps, fills, headlines, symbol), f"price {k}")
        with right:
            tick = market.config.symbols[k].tick_size
            bid, ask = (float(price) * tick if market.count else None for price in state["quote"][k])
            chart(book_figure(market.ladder(k), market.venues, (bid, ask)), f"book {k}")
    if len(fills) < market.fills_after(since):
        st.caption("Of many fills only some are drawn, evenly spaced; a saved run holds all of them.")
    left, right = st.columns([3, 2])
    with left:
        chart(portfolio_figure(steps, market.symbols), "portfolio")
    with right:
        _router(market, steps)
        _news(headlines)


def _chosen(market: LiveMarket) -> list[str]:
    if len(market.symbols) <= MOST_SYMBOLS:
        return market.symbols
    return st.pills(
        "Symbols shown", market.symbols, selection_mode="multi", default=market.symbols[:MOST_SYMBOLS], key="symbols shown"
    )


def _figures(market: LiveMarket) -> None:
    """One line of numbers."""
    now = market.now()
    ended = ", ended" if market.ended else ""
    cells = [
        ("Step", f"{market.count:,}", f"of {market.config.episode.steps:,}{ended}"),
        ("Time", f"{now['time']:,.0f} s", f"{now['regime']} regime"),
        ("Profit [currency]", f"{now['pnl']:,.2f}", f"{market.fill_count():,} fills"),
        ("VaR [currency]", f"{now['value_at_risk']:,.1f}", f"limit {now['var_limit']:,.0f}, {market.hedges()} hedges"),
    ]
    cells += [
        (f"{symbol} position [lots]", f"{now[f'{symbol}.inventory']:+d}", f"profit {now[f'{symbol}.pnl']:+,.2f}")
        for symbol in _chosen_so_far(market)
    ]
    for column, (label, value, below) in zip(st.columns(len(cells)), cells, strict=True):
        column.metric(label, value, below, delta_color="off", delta_arrow="off", border=True, height="stretch")


def _chosen_so_far(market: LiveMarket) -> list[str]:
    """The symbols whose charts are shown, before their widget is drawn."""
    chosen = st.session_state.get("symbols shown", market.symbols[:MOST_SYMBOLS])
    return [symbol for symbol in market.symbols if symbol in chosen][:4] or market.symbols[:1]


def _router(market: LiveMarket, steps: pd.DataFrame) -> None:
    st.markdown("**Router**: where quotes are sent, mean over what is shown")
    if market.count == 0:
        st.caption("Nothing was sent yet.")
        return
    recent = [step for step in steps["step"].tolist() if step > 0]
    chart(router_figure(market.venues_at(recent), market.venues, market.symbols), "router")
    with st.expander("what the router has learnt"):
        columns = {
            "symbol": "symbol", "venue": "venue", "weight": "weight now", "score": "score [currency/(lot s)]",
            "fill_rate": "fill rate [1/s]", "posted": "posted [lots]", "filled": "filled [lots]",
        }  # fmt: skip
        st.dataframe(market.router()[list(columns)].rename(columns=columns), hide_index=True, key="router table")


def _news(headlines: pd.DataFrame) -> None:
    st.markdown("**Headlines**, the newest first")
    if headlines.empty:
        st.caption("None in what is shown.")
        return
    newest = headlines.iloc[::-1].head(50)[["time", "symbol", "score", "text"]]
    st.dataframe(
        newest.assign(symbol=newest["symbol"].replace("", "all")),
        hide_index=True,
        height=225,
        column_config={
            "time": st.column_config.NumberColumn("time [s]", format="%.1f", width=70),
            "symbol": st.column_config.TextColumn(width=60),
            "score": st.column_config.NumberColumn("score", format="%+.2f", width=60, help="What the agent sees, -1 to 1."),
        },
        key="headlines",
    )


def _keep(market: LiveMarket) -> None:
    """Save the episode as a run folder, which the page of saved runs opens."""
    folder = runs_folder() / f"live_{datetime.now().astimezone():%Y%m%d_%H%M%S}"
    saved = st.button(
        "Save as a run",
        icon=":material/save:",
        disabled=market.count == 0 or _running(),
        help="Plays the episode once more up to this step and writes a run folder, from which the page *Saved run* offers "
        "reports and data.",
        key="save",
    )
    if saved:
        _save(market, folder)


def _save(market: LiveMarket, folder: Any) -> None:
    with errors_shown(), st.spinner("Writing the run."):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{folder.parent}: cannot write there: {error.strerror}") from error
        market.save(folder)
        st.success(f"Saved as `{folder}`: open it on the page *Saved run*.", icon=":material/check:")
