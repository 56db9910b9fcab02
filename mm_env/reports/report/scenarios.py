"""The report of scenarios: the surface over two axes, what every scenario earns and may lose, and how paths spread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.reports import charts
from mm_env.reports.report import paper
from mm_env.reports.report.content import Block, Chart, Code, Report, ReportSection, Table, Text
from mm_env.reports.report.numbers import between, number
from mm_env.risk.scenarios import MARKET, ScenarioResults, load_results

if TYPE_CHECKING:
    import pandas as pd

_SURFACES = (
    ("profit", "profit [currency an episode]", "Mean profit", 1.0),
    ("es_99", "expected shortfall 99 % [currency]", "Expected shortfall of the profit of an episode, 99 %", 1.0),
    ("over_limit", "VaR over its limit [% of steps]", "Share of the steps with VaR over its limit", 100.0),
)  # figure, its unit, caption, factor


def scenario_report(folder: Path) -> Report:
    """Read a folder of `mm-env scenarios` into its report; raises `UsageError` for a folder that holds no results."""
    results = load_results(folder)
    about, base = results.about, results.table.iloc[0]
    blocks: list[Block] = [Text(_reading(results)), *_unfinished(results)]
    sections = [
        ReportSection("summary", "Summary", (*blocks, _table(results), _risks(results))),
        ReportSection("differences", "Differences from the base", (_differences(results),)),
        ReportSection("surface", "Surface", tuple(_surfaces(results))),
        ReportSection("fans", "Paths", tuple(_fans(results))),
        ReportSection("configuration", "Configuration and seeds", tuple(_configuration(results))),
    ]
    figures = (
        ("Profit of the base", number(base["profit"]), f"95 %: {between(base['profit_low'], base['profit_high'])}"),
        *_worst(results.table),
        ("Scenarios", number(len(results.table)), f"{number(about['episodes'])} episodes each"),
    )
    subtitle = f"policy {about['policy']}, {len(about['scenarios'])} scenarios, {about['steps']} steps, seed {about['seed']}"
    facts = f"mm_env {about['version']}, configuration {about['config_hash']}, seed {about['seed']}"
    kept = tuple(section for section in sections if section.blocks)
    return Report(f"Scenarios of {about['market'] or 'two_symbols'}", subtitle, figures, kept, facts)


def scenario_blocks(folder: Path) -> list[Block]:
    """The part on scenarios of the report of a run; raises as `scenario_report` does."""
    results = load_results(folder)
    about = results.about
    where = Text(
        f"Market {about['market'] or 'two_symbols'}, policy {about['policy']}, seed {about['seed']}, "
        f"{number(about['episodes'])} episodes a scenario, configuration {about['config_hash']}."
    )
    return [where, *_unfinished(results), *_surfaces(results), _table(results), _risks(results)]


def _unfinished(results: ScenarioResults) -> list[Block]:
    if results.complete:
        return []
    done, asked = int(results.table["episodes"].sum()), results.about["episodes"] * len(results.about["scenarios"])
    return [Text(f"Not all episodes were played: {number(done)} of {number(asked)}.", notice=True)]


def _worst(table: pd.DataFrame) -> tuple[tuple[str, str, str], ...]:
    low = table.iloc[int(table["profit"].to_numpy().argmin())]
    tail = table.iloc[int(np.nanargmax(table["es_99"].to_numpy()))] if table["es_99"].notna().any() else None
    found = [("Lowest mean profit", number(low["profit"]), str(low["scenario"]))]
    if tail is not None:
        found.append(("Largest ES 99 %", number(tail["es_99"]), str(tail["scenario"])))
    return tuple(found)


def _reading(results: ScenarioResults) -> str:
    table = results.table
    base, others = table.iloc[0], table.iloc[1:]
    text = f"The base makes {number(base['profit'])} an episode"
    if others.empty:
        return text + "; no other scenario was played."
    worse = others[others["difference_high"] < 0.0]
    losing = others[others["profit_high"] < 0.0]
    low = others.iloc[int(others["profit"].to_numpy().argmin())]
    return (
        f"{text}. Of {len(others)} other scenarios {len(worse)} earn less with 95 % confidence, {len(losing)} lose money; "
        f"the lowest mean profit is {number(low['profit'])}, in {low['scenario']}."
    )


def _table(results: ScenarioResults) -> Table:
    rows = tuple(
        (
            str(row["scenario"]), str(row["kind"]), number(row["episodes"]), number(row["profit"]),
            between(row["profit_low"], row["profit_high"]), number(row["profit_sd"]), number(row["profit_p01"]),
            number(row["profit_p50"]), number(row["drawdown"]),
        )
        for _, row in results.table.iterrows()
    )  # fmt: skip
    header = (
        "scenario", "kind", "episodes", "profit", "its 95 % interval", "sd", "1 % quantile", "median", "drawdown, mean"
    )  # fmt: skip
    caption = "Profit of an episode [currency]"
    return Table(caption, header, rows, left=(0, 1), widths=(2.6, 0.9, 1.0, 1.0, 1.9, 0.9, 1.0, 0.9, 1.1))


def _risks(results: ScenarioResults) -> Table:
    rows = tuple(
        (
            str(row["scenario"]), *(number(row[name]) for name in ("var_95", "var_99", "es_95", "es_99")),
            number(100.0 * row["over_limit"], 2), number(row["hedges"], 1), number(row["hedge_cost"]),
            number(row["hedge_unfilled_lots"], 1),
        )
        for _, row in results.table.iterrows()
    )  # fmt: skip
    header = (
        "scenario", "VaR 95 %", "VaR 99 %", "ES 95 %", "ES 99 %", "steps over the limit [%]", "hedges", "hedge cost",
        "not hedged [lots]",
    )  # fmt: skip
    caption = "Tail of the profit of an episode [currency, a loss is above 0] and hedging, mean of an episode"
    return Table(caption, header, rows, widths=(2.6, 1.0, 1.0, 1.0, 1.0, 1.1, 0.9, 1.0, 1.0))


def _differences(results: ScenarioResults) -> Block:
    others = results.table.iloc[1:]
    if others.empty:
        return Text("No scenario beside the base was played.")
    rows = tuple(
        (
            str(row["scenario"]), number(row["difference"], sign=True),
            between(row["difference_low"], row["difference_high"]), number(row["correlation"], 2),
            number(row["variance_reduction"], 1), str(row["description"]),
        )
        for _, row in others.iterrows()
    )  # fmt: skip
    header = ("scenario", "difference", "95 % interval", "correlation", "variance reduction [times]", "what it is")
    caption = "Profit less that of the base on the same episodes, whose random numbers are the same [currency an episode]"
    return Table(caption, header, rows, left=(0, 5), widths=(2.3, 1.1, 1.8, 1.1, 1.1, 3.2))


def _grid(results: ScenarioResults) -> tuple[str, str] | None:
    """Two axes that were crossed: those with the most cells."""
    names = [name for name in results.axes if len(results.axes[name]) > 1]
    best, found = 0, None
    for k, rows in enumerate(names):
        for columns in names[k + 1 :]:
            filled = int(results.surface(rows, columns).notna().to_numpy().sum())
            alone = len(results.axes[rows]) + len(results.axes[columns]) - 1
            if filled > max(best, alone):
                best, found = filled, (rows, columns)
    return found


def _surfaces(results: ScenarioResults) -> list[Block]:
    axes = _grid(results)
    if axes is None:
        return [Text("No two axes were crossed, so that there is no surface; a grid of two axes makes one.")]
    rows, columns = axes
    blocks: list[Block] = []
    for figure, unit, caption, factor in _SURFACES:
        table = results.surface(rows, columns, figure)
        if not table.notna().any(axis=None):
            continue
        named: dict[str, Any] = {"column_title": f"{columns} [level]", "row_title": f"{rows} [level]", "unit": unit}
        errors = None
        if f"{figure}_low" in results.table:
            low, high = (results.surface(rows, columns, f"{figure}_{end}") for end in ("low", "high"))
            errors = 0.5 * factor * (high - low).to_numpy(np.float64)
        shape = [list(map(str, table.columns)), list(map(str, table.index)), factor * table.to_numpy(np.float64)]
        named |= {"errors": errors}
        note = "; ± half of the 95 % interval" if errors is not None and np.isfinite(errors).any() else ""
        blocks.append(
            Chart(f"surface_{figure}", f"{caption} by {rows} and {columns}{note}.",
                  lambda a=shape, b=named: charts.surface_chart(*a, **b),  # type: ignore[misc]
                  lambda a=shape, b=named: paper.surface_paper(*a, **b))  # type: ignore[misc]
        )  # fmt: skip
    return blocks


def _fans(results: ScenarioResults) -> list[Block]:
    fans = results.fans
    names = [str(name) for name in results.table["scenario"] if name in fans]
    if not names:
        return []
    base, worst = names[0], str(results.table.set_index("scenario").loc[names, "profit"].idxmin())
    shown = {name: fans[name] for name in dict.fromkeys([base, worst])}
    return [
        Chart(f"fan_{path}", f"{title}: median, middle half, 5 to 95 % and 1 to 99 % of the paths.",
              lambda x=path: charts.fan_chart(shown, x),  # type: ignore[misc]
              lambda x=path: paper.fan_paper(shown, x))  # type: ignore[misc]
        for path, title in (
            ("profit", "Profit so far, of the base and of the scenario that earns least"),
            ("inventory", "Value of the inventory, of the same"),
        )
    ]  # fmt: skip


def _configuration(results: ScenarioResults) -> list[Block]:
    about = results.about
    rows = (
        ("market", str(about["market"] or "two_symbols")),
        ("configuration hash", about["config_hash"]),
        ("scenarios", str(about["scenario_file"])),
        ("policy", about["policy"]),
        ("seed", str(about["seed"])),
        ("episodes of each scenario", number(about["episodes"])),
        ("decision steps of an episode", f"{about['steps']} of {about['step_seconds']:g} s"),
        ("version of mm_env", about["version"]),
    )
    levels = tuple((axis, ", ".join(map(str, names))) for axis, names in results.axes.items())
    blocks: list[Block] = [Table("What was run", ("", "value"), rows, left=(0, 1), widths=(1.0, 3.0))]
    if levels:
        blocks.append(Table("Axes and their levels", ("axis", "levels"), levels, left=(0, 1), widths=(1.0, 3.0)))
    market = results.folder / MARKET
    if market.is_file():
        blocks.append(Code("Configuration of the market, every parameter (YAML)", market.read_text("utf-8"), folded=True))
    return blocks
