"""The command `mm-env calibrate`."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mm_env.cli.options import Json, OutFile, Seed, Settings, check_targets, parse_overrides
from mm_env.errors import UsageError, check_choice
from mm_env.interrupt import StopRequest

if TYPE_CHECKING:
    from mm_env.calibration.moments import Part

logger = logging.getLogger(__name__)
PARTS: tuple[Part, ...] = ("all", "odd", "even")
_FRESH_SEED, _FRESH_LENGTH = 1_000_003, 20.0  # of the simulation that evaluates the best market


def main(
    data: Annotated[
        list[Path], typer.Option(help="Events of one symbol at one venue, as mm-env convert writes them; repeatable.")
    ],
    out: OutFile = Path("runs/fitted.yaml"),
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="HTML report; none by default.")] = None,
    blocks: Annotated[
        str, typer.Option(metavar="|".join(PARTS), help="Quarter hours to fit; the others are left for a test.")
    ] = "all",
    exponentials: Annotated[
        int, typer.Option(min=1, max=4, help="Most exponentials of a Hawkes kernel; the BIC chooses.")
    ] = 3,
    trials: Annotated[
        int, typer.Option(min=1, help="Markets to simulate, in rounds of an ensemble; fewer than a round tune nothing.")
    ] = 700,
    seconds: Annotated[float, typer.Option(min=60.0, help="Simulated time of each [s].")] = 3000.0,
    setting: Settings = None,
    seed: Seed = 0,
    json_file: Json = None,
) -> None:
    """Fit a market to recorded events.

    Estimates what the data shows, tunes the rest by simulation, and checks the best market by a fresh simulation. Writes a
    market file with its sources in comments. Several venues of a symbol are several files.

    Example: mm-env calibrate --data aapl.parquet --data amzn.parquet --out fitted.yaml --report runs/fitted.html
    """
    from mm_env.calibration.fitting import measure
    from mm_env.calibration.moments import BookRecording
    from mm_env.calibration.tuning import evaluate_market, tune
    from mm_env.config.io import override, resolved_yaml
    from mm_env.data.events import about_events, all_events
    from mm_env.files import write_bytes, write_json
    from mm_env.reports.fit_report import fit_comments, fit_page, moments_table

    check_targets(out=out, report=report, json=json_file)
    changes = parse_overrides(setting or [])
    check_choice("--blocks", blocks, PARTS)
    part = PARTS[PARTS.index(blocks)]
    if len({path.resolve() for path in data}) < len(data):
        raise UsageError("--data: the same file twice; expected one file a symbol and venue")
    recorded = [BookRecording.of(all_events(path), about_events(path), part) for path in data]
    logger.info("measuring %s", ", ".join(f"{one.about.symbol} at {one.about.venue}" for one in recorded))
    measured = measure(recorded, exponentials)
    with StopRequest() as stopped:
        best = tune(measured, trials, seconds, seed, on_trial=_progress(trials), stop=stopped)
    config = override(best.config, changes)
    fresh = evaluate_market(measured, config, _FRESH_LENGTH * seconds, seed + _FRESH_SEED)
    typer.echo(f"\n{moments_table(fresh)}\n\nlargest deviation of a tuned moment: {fresh.worst:.1%}")
    command = " ".join(
        ["mm-env calibrate", *(f"--data {shlex.quote(path.name)}" for path in data),
         f"--exponentials {exponentials}", f"--trials {trials}", f"--seconds {seconds:.15g}", f"--seed {seed}",
         f"--blocks {blocks}", *(f"--set {shlex.quote(one)}" for one in setting or [])]
    )  # fmt: skip
    text = fit_comments(measured, best, fresh, command) + resolved_yaml(config)
    write_bytes(out, text.encode())
    typer.echo(f"market: {out}")
    if json_file is not None:
        write_json(json_file, {"loss": fresh.loss, "realism": fresh.realism, "worst": fresh.worst, "moments": {
            symbol: {name: {"recorded": real, "simulated": sim} for name, (real, sim) in names.items()}
            for symbol, names in fresh.moments.items()
        }, "values": best.values})  # fmt: skip
    if report is not None:
        write_bytes(report, fit_page(measured, best, fresh, text).encode())
        typer.echo(f"report: {report}")
    if stopped.signal is not None:
        typer.echo(f"stopped after {len(best.losses)} of {trials} markets: the best of these was written", err=True)
        raise typer.Exit(128 + stopped.signal)


def _progress(trials: int) -> Callable[[int, float], None]:
    def log(number: int, loss: float) -> None:
        if number % 20 == 0 or number + 1 == trials:
            logger.info("trial %d of %d, least loss %.4f", number + 1, trials, loss)

    return log
