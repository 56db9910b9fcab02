"""The command `mm-env describe`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.calibration.hawkes_fit import STRUCTURES
from mm_env.cli.options import Json, Out, check_targets
from mm_env.errors import UsageError, check_choice

if TYPE_CHECKING:
    from mm_env.calibration.summary import Summary
    from mm_env.data.events import About

FILES = ("estimates.json", "estimates.png", "flow.png")
VENUE_FILES = ("venues.json", "venues.png")
BAR_FILES = ("bars.json", "bars.png")
_HEAD = ["what", "estimate", "standard error"]


def main(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Events, as mm-env convert or record-prices writes them; several: one a venue, of bars one a symbol."
        ),
    ],
    lot: Annotated[float, typer.Option(min=1e-12, help="Units of size in a lot, in which sizes are counted.")] = 1.0,
    structure: Annotated[str, typer.Option(metavar="|".join(STRUCTURES), help="Structure of the Hawkes kernels.")] = "full",
    exponentials: Annotated[
        int, typer.Option(min=1, max=6, help="Most exponentials of a Hawkes kernel; the BIC chooses.")
    ] = 3,
    window: Annotated[int, typer.Option(min=1, help="Window for regimes [s].")] = 60,
    profile_degree: Annotated[
        int, typer.Option(min=0, max=6, help="Degree of the intraday profile that is removed before regimes; 0: none.")
    ] = 2,
    out: Out = Path("runs/estimates"),
    json_file: Json = None,
) -> None:
    """Estimate what market data shows, with standard errors.

    Spread, volatility, Hawkes flow, fill intensity, sizes, cancels, placement, regimes and the intraday profile, each drawn
    over the data. Files of several venues of one symbol are compared; files of bars are printed side by side.

    Example: mm-env describe runs/data/aapl.parquet --lot 100
    """
    import numpy as np

    from mm_env.calibration.summary import summarise
    from mm_env.calibration.takers import takers
    from mm_env.data.events import about_events, all_events
    from mm_env.files import write_bytes, write_json
    from mm_env.reports.calibration_figure import calibration_figure
    from mm_env.reports.estimates_text import estimate_figures
    from mm_env.reports.flow_figure import flow_figure
    from mm_env.reports.style import png

    check_choice("--structure", structure, STRUCTURES)
    abouts = [about_events(path) for path in data]
    of_bars = any(about.interval is not None for about in abouts)
    files = BAR_FILES if of_bars else FILES if len(data) == 1 else VENUE_FILES
    targets = [out / files[0], *([] if json_file is None else [json_file])]
    check_targets(out=out / files[0], json=json_file)
    if of_bars:
        found = _bars(data, abouts, out)
    elif len(data) > 1:
        found = _compare(data, abouts, out)
    else:
        about, events = abouts[0], all_events(data[0])
        summary = summarise(
            events, about, STRUCTURES[STRUCTURES.index(structure)], lot, exponentials, window, profile_degree
        )
        _print(summary)
        found = estimate_figures(summary)
        sizes = np.maximum(1.0, np.ceil(takers(events, about)[2] / lot))
        write_bytes(out / FILES[1], png(calibration_figure(summary, sizes, _title(summary))))
        write_bytes(out / FILES[2], png(flow_figure(summary, _title(summary))))
    for path in targets:
        write_json(path, found)
    typer.echo(f"\nfolder: {out}")


def _title(summary: Summary) -> str:
    about = summary.about
    return f"{about.symbol} at {about.venue}: {summary.events} events in {summary.seconds:,.0f} s, {summary.trades} takers"


def _print(summary: Summary) -> None:
    from mm_env.reports.estimates_text import estimate_rows, flow_rows, hawkes_table, profile_table, regimes_table
    from mm_env.reports.tables import text_table

    typer.echo(f"\n{_title(summary)}\n\n{text_table(_HEAD, estimate_rows(summary) + flow_rows(summary))}")
    if summary.hawkes:
        typer.echo(f"\n{hawkes_table(summary.hawkes)}")
    if summary.regimes is not None:
        typer.echo(f"\n{regimes_table(summary.regimes)}")
    if summary.profile is not None:
        typer.echo(f"\n{profile_table(summary.profile)}")


def _bars(data: list[Path], abouts: list[About], out: Path) -> dict[str, Any]:
    """Print bars of symbols side by side; raises UsageError for files of two forms, and for two of one symbol."""
    from mm_env.calibration.bars import correlations, summarise_bars
    from mm_env.data.events import Bars, all_events
    from mm_env.files import write_bytes
    from mm_env.reports.bars_report import bars_figure, bars_figures, bars_table, correlations_table
    from mm_env.reports.style import png

    for path, about in zip(data, abouts, strict=True):
        if about.interval != abouts[0].interval:
            held, wanted = (f"bars of {one}" if one else "events" for one in (about.interval, abouts[0].interval))
            raise UsageError(f"{path}: {held}; expected {wanted}, as in {data[0]}")
    names = [about.symbol for about in abouts]
    if len(set(names)) < len(names):
        raise UsageError(f"symbols {', '.join(names)}; expected each once")
    files = {name: bars for name, path in zip(names, data, strict=True) if isinstance(bars := all_events(path), Bars)}
    summaries = {name: summarise_bars(bars, about) for (name, bars), about in zip(files.items(), abouts, strict=True)}
    found = correlations(files)
    adjusted = " and ".join(sorted({str(about.adjusted) for about in abouts}))
    title = f"bars of {abouts[0].interval}, adjusted for {adjusted}: {', '.join(names)}"
    typer.echo(f"\n{title}\n\n{bars_table(summaries)}")
    if found:
        typer.echo(f"\n{correlations_table(found)}")
    pairs = {name: (bars, about) for (name, bars), about in zip(files.items(), abouts, strict=True)}
    write_bytes(out / BAR_FILES[1], png(bars_figure(pairs, title)))
    return bars_figures(summaries, found)


def _compare(data: list[Path], abouts: list[About], out: Path) -> dict[str, Any]:
    """Compare the venues of one symbol; raises UsageError for files of two symbols, or two of one venue."""
    from mm_env.calibration.venues import compare_venues
    from mm_env.data.events import all_events
    from mm_env.files import write_bytes
    from mm_env.reports.calibration_figure import venues_figure
    from mm_env.reports.estimates_text import plain_estimates, venue_rows
    from mm_env.reports.style import png
    from mm_env.reports.tables import text_table

    for path, about in zip(data, abouts, strict=True):
        if about.symbol != abouts[0].symbol:
            raise UsageError(f"{path}: symbol {about.symbol}; expected {abouts[0].symbol}, as in {data[0]}")
    names = [about.venue for about in abouts]
    if len(set(names)) < len(names):
        raise UsageError(f"venues {', '.join(names)}; expected each once")
    venues = compare_venues({name: all_events(path) for name, path in zip(names, data, strict=True)})
    title = f"{abouts[0].symbol} at {', '.join(names)}: {venues.seconds:,.0f} s in common"
    typer.echo(f"\n{title}\n\n{text_table(_HEAD, venue_rows(venues))}")
    write_bytes(out / VENUE_FILES[1], png(venues_figure(venues, title)))
    return {"symbol": abouts[0].symbol, "venues": plain_estimates(venues)}
