"""The page of comparisons: agents on the same held-out episodes, read from a folder or played here."""

from __future__ import annotations

import json

import streamlit as st

from mm_env.config.io import DEFAULT_PRESET, load_config, override, preset_names
from mm_env.dashboard.comparing import FILES, Comparison, play_comparison, read_comparison, shown_rows
from mm_env.dashboard.folders import runs_folder, trained_policies
from mm_env.dashboard.shown import chart, choose_folder, errors_shown, offer_report
from mm_env.policies.registry import POLICY_NAMES
from mm_env.reports.charts import differences_chart, profits_chart

COMMAND = "mm-env compare --agents as,fixed,glft --episodes 1000"


def page() -> None:
    """Draw the page."""
    way = st.segmented_control("Comparison", ["open a folder", "play here"], default="open a folder", key="way")
    comparison, folder = None, None
    if way == "play here":
        _play()
        comparison = st.session_state.get("comparison")
    else:
        folder = choose_folder("a comparison", COMMAND, *FILES)
        if folder is not None:
            with errors_shown():
                comparison = read_comparison(folder)
    if comparison is not None:
        _show(comparison)
    if comparison is not None and folder is not None:
        offer_report(folder)


def _play() -> None:
    with st.form("comparison form"):
        agents, market = st.columns([3, 1])
        names = agents.multiselect(
            "Agents, the baseline first",
            [*POLICY_NAMES, *trained_policies(runs_folder())],
            default=["as", "fixed"],
            accept_new_options=True,
            help="Others can be typed, as `ppo:PATH`, `as:FILE.yaml` or `constant:0.2`.",
            key="agents",
        )
        preset = market.selectbox(
            "Market",
            preset_names(),
            index=preset_names().index(DEFAULT_PRESET),
            accept_new_options=True,
            key="compared market",
        )
        left, middle, right = st.columns(3)
        episodes = left.number_input("Episodes", min_value=2, max_value=2000, value=50, step=10, key="episodes")
        steps = middle.number_input("Steps an episode", min_value=1, max_value=100_000, value=300, step=100, key="steps")
        seed = right.number_input("Seed", min_value=0, value=0, step=1, key="compared seed",
                                  help="Of the held-out episodes, which no training plays.")  # fmt: skip
        asked = st.form_submit_button("Play", icon=":material/play_arrow:", type="primary")
    if asked:
        with errors_shown():
            config = override(load_config(preset), {"episode.steps": int(steps)})
            total, bar = len(names) * int(episodes) * int(steps), st.progress(0.0, "beginning")
            done = 0

            def advance(name: str, more: int) -> None:
                nonlocal done
                done += more
                bar.progress(min(1.0, done / total), f"playing {name}: {done:,} of {total:,} env steps")

            st.session_state["comparison"] = play_comparison(names, config, int(episodes), int(seed), advance)
            bar.empty()


def _show(comparison: Comparison) -> None:
    about = comparison.about
    baseline, rows = str(about["baseline"]), about["rows"]
    st.caption(
        f"{about['episodes']} held-out episodes, seed {about['seed']}, baseline `{baseline}`. Currency an episode; "
        "in brackets 95 % bootstrap intervals of paired differences."
    )
    st.dataframe(
        shown_rows(rows, baseline),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format=form)
            for name, form in {
                "reward": "%.4g", "profit": "%.4g", "Sharpe": "%.2f", "CVaR 5 %": "%.4g",
                "drawdown": "%.4g", "inventory sd": "%.4g", "steps over VaR limit [%]": "%.2f",
            }.items()
        },
        key="comparison table",
    )  # fmt: skip
    height = 140 + 46 * len(rows)
    left, right = st.columns(2)
    with left:
        st.markdown("**Reward less that of the baseline**, episode by episode")
        chart(differences_chart(rows, baseline, height), "differences")
    with right:
        st.markdown("**Profits of the episodes**")
        chart(profits_chart(comparison.episodes, height), "profits")
    if about.get("training_seeds"):
        with st.expander("each training seed by itself"):
            st.dataframe(shown_rows(about["training_seeds"], baseline), hide_index=True, key="seeds table")
    figures, episodes, _ = st.columns([1, 1, 3])
    figures.download_button(
        "Figures (JSON)", json.dumps(about, indent=2), "comparison.json", "application/json", icon=":material/download:",
        width="stretch", key="comparison json",
    )  # fmt: skip
    episodes.download_button(
        "Episodes (CSV)", comparison.episodes.to_csv(index=False), "episodes.csv", "text/csv", icon=":material/download:",
        width="stretch", key="comparison csv",
    )  # fmt: skip
