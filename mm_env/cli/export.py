"""The command `mm-env export`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import Json, check_targets
from mm_env.data.exporters import EXPORTERS
from mm_env.errors import UsageError


def main(
    data: Annotated[Path, typer.Argument(help="Events, as mm-env convert and mm-env record-market write them.")],
    form: Annotated[str, typer.Option(metavar="|".join(EXPORTERS), help="Form of the files.")] = "lobster",
    day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Only the events of that day in New York; all if none.")
    ] = None,
    lot: Annotated[float, typer.Option(min=1e-12, help="With lobster: size of one lot, as its sizes are whole.")] = 1.0,
    latency_ms: Annotated[float, typer.Option(min=0.0, help="With hftbacktest: delay from the venue [ms].")] = 0.0,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER|FILE", help="Holds the files; with hftbacktest also the name of an .npz.")
    ] = Path("runs/export"),
    json_file: Json = None,
) -> None:
    """Export events for LOBSTER readers or hftbacktest.

    Reads recorded or simulated events; prints the names of the files.

    Example: mm-env export runs/data/xyz.parquet --form hftbacktest --latency-ms 5 --out runs/export/xyz.npz
    """
    from mm_env.data.events import about_events, read_events
    from mm_env.data.exporters import ExportOptions, export_events
    from mm_env.data.exporters.lobster import events_of_day
    from mm_env.files import write_json

    about = about_events(data)
    events = read_events(data) if day is None else events_of_day(read_events(data), _date(day))
    check_targets(out=out if out.suffix == ".npz" else out / data.stem, json=json_file)
    paths = export_events(events, about, out, form, ExportOptions(data.stem, lot, latency_ms))
    for path in paths:
        typer.echo(path)
    if json_file is not None:
        write_json(json_file, {"files": [str(path) for path in paths]})


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--day {text!r}: expected a date, as 2024-01-02") from error
