"""The command `mm-env benchmark`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.benchmark_classic import classic_rates, classic_text
from mm_env.cli.benchmark_market import (
    gymnasium_rates,
    gymnasium_text,
    linearity,
    linearity_text,
    machine,
    memory,
    memory_text,
    single_rate,
    single_text,
    start_text,
    start_up,
    stripped_ratio,
    stripped_text,
    vector_rates,
    vector_text,
)
from mm_env.cli.benchmark_train import train_rates, train_text
from mm_env.cli.options import Config, Json, Out, Seed, Settings, check_targets, market_of
from mm_env.extras import require


def main(
    config: Config = None,
    setting: Settings = None,
    seed: Seed = 0,
    train: Annotated[
        bool,
        typer.Option("--train", help="Measure training alone: PPO on the market and on an environment that costs nothing."),
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Seconds, not minutes: short runs, no cold start.")] = False,
    out: Out = Path("runs/benchmark"),
    json_file: Json = None,
) -> None:
    """Measure speed, start-up and memory.

    Covers the environments, the kernel with and without agents, and gymnasium's CartPole for scale.

    Example: mm-env benchmark --quick --json speed.json
    """
    from mm_env.config.io import DEFAULT_PRESET, config_hash
    from mm_env.files import write_json

    market = market_of(config, setting)
    name = config or DEFAULT_PRESET
    targets = [out / "benchmark.json", *([] if json_file is None else [json_file])]
    check_targets(out=out / "benchmark.json", json=json_file)
    seconds, rounds = (0.1, 3) if quick else (1.0, 5)
    found: dict[str, Any] = {"machine": machine(), "config": name, "config_hash": config_hash(market), "quick": quick}
    if train:
        require("stable_baselines3", "torch")
    parts: list[tuple[str, Callable[[], Any], Callable[[Any], str]]] = [
        ("vector", lambda: vector_rates(market, seed, seconds, rounds), vector_text),
        ("classic", lambda: classic_rates(seed, seconds, rounds), classic_text),
        ("single", lambda: single_rate(market, seed, seconds, rounds), single_text),
        ("stripped", lambda: stripped_ratio(market, seed, rounds=5 if quick else 41), stripped_text),
        ("gymnasium", lambda: gymnasium_rates(market, seed, 1 if quick else 3), gymnasium_text),
        ("memory", lambda: memory(market), memory_text),
        ("start", lambda: start_up(market, repeats=1 if quick else 3, cold=not quick), start_text),
        ("linearity", lambda: linearity(seed, quick), linearity_text),
    ]
    if train:
        parts = [("train", lambda: train_rates(market, seed, rounds=2 if quick else 5), train_text)]
    typer.echo(f"{name}, seed {seed}; " + ", ".join(f"{key} {value}" for key, value in found["machine"].items()))
    for part, measure, text in parts:
        found[part] = measure()
        typer.echo("\n" + text(found[part]))
    for path in targets:
        write_json(path, found)
