"""LOBSTER files: messages and the book after each, as a zip, a folder, or the message file itself.

Source of the format: Huang & Polak 2011, LOBSTER: limit order book reconstruction system.
"""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import About, Events, ReadReport
from mm_env.data.readers.base import Reading, ReadOptions
from mm_env.errors import DataError

_NAME = re.compile(r"(?P<symbol>.+)_(?P<day>\d{4}-\d\d-\d\d)_\d+_\d+_message_(?P<levels>\d+)\.csv")
_KINDS = np.array(["", "limit", "reduce", "delete", "trade", "hidden", "cross", "halt"], dtype=object)
ZONE = ZoneInfo("America/New_York")
UNITS = 1e4  # of price in a dollar
_NO_LEVEL = 9_999_999_999  # price where the book has no further level
_CHUNK = 50_000  # lines
_TICK = 0.01


@dataclass(frozen=True)
class _Files:
    """A pair of files; archive: the zip that holds them, None for plain files."""

    about: About
    day: str
    messages: str
    books: str
    archive: Path | None

    def open(self, name: str, stack: ExitStack) -> TextIO:
        """Open one of the two."""
        if self.archive is None:
            return stack.enter_context(Path(name).open(encoding="ascii", errors="replace"))
        file = stack.enter_context(stack.enter_context(zipfile.ZipFile(self.archive)).open(name))
        return io.TextIOWrapper(file, encoding="ascii", errors="replace")


def is_lobster(path: Path) -> bool:
    """Whether a path is a folder, a zip or a message file, as LOBSTER delivers them."""
    return path.is_dir() or path.suffix == ".zip" or "_message_" in path.name


def read_lobster(path: Path, options: ReadOptions, report: ReadReport) -> Reading:
    """Open a zip, a folder or a message file; rows that cannot be read are counted in `report`, with their line.

    `side` of a trade is that of its taker, so the opposite of LOBSTER's, which is that of the resting order.
    Raises DataError where there is no pair of files, or more than one, and where the two files differ in length.
    """
    files = _find(path)
    return Reading(files.about, _batches(files, report))


def _find(path: Path) -> _Files:
    archive = None
    if path.is_dir():
        names = [str(entry) for entry in sorted(path.iterdir())]
    elif zipfile.is_zipfile(path):
        archive = path
        with zipfile.ZipFile(path) as content:
            names = content.namelist()
    elif path.exists():
        names = [str(entry) for entry in sorted(path.parent.iterdir())]
    else:
        raise DataError(f"{path}: there is no such file or folder; expected a LOBSTER zip, folder or message file")
    forms = {name: form for name in names if (form := _NAME.fullmatch(Path(name).name))}
    if not path.is_dir() and archive is None:
        forms = {name: form for name, form in forms.items() if Path(name) == path}
    if len(forms) != 1:
        found = ", ".join(Path(name).name for name in forms) or "none"
        raise DataError(f"{path}: message files {found}; expected one SYMBOL_DAY_START_END_message_LEVELS.csv, or name it")
    ((messages, form),) = forms.items()
    books = messages.replace("_message_", "_orderbook_")
    if books not in names:
        raise DataError(f"{path}: no {Path(books).name} beside {Path(messages).name}")
    about = About("lobster", form["symbol"], "NASDAQ", int(form["levels"]), _TICK)
    return _Files(about, form["day"], messages, books, archive)


def _batches(files: _Files, report: ReadReport) -> Iterator[Events]:
    midnight = datetime.fromisoformat(files.day).replace(tzinfo=ZONE)
    origin = round(midnight.timestamp()) * 1_000_000_000
    width = 4 * files.about.levels
    latest = -np.inf
    with ExitStack() as stack:
        messages, books = files.open(files.messages, stack), files.open(files.books, stack)
        line = 0
        while True:
            left, right = (list(itertools.islice(file, _CHUNK)) for file in (messages, books))
            if len(left) != len(right):
                raise DataError(
                    f"{files.messages}: {line + len(left)} rows so far, its order book {line + len(right)}; "
                    "expected as many in both"
                )
            if not left:
                return
            report.rows += len(left)
            message, book = _numbers(left, 6), _numbers(right, width)
            good = _usable(message, book, latest, line, left, files, report)
            if good.any():
                latest = float(message[good, 0].max())
                report.events += int(good.sum())
                yield _events(message[good], book[good], origin)
            line += len(left)


