"""A file of headlines, CSV or Parquet, as columns of text whose rows know where in the file they stand."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from mm_env.errors import TapeError, nearest, nearest_hint
from mm_env.extras import require

COLUMNS = ("headline", "timestamp", "step", "symbol", "polarity")
_OPTIONAL = ("symbol", "polarity")
_MISSPELT = 0.9  # similarity at which another column is taken for a misspelt one ("popularity" has 0.89)
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")  # how surrogateescape shows a byte that it cannot decode


@dataclass(frozen=True)
class Table:
    """The columns of a file that a tape uses.

    path: the file
    columns: name in lower case -> n cells, stripped; an absent value is an empty cell
    places: n places such as "line 7", for messages
    replaced_bytes: bytes that are not UTF-8, replaced
    ignored: names of the columns that a tape has no use for
    """

    path: Path
    columns: dict[str, list[str]]
    places: list[str]
    replaced_bytes: int
    ignored: tuple[str, ...]

    def reject(self, row: int, column: str, allowed: str) -> NoReturn:
        """Raise TapeError for the cell at `row` of `column`."""
        value = self.columns[column][row]
        raise TapeError(f"{self.path}, {self.places[row]}: {column} {value!r}; expected {allowed}")


def read_table(path: str | Path) -> Table:
    """Read the columns `headline`, `timestamp` or `step`, `symbol`, `polarity`; names match in any case.

    Raises TapeError for a file that is absent, unreadable, without rows or without the needed columns.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = nearest_hint(path.name, [entry.name for entry in path.parent.glob("*")])
        raise TapeError(f"{path}: cannot read the headlines: {error.strerror}{hint}") from error
    if data.startswith(b"PAR1") or path.suffix.lower() in (".parquet", ".pq"):
        header, cells, places, replaced = _read_parquet(path, data)
    else:
        header, cells, places, replaced = _read_csv(path, data)
    names = [name.strip().casefold() for name in header]
    _check_header(path, header, names)
    if not places:
        raise TapeError(f"{path}: no rows under the header {', '.join(header)}")
    columns = {name: cells[names.index(name)] for name in COLUMNS if name in names}
    ignored = tuple(raw for raw, name in zip(header, names, strict=True) if name not in COLUMNS)
    return Table(path, columns, places, replaced, ignored)


def _check_header(path: Path, header: list[str], names: list[str]) -> None:
    found = f"found: {', '.join(repr(name) for name in header)}"
    for name in COLUMNS:
        if names.count(name) > 1:
            raise TapeError(f"{path}: column {name!r} is there {names.count(name)} times; {found}")
    others = [name for name in names if name not in COLUMNS]
    if "headline" not in names:
        raise TapeError(f"{path}: no column 'headline'; {found}{nearest_hint('headline', others)}")
    if "timestamp" not in names and "step" not in names:
        hint = nearest_hint("timestamp", others) or nearest_hint("step", others)
        raise TapeError(f"{path}: no column 'timestamp' and none 'step', one is needed; {found}{hint}")
    if "timestamp" in names and "step" in names:
        raise TapeError(f"{path}: columns 'timestamp' and 'step' both say when; keep one; {found}")
    for name in _OPTIONAL:
        near = nearest(name, others, cutoff=_MISSPELT)
        if name not in names and near is not None:
            raise TapeError(f"{path}: unknown column {near!r}; nearest: {name!r}; rename it if it is another")


def _decode(data: bytes) -> tuple[str, int]:
    """Return the text with each byte that is not UTF-8 replaced by U+FFFD, and how many there were."""
    return _ESCAPED_BYTE.subn("\ufffd", data.decode("utf-8-sig", errors="surrogateescape"))


def _read_csv(path: Path, data: bytes) -> tuple[list[str], list[list[str]], list[str], int]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TapeError(f"{path}: the encoding is UTF-16; expected UTF-8")
    text, replaced = _decode(data)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    rows: list[list[str]] = []
    places: list[str] = []
    line = 1
    try:
        for row in reader:
            if not header:
                header = [name.strip() for name in row]
            elif row:
                rows.append(row if len(row) == len(header) else _fit_row(path, line, row, len(header)))
                places.append(f"line {line}")
            line = reader.line_num + 1
    except csv.Error as error:
        allowed = "quotes inside a cell doubled, and closed"
        raise TapeError(f"{path}, line {line}: not a row of CSV: {error}; expected {allowed}") from error
    if not header:
        raise TapeError(f"{path}: empty; expected a header with 'headline', and 'timestamp' or 'step'")
    return header, [[row[k].strip() for row in rows] for k in range(len(header))], places, replaced


def _fit_row(path: Path, line: int, row: list[str], width: int) -> list[str]:
    if len(row) < width or any(cell.strip() for cell in row[width:]):
        hint = "a headline with a comma needs quotes"
        raise TapeError(f"{path}, line {line}: {len(row)} cells under a header of {width}; {hint}")
    return row[:width]


def _read_parquet(path: Path, data: bytes) -> tuple[list[str], list[list[str]], list[str], int]:
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise TapeError(f"{path}: not a Parquet file: {error}") from error
    cells: list[list[str]] = []
    replaced = 0
    for name, column in zip(table.column_names, table.columns, strict=True):
        used = name.strip().casefold() in COLUMNS
        texts, bad = _parquet_cells(column) if used else ([], 0)
        cells.append(texts)
        replaced += bad
    return list(table.column_names), cells, [f"row {k + 1}" for k in range(table.num_rows)], replaced


def _parquet_cells(column: Any) -> tuple[list[str], int]:
    require("pyarrow")
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())  # text is not checked when written, and may hold any bytes
    cells: list[str] = []
    replaced = 0
    for value in column.to_pylist():
        if isinstance(value, bytes):
            text, bad = _decode(value)
            replaced += bad
        else:
            # value != value: NaN is how many writers store an absent number
            text = "" if value is None or value != value else str(value)
        cells.append(text.strip())
    return cells, replaced
