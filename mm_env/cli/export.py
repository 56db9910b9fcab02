"""Write events, real or simulated, in a form that other tools read: LOBSTER's two files, or hftbacktest's array.

python scripts/record_market.py --config one_symbol --seconds 600 --out runs/data/xyz.parquet
python scripts/export_data.py runs/data/xyz.parquet --form lobster --out runs/export
python scripts/export_data.py runs/data/xyz.parquet --form hftbacktest --latency-ms 5 --out runs/export/xyz.npz
"""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.baseline import check_log_level
from mm_env.cli.errors import check_target, user_errors
from mm_env.data.events import about_events, read_events
from mm_env.data.exporters import EXPORTERS, ExportOptions, export_events
from mm_env.data.exporters.lobster import events_of_day
from mm_env.errors import UsageError
from mm_env.files import write_json


@user_errors
def main(
    data: Annotated[Path, typer.Argument(help="Events, as convert_data.py and record_market.py write them.")],
    form: Annotated[str, typer.Option(metavar="|".join(EXPORTERS), help="Of the files.")] = "lobster",
    day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Only the events of that day in New York; all if none is named.")
    ] = None,
    lot: Annotated[
        float, typer.Option(min=1e-12, help="With lobster: units of size in one of its own, which are whole.")
    ] = 1.0,
    latency_ms: Annotated[float, typer.Option(min=0.0, help="With hftbacktest: from the venue to who sees it [ms].")] = 0.0,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER|FILE", help="Holds the files; with hftbacktest also the name of an .npz.")
    ] = Path("runs/export"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write their names there.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Write the files and print their names."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    about = about_events(data)
    events = read_events(data) if day is None else events_of_day(read_events(data), _date(day))
    targets = {"--out": out if out.suffix == ".npz" else out / data.stem} | (
        {} if json_file is None else {"--json": json_file}
    )
    for option, path in targets.items():
        check_target(option, path)
    paths = export_events(events, about, out, form, ExportOptions(data.stem, lot, latency_ms))
    for path in paths:
        print(path)
    if json_file is not None:
        write_json(json_file, {"files": [str(path) for path in paths]})


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--day {text!r}: expected a date, as 2024-01-02") from error


if __name__ == "__main__":
    typer.run(main)
