"""The command `mm-env convert`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import Json, OutFile, check_targets
from mm_env.data.readers import READERS, ReadOptions
from mm_env.errors import DataError, UsageError

logger = logging.getLogger(__name__)


def main(
    data: Annotated[Path, typer.Argument(help="LOBSTER zip, folder or message file; Binance stream; table of trades.")],
    out: OutFile,
    form: Annotated[
        str | None, typer.Option(metavar="|".join(READERS), help="Form of the data; found by the file names if none.")
    ] = None,
    quotes: Annotated[Path | None, typer.Option(help="Table of quotes beside that of trades.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="OURS=THEIRS", help="Name of a column of a table; repeatable.")
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option(metavar="s|ms|us|ns", help="Unit of a table's times since 1970; dates if none.")
    ] = None,
    symbol: Annotated[str, typer.Option(help="Symbol of a table.")] = "",
    venue: Annotated[str, typer.Option(help="Venue of a table or a Binance stream.")] = "",
    levels: Annotated[int, typer.Option(min=1, help="Levels of the book of a Binance stream.")] = ReadOptions.levels,
    coarse_tick: Annotated[
        float | None, typer.Option(help="Tick to which levels of a Binance stream are added up [currency].")
    ] = None,
    json_file: Json = None,
) -> None:
    """Convert market data into events.

    Writes the Parquet file that calibrate, describe and realism read. Malformed rows are left out, counted, and reported
    with their lines.

    Example: mm-env convert LOBSTER_SampleFile_AAPL_2012-06-21_1.zip --out runs/data/aapl.parquet
    """
    from mm_env.data.events import EventWriter, ReadReport
    from mm_env.data.readers import open_data
    from mm_env.files import write_json

    check_targets(out=out, json=json_file)
    report = ReadReport()
    options = ReadOptions(
        symbol=symbol, venue=venue, levels=levels, coarse_tick=coarse_tick, quotes=quotes, columns=_columns(column or []),
        time_unit=time_unit,
    )  # fmt: skip
    about, events = open_data(data, report, options, form)
    with EventWriter(out, about) as writer:
        for batch in events:
            writer.write(batch)
        if writer.events == 0:
            raise DataError(f"{data}: no event could be read: {report.describe()}")
    typer.echo(f"{out}: {about.symbol or 'unnamed'} at {about.venue or 'one venue'}, {report.describe()}")
    if json_file is not None:
        write_json(json_file, {"rows": report.rows, "events": report.events, "malformed": report.malformed,
                               "examples": report.examples})  # fmt: skip


def _columns(pairs: list[str]) -> dict[str, str]:
    columns = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not sign or not ours or not theirs:
            raise UsageError(f"--column {pair!r}: expected OURS=THEIRS, as price=last")
        columns[ours] = theirs
    return columns
