"""Speed, start-up and memory of the book market: the environment, its stripped kernel, and CartPole beside them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from time import perf_counter, process_time
from typing import Any

import numpy as np

from mm_env.config import MarketConfig
from mm_env.config.io import load_config
from mm_env.reports.tables import text_table

NUMBERS = (1, 64, 1024)  # of envs

THREADS = (1, 2)

BLOCK_STEPS = 20  # decisions of a block of the kernel comparison

FIRST_STEP = """
import time
start = time.perf_counter()
import mm_env
imported = time.perf_counter()
import gymnasium
env = gymnasium.make("mm_env/MultiVenue-v0", config={config!r})
env.reset(seed=0)
env.step(env.unwrapped.default_action())
print(imported - start, time.perf_counter() - start)
"""


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    import numba

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "platform": platform.machine(),
        "python": platform.python_version(),
        "numba": numba.__version__,
    }


def vector_rates(config: MarketConfig, seed: int, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Env steps and book events a second of the vector env under its default policy; the thread counts take turns."""
    from mm_env.envs.vector_env import MultiVenueVectorEnv

    rows = []
    for number in NUMBERS:
        envs = {threads: MultiVenueVectorEnv(number, config, num_threads=threads) for threads in THREADS}
        rates: dict[int, list[tuple[float, float, float]]] = {threads: [] for threads in THREADS}
        for _ in range(rounds):
            for threads, env in envs.items():
                rates[threads].append(_run_vector(env, seed, seconds))
        for threads, env in envs.items():
            steps, events, own = (statistics.median(rate) for rate in zip(*rates[threads], strict=True))
            gains = [mine[0] / one[0] for mine, one in zip(rates[threads], rates[1], strict=True)]
            rows.append(
                {
                    "envs": number,
                    "threads_asked": threads,
                    "threads": env.batch.threads,
                    "steps_per_second": steps,
                    "events_per_second": events,
                    "events_per_cpu_second": own,
                    "times_one_thread": statistics.median(gains),
                    "events_per_step": events / steps,
                    "microseconds_per_env_step": 1e6 / steps,
                }
            )
            env.close()
    return rows


def _run_vector(env: Any, seed: int, seconds: float) -> tuple[float, float, float]:
    """Env steps and book events a second, and events a second of processor time (which other programs take no part of).

    Resets within the time are included but not counted as steps.
    """
    env.reset(seed=seed)
    actions = np.zeros((env.num_envs, len(env.action_names)), np.float32)
    env.step(actions)
    before, events, steps = int(env.batch.states["events"].sum()), 0, 0
    resetting = np.zeros(env.num_envs, bool)
    start = now = perf_counter()
    used = process_time()
    while now - start < seconds:
        truncated = env.step(actions)[3]
        steps += env.num_envs - int(np.count_nonzero(resetting))
        if truncated.any():
            events += int(env.batch.states["events"][truncated].sum())
        resetting = truncated
        now = perf_counter()
    events += int(env.batch.states["events"][~resetting].sum()) - before
    return steps / (now - start), events / (now - start), events / (process_time() - used)


def single_rate(config: MarketConfig, seed: int, seconds: float, rounds: int) -> dict[str, float]:
    """Steps a second of the single env as gymnasium.make gives it, info dict included."""
    import gymnasium

    import mm_env  # noqa: F401 (registers the id)

    env = gymnasium.make("mm_env/MultiVenue-v0", config=config)
    action = np.zeros(env.action_space.shape or (), np.float32)
    rates = []
    for _ in range(rounds):
        env.reset(seed=seed)
        env.step(action)
        steps, start = 0, perf_counter()
        while perf_counter() - start < seconds:
            steps += 1
            if env.step(action)[3]:
                env.reset()
        rates.append(steps / (perf_counter() - start))
    env.close()
    return {"steps_per_second": statistics.median(rates)}


