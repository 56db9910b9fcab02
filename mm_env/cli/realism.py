"""The command `mm-env realism`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from mm_env.cli.options import Json, Out, Seed, check_targets
from mm_env.errors import DataError, check_choice
from mm_env.realism.scores import BLOCK_SECONDS

if TYPE_CHECKING:
    from mm_env.data.events import Events
    from mm_env.realism.scores import Statistics

FILES = ("realism.json", "radar.png", "histograms.png")
FLOOR = "the real market itself"
ZERO = "zero intelligence"
logger = logging.getLogger(__name__)


class _Ticked(NamedTuple):
    """What scores need of a file besides its events: tick [currency] and levels of the book."""

    tick: float
    levels: int


def main(
    real: Annotated[Path, typer.Argument(help="Events of a real market, as mm-env convert writes them.")],
    others: Annotated[list[Path] | None, typer.Argument(help="Events of markets to compare with it.")] = None,
    blocks: Annotated[
        str, typer.Option(metavar="all|odd|even", help="Blocks of time of the real market to compare.")
    ] = "all",
    block_seconds: Annotated[
        float, typer.Option(min=1.0, help="Length of a block of time, which is resampled [s].")
    ] = BLOCK_SECONDS,
    resamples: Annotated[int, typer.Option(min=10, help="Resamples of the bootstrap.")] = 500,
    seed: Seed = 0,
    out: Out = Path("runs/realism"),
    json_file: Json = None,
) -> None:
    """Score how close simulated markets are to a real one.

    L1 and Wasserstein distances of distributions, as in LOB-Bench, beside a zero-intelligence market and the floor: the
    real market against itself.

    Example: mm-env realism runs/data/amzn.parquet simulated.parquet --out runs/realism
    """
    from mm_env.calibration.moments import compared
    from mm_env.files import write_bytes, write_json
    from mm_env.realism.scores import compare_markets, floor_of, half_of
    from mm_env.reports.realism_figures import histogram_figure, radar_figure
    from mm_env.reports.realism_text import realism_figures, realism_table
    from mm_env.reports.style import png

    targets = [out / FILES[0], *([] if json_file is None else [json_file])]
    check_targets(out=out / FILES[0], json=json_file)
    check_choice("--blocks", blocks, ("all", "odd", "even"))
    about, events = _market(real)
    orders = bool((events.kind == "limit").any())
    whole = compared(events, about.tick, orders)
    truth = whole if blocks == "all" else half_of(whole, "odd" if blocks == "odd" else "even", block_seconds)
    markets = {}
    for path in others or []:
        other, found = _market(path)
        markets[path.stem] = compare_markets(truth, compared(found, other.tick, orders), seed, resamples, block_seconds)
    zero = _zero_intelligence(about, events, seed)
    if zero is not None:
        markets[ZERO] = compare_markets(truth, zero, seed, resamples, block_seconds)
    markets[FLOOR] = floor_of(whole, seed, resamples, block_seconds)
    title = f"L1 from {real.stem}, with standard errors; {FLOOR}: blocks of {block_seconds:g} s, odd against even"
    typer.echo(f"\n{title}\n\n{realism_table(markets)}")
    for path in targets:
        write_json(path, {"real": real.name, "block_seconds": block_seconds, "markets": realism_figures(markets)})
    write_bytes(out / FILES[1], png(radar_figure(markets, title)))
    first = next(iter(markets))
    write_bytes(out / FILES[2], png(histogram_figure(markets[first], f"{real.stem} and {first}")))
    typer.echo(f"\nfolder: {out}")


def _market(path: Path) -> tuple[_Ticked, Events]:
    from mm_env.data.events import about_events, all_events

    about = about_events(path)
    if about.tick is None:
        raise DataError(f"{path}: no tick is known; expected events of a source that states it")
    return _Ticked(about.tick, about.levels), all_events(path)


def _zero_intelligence(about: _Ticked, events: Events, seed: int) -> Statistics | None:
    """Statistics of a zero-intelligence market fitted to the real one; None where the data has no orders."""
    from mm_env.realism.cst import fit_cst, simulate_cst
    from mm_env.realism.scores import statistics_of

    try:
        model = fit_cst(events, about.tick)
        seconds = (int(events.time[-1]) - int(events.time[0])) * 1e-9
        return statistics_of(simulate_cst(model, seconds, about.levels, seed), model.tick)
    except DataError as error:
        logger.info("without %s: %s", ZERO, error)
        return None
