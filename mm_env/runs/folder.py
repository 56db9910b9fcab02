"""The run folder: the files of a run, written whole or not at all, and read back.

file                     | what
------------------------ | ----
config.yaml              | every parameter of the market
steps.parquet            | one row a decision step of the recorded episodes
fills.parquet            | own fills of the recorded episodes
headlines.parquet        | headlines of the recorded episodes
venues.parquet           | one row a step, symbol and venue of the recorded episodes: weights and estimates of the router
attribution.csv          | profit by symbol, venue and term, mean over all episodes
attribution_cuts.parquet | the same cut by regime, period and side too, with standard errors, and mark-outs beside it
summary.json             | the statistics; written last of these: a folder that holds it is a run
episode.png              | the first episode, drawn from the tables
report.html, report.pdf  | where a report was asked for

The tables in Parquet need the extra `data`, or `report`: without one of them a run leaves the other files alone.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.config import MarketConfig
from mm_env.config.io import dump_config, load_config
from mm_env.errors import RunError
from mm_env.evaluation.attribution import ATTRIBUTION_COLUMNS
from mm_env.extras import installed, require
from mm_env.files import partial_path, put_in_place, write_bytes, write_csv, write_json
from mm_env.runs.recorder import Rows
from mm_env.runs.tables import arrow_schema, cut_columns, fill_columns, headline_columns, step_columns, venue_columns

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("steps", "fills", "headlines", "venues")
CUTS = "attribution_cuts.parquet"


@dataclass(frozen=True, eq=False)
class Run:
    """A run as read from its folder.

    config: the market; steps, fills, headlines, venues: the recorded episodes, columns as in `mm_env.runs.tables`
    attribution: symbol, venue, terms and profit, mean over all episodes
    summary: what summary.json holds; "interrupted" says whether the run was stopped
    cuts: columns as `mm_env.runs.tables.cut_columns`; None in a folder of an earlier version, which has none
    """

    config: MarketConfig
    steps: pd.DataFrame
    fills: pd.DataFrame
    headlines: pd.DataFrame
    venues: pd.DataFrame
    attribution: pd.DataFrame
    summary: dict[str, Any]
    cuts: pd.DataFrame | None = None


class RunFolder:
    """A run folder being written: rows go to hidden partial files, which `finish` moves to their places.

    What an earlier run left in the folder stays until then.
    """

    def __init__(self, path: str | Path, config: MarketConfig) -> None:
        """Make the folder and open its tables; none without pyarrow.

        Raises `RunError` where that cannot be done.
        """
        self.path, self.config = Path(path), config
        symbols = [symbol.name for symbol in config.symbols]
        columns = (step_columns(symbols), fill_columns(), headline_columns(), venue_columns())
        self.has_tables = installed("pyarrow")
        self._schemas = {name: arrow_schema(of) for name, of in zip(TABLES, columns, strict=True)} if self.has_tables else {}
        self._writers: dict[str, Any] = {}
        with _writing(self.path):  # even a look fails at a name that is too long
            self._made = not self.path.exists()
            if not self._made and not self.path.is_dir():
                raise RunError(f"{self.path}: not a folder; expected a folder, new or old")
        try:
            with _writing(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                for name, schema in self._schemas.items():
                    self._writers[name] = _parquet_writer(partial_path(self._file(name)), schema)
        except RunError:
            self.discard()
            raise

    def _file(self, table: str) -> Path:
        return self.path / f"{table}.parquet"

    def append(self, table: str, rows: Rows) -> None:
        """Append rows to one of `TABLES`, as one row group; nothing happens where the folder has no tables."""
        if not self.has_tables:
            return
        import pyarrow as pa

        with _writing(self.path):
            self._writers[table].write_table(pa.table(rows, schema=self._schemas[table]))

    def finish(
        self,
        attribution: Sequence[Mapping[str, Any]],
        summary: Mapping[str, Any],
        cuts: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Put the tables, the configuration and the attribution in their places, and the summary last.

        cuts: as `mm_env.evaluation.attribution_cuts.AttributionCuts.rows` returns them; None: none are written
        """
        with _writing(self.path):
            # of an earlier run, which the new tables would contradict
            tables = () if self.has_tables else tuple(self._file(name).name for name in TABLES)
            for derived in ("summary.json", "episode.png", "report.html", "report.pdf", CUTS, *tables):
                (self.path / derived).unlink(missing_ok=True)
            for name in self._schemas:
                self._writers.pop(name).close()
                put_in_place(partial_path(self._file(name)), self._file(name))
            dump_config(self.config, self.path / "config.yaml")
            write_csv(self.path / "attribution.csv", ATTRIBUTION_COLUMNS, attribution)
            if cuts is not None and self.has_tables:
                write_bytes(self.path / CUTS, cuts_bytes(cuts))
            write_json(self.path / "summary.json", summary)

    def discard(self) -> None:
        """Drop what was not yet put in its place, and a folder that was made for it; harmless after `finish`."""
        for name in list(self._writers):
            self._writers.pop(name).close()
            partial_path(self._file(name)).unlink(missing_ok=True)
        if self._made and self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()


def _parquet_writer(path: Path, schema: Any) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(path, schema)


def cuts_bytes(cuts: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the Parquet file of cuts. cuts: as `RunFolder.finish` takes them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(cuts), schema=arrow_schema(cut_columns())), buffer)
    return buffer.getvalue()


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raise a `RunError` for a full or forbidden disk."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{folder}: cannot write there: {error.strerror or error}") from error


def read_run(path: str | Path) -> Run:
    """Read a run folder, of a whole run or an interrupted one.

    Raises `RunError` for a folder that is not a run or has no tables, `ConfigError` for a changed config.yaml,
    `MissingExtraError` without pyarrow.
    """
    require("pyarrow")
    import pandas as pd
    import pyarrow as pa

    folder = Path(path)
    if not (folder / "summary.json").is_file():
        raise RunError(
            f"{folder}: no run folder: it holds no summary.json; expected a folder that mm-env baseline --out wrote"
        )
    if not (folder / f"{TABLES[0]}.parquet").is_file():
        raise RunError(f"{folder}: no tables of steps: its run had no pyarrow; expected a run with 'mm_env[data]' installed")
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}
        # Names stay names, as a symbol may be called NA; numbers are parsed by Python, as pandas 2 rounds the last digit.
        attribution = pd.read_csv(folder / "attribution.csv", dtype=str, keep_default_na=False)
        numbers = [name for name in attribution.columns if name not in ("symbol", "venue")]
        attribution = attribution.astype(dict.fromkeys(numbers, float))
        cuts = pd.read_parquet(folder / CUTS) if (folder / CUTS).is_file() else None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunError(f"{folder}: cannot read the run: {error}") from error
    if summary.get("portfolio") is not None and "over_limit" not in summary["portfolio"]:
        version = summary.get("version")
        raise RunError(f"{folder}: a run of version {version}, whose statistics had other names; expected one played again")
    if tuple(attribution.columns) != ATTRIBUTION_COLUMNS:
        found, needed = ", ".join(attribution.columns), ", ".join(ATTRIBUTION_COLUMNS)
        raise RunError(f"{folder}: cannot read the run: attribution.csv has the columns {found}; needed: {needed}")
    if cuts is not None and list(cuts.columns) != [name for name, *_ in cut_columns()]:
        raise RunError(f"{folder}: cannot read the run: {CUTS} has the columns {', '.join(cuts.columns)}")
    return Run(load_config(folder / "config.yaml"), **tables, attribution=attribution, summary=summary, cuts=cuts)