def _numbers(lines: list[str], width: int) -> NDArray[np.float64]:
    """(n, width) float64; NaN all over a row that has another number of cells or one that is no number."""
    import pandas as pd

    try:
        table = pd.read_csv(io.StringIO("".join(lines)), header=None, dtype=np.float64, skip_blank_lines=False)
        if table.shape == (len(lines), width) and not table.isna().to_numpy().any():
            return np.asarray(table.to_numpy())
    except ValueError:
        pass
    rows = np.full((len(lines), width), np.nan)
    for k, text in enumerate(lines):
        cells = text.rstrip("\r\n").split(",")
        if len(cells) == width:
            try:
                rows[k] = [float(cell) for cell in cells]
            except ValueError:
                continue
    rows[~np.isfinite(rows).all(axis=1)] = np.nan
    return rows


def _usable(
    message: NDArray[np.float64],
    book: NDArray[np.float64],
    latest: float,
    line: int,
    texts: list[str],
    files: _Files,
    report: ReadReport,
) -> NDArray[np.bool_]:
    """(n,) bool, rows that are events; the others are reported."""
    unread, no_book = np.isnan(message[:, 0]), np.isnan(book[:, 0])
    kind = np.where(unread, 0.0, message[:, 1])
    no_kind = ~np.isin(kind, np.arange(1, len(_KINDS)))
    time = np.where(unread | no_kind | no_book, -np.inf, message[:, 0])
    before = np.maximum.accumulate(np.concatenate(([latest], time)))[:-1]
    late = np.isfinite(time) & (time < before)
    bad = unread | no_book | no_kind | late
    for k in np.flatnonzero(bad):
        name, reason = Path(files.messages).name, f"not 6 numbers: {texts[k].strip()[:80]!r}"
        if not unread[k]:
            reason = (
                f"type {message[k, 1]:g}; expected a number from 1 to 7"
                if no_kind[k]
                else f"time {message[k, 0]:.9f} after {before[k]:.9f}"
            )
        if not unread[k] and no_book[k]:
            name, reason = Path(files.books).name, f"not {4 * files.about.levels} numbers"
        report.reject(f"{name}, line {line + int(k) + 1}", reason)
    return ~bad


def _events(message: NDArray[np.float64], book: NDArray[np.float64], origin: int) -> Events:
    kind = message[:, 1].astype(np.int64)
    seconds = np.floor(message[:, 0])
    time = origin + seconds.astype(np.int64) * 1_000_000_000 + np.rint((message[:, 0] - seconds) * 1e9).astype(np.int64)
    direction = message[:, 5].astype(np.int8)
    traded = (kind == 4) | (kind == 5)
    side = np.where(traded, -direction, np.where(kind >= 6, 0, direction)).astype(np.int8)
    ask_prices, ask_sizes, bid_prices, bid_sizes = (book[:, k::4].copy() for k in range(4))
    for prices, sizes in ((ask_prices, ask_sizes), (bid_prices, bid_sizes)):
        empty = np.abs(prices) >= _NO_LEVEL
        prices /= UNITS
        prices[empty] = sizes[empty] = np.nan
    return Events(
        time=time,
        kind=_KINDS[kind],
        side=side,
        price=np.where(kind == 7, np.nan, message[:, 4] / UNITS),
        size=np.where(kind == 7, np.nan, message[:, 3]),
        order=message[:, 2].astype(np.int64),
        bid_prices=bid_prices,
        bid_sizes=bid_sizes,
        ask_prices=ask_prices,
        ask_sizes=ask_sizes,
    )
