"""Figures and plain records of a folder of scenarios."""

from __future__ import annotations

import math
from typing import Any

from mm_env.files import write_bytes
from mm_env.reports.scenario_figures import chosen_fans, difference_figure, fan_figure, surface_axes, surface_figure
from mm_env.reports.style import png
from mm_env.risk.scenarios import ScenarioResults


def draw_scenarios(results: ScenarioResults, shown: list[str] | None, title: str) -> None:
    """Write the figures for which there is something to show."""
    axes = surface_axes(results)
    if axes is not None:
        write_bytes(results.folder / "surface.png", png(surface_figure(results, *axes, title)))
    chosen = [name for name in shown or chosen_fans(results.table) if name in results.fans]
    write_bytes(results.folder / "fans.png", png(fan_figure(results, chosen, title)))
    if len(results.table) > 1:
        write_bytes(results.folder / "differences.png", png(difference_figure(results.table, title)))


def scenario_records(results: ScenarioResults) -> dict[str, Any]:
    """What is printed and more, under stable names; figures that there are none of as null."""
    rows = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
        for row in results.table.to_dict("records")
    ]
    return {**results.about, "complete": results.complete, "rows": rows}
