"""Files of a comparison's folder: figures as JSON and CSV, the episodes, a picture, the market."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mm_env.config.io import dump_config
from mm_env.evaluation.comparison import episodes_table
from mm_env.evaluation.evaluation import Evaluation
from mm_env.files import write_bytes, write_csv, write_json
from mm_env.reports.comparison_figures import comparison_figure
from mm_env.reports.report import remove_report
from mm_env.reports.style import png

COMPARISON_FILES = ("comparison.json", "comparison.csv", "episodes.parquet", "comparison.png")


def write_comparison(
    out: Path, about: Mapping[str, Any], evaluations: Mapping[str, Sequence[Evaluation]], market: Any, title: str
) -> None:
    """Write the folder; an earlier report in it goes. about: as comparison.json holds it, with rows and training_seeds."""
    write_json(out / COMPARISON_FILES[0], about)
    rows = [*about["rows"], *about["training_seeds"]]
    header = list(dict.fromkeys(key for row in rows for key in row))
    write_csv(out / COMPARISON_FILES[1], header, [{key: row.get(key) for key in header} for row in rows])
    buffer = io.BytesIO()
    episodes_table(evaluations).to_parquet(buffer, index=False)
    write_bytes(out / COMPARISON_FILES[2], buffer.getvalue())
    picture = comparison_figure(about["rows"], evaluations, about["baseline"], title)
    write_bytes(out / COMPARISON_FILES[3], png(picture))
    dump_config(market, out / "config.yaml")
    remove_report(out)  # of an earlier comparison
