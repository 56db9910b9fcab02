"""What scenarios left in a folder: one row a scenario, fans of their paths, and their episodes.

A folder of `mm-env scenarios` holds

- `about.json`: what was asked for. `format`, `version`, `market` (as it was named), `config_hash` of the market as the
  policy plays it, `scenario_file`, `policy`, `seed`, `episodes` of each scenario, `steps`, `step_seconds`, `batch`,
  `symbols`, `venues`, `model_hash` (of a trained policy's files), `axes` (name -> levels in their order), and `scenarios`:
  a list of `name`, `kind` (base, grid, sweep, stress), `levels` (axis -> level), `description`, `config_hash`;
  `base` comes first
- `market.yaml`: that market, all parameters
- `scenarios.parquet`, and the same as `scenarios.csv`: one row a scenario, columns as in `mm_env.risk.scenario_table`:
  `scenario`, `kind`, `description`, `axis.NAME` (its level), `episodes` (done so far), and figures of an episode [currency
  where not said], most with `_low` and `_high`, the ends of a 95 % interval; NaN where there is none:
  `profit` (mean), `profit_sd`, `profit_p01` to `profit_p99` (quantiles),
  `var_95`, `var_99`, `es_95`, `es_99` (a loss is above 0),
  `drawdown` (mean of the largest fall), `drawdown_p95`, `breaches` (decision steps with VaR over its limit), `over_limit`
  (share of steps), `value_at_risk` (mean), `hedge_cost`, `hedges`, `hedge_unfilled_lots`, `fills`, `spread_capture`,
  `inventory_sd`; and against the base scenario on the same episodes `difference`, `correlation`, `variance_reduction`
- `episodes/KKK/part-PPPPP.parquet`: one row an episode (columns as in `mm_env.risk.scenario_runs`), KKK being the
  scenario's place in `about.json` with three digits
- `fans/KKK.npz`: counts of the paths' values, of a fixed size, as `mm_env.risk.sketch` has them, at up to 61 times
- `surface.png`, `fans.png`, `differences.png`

During a run, or after an interrupted one, `scenarios.parquet` may be missing or hold fewer episodes than were asked for.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import UsageError, check_choice
from mm_env.risk.sketch import BINS, Sketch

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 2  # 1: hedge costs held the fees of the liquidation at the end
ABOUT, MARKET, TABLE, TABLE_CSV = "about.json", "market.yaml", "scenarios.parquet", "scenarios.csv"
OUTCOMES = (TABLE, TABLE_CSV, "surface.png", "fans.png", "differences.png", "report.html", "report.pdf")
"""Files made from the episodes, which must not outlive them."""
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Probabilities of a fan's quantiles."""
PATHS = ("profit", "inventory")
"""Paths of a fan, each in currency: profit so far, and the value of the inventory, the symbols' added with their signs."""


@dataclass(frozen=True, eq=False)
class Fan:
    """Quantiles of the paths of one scenario, to 1 %.

    seconds: (T,) float64 [s] of the episode; profit, inventory: (T, len(LEVELS)) float64 [currency], the last inventory
    being that before its liquidation; episodes: behind them
    """

    seconds: NDArray[np.float64]
    profit: NDArray[np.float64]
    inventory: NDArray[np.float64]
    episodes: int


