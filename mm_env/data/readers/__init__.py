"""Readers: each turns files of one form into `mm_env.data.events`.

module  | what
------- | ----
base    | the options of readers, and what a reader returns
lobster | LOBSTER's messages and order books
binance | raw streams of Binance
tables  | plain tables of trades and quotes, CSV or Parquet

A reader is a module with a function `read(path, options, report) -> Reading`, and a row in `READERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mm_env.data.events import ReadReport
from mm_env.data.forms import check_options
from mm_env.data.readers.base import Reading, ReadOptions
from mm_env.data.readers.binance import is_binance, read_binance
from mm_env.data.readers.lobster import is_lobster, read_lobster
from mm_env.data.readers.tables import is_table, read_tables
from mm_env.errors import DataError, check_choice

__all__ = ["READERS", "ReadOptions", "Reader", "Reading", "open_data"]


class Reader(NamedTuple):
    """A form of files.

    recognises: whether a path is of this form
    read: opens a file; malformed rows are left out and counted in the report, with their place
    options: fields of `ReadOptions` that it uses
    """

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions, ReadReport], Reading]
    options: tuple[str, ...] = ()


READERS = {
    row.name: row
    for row in (
        Reader("lobster", is_lobster, read_lobster),
        Reader("tables", is_table, read_tables, ("quotes", "columns", "time_unit", "symbol", "venue")),
        Reader("binance", is_binance, read_binance, ("venue", "levels", "coarse_tick")),
    )
}
"""Readers by name; the first that recognises a file reads it, unless its form is named."""


def open_data(path: Path, report: ReadReport, options: ReadOptions | None = None, form: str | None = None) -> Reading:
    """Open a file of market data.

    report: counts the rows as the events are read
    form: one of `READERS`; None: the first that recognises the file

    Raises DataError for a file that cannot be read, UsageError for an unknown form and for an option that it does not use.
    """
    if form is not None:
        check_choice("form", form, READERS)
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    name = form or next((name for name, reader in READERS.items() if reader.recognises(path)), None)
    if name is None:
        raise DataError(f"{path}: not recognised as {', '.join(READERS)}; expected one of these, or name its form")
    options = options or ReadOptions()
    check_options(options, READERS[name], READERS)
    return READERS[name].read(path, options, report)
