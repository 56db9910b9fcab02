"""A heat map over two axes: the surface of scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from mm_env.reports.charts.look import figure


def surface_chart(
    columns: Sequence[str],
    rows: Sequence[str],
    values: ArrayLike,
    *,
    column_title: str,
    row_title: str,
    unit: str,
    errors: ArrayLike | None = None,
    height: int | None = None,
) -> go.Figure:
    """Draw a value over two axes, each cell with its number.

    columns, rows: labels; values: (R, C) float64, NaN where there is none; errors: (R, C) shown after ±
    column_title, row_title: of the axes, with their unit; unit: of the values, as "profit [currency an episode]"
    """
    z = np.asarray(values, np.float64)
    shown = cell_texts(z, errors)
    drawn = figure(height or 150 + 46 * max(len(rows), 3))
    drawn.add_heatmap(
        x=[escape(label) for label in columns], y=[escape(label) for label in rows], z=z, text=shown,
        texttemplate="%{text}", colorscale="Cividis", xgap=1, ygap=1,
        colorbar={"title": {"text": escape(unit).replace(" [", "<br>[")}, "thickness": 14},
        hovertemplate="%{x}, %{y}: %{text}<extra></extra>",
    )  # fmt: skip
    drawn.update_xaxes(title_text=escape(column_title), type="category", showgrid=False)
    drawn.update_yaxes(title_text=escape(row_title), type="category", showgrid=False)
    return drawn


def cell_texts(values: NDArray[np.float64], errors: ArrayLike | None = None) -> list[list[str]]:
    """Text of each cell: its value and, on a line of its own after <br>, its error; nothing where it is NaN."""
    shown = [[_cell(value) for value in line] for line in values]
    if errors is None:
        return shown
    return [
        [text + (f"<br>± {_cell(error)}" if text and np.isfinite(error) else "") for text, error in zip(*pair, strict=True)]
        for pair in zip(shown, np.asarray(errors, np.float64), strict=True)
    ]


def _cell(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"