@dataclass(frozen=True, eq=False)
class ScenarioResults:
    """A folder of scenarios as it was read.

    table: one row a scenario, the base first, columns as said above
    fans: scenario -> its fan; about: `about.json`
    """

    folder: Path
    table: pd.DataFrame
    fans: dict[str, Fan]
    about: dict[str, Any]

    @property
    def axes(self) -> dict[str, list[str]]:
        """Levels of each axis, in their order."""
        axes: dict[str, list[str]] = self.about["axes"]
        return axes

    @property
    def complete(self) -> bool:
        """Whether every scenario has all its episodes."""
        return len(self.table) == len(self.about["scenarios"]) and bool(
            (self.table["episodes"] == self.about["episodes"]).all()
        )

    def episodes(self, scenario: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One row an episode of a scenario, in their order; `columns` of them, None for all.

        Raises `UsageError` for a scenario that the folder does not hold.
        """
        names = [entry["name"] for entry in self.about["scenarios"]]
        check_choice("scenario", scenario, names)
        return read_episodes(self.folder, names.index(scenario), columns)

    def surface(self, rows: str, columns: str, figure: str = "profit") -> pd.DataFrame:
        """A figure by the levels of two axes of the grid, all other axes at the market's own; NaN where none was played.

        Raises `KeyError` for an axis or a figure that is not there.
        """
        base = self.table.iloc[0]
        others = [name for name in self.axes if name not in (rows, columns)]
        cells = self.table[self.table["kind"].isin(["base", "grid", "sweep"])]
        for name in others:
            cells = cells[cells[f"axis.{name}"] == base[f"axis.{name}"]]
        table = cells.pivot(index=f"axis.{rows}", columns=f"axis.{columns}", values=figure)
        return table.reindex(index=self.axes[rows], columns=self.axes[columns])


def load_results(folder: str | Path) -> ScenarioResults:
    """Read a folder that `mm-env scenarios` wrote.

    Raises `UsageError` for a folder that holds no results, or such of another format.
    """
    import pandas as pd

    folder = Path(folder)
    about = read_about(folder)
    if about is None or not (folder / TABLE).is_file():
        raise UsageError(f"{folder}: no results of scenarios; expected a folder that mm-env scenarios wrote to its end")
    if about.get("format") != FORMAT:
        raise UsageError(f"{folder}: results of format {about.get('format')!r}; expected {FORMAT}")
    try:
        table = pd.read_parquet(folder / TABLE)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / TABLE}: cannot be read: {error}") from error
    fans = {}
    for k, entry in enumerate(about["scenarios"]):
        found = read_counts(fan_path(folder, k))
        if found is not None:
            steps, counts, _ = found
            values = [Sketch(len(steps), one).quantiles(LEVELS) for one in counts]
            seconds = steps.astype(np.float64) * float(about["step_seconds"])
            fans[entry["name"]] = Fan(seconds, values[0], values[1], int(counts[0, 0].sum()))
    return ScenarioResults(folder, table, fans, about)


def read_about(folder: Path) -> dict[str, Any] | None:
    """What a folder says it holds, None where it says nothing; raises `UsageError` for what cannot be read."""
    path = folder / ABOUT
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    return found


def part_path(folder: Path, scenario: int, part: int) -> Path:
    """File of the rows of one batch of episodes."""
    return folder / "episodes" / f"{scenario:03d}" / f"part-{part:05d}.parquet"


def parts_of(folder: Path, scenario: int) -> list[Path]:
    """Files of a scenario's episodes, in their order."""
    return sorted((folder / "episodes" / f"{scenario:03d}").glob("part-*.parquet"))


def fan_path(folder: Path, scenario: int) -> Path:
    """File of the counts of a scenario's paths."""
    return folder / "fans" / f"{scenario:03d}.npz"


def read_counts(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], int] | None:
    """Steps (T,), counts (len(PATHS), T, BINS), and the parts that they hold; None where no such file can be read."""
    try:
        with np.load(io.BytesIO(path.read_bytes())) as stored:
            steps, parts = stored["steps"], int(stored["parts"])
            counts = np.zeros(tuple(stored["shape"]), np.int64)
            counts.reshape(-1)[stored["places"]] = stored["numbers"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return (steps, counts, parts) if counts.shape == (len(PATHS), len(steps), BINS) else None


def read_episodes(folder: Path, scenario: int, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Rows of a scenario's episodes; empty where none was played."""
    import pandas as pd

    wanted = None if columns is None else list(columns)
    parts = [pd.read_parquet(path, columns=wanted) for path in parts_of(folder, scenario)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=wanted)