def stripped_ratio(config: MarketConfig, seed: int, rounds: int, number: int = 64) -> dict[str, float]:
    """The whole kernel against events and matching alone (no agent), on one thread, block by block in turns."""
    from mm_env.market.build import build_market
    from mm_env.sim.action import RESIDUAL
    from mm_env.sim.batch import Batch
    from mm_env.sim.step import MARKET, STEP

    market = build_market(config)
    batches = {
        name: (Batch(market.params, number, market.capacity, market.headlines, threads=1), command)
        for name, command in (("whole", STEP), ("stripped", MARKET))
    }
    actions = np.zeros((number, 3 * len(market.symbols)), np.float32)
    rates: dict[str, list[float]] = {name: [] for name in batches}
    own: dict[str, list[float]] = {name: [] for name in batches}  # a second of processor time
    resets: list[float] = []
    for batch, _ in batches.values():
        batch.seed([np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(number)])
    for _ in range(rounds):
        for name, (batch, command) in batches.items():
            start = perf_counter()
            batch.reset()
            resets.append((perf_counter() - start) / number)
            commands = np.full(number, command, np.uint8)
            start, used = perf_counter(), process_time()
            for _ in range(min(BLOCK_STEPS, config.episode.steps)):
                batch.step(actions, RESIDUAL, commands)
            taken, used = perf_counter() - start, process_time() - used
            events = int(batch.states["events"].sum())
            rates[name].append(events / taken)
            own[name].append(events / used)
    whole, stripped = statistics.median(rates["whole"]), statistics.median(rates["stripped"])
    ratios = [a / b for a, b in zip(own["whole"], own["stripped"], strict=True)]
    return {
        "whole_events_per_second": whole,
        "stripped_events_per_second": stripped,
        "whole_events_per_cpu_second": statistics.median(own["whole"]),
        "stripped_events_per_cpu_second": statistics.median(own["stripped"]),
        "ratio": statistics.median(ratios),
        "reset_microseconds": 1e6 * statistics.median(resets),
        "burn_in_steps": int(market.params["burn_in_steps"]),
    }


def gymnasium_rates(config: MarketConfig, seed: int, seconds: int) -> dict[str, float]:
    """gymnasium's own benchmarks (random actions) on this environment and on CartPole: env steps a second."""
    import gymnasium
    from gymnasium.utils.performance import benchmark_step, benchmark_vector_step

    import mm_env  # noqa: F401 (registers the id)

    found = {}
    ours: dict[str, Any] = {"config": config}
    for name, id_, options in (("mm_env", "mm_env/MultiVenue-v0", ours), ("cartpole", "CartPole-v1", {})):
        env = gymnasium.make(id_, **options)
        found[f"{name}_step"] = float(benchmark_step(env, target_duration=seconds, seed=seed))
        env.close()
        envs = gymnasium.make_vec(id_, num_envs=1024, vectorization_mode="vector_entry_point", **options)
        found[f"{name}_vector_step_1024"] = float(benchmark_vector_step(envs, target_duration=seconds, seed=seed))
        envs.close()
    return found


def memory(config: MarketConfig) -> dict[str, int]:
    """Bytes of one env's state, in the padded size that the market takes."""
    from mm_env.sim.state import capacity_for, state_dtype

    capacity = capacity_for(len(config.symbols), len(config.venues))
    return {
        "state_bytes_per_env": state_dtype(capacity).itemsize,
        "capacity_symbols": capacity.symbols,
        "capacity_venues": capacity.venues,
    }


def start_up(config: MarketConfig, repeats: int, cold: bool) -> dict[str, float | None]:
    """Seconds of `import mm_env`, and from there to the first step, in a fresh process; cold: nothing compiled yet."""
    with tempfile.TemporaryDirectory() as empty:
        first = _first_step(config, {"NUMBA_CACHE_DIR": empty}) if cold else None
        _first_step(config, {})  # fills the caches of the machine, and the kernels' where they were never compiled
        warm = [_first_step(config, {}) for _ in range(repeats)]
    return {
        "import_seconds": statistics.median(imported for imported, _ in warm),
        "first_step_warm_seconds": statistics.median(total for _, total in warm),
        "first_step_cold_seconds": None if first is None else first[1],
    }


