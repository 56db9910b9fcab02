"""Millions of steps in a row: no fault, no leak, no drift between the ledger and what it is made of.

Half of the envs play the default policy, half act at random; they are reset as their episodes end.

    python scripts/tools/soak.py --steps 10000000
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mm_env.cli.app import program
from mm_env.cli.options import check_targets
from mm_env.config.io import load_config
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.files import write_json

DRIFT = 1e-9  # relative to the value that was traded and held


def drift(env: MultiVenueVectorEnv) -> float:
    """Largest difference between profit and its two sums, cash with positions and attribution, relative to what moved."""
    s, p, n = env.batch.states, env.batch.params[env.batch.params_index], len(env.symbols)
    mids = 0.5 * s["mid2"][:, :n, None] + p["price_basis_ticks"][:, None, :]
    held = s["position"][:, :n] * mids * p["lot_value"][:, :n, None]
    size = np.abs(s["cash"]) + np.abs(held).sum(axis=(1, 2)) + np.abs(s["attribution"]).sum(axis=(1, 2, 3)) + 1.0
    booked = np.abs(s["pnl"] - s["cash"] - held.sum(axis=(1, 2)))
    explained = np.abs(s["pnl"] - s["attribution"].sum(axis=(1, 2, 3)))
    return float((np.maximum(booked, explained) / size).max())


def resident() -> float:
    """Most memory that the process has held so far [MiB]."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def soak(config: str | None, steps: int, number: int, seed: int) -> dict[str, Any]:
    """Play, and report; raises `SimulationFault` at the first fault."""
    env = MultiVenueVectorEnv(number, load_config(config))
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    calls = -(-steps // number)
    worst, early, episodes = 0.0, 0.0, 0
    with typer.progressbar(range(calls), label="soak", file=sys.stderr) as bar:
        for k in bar:
            actions = np.zeros((number, len(env.action_names)), np.float32)
            actions[number // 2 :] = rng.uniform(-1.0, 1.0, (number - number // 2, actions.shape[1]))
            episodes += int(np.count_nonzero(env.step(actions)[3]))
            worst = max(worst, drift(env))
            if k == calls // 10:
                early = resident()
    env.close()
    found = {"steps": calls * number, "envs": number, "episodes": episodes, "faults": 0, "largest_drift": worst}
    return found | {"memory_mib": resident(), "memory_growth_mib": resident() - early}


def main(
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market: a preset or a YAML file.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Env steps in all.")] = 10_000_000,
    envs: Annotated[int, typer.Option(min=2, help="Envs side by side.")] = 1024,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the market and of the random actions.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to this file.")] = None,
) -> None:
    """Play millions of steps, and fail on a fault, a leak or a drift.

    Example: python scripts/tools/soak.py --steps 1000000 --config five_symbols
    """
    check_targets(json=json_file)
    found = soak(config, steps, envs, seed)
    print(
        f"{found['steps']:,} env steps, {found['episodes']:,} episodes ended, no fault; largest drift of the ledger "
        f"{found['largest_drift']:.1e} (allowed {DRIFT:.0e}); memory {found['memory_mib']:.0f} MiB, "
        f"{found['memory_growth_mib']:+.1f} MiB since the first tenth"
    )
    if json_file is not None:
        write_json(json_file, found)
    if found["largest_drift"] > DRIFT or found["memory_growth_mib"] > 16.0:
        raise typer.Exit(1)


if __name__ == "__main__":
    program("soak", main)()
