"""Bring market data into the one form that calibration reads: a Parquet file with a row for each event.

python scripts/convert_data.py LOBSTER_SampleFile_AAPL_2012-06-21_1.zip --out runs/data/aapl.parquet
python scripts/convert_data.py spot_btcusdt.gz --venue spot --out runs/data/btc_spot.parquet
python scripts/convert_data.py trades.csv --quotes quotes.csv --column price=last --time-unit ms --out xyz.parquet
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.baseline import check_log_level
from mm_env.cli.errors import check_target, user_errors
from mm_env.data.events import EventWriter, ReadReport
from mm_env.data.readers import READERS, ReadOptions, open_data
from mm_env.errors import DataError, UsageError
from mm_env.files import write_json

logger = logging.getLogger("convert_data")


@user_errors
def main(
    data: Annotated[Path, typer.Argument(help="LOBSTER zip, folder or message file; Binance stream; table of trades.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Parquet file that is written.")],
    form: Annotated[str | None, typer.Option(metavar="|".join(READERS), help="Found by the names if none is given.")] = None,
    quotes: Annotated[Path | None, typer.Option(help="Table of quotes beside that of trades.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="OURS=THEIRS", help="Name of a column of a table; repeatable.")
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option(metavar="s|ms|us|ns", help="Of a table's times since 1970; dates if none.")
    ] = None,
    symbol: Annotated[str, typer.Option(help="Of a table.")] = "",
    venue: Annotated[str, typer.Option(help="Of a table or a Binance stream.")] = "",
    levels: Annotated[int, typer.Option(min=1, help="Of the book of a Binance stream.")] = ReadOptions.levels,
    coarse_tick: Annotated[
        float | None, typer.Option(help="Of the book of a Binance stream: levels are added up by it [currency].")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the counts there.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Convert one file; malformed rows are left out, counted, and told with their line."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    for option, path in {"--out": out, "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
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
    print(f"{out}: {about.symbol or 'unnamed'} at {about.venue or 'one venue'}, {report.describe()}")
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


if __name__ == "__main__":
    typer.run(main)
