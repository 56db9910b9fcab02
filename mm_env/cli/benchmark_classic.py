"""Speed of the classic market, through the vector env's own `step`: observations, rewards and infos included."""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import Any

import numpy as np

from mm_env.reports.tables import text_table

NUMBER = 10_000  # envs
THREADS = (1, 2)
# name: configuration, action mode; an action of zero everywhere
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "fixed": ({"policy": {"name": "fixed"}}, "absolute"),
    "avellaneda_stoikov": ({}, "residual"),
    "cartea_jaimungal": ({"policy": {"name": "cj"}, "episode": {"inventory_limit": 30}}, "residual"),
    "hawkes": ({"flow": {"arrivals": "hawkes"}}, "residual"),
    "brownian": ({"mid": {"move": "brownian"}}, "residual"),
}


def classic_rates(seed: int, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Env steps a second of each case and number of threads, which take turns: the median of the rounds, and the best.

    Resets within the time are included and count as steps.
    """
    from mm_env.envs.classic_vector import ClassicVectorEnv

    actions = np.zeros((NUMBER, 2), np.float32)
    envs = {
        (case, threads): ClassicVectorEnv(NUMBER, config, mode, num_threads=threads)
        for case, (config, mode) in CASES.items()
        for threads in THREADS
    }
    rates: dict[tuple[str, int], list[float]] = {key: [] for key in envs}
    for env in envs.values():
        env.reset(seed=seed)
        env.step(actions)
    for _ in range(rounds):
        for key, env in envs.items():
            steps, start = 0, perf_counter()
            while (taken := perf_counter() - start) < seconds:
                env.step(actions)
                steps += NUMBER
            rates[key].append(steps / taken)
    for env in envs.values():
        env.close()
    return [
        {
            "case": case,
            "envs": NUMBER,
            "threads": threads,
            "steps_per_second": statistics.median(found),
            "best_steps_per_second": max(found),
        }
        for (case, threads), found in rates.items()
    ]


def classic_text(rows: list[dict[str, Any]]) -> str:
    """The rates as a table."""
    head = ["policy or market", "threads", "million steps/s", "best"]
    cells = [
        [
            row["case"],
            str(row["threads"]),
            f"{1e-6 * row['steps_per_second']:.1f}",
            f"{1e-6 * row['best_steps_per_second']:.1f}",
        ]
        for row in rows
    ]
    return f"classic market, vector env, {NUMBER} envs\n{text_table(head, cells)}"