def _first_step(config: MarketConfig, changes: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-c", FIRST_STEP.format(config=config.model_dump())]
    found = subprocess.run(command, env={**os.environ, **changes}, check=True, stdout=subprocess.PIPE, text=True)
    imported, total = map(float, found.stdout.split())
    return imported, total


def linearity(seed: int, quick: bool) -> list[dict[str, Any]]:
    """Processor time of a decision step as venues and symbols are added, within one compiled size; 64 envs, one thread."""
    sizes = [(5, 2), (5, 10), (2, 10)] if quick else [*((5, v) for v in (2, 4, 6, 8, 10)), *((s, 10) for s in (1, 2, 3, 4))]
    rows = []
    for symbols, venues in sizes:
        found = stripped_ratio(_part_of_five(symbols, venues), seed, rounds=2 if quick else 7)
        events = _events_per_step(_part_of_five(symbols, venues), seed)
        nanoseconds = 1e9 / found["whole_events_per_cpu_second"]
        rows.append(
            {
                "symbols": symbols,
                "venues": venues,
                "events_per_step": events,
                "nanoseconds_per_event": nanoseconds,
                "microseconds_per_env_step": 1e-3 * nanoseconds * events,
            }
        )
    return rows


def _part_of_five(symbols: int, venues: int) -> MarketConfig:
    """The preset of five symbols and ten venues with fewer of either."""
    raw = load_config("five_symbols").model_dump()
    raw["symbols"], raw["venues"] = raw["symbols"][:symbols], raw["venues"][:venues]
    raw["correlation"] = [row[:symbols] for row in raw["correlation"][:symbols]]
    return load_config(raw)


def _events_per_step(config: MarketConfig, seed: int) -> float:
    from mm_env.envs.vector_env import MultiVenueVectorEnv

    env = MultiVenueVectorEnv(64, config, num_threads=1)
    env.reset(seed=seed)
    for _ in range(BLOCK_STEPS):
        env.step(np.zeros((64, len(env.action_names)), np.float32))
    events = float(env.batch.states["events"].mean()) / BLOCK_STEPS
    env.close()
    return events


def vector_text(rows: list[dict[str, Any]]) -> str:
    """Table of `vector_rates`."""
    head = ["envs", "threads", "steps/s", "million events/s", "a CPU second", "events/step", "µs/step of an env"]
    cells = [
        [
            str(row["envs"]),
            str(row["threads_asked"]) + ("" if row["threads"] == row["threads_asked"] else f" (uses {row['threads']})"),
            f"{row['steps_per_second']:,.0f}",
            f"{1e-6 * row['events_per_second']:.2f}",
            f"{1e-6 * row['events_per_cpu_second']:.2f}",
            f"{row['events_per_step']:.1f}",
            f"{row['microseconds_per_env_step']:.2f}",
        ]
        for row in rows
    ]
    last = rows[-1]
    gain = f"{last['envs']} envs on {last['threads_asked']} threads over one: {last['times_one_thread']:.2f} times"
    return f"vector env, default policy\n{text_table(head, cells)}\n{gain}"


def single_text(found: dict[str, float]) -> str:
    """Line of `single_rate`."""
    return f"single env through gymnasium.make, with info: {found['steps_per_second']:,.0f} steps/s"


def stripped_text(found: dict[str, float]) -> str:
    """Lines of `stripped_ratio`."""
    return (
        f"kernel on one thread: whole {1e-6 * found['whole_events_per_second']:.2f} million events/s, stripped (events and "
        f"matching alone) {1e-6 * found['stripped_events_per_second']:.2f}; a CPU second "
        f"{1e-6 * found['whole_events_per_cpu_second']:.2f} and {1e-6 * found['stripped_events_per_cpu_second']:.2f}, "
        f"ratio {found['ratio']:.3f}\n"
        f"reset: {found['reset_microseconds']:.0f} µs an env ({found['burn_in_steps']:.0f} steps of burn-in)"
    )


def gymnasium_text(found: dict[str, float]) -> str:
    """Table of `gymnasium_rates`."""
    rows = [
        [name, f"{found[f'{key}_step']:,.0f}", f"{found[f'{key}_vector_step_1024']:,.0f}"]
        for name, key in (("mm_env/MultiVenue-v0", "mm_env"), ("CartPole-v1", "cartpole"))
    ]
    head = ["gymnasium's benchmarks, random actions", "benchmark_step", "benchmark_vector_step (1024)"]
    return text_table(head, rows) + "\nsteps/s"


def memory_text(found: dict[str, int]) -> str:
    """Line of `memory`."""
    size = f"sized for {found['capacity_symbols']} symbols on {found['capacity_venues']} venues"
    return f"state of an env: {found['state_bytes_per_env']:,} bytes ({size})"


def start_text(found: dict[str, float | None]) -> str:
    """Line of `start_up`."""
    cold = found["first_step_cold_seconds"]
    return (
        f"import mm_env: {found['import_seconds']:.2f} s; import to first step: {found['first_step_warm_seconds']:.2f} s "
        f"with compiled kernels, {'not measured' if cold is None else f'{cold:.1f} s'} with an empty cache"
    )


def linearity_text(rows: list[dict[str, Any]]) -> str:
    """Table of `linearity`."""
    head = ["symbols", "venues", "events/step", "ns/event", "µs/step of an env"]
    cells = [
        [
            str(row["symbols"]),
            str(row["venues"]),
            f"{row['events_per_step']:.1f}",
            f"{row['nanoseconds_per_event']:.0f}",
            f"{row['microseconds_per_env_step']:.2f}",
        ]
        for row in rows
    ]
    return "size of the market, 64 envs on one thread, processor time\n" + text_table(head, cells)
