"""One market played live, step by step, with its tables, books and router; independent of how it is shown."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.envs.play import make_envs, steps_of_round
from mm_env.envs.rendering import Ladder
from mm_env.reports.figures import write_episode_picture
from mm_env.runs.baseline import Baseline, resolve, run_baseline
from mm_env.runs.recorder import ROLES, EpisodeTables, Rows

if TYPE_CHECKING:
    import pandas as pd

MOST_STEPS = 20_000  # steps that are held, with what belongs to them; of more the oldest go, a tenth at a time
LEVELS = 8  # best prices of either side that a book shows


class LiveMarket:
    """An episode of one market, played as far as was asked; its path is that of `mm_env.envs.play.play` with one env.

    options: what is played; of it `out`, `episodes` and `record` say nothing
    config, policy: as they were resolved
    ended: the episode is over
    """

    def __init__(self, options: Baseline) -> None:
        """Build the market and begin its episode; raises what `mm_env.runs.baseline.resolve` does, and `TapeError`."""
        self.options = options
        self.config, self.policy = resolve(options)
        self.envs = make_envs(self.policy, self.config, 1, num_threads=1, record=True)
        self.symbols, self.venues = list(self.envs.symbols), list(self.envs.venues)
        self.count, self.ended = 0, False
        self._pairs = len(self.symbols) * len(self.venues)
        self._played = steps_of_round(self.envs, self.policy, self.envs.reset(seed=options.seed)[1])
        first = next(self._played)
        self._tables = EpisodeTables(first, 0)
        self._tables.add(first)

    def step(self, count: int = 1, within_seconds: float = float("inf")) -> int:
        """Play up to `count` decision steps, none once as many seconds have passed or at the end; return how many were.

        Raises `mm_env.errors.UsageError` for a trained agent that does not fit the market.
        """
        begun, done = monotonic(), 0
        while done < count and not self.ended and (done == 0 or monotonic() - begun < within_seconds):
            snapshot = next(self._played)
            self.count, done = snapshot.step, done + 1
            self.ended = snapshot.over
            self._tables.add(snapshot)
            self._forget_oldest()
        return done

    def _forget_oldest(self) -> None:
        tables = self._tables
        if len(tables.steps["step"]) <= MOST_STEPS:
            return
        gone = MOST_STEPS // 10
        first = tables.steps["step"][gone]
        for rows in (tables.steps, tables.venues, tables.fills, tables.headlines):
            before = bisect_left(rows["step"], first)
            for cells in rows.values():
                del cells[:before]

    @property
    def first_step(self) -> int:
        """The oldest step that is still held."""
        return int(self._tables.steps["step"][0])

    def now(self) -> dict[str, Any]:
        """The newest row of `steps`, by column."""
        return {name: cells[-1] for name, cells in self._tables.steps.items()}

    def steps(self, most: int | None = None, last: int | None = None) -> pd.DataFrame:
        """Steps in the columns of `mm_env.runs.tables`.

        most: about as many rows, evenly spaced; besides them the newest, and all that hedged or came before a hedge
        last: of the newest so many steps alone
        """
        rows = self._tables.steps
        total = len(rows["step"])
        start = 0 if last is None else max(0, total - last - 1)
        stride = 1 if most is None else max(1, -(-(total - start) // most))
        if stride == 1:
            return _rows_of(rows, slice(start, None))
        keep = np.zeros(total, bool)
        keep[start::stride] = keep[-1] = True
        hedged = np.flatnonzero(rows["hedged"])
        keep[hedged], keep[np.maximum(hedged - 1, 0)] = True, True
        keep[:start] = False
        return _rows_of(rows, np.flatnonzero(keep).tolist())

    def fills(self, since_step: int = 0, most: int | None = None) -> pd.DataFrame:
        """Own fills, those after a step alone if one is given; of quotes' fills, and of the others, evenly spaced `most`."""
        rows = self._tables.fills
        first = self._first_fill(since_step)
        if most is None or self.fills_after(since_step) <= most:
            return _rows_of(rows, slice(first, None))
        quoted: list[int] = []
        others: list[int] = []
        for k, role in enumerate(rows["role"][first:], start=first):
            (quoted if role == ROLES[0] else others).append(k)
        return _rows_of(rows, sorted(quoted[:: -(-len(quoted) // most) or 1] + others[:: -(-len(others) // most) or 1]))

    def fills_after(self, since_step: int = 0) -> int:
        """Number of rows that `fills` has without a limit."""
        rows = self._tables.fills
        return len(rows["step"]) - self._first_fill(since_step)

    def _first_fill(self, since_step: int) -> int:
        return bisect_right(self._tables.fills["step"], since_step) if since_step > 0 else 0

    def headlines(self, since_step: int = 0) -> pd.DataFrame:
        """Headlines, those after a step alone if one is given."""
        rows = self._tables.headlines
        return _rows_of(rows, slice(bisect_right(rows["step"], since_step) if since_step > 0 else 0, None))

    def ladder(self, symbol: int, levels: int = LEVELS) -> Ladder:
        """The books of a symbol on every venue, own orders apart: the best prices of either side and those of own orders."""
        return Ladder.of(self.envs.batch, self.envs.assignment.market_of(0), 0, symbol).near(levels)

    def router(self) -> pd.DataFrame:
        """The newest rows of `venues`: what the router does at each venue, one row a symbol and venue."""
        return _rows_of(self._tables.venues, slice(-self._pairs, None))

    def venues_at(self, steps: Sequence[int]) -> pd.DataFrame:
        """Rows of `venues` at some of the steps that are held."""
        first = self.first_step
        pair = np.arange(self._pairs)
        places = [int(k) for step in steps for k in (step - first) * self._pairs + pair]
        return _rows_of(self._tables.venues, places)

    def fill_count(self) -> int:
        """Fills of own quotes so far."""
        return int(self.envs.batch.states["fills"][0].sum())

    def hedges(self) -> int:
        """Number of decisions so far that hedged."""
        return int(self.envs.batch.states["hedges"][0])

    def save(self, folder: Path) -> None:
        """Write the episode, as far as it was played, as a run folder: it is played once more, as nothing else is kept.

        Raises `mm_env.errors.RunError` for a folder that cannot be written.
        """
        played = 0

        def count(steps: int) -> None:
            nonlocal played
            played += steps

        options = replace(self.options, out=folder, episodes=1, record=1, log_every=0)
        run_baseline(options, on_progress=count, stop=lambda: played >= self.count)
        write_episode_picture(folder)

    def close(self) -> None:
        """Close the market."""
        self.envs.close()


def _rows_of(rows: Rows, which: slice | list[int]) -> pd.DataFrame:
    import pandas as pd

    if isinstance(which, slice):
        return pd.DataFrame({name: cells[which] for name, cells in rows.items()})
    return pd.DataFrame({name: [cells[k] for k in which] for name, cells in rows.items()})
