"""Play scenarios batch by batch; results go to disk after each, so that memory is that of one batch.

The first batch of episodes of every scenario comes first, then the second, so that an interrupted run has the same episodes
of all. Episode e of a seed draws the same random numbers in every scenario (common random numbers). A batch is written
whole: its rows as a file of their own, its paths added to the counts of the scenario; a run plays what is not there.

Columns of an episode's row: `episode`; the metrics of `mm_env.evaluation.metrics`; `hedge_unfilled_lots`, `inventory_end`
(value before the liquidation at the end [currency]); and `attribution.TERM`, which add up to the profit [currency].
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.config.io import config_hash, dump_config
from mm_env.config.scenarios import Scenario
from mm_env.envs.play import StepSnapshot, Watcher, make_envs, play
from mm_env.errors import RunError
from mm_env.evaluation.evaluation import VALUES, EpisodeMetrics
from mm_env.files import write_bytes, write_json
from mm_env.interrupt import Stopped
from mm_env.risk.scenarios import (
    ABOUT,
    FORMAT,
    MARKET,
    OUTCOMES,
    PATHS,
    fan_path,
    part_path,
    parts_of,
    read_about,
    read_counts,
)
from mm_env.risk.sketch import BINS, Sketch
from mm_env.risk.stress import Schedule, Switcher
from mm_env.sim.state import TERMS
from mm_env.version import __version__

if TYPE_CHECKING:
    from mm_env.policies.base import Policy

BATCH = 512
"""Episodes side by side."""
TIMES = 60
"""Steps between which a path is kept: at 61 times or fewer."""
TRIAL_ENVS, TRIAL_STEPS, TRIAL_SCENARIOS = 256, 20, 5

OnProgress = Callable[[int], None]
Stop = Callable[[], bool]


def _ignore(steps: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, eq=False)
class ScenarioRun:
    """What to play, and into which folder: the first `episodes` evaluation episodes of a seed in each scenario, base first.

    policy_name: as it was given
    """

    folder: Path
    scenarios: Sequence[Scenario]
    policy: Policy
    policy_name: str
    seed: int
    episodes: int
    axes: dict[str, list[str]]
    market: str = ""
    scenario_file: str = ""
    threads: int | None = None
    batch: int = BATCH

    @property
    def env_steps(self) -> int:
        """Decision steps of all episodes."""
        return self.episodes * sum(scenario.config.episode.steps for scenario in self.scenarios)

    def about(self) -> dict[str, Any]:
        """Content of `about.json`."""
        base = self.scenarios[0].config
        model = getattr(self.policy, "model_hash", None)  # the same path may hold another model when the run is resumed
        return {
            "format": FORMAT, "version": __version__, "market": self.market, "config_hash": config_hash(base),
            "scenario_file": self.scenario_file, "policy": self.policy_name, "seed": self.seed, "episodes": self.episodes,
            "steps": base.episode.steps, "step_seconds": base.episode.step_seconds, "batch": self.batch,
            "symbols": [symbol.name for symbol in base.symbols], "venues": [venue.name for venue in base.venues],
            "axes": self.axes,
            "scenarios": [
                {"name": one.name, "kind": one.kind, "levels": dict(one.levels), "description": one.description,
                 "config_hash": _phases_hash(one)}
                for one in self.scenarios
            ],
        } | ({} if model is None else {"model_hash": model})  # fmt: skip


def _phases_hash(scenario: Scenario) -> str:
    """Digest of all phases of a scenario."""
    phases = [
        [phase.first, config_hash(phase.config), sorted(phase.venues_down), phase.shock_bps] for phase in scenario.phases
    ]
    return hashlib.sha256(json.dumps(phases).encode()).hexdigest()[:12]


def begin(run: ScenarioRun, overwrite: bool = False) -> int:
    """Make the folder, or find in it what an earlier run of the same left; returns the episodes that it holds.

    Raises `RunError` where the folder holds results of something else.
    """
    about, found = run.about(), read_about(run.folder)
    if found is not None and found != about and not overwrite:
        other = [key for key in about if found.get(key) != about[key]]
        said = "; ".join(
            f"{key} {_short(found.get(key))}, here {_short(about[key])}"
            for key in other
            if key not in ("scenarios", "axes") or other == [key]
        )
        raise RunError(
            f"--out {run.folder}: holds results of something else: {said}; expected another folder, the same arguments "
            "(an interrupted run is resumed), or --overwrite"
        )
    if found is None and run.folder.is_dir() and any(run.folder.iterdir()) and not overwrite:
        raise RunError(f"--out {run.folder}: a folder that holds other files; expected a new or empty one, or --overwrite")
    try:
        if overwrite:
            for name in OUTCOMES:  # first: what a run that is stopped early leaves is none of another's figures
                (run.folder / name).unlink(missing_ok=True)
            for name in ("episodes", "fans"):
                shutil.rmtree(run.folder / name, ignore_errors=True)
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / "fans").mkdir(exist_ok=True)
        for k in range(len(run.scenarios)):
            part_path(run.folder, k, 0).parent.mkdir(parents=True, exist_ok=True)
        dump_config(run.scenarios[0].config, run.folder / MARKET)
        write_json(run.folder / ABOUT, about)
    except OSError as error:
        raise RunError(f"--out {run.folder}: cannot be written: {error}") from error
    return sum(_done(run, k) for k in range(len(run.scenarios)))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _size(run: ScenarioRun, part: int) -> int:
    return min(run.batch, run.episodes - part * run.batch)


def _done(run: ScenarioRun, k: int) -> int:
    """Episodes of a scenario that are whole: a part whose paths were not counted any more is none."""
    held = read_counts(fan_path(run.folder, k))
    parts = 0 if held is None else held[2]
    for part, path in enumerate(parts_of(run.folder, k)):
        if part >= parts:
            path.unlink()
    there = len(parts_of(run.folder, k))
    if there < parts:  # rows were deleted: play all of the scenario again
        for path in parts_of(run.folder, k):
            path.unlink()
        fan_path(run.folder, k).unlink()
        return 0
    return sum(_size(run, part) for part in range(parts))


def play_scenarios(run: ScenarioRun, on_progress: OnProgress = _ignore, stop: Stop = lambda: False) -> bool:
    """Play what the folder does not hold yet; returns whether all was played.

    on_progress: called with the env steps done since its last call
    stop: asked before each step; the unfinished batch is dropped
    """
    schedules = [Schedule(scenario) for scenario in run.scenarios]
    done = [_done(run, k) for k in range(len(schedules))]
    for part in range(-(-run.episodes // run.batch)):
        for k, schedule in enumerate(schedules):
            if done[k] > part * run.batch:
                continue
            try:
                rows, steps, paths = play_batch(
                    schedule, run.policy, run.seed, part * run.batch, _size(run, part), run.threads, on_progress, stop
                )
            except Stopped:
                return False
            _keep(run, k, part, rows, steps, paths)
    return True


def _keep(
    run: ScenarioRun, k: int, part: int, rows: dict[str, NDArray[Any]], steps: NDArray[np.int64], paths: NDArray[np.float64]
) -> None:
    """Write a batch: its rows first, as rows without counts are dropped on a rerun."""
    import pandas as pd

    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer, index=False)
    write_bytes(part_path(run.folder, k, part), buffer.getvalue())
    held = read_counts(fan_path(run.folder, k))
    counts = np.zeros((len(PATHS), len(steps), BINS), np.int64) if held is None else held[1]
    for path, values in enumerate(paths):
        sketch = Sketch(len(steps), counts[path])
        for t, row in enumerate(values):
            sketch.add(t, row)
    places = np.flatnonzero(counts)
    stored = io.BytesIO()
    np.savez_compressed(
        stored, steps=steps, parts=part + 1, shape=counts.shape, places=places, numbers=counts.reshape(-1)[places]
    )
    write_bytes(fan_path(run.folder, k), stored.getvalue())


def play_batch(
    schedule: Schedule,
    policy: Policy,
    seed: int,
    first: int,
    number: int,
    threads: int | None = None,
    on_progress: OnProgress = _ignore,
    stop: Stop = lambda: False,
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64], NDArray[np.float64]]:
    """Play evaluation episodes `first` to `first` + `number` - 1 of a seed side by side.

    Returns columns of their rows; (T,) int64 steps at which paths were kept; (len(PATHS), T, number) float64 the paths
    [currency]. Raises `Stopped` when asked to stop.
    """
    config = schedule.phases[0].config
    envs = make_envs(policy, config, number, threads, record=True)
    try:
        metrics = EpisodeMetrics()
        paths = _Paths(config.episode.steps, metrics)
        options = {"evaluation": True, "first": first}
        watchers: list[Watcher] = [_Switching(Switcher(schedule, envs)), metrics, paths]
        played = play(envs, policy, number, seed, options=options, watchers=watchers, on_progress=on_progress, stop=stop)
        if played.stopped:
            raise Stopped
        return paths.rows(first), paths.steps, paths.values
    finally:
        envs.close()


class _Switching(Watcher):
    """Makes the changes of a schedule between the steps."""

    def __init__(self, switcher: Switcher) -> None:
        self._switcher = switcher

    def before_step(self, step: int) -> None:
        self._switcher.before(step)

    def step(self, snapshot: StepSnapshot) -> None:
        self._switcher.after()


class _Paths(Watcher):
    """Keeps paths at a few times, and the rows of the episodes at their end.

    steps: (T,) int64 at which paths are kept; values: (len(PATHS), T, N) float64 [currency]
    """

    def __init__(self, steps: int, metrics: EpisodeMetrics) -> None:
        """metrics: a watcher that counts each step before this one does."""
        self.steps = np.unique(np.linspace(0, steps, min(steps, TIMES) + 1).round().astype(np.int64))
        self._metrics = metrics
        self._ends: dict[str, NDArray[Any]] = {}

    def reset(self, snapshot: StepSnapshot) -> None:
        self._lots = np.array([symbol.lot_size for symbol in snapshot.envs.config.symbols])
        self.values = np.zeros((len(PATHS), len(self.steps), snapshot.envs.num_envs))
        self._kept = 0
        self._keep(snapshot, snapshot.infos["inventory"])

    def step(self, snapshot: StepSnapshot) -> None:
        assert self._metrics.sums is not None
        held = self._metrics.sums.inventory  # at the end that before its liquidation
        self._keep(snapshot, held)
        if snapshot.over:
            unfilled = snapshot.envs.batch.states["hedge_unfilled"]
            self._ends = {
                "hedge_unfilled_lots": unfilled.sum(axis=1),
                "inventory_end": (held * snapshot.infos["mid"] * self._lots).sum(axis=1),
            }

    def _keep(self, snapshot: StepSnapshot, held: NDArray[np.int64]) -> None:
        if self._kept < len(self.steps) and snapshot.step == self.steps[self._kept]:
            value = (held * snapshot.infos["mid"] * self._lots).sum(axis=1)
            self.values[:, self._kept] = snapshot.infos["pnl"], value
            self._kept += 1

    def rows(self, first: int) -> dict[str, NDArray[Any]]:
        """Columns of the rows of all episodes, once they have ended; first: number of the first one."""
        found = self._metrics.result()
        assert found is not None
        rows: dict[str, NDArray[Any]] = {"episode": np.arange(first, first + len(found))}
        rows |= {name: getattr(found, name) for name in VALUES}
        return rows | self._ends | {f"attribution.{name}": found.attribution[name] for name in TERMS}


class _Trial:
    """Asks a batch to stop after a few steps, and notes when its first and its last began."""

    def __init__(self) -> None:
        self.begun = time.perf_counter(), time.process_time()
        self.seen: list[tuple[float, float]] = []

    def __call__(self) -> bool:
        self.seen.append((time.perf_counter(), time.process_time()))
        return len(self.seen) > TRIAL_STEPS


def estimate(run: ScenarioRun, episodes: int) -> tuple[float, float]:
    """Seconds on the clock, and of processors, that so many episodes will take, from a trial of a few of the scenarios.

    Kernels are compiled, where they were not, before the clock starts. Changes in mid-episode are no part of the trial.
    """
    number = min(TRIAL_ENVS, run.episodes)
    places = np.unique(np.linspace(0, len(run.scenarios) - 1, TRIAL_SCENARIOS).round().astype(int))
    found = np.zeros(2)
    for k in places.tolist():
        schedule = Schedule(run.scenarios[k])
        make_envs(run.policy, schedule.phases[0].config, 1, run.threads).close()
        trial = _Trial()
        with contextlib.suppress(Stopped):
            play_batch(schedule, run.policy, run.seed, 0, number, run.threads, stop=trial)
        begun, first, last = (np.array(when) for when in (trial.begun, trial.seen[0], trial.seen[-1]))
        steps = max(len(trial.seen) - 1, 1)
        found += ((first - begun) + (last - first) / steps * schedule.phases[0].config.episode.steps) / number
    clock, work = (found / len(places) * episodes).tolist()
    return clock, work
