"""Tables and files of a backtest of value at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mm_env.files import write_bytes, write_csv, write_json
from mm_env.reports.style import png
from mm_env.reports.tables import text_table
from mm_env.reports.var_figure import var_figure
from mm_env.risk.backtests import acceptance_region
from mm_env.risk.var_backtest import LARGEST_SHARE, TESTS, nominal_band, passed_curve
from mm_env.risk.var_samples import Samples

BACKTEST_FILES = ("var_backtest.json", "var_backtest.csv", "var_backtest.png")


def _percent(value: float | None, digits: int = 1) -> str:
    return "n/a" if value is None else f"{100.0 * value:.{digits}f}"


def backtest_table(rows: Sequence[Mapping[str, Any]], alarms: Mapping[str, float]) -> str:
    """Table of the variants: exceptions, rejections, zones.

    alarms: share of blocks in which each test rejects a perfect figure
    """
    header = ["variant", "exceptions [%]", *TESTS, "green/yellow/red", "mean VaR", "holds"]
    body = [
        [
            row["variant"],
            f"{_percent(row['exceptions']['value'], 2)} ± {_percent(row['exceptions']['error'], 2)}",
            *(_percent(row["rejected"][test]) for test in TESTS),
            "/".join(str(count) for count in row["zones"].values()),
            f"{row['value_at_risk']:.1f}",
            "yes" if row["holds"] else "no",
        ]
        for row in rows
    ]
    perfect = ["a perfect figure", _percent(rows[0]["expected"], 2), *(_percent(alarms[test]) for test in TESTS), "", "", ""]
    title = (
        "share of blocks that reject at 95 % [%]: their number (Kupiec), their independence, both (Christoffersen),\n"
        "size of the tail (Z1), number and size (Z2); a variant holds where Kupiec and Christoffersen reject at most "
        f"{100 * LARGEST_SHARE:g} %\n"
    )
    return title + text_table(header, [*body, perfect])


def regime_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Table of the exceptions by regime."""
    names = list(dict.fromkeys(name for row in rows for name in row["regimes"]))
    counts = [f"{name} ({rows[0]['regimes'][name]['periods']:,})" for name in names]
    body = [
        [
            row["variant"],
            *(
                f"{_percent(row['regimes'][name]['exceptions']['value'], 2)} ± "
                f"{_percent(row['regimes'][name]['exceptions']['error'], 2)}"
                for name in names
            ),
        ]
        for row in rows
    ]
    title = "exceptions by regime at the start, of horizons without a switch, and of those with one (horizons) [%]\n"
    return title + text_table(["variant", *counts], body)


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a variant and place: all, a regime, or within a switch."""
    lines = []
    for row in rows:
        whole = {"variant": row["variant"], "place": "all", "blocks": row["blocks"], "value_at_risk": row["value_at_risk"]}
        whole |= {f"rejected_{test}": row["rejected"][test] for test in TESTS} | {
            f"blocks_{z}": n for z, n in row["zones"].items()
        }
        lines.append(whole | {f"exceptions_{k}": v for k, v in row["exceptions"].items() if k != "episodes"})
        for name, part in row["regimes"].items():
            place = {"variant": row["variant"], "place": name, "periods": part["periods"]}
            lines.append(place | {f"exceptions_{k}": v for k, v in part["exceptions"].items() if k != "episodes"})
    header = list(dict.fromkeys(key for line in lines for key in line))
    write_csv(path, header, [{key: line.get(key) for key in header} for line in lines])


def write_backtest(out: Path, about: Mapping[str, Any], samples: Samples, title: str) -> None:
    """Write the figures as JSON and CSV, and the picture.

    about: as var_backtest.json holds it, with rows and false_alarms
    """
    rows = about["rows"]
    write_json(out / BACKTEST_FILES[0], about)
    _write_csv(out / BACKTEST_FILES[1], rows)
    curves = np.linspace(0.5, 3.0, 51)
    drawn = {row["variant"]: (curves, passed_curve(samples, row["variant"], curves)) for row in rows}
    accepted = acceptance_region(round(rows[0]["periods"]), 1.0 - about["conf"], about["confidence"])
    band = nominal_band(about["false_alarms"]["kupiec"], about["blocks"])
    write_bytes(out / BACKTEST_FILES[2], png(var_figure(rows, band, accepted, drawn, title, LARGEST_SHARE)))
