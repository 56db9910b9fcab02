"""Play scenarios batch by batch, and keep of them only what stands on disk: memory is that of one batch.

The first batch of episodes of every scenario comes first, then the second, so that an interrupted run has the same episodes
of all. Episode e of a seed draws the same random numbers in every scenario (common random numbers). A batch is written
whole: its rows as a file of their own, its paths added to the counts of the scenario; a run plays what is not there.

Columns of an episode's row: `episode`, `profit`, `reward`, `drawdown`, `breaches` (steps with VaR over its limit),
`over_limit` (share of steps), `value_at_risk` (mean over steps), `hedges`, `hedge_unfilled` [lots], `hedge_cost` (what
hedges cross and all taker fees, those of the sale at the end too; above 0 where they cost), `fills` (of own quotes),
`spread_capture`, `inventory_sd` (root mean square over steps of the symbols' values), `inventory_end` (value before the
sale at the end), and `attribution.TERM`, which add up to the profit; money in currency.
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

from mm_env import __version__
from mm_env.config.io import config_hash, dump_config
from mm_env.config.scenarios import Scenario
from mm_env.errors import RunError
from mm_env.evaluation.evaluation import make_envs
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

if TYPE_CHECKING:
    from mm_env.policies.base import Policy

BATCH = 512
"""Episodes side by side."""
TIMES = 60
"""Steps between which a path is kept: at 61 times or fewer."""
TRIAL_ENVS, TRIAL_STEPS, TRIAL_SCENARIOS = 256, 20, 5

Tell = Callable[[int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Run:
    """What to play, and where to: the first `episodes` evaluation episodes of a seed in each scenario, the base first."""

    folder: Path
    scenarios: Sequence[Scenario]
    policy: Policy
    spelling: str
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
        """What `about.json` says."""
        base = self.scenarios[0].config
        model = getattr(self.policy, "model_hash", None)  # a path alone may hold another model when the run goes on
        return {
            "format": FORMAT, "version": __version__, "market": self.market, "config_hash": config_hash(base),
            "scenario_file": self.scenario_file, "policy": self.spelling, "seed": self.seed, "episodes": self.episodes,
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
    """Of all that happens in a scenario."""
    phases = [
        [phase.first, config_hash(phase.config), sorted(phase.venues_down), phase.shock_bps] for phase in scenario.phases
    ]
    return hashlib.sha256(json.dumps(phases).encode()).hexdigest()[:12]


def begin(run: Run, overwrite: bool = False) -> int:
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
            f"--out {run.folder}: holds results of something else: {said}; allowed: another folder, the same arguments "
            "(an interrupted run goes on), or --overwrite"
        )
    if found is None and run.folder.is_dir() and any(run.folder.iterdir()) and not overwrite:
        raise RunError(f"--out {run.folder}: a folder that holds other files; allowed: a new or empty one, or --overwrite")
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


def _size(run: Run, part: int) -> int:
    return min(run.batch, run.episodes - part * run.batch)


def _done(run: Run, k: int) -> int:
    """Episodes of a scenario that are whole: a part whose paths were not counted any more is none."""
    held = read_counts(fan_path(run.folder, k))
    parts = 0 if held is None else held[2]
    for part, path in enumerate(parts_of(run.folder, k)):
        if part >= parts:
            path.unlink()
    there = len(parts_of(run.folder, k))
    if there < parts:  # rows were deleted: all of the scenario anew
        for path in parts_of(run.folder, k):
            path.unlink()
        fan_path(run.folder, k).unlink()
        return 0
    return sum(_size(run, part) for part in range(parts))


def play_scenarios(run: Run, tell: Tell = lambda steps: None, stop: Stop = lambda: False) -> bool:
    """Play what the folder does not hold yet; returns whether all was played.

    tell: called now and then with the env steps done since; stop: asked before each step, the batch under way is dropped
    """
    schedules = [Schedule(scenario) for scenario in run.scenarios]
    done = [_done(run, k) for k in range(len(schedules))]
    for part in range(-(-run.episodes // run.batch)):
        for k, schedule in enumerate(schedules):
            if done[k] > part * run.batch:
                continue
            try:
                rows, steps, paths = play_batch(
                    schedule, run.policy, run.seed, part * run.batch, _size(run, part), run.threads, tell, stop
                )
            except Stopped:
                return False
            _keep(run, k, part, rows, steps, paths)
    return True


def _keep(
    run: Run, k: int, part: int, rows: dict[str, NDArray[Any]], steps: NDArray[np.int64], paths: NDArray[np.float64]
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
    tell: Tell = lambda steps: None,
    stop: Stop = lambda: False,
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64], NDArray[np.float64]]:
    """Play evaluation episodes `first` to `first` + `number` - 1 of a seed side by side.

    Returns columns of their rows; (T,) int64 steps at which paths were kept; (len(PATHS), T, number) float64 the paths
    [currency]. Raises `Stopped` when asked to stop.
    """
    config = schedule.phases[0].config
    envs = make_envs(policy, config, number, threads)
    try:
        switcher = Switcher(schedule, envs)
        infos = envs.reset(seed=seed, options={"evaluation": True, "first": first})[1]
        count = _Count(envs, config.episode.steps)
        count.keep(0, infos)
        for step in range(config.episode.steps):
            if stop():
                raise Stopped
            switcher.before(step)
            _, rewards, _, _, infos = envs.step(policy.act(envs))
            switcher.after()
            count.add(step + 1, rewards, infos)
            if step % 50 == 49 or step == config.episode.steps - 1:
                tell(number * (step % 50 + 1))
        return count.rows(first, infos), count.steps, count.paths
    finally:
        envs.close()


class _Count:
    """What is counted while a batch is played."""

    def __init__(self, envs: Any, steps: int) -> None:
        n = envs.num_envs
        self.envs, self.last = envs, steps
        self.lots = np.array([symbol.lot_size for symbol in envs.config.symbols])
        self.steps = np.unique(np.linspace(0, steps, min(steps, TIMES) + 1).round().astype(np.int64))
        self.paths = np.zeros((len(PATHS), len(self.steps), n))
        self.reward, self.over, self.var, self.square = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
        self._kept = 0

    def add(self, step: int, rewards: NDArray[np.float64], infos: dict[str, Any]) -> None:
        """Count the outcome of a step."""
        self.reward += rewards
        self.over += infos["value_at_risk"] > self.envs.batch.params[0]["var_limit"]
        self.var += infos["value_at_risk"]
        self.square += (self._values(step, infos) ** 2).sum(axis=1)
        self.keep(step, infos)

    def keep(self, step: int, infos: dict[str, Any]) -> None:
        """Keep a point of the paths where one is due."""
        if step == self.steps[self._kept]:
            self.paths[:, self._kept] = infos["pnl"], self._values(step, infos).sum(axis=1)
            self._kept = min(self._kept + 1, len(self.steps) - 1)

    def _values(self, step: int, infos: dict[str, Any]) -> NDArray[np.float64]:
        """(N, S) [currency] value of each symbol's inventory, at the end that before its sale."""
        held = infos["inventory"]
        if step == self.last and self.envs.batch.params[0]["liquidate"]:
            held = self.envs.batch.states["liquidated"][:, : len(self.lots)]
        values: NDArray[np.float64] = held * infos["mid"] * self.lots
        return values

    def rows(self, first: int, infos: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Columns of the episodes' rows."""
        states, attribution = self.envs.batch.states, infos["attribution"]
        return {
            "episode": np.arange(first, first + len(self.reward)),
            "profit": np.array(infos["pnl"]),
            "reward": self.reward,
            "drawdown": states["drawdown"].copy(),
            "breaches": states["breaches"].copy(),
            "over_limit": self.over / self.last,
            "value_at_risk": self.var / self.last,
            "hedges": states["hedges"].copy(),
            "hedge_unfilled": states["hedge_unfilled"].sum(axis=1),
            "hedge_cost": -(attribution["hedge_cost"] + attribution["taker_fees"]),
            "fills": infos["fills"].copy(),
            "spread_capture": attribution["spread_capture"].copy(),
            "inventory_sd": np.sqrt(self.square / self.last),
            "inventory_end": self._values(self.last, infos).sum(axis=1),
        } | {f"attribution.{name}": attribution[name].copy() for name in TERMS}


class _Trial:
    """Asks a batch to stop after a few steps, and notes when its first and its last began."""

    def __init__(self) -> None:
        self.begun = time.perf_counter(), time.process_time()
        self.seen: list[tuple[float, float]] = []

    def __call__(self) -> bool:
        self.seen.append((time.perf_counter(), time.process_time()))
        return len(self.seen) > TRIAL_STEPS


def estimate(run: Run, episodes: int) -> tuple[float, float]:
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
