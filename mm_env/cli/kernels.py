"""Commands about what is kept on disk: `compile` compiles kernels, `clean-cache` removes them and cached scores."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from mm_env.cli.options import Config, Settings, market_of
from mm_env.errors import UsageError, check_choice

SIZES = ("small", "medium", "large")


def compile_kernels(
    config: Config = None,
    setting: Settings = None,
    capacity: Annotated[
        str | None,
        typer.Option(
            metavar="|".join((*SIZES, "all")), help="Padded size, in place of the market's own; all for every size."
        ),
    ] = None,
) -> None:
    """Compile the simulator's kernels ahead of the first run.

    The first run of each padded size compiles for a minute or two otherwise. The machine code is kept in the user's cache
    folder (NUMBA_CACHE_DIR when set), until mm_env, Python, Numba or the processor changes.

    Example: mm-env compile --capacity all
    """
    from time import perf_counter

    from mm_env.sim.batch import warm_up
    from mm_env.sim.machine_code import kernel_folder
    from mm_env.sim.state import SIZES as CAPACITIES
    from mm_env.sim.state import capacity_for

    if capacity is None:
        market = market_of(config, setting)
        chosen = {"the market's size": capacity_for(len(market.symbols), len(market.venues))}
    else:
        if config is not None or setting:
            raise UsageError("--capacity with --config or --set: expected one or the other")
        check_choice("--capacity", capacity, (*SIZES, "all"))
        chosen = {name: size for name, size in zip(SIZES, CAPACITIES, strict=True) if capacity in (name, "all")}
    typer.echo(f"compiling the kernels into {kernel_folder()}: a minute or two a size, seconds where they are there already")
    for name, size in chosen.items():
        start = perf_counter()
        warm_up(size)
        shape = f"up to {size.symbols} symbols on {size.venues} venues"
        typer.echo(f"{name} ({shape}): ready after {perf_counter() - start:.1f} s")


def clean_cache(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove compiled kernels and cached headline scores.

    They are made again when needed: a minute or two of compilation at the next run. Kernels of older versions go too.

    Example: mm-env clean-cache --dry-run
    """
    from mm_env.sentiment.cache import scores_folder
    from mm_env.sim.machine_code import folder_bytes, kernel_folders

    freed = 0
    for folder in (*kernel_folders(), scores_folder()):
        if not folder.is_dir():
            continue
        size = folder_bytes(folder)
        if not dry_run:
            shutil.rmtree(folder)
        freed += size
        typer.echo(f"{'would remove' if dry_run else 'removed'} {folder}: {size / 1e6:.1f} MB")
    typer.echo(f"{'would free' if dry_run else 'freed'} {freed / 1e6:.1f} MB")
