"""How much has a market in common with a real one? Distances of their distributions, in the manner of LOB-Bench.

python scripts/realism.py runs/data/amzn.parquet simulated.parquet
python scripts/realism.py runs/data/amzn.parquet      # the floor alone: the real day against itself

Of sources that tell books and no orders, books are compared on a grid of time.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer

from mm_env.calibration.moments import compared
from mm_env.cli.baseline import check_log_level
from mm_env.cli.errors import check_target, user_errors
from mm_env.data.events import DataError, Events, about_events, all_events
from mm_env.errors import UsageError
from mm_env.files import write_bytes, write_json
from mm_env.realism.cst import fit_cst, simulate_cst
from mm_env.realism.scores import BLOCK_SECONDS, Realism, Statistics, compare_markets, floor_of, half_of, statistics_of
from mm_env.reports.realism_figures import histogram_figure, radar_figure
from mm_env.reports.style import png
from mm_env.reports.tables import text_table

FILES = ("realism.json", "radar.png", "histograms.png")
FLOOR = "the real market itself"
ZERO = "zero intelligence"
logger = logging.getLogger("realism")


class _Ticked(NamedTuple):
    """What scores need of a file besides its events: tick [currency] and levels of the book."""

    tick: float
    levels: int


@user_errors
def main(
    real: Annotated[Path, typer.Argument(help="Events of a real market, as convert_data.py writes them.")],
    others: Annotated[list[Path] | None, typer.Argument(help="Events of the markets that are compared with it.")] = None,
    blocks: Annotated[
        str, typer.Option(metavar="all|odd|even", help="Of the real market's blocks of time, those that are compared.")
    ] = "all",
    block_seconds: Annotated[
        float, typer.Option(min=1.0, help="Blocks of time that are resampled, and every other of which makes the floor [s].")
    ] = BLOCK_SECONDS,
    resamples: Annotated[int, typer.Option(min=10, help="Of the standard errors.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help=f"Holds {', '.join(FILES)}.")] = Path("runs/realism"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Print how far the markets, and one of zero intelligence fitted to the real one, are from it, and it from itself."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    targets = {"--out": out / FILES[0]} | ({} if json_file is None else {"--json": json_file})
    for option, path in targets.items():
        check_target(option, path)
    if blocks not in ("all", "odd", "even"):
        raise UsageError(f"--blocks {blocks!r}: allowed: all, odd, even")
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
    print(f"\n{title}\n\n{table(markets)}")
    for path in targets.values():
        write_json(path, {"real": real.name, "block_seconds": block_seconds, "markets": figures(markets)})
    write_bytes(out / FILES[1], png(radar_figure(markets, title)))
    first = next(iter(markets))
    write_bytes(out / FILES[2], png(histogram_figure(markets[first], f"{real.stem} and {first}")))
    print(f"\nfolder: {out}")


def _market(path: Path) -> tuple[_Ticked, Events]:
    about = about_events(path)
    if about.tick is None:
        raise DataError(f"{path}: no tick is known; allowed: events of a source that states it")
    return _Ticked(about.tick, about.levels), all_events(path)


def _zero_intelligence(about: _Ticked, events: Events, seed: int) -> Statistics | None:
    """A day of the zero-intelligence market that is fitted to the real one, where its orders are told."""
    try:
        model = fit_cst(events, about.tick)
        seconds = (int(events.time[-1]) - int(events.time[0])) * 1e-9
        return statistics_of(simulate_cst(model, seconds, about.levels, seed), model.tick)
    except DataError as error:
        logger.info("without %s: %s", ZERO, error)
        return None


def table(markets: dict[str, Realism]) -> str:
    """Distances of each statistic by market, and their means."""
    names = list(next(iter(markets.values())).distances)
    rows = [
        [name, *(_cell(one.distances[name].l1, one.distances[name].error) for one in markets.values())] for name in names
    ]
    rows.append(["mean", *(_cell(*one.mean) for one in markets.values())])
    rows.append(["interquartile mean", *(_cell(*one.interquartile_mean) for one in markets.values())])
    return text_table(["statistic", *markets], rows)


def _cell(value: float, error: float) -> str:
    return f"{value:.3f} ± {error:.3f}"


def figures(markets: dict[str, Realism]) -> dict[str, Any]:
    """The distances under stable names."""
    return {
        name: {
            "mean": one.mean[0], "mean_error": one.mean[1],
            "interquartile_mean": one.interquartile_mean[0], "interquartile_mean_error": one.interquartile_mean[1],
            "statistics": {
                statistic: {"l1": d.l1, "error": d.error, "wasserstein": None if np.isnan(d.wasserstein) else d.wasserstein}
                for statistic, d in one.distances.items()
            },
        }
        for name, one in markets.items()
    }  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
