"""The page of scenarios: what `mm-env scenarios` found, as a surface, fans of paths and a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from mm_env.dashboard.downloads import as_csv
from mm_env.dashboard.shown import chart, choose_folder, errors_shown, offer_report
from mm_env.reports import charts
from mm_env.risk.scenarios import ABOUT, PATHS, TABLE, TABLE_CSV, ScenarioResults, load_results

COMMAND = "mm-env scenarios --scenarios surface --policy as --episodes 2000 --out runs/scenarios"
FIGURES = {
    "mean profit": ("profit", "[currency an episode]"),
    "expected shortfall 99 %": ("es_99", "[currency]"),
    "value at risk 99 %": ("var_99", "[currency]"),
    "drawdown, mean": ("drawdown", "[currency]"),
    "VaR over its limit": ("over_limit", "[share of steps]"),
    "hedge cost": ("hedge_cost", "[currency an episode]"),
    "fills": ("fills", "[an episode]"),
}
MOST_FANS = 4


def page() -> None:
    """Draw the page."""
    folder = choose_folder("scenarios", COMMAND, ABOUT, TABLE)
    if folder is None:
        return
    with errors_shown():
        _show(_read(str(folder), _stamp(folder)))


def _stamp(folder: Path) -> float:
    table = folder / TABLE
    return table.stat().st_mtime if table.is_file() else 0.0


@st.cache_resource(max_entries=4, show_spinner="Reading the scenarios.")
def _read(folder: str, stamp: float) -> ScenarioResults:
    return load_results(folder)


def _show(results: ScenarioResults) -> None:
    about, table = results.about, results.table
    unfinished = "" if results.complete else "; **not all of its episodes were played**"
    st.caption(
        f"Market `{about['market'] or 'two_symbols'}`, policy `{about['policy']}`, seed {about['seed']}, {len(table)} "
        f"scenarios of {about['episodes']} episodes of {about['steps']} steps, all with the same random numbers{unfinished}"
    )
    _surface(results)
    _fans(results)
    st.markdown("**All scenarios**: currency an episode; a loss is above 0 in VaR and ES")
    shown = [
        "scenario", "kind", "episodes", "profit", "profit_low", "profit_high", "difference", "difference_low",
        "difference_high", "profit_p01", "profit_p50", "es_99", "drawdown", "over_limit", "hedges", "description",
    ]  # fmt: skip
    numbers = {name: st.column_config.NumberColumn(format="%.4g") for name in shown[3:-1]}
    st.dataframe(table[shown], hide_index=True, column_config=numbers, key="scenario table")
    left, right = st.columns([1, 4])
    left.download_button("Table (CSV)", as_csv(table), TABLE_CSV, "text/csv", icon=":material/download:", width="stretch",
                         key="scenarios csv")  # fmt: skip
    with right:
        offer_report(results.folder)


def _surface(results: ScenarioResults) -> None:
    """A heat map over two axes, the others at the market's own."""
    names = [name for name, levels in results.axes.items() if len(levels) > 1]
    st.markdown("**Surface**: a figure over two axes, the other axes at the market's own")
    if len(names) < 2:
        st.caption("The scenarios have fewer than two axes with levels, so that there is no surface.")
        return
    left, middle, right = st.columns(3)
    rows = left.selectbox("Rows", names, index=0, key="surface rows")
    others = [name for name in names if name != rows]
    columns = middle.selectbox("Columns", others, index=0, key=f"surface columns beside {rows}")
    chosen = right.selectbox("Figure", list(FIGURES), key="surface figure")
    figure, unit = FIGURES[chosen]
    values = results.surface(rows, columns, figure)
    if not values.notna().any(axis=None):
        st.caption("None of these scenarios was played.")
        return
    errors = None
    if f"{figure}_low" in results.table:
        low, high = (results.surface(rows, columns, f"{figure}_{end}") for end in ("low", "high"))
        errors = 0.5 * (high - low).to_numpy(np.float64)
        st.caption("± half of the 95 % interval")
    chart(
        charts.surface_chart(
            list(map(str, values.columns)), list(map(str, values.index)), values.to_numpy(np.float64),
            column_title=f"{columns} [level]", row_title=f"{rows} [level]", unit=f"{chosen} {unit}", errors=errors,
        ),
        "surface",
    )  # fmt: skip


def _fans(results: ScenarioResults) -> None:
    """How the paths of some scenarios spread."""
    names = [str(name) for name in results.table["scenario"] if name in results.fans]
    if not names:
        return
    st.markdown("**Paths**: median, middle half, 5 to 95 % and 1 to 99 %")
    left, right = st.columns([4, 1])
    first = pd.unique(np.array([names[0], _worst(results, names)], dtype=object)).tolist()
    chosen = left.multiselect("Scenarios", names, default=first, max_selections=MOST_FANS, key="fans")
    path = right.segmented_control("Path", PATHS, default=PATHS[0], key="path") or PATHS[0]
    if chosen:
        chart(charts.fan_chart({name: results.fans[name] for name in chosen}, path), "fan")


def _worst(results: ScenarioResults, names: list[str]) -> str:
    return str(results.table.set_index("scenario").loc[names, "profit"].idxmin())
