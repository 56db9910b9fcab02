"""The sidebar of the live page: preset, policy, seed, and a field for every parameter of the market."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from mm_env.config.io import DEFAULT_PRESET, load_config, preset_names
from mm_env.dashboard.folders import runs_folder, trained_policies
from mm_env.dashboard.form import FormField, changes_of, groups_of, overrides_of
from mm_env.policies.registry import POLICY_NAMES
from mm_env.runs.baseline import Baseline, resolve

MARKET_POLICY = "as the market says"


def ask_settings() -> Baseline:
    """Draw the sidebar and return what it asks for.

    Raises `mm_env.Error`, as `ConfigError`, for what cannot be played.
    """
    with st.sidebar:
        preset = st.selectbox(
            "Market",
            preset_names(),
            index=preset_names().index(DEFAULT_PRESET),
            accept_new_options=True,
            help="A preset, or type the path of a YAML file.",
            key="preset",
        )
        policy = st.selectbox(
            "Policy",
            [MARKET_POLICY, *POLICY_NAMES, *_trained(str(runs_folder()))],
            accept_new_options=True,
            help="Trained agents below the folder of runs are listed; others can be typed, as `ppo:PATH`, `as:FILE.yaml`, "
            "`constant:0.2`.",
            key="policy",
        )
        seed = st.number_input("Seed", min_value=0, value=0, step=1, key="seed")
        config = load_config(preset)
        st.caption("Parameters of the market. Units stand in brackets; ranges and defaults behind the question marks.")
        changes: dict[str, Any] = {}
        for group in groups_of(config):
            with st.expander(group.title):
                values = {field.key: _ask(field, f"{preset}|{field.key}") for field in group.fields}
            changes |= changes_of(group.fields, values)
        with st.expander("advanced: YAML overrides"):
            text = st.text_area(
                "Overrides",
                key="overrides",
                placeholder="policy: {risk_aversion: 0.1}\nsymbols: [AAA, BBB, CCC]",
                help="Over the fields above, as in a market file.",
            )
    options = Baseline(
        Path(),
        config=preset,
        seed=int(seed or 0),
        policy=None if policy == MARKET_POLICY else policy,
        overrides=changes | overrides_of(text),
    )
    resolve(options)
    return options


@st.cache_data(ttl=15.0, show_spinner=False)
def _trained(root: str) -> list[str]:
    """Trained agents below a folder; searched at intervals, as every change of a field runs this page."""
    return trained_policies(Path(root))


def _ask(field: FormField, key: str) -> Any:
    """The widget of a field. It takes any number: a value out of range is reported with its key, as every other error."""
    common: dict[str, Any] = {"label": field.label, "help": field.help, "key": key}
    if field.kind == "boolean":
        return st.toggle(value=field.value, **common)
    if field.kind == "choice":
        return st.selectbox(options=field.choices, index=field.choices.index(field.value), **common)
    if field.kind == "integer":
        return st.number_input(value=field.value, step=1, **common)
    if field.kind == "number":
        value = None if field.value is None else float(field.value)
        return st.number_input(value=value, step=field.increment, format="%g", **common)
    return st.text_input(value=field.value or "", **common)
