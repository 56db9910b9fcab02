"""The page of trainings: learning curves of one or more runs, by tag."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from mm_env.dashboard.folders import folders_with, runs_folder
from mm_env.dashboard.shown import chart, errors_shown
from mm_env.dashboard.training import EVENT_FILES, Curve, read_curves, smoothed
from mm_env.reports.charts.look import figure, line_look, rounded, thin

FIRST_RUNS, MOST_TAGS = 4, 4  # chosen at the beginning
FIRST_TAGS = ("evaluation/reward", "evaluation/profit", "evaluation/advantage", "training/reward")
COMMAND = "mm-env train --algo ppo --out runs/ppo"


def page() -> None:
    """Draw the page."""
    root = runs_folder()
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    typed = left.text_input(
        "Folder", value=str(root), key="training folder", help="Every folder of event files at or below it is a run."
    )
    smoothing = right.slider("Smoothing", 0.0, 0.99, 0.6, 0.01, key="smoothing", help="0: the values as they are.")
    folder = Path(typed or root).expanduser()
    names = {_name(path, folder): path for path in folders_with(folder, EVENT_FILES)}
    if not names:
        st.info(f"No event files of TensorBoard lie below `{folder}` yet. A training writes them:", icon=":material/info:")
        st.code(COMMAND, language="bash")
        return
    chosen = st.multiselect("Runs", list(names), default=list(names)[:FIRST_RUNS], key="training runs")
    runs: dict[str, dict[str, Curve]] = {}
    for name in chosen:
        with errors_shown():
            runs[name] = _read(str(names[name]), _stamp(names[name]))
    tags = sorted({tag for curves in runs.values() for tag in curves})
    if not tags:
        st.info("Choose a run that holds scalars.", icon=":material/info:")
        return
    first = [tag for tag in FIRST_TAGS if tag in tags] or tags[:MOST_TAGS]
    shown = st.multiselect("Tags", tags, default=first, key="training tags")
    columns = st.columns(2)
    for k, tag in enumerate(shown):
        with columns[k % 2]:
            st.markdown(f"**{tag}**")
            chart(curves_figure({name: runs[name][tag] for name in runs if tag in runs[name]}, smoothing), f"curve {tag}")
    st.caption(f"TensorBoard shows more than curves: `tensorboard --logdir {folder}`.")


def _name(path: Path, root: Path) -> str:
    """Where a run lies below the folder, less what all of them have in their path."""
    parts = [part for part in path.relative_to(root).parts if part != "tensorboard"]
    return "/".join(parts) or root.resolve().name


def _stamp(folder: Path) -> float:
    """Changes while a training runs."""
    return sum(os.stat(path).st_size for path in folder.glob(EVENT_FILES))  # noqa: PTH116 (a number is enough)


@st.cache_resource(max_entries=64, show_spinner="Reading event files.")
def _read(folder: str, stamp: float) -> dict[str, Curve]:
    return read_curves(Path(folder))


def curves_figure(curves: Mapping[str, Curve], smoothing: float) -> go.Figure:
    """Draw a tag of several runs over env steps, smoothed, and the values themselves faintly behind."""
    drawn = figure(340)
    for k, (name, curve) in enumerate(curves.items()):
        if smoothing > 0.0:
            kept = thin(curve.values)
            drawn.add_scatter(
                x=curve.steps[kept], y=rounded(curve.values)[kept], mode="lines", hoverinfo="skip", showlegend=False,
                line={**line_look(k), "width": 1}, opacity=0.25, legendgroup=name,
            )  # fmt: skip
        values = smoothed(curve.values, smoothing)
        kept = thin(values)
        drawn.add_scatter(
            x=curve.steps[kept], y=rounded(values)[kept], name=escape(name), legendgroup=name,
            mode="lines+markers" if len(kept) < 3 else "lines", line={**line_look(k), "width": 2},
        )  # fmt: skip
    drawn.update_xaxes(title_text="env steps")
    drawn.update_yaxes(title_text="value")
    return drawn
