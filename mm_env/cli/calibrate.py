"""Fit a market to recorded events: a configuration that runs, with where its numbers come from, and a report of every fit.

python scripts/calibrate.py --data aapl.parquet --data amzn.parquet --out fitted.yaml --report runs/fitted.html

Several venues of a symbol are several files; every symbol needs one of each venue.
"""

from __future__ import annotations

import base64
import html
import logging
import shlex
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mm_env.calibration.fitting import Measurements, measure
from mm_env.calibration.moments import SCALE_SECONDS, BookRecording, Part, volatility_of
from mm_env.calibration.summary import summarise
from mm_env.calibration.takers import takers
from mm_env.calibration.tuning import Tuned, evaluate_market, tune
from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.config.io import override, resolved_yaml
from mm_env.data.events import about_events, all_events
from mm_env.errors import UsageError
from mm_env.files import write_bytes, write_json
from mm_env.interrupt import StopRequest
from mm_env.reports.calibration_figure import calibration_figure
from mm_env.reports.flow_figure import flow_figure
from mm_env.reports.style import png
from mm_env.reports.tables import text_table

logger = logging.getLogger("calibrate")
PARTS: tuple[Part, ...] = ("all", "odd", "even")
_FRESH_SEED, _FRESH_LENGTH = 1_000_003, 20.0  # of the simulation by which the best market is judged


@user_errors
def main(
    data: Annotated[
        list[Path], typer.Option(help="Events of one symbol at one venue, as convert_data.py writes them; repeatable.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="YAML file that is written.")] = Path("runs/fitted.yaml"),
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="HTML report; none if no file is named.")] = None,
    blocks: Annotated[
        str, typer.Option(metavar="|".join(PARTS), help="Quarters of an hour that are used; the others are kept for a test.")
    ] = "all",
    exponentials: Annotated[int, typer.Option(min=1, max=4, help="Of the Hawkes kernels that are tried.")] = 3,
    trials: Annotated[int, typer.Option(min=1, help="Markets that are simulated; rounds take some fifty each.")] = 700,
    seconds: Annotated[float, typer.Option(min=60.0, help="For which each is simulated [s].")] = 3000.0,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a parameter of the result; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulations and the sampler.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the moments there.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Measure, tune by simulation, and judge the best market by a simulation of its own."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    for option, path in {"--out": out, "--report": report, "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    changes = parse_overrides(setting or [])
    part = next((one for one in PARTS if one == blocks), None)
    if part is None:
        raise UsageError(f"--blocks {blocks!r}: expected one of {', '.join(PARTS)}")
    if len({path.resolve() for path in data}) < len(data):
        raise UsageError("--data: the same file twice; expected one file a symbol and venue")
    recorded = [BookRecording.of(all_events(path), about_events(path), part) for path in data]
    logger.info("measuring %s", ", ".join(f"{one.about.symbol} at {one.about.venue}" for one in recorded))
    measured = measure(recorded, exponentials)
    with StopRequest() as stopped:
        best = tune(measured, trials, seconds, seed, on_trial=_progress(trials), stop=stopped)
    config = override(best.config, changes)
    fresh = evaluate_market(measured, config, _FRESH_LENGTH * seconds, seed + _FRESH_SEED)
    print(f"\n{_table(fresh)}\n\nlargest deviation of a moment: {fresh.worst:.1%}")
    command = " ".join(
        ["python scripts/calibrate.py", *(f"--data {shlex.quote(path.name)}" for path in data),
         f"--exponentials {exponentials}", f"--trials {trials}", f"--seconds {seconds:.15g}", f"--seed {seed}",
         f"--blocks {blocks}", *(f"--set {shlex.quote(one)}" for one in setting or [])]
    )  # fmt: skip
    text = _provenance(measured, best, fresh, command) + resolved_yaml(config)
    write_bytes(out, text.encode())
    print(f"market: {out}")
    if json_file is not None:
        write_json(json_file, {"loss": fresh.loss, "realism": fresh.realism, "worst": fresh.worst, "moments": {
            symbol: {name: {"recorded": real, "simulated": sim} for name, (real, sim) in names.items()}
            for symbol, names in fresh.moments.items()
        }, "values": best.values})  # fmt: skip
    if report is not None:
        write_bytes(report, _report(measured, best, fresh, text).encode())
        print(f"report: {report}")
    if stopped.signal is not None:
        typer.echo(f"stopped after {len(best.losses)} of {trials} markets: the best of these was written", err=True)
        raise typer.Exit(128 + stopped.signal)


def _progress(trials: int) -> Callable[[int, float], None]:
    def told(number: int, loss: float) -> None:
        if number % 20 == 0 or number + 1 == trials:
            logger.info("trial %d of %d, least loss %.4f", number + 1, trials, loss)

    return told


def _table(fresh: Tuned) -> str:
    rows = [
        [symbol, name.replace("_", " "), f"{real:.4g}", f"{sim:.4g}", f"{sim / real - 1.0:+.1%}"]
        for symbol, names in _told(fresh).items()
        for name, (real, sim) in names.items()
    ]
    rows += [[symbol, "mean L1 of the realism score", "", f"{value:.3f}", ""] for symbol, value in fresh.realism.items()]
    return text_table(["symbol", "moment", "recorded", "simulated", "difference"], rows)


def _told(fresh: Tuned) -> dict[str, dict[str, tuple[float, float]]]:
    """Moments by symbol, and where there are several venues by symbol and venue too."""
    if len({venue for _, venue in fresh.by_venue}) == 1:
        return fresh.moments
    return fresh.moments | {f"{symbol} at {venue}": names for (symbol, venue), names in fresh.by_venue.items()}


def _provenance(measured: Measurements, best: Tuned, fresh: Tuned, command: str) -> str:
    """Where the numbers come from, as comments."""
    fit = measured.hawkes
    records = [one for venues in measured.recorded.values() for one in venues.values()]
    origin = ", ".join(f"{one.about.symbol} at {one.about.venue} ({len(one.events)} events)" for one in records)
    basis = "".join(
        f" {venue} less {measured.venues[0]}: " + ", ".join(
            f"{symbol} {b.median:.4g} ± {b.median_error:.2g}" for symbol, b in zip(measured.symbols, found, strict=True)
        ) + " [currency]."
        for venue, found in measured.basis.items()
    )  # fmt: skip
    lines = [
        f"A market of {', '.join(measured.symbols)} at {', '.join(measured.venues)}, fitted to records.",
        f"Made on {datetime.now(UTC):%Y-%m-%d} by",
        f"  {command}",
        f"from {origin}.",
        "",
        f"flow.hawkes_*: maximum likelihood, {fit.process.decay.size} exponentials by BIC,",
        f"  log-likelihood {fit.log_likelihood:.1f},"
        f"  branching ratio {fit.process.branching_ratio:.3f}; hawkes_mu times the tuned taker_rate of each symbol.",
        "symbols: start price and tick of the record; lot_size a hundredth of the first symbol's median size, in the ratio",
        f"  of medians; volatility over {SCALE_SECONDS:g} s, activity, distance_multiplier: measured, times what was tuned.",
        f"venues: shares of the takers' volume and of what makers add, the median basis in ticks.{basis}",
        "flow.makers.size_quantiles_lots, placement_quantiles_ticks: measured, pooled over symbols in multiples of their",
        "  median and mean; sizes at shares u^size_tilt, distances times the tuned distance of the first symbol.",
        "flow.taker_size_quantiles_lots, taker_touch_share, taker_through_share: measured, pooled over books.",
        "flow.makers.cancel_unit: the order where orders are told. refill_after_*: at most 1 of what was tuned.",
        f"correlation: of moves over {SCALE_SECONDS:g} s, {measured.correlation:.3f}; of the market at most 0.95.",
        f"Tuned by simulation ({len(best.losses)} markets): "
        + ", ".join(f"{name} {value:.4g}" for name, value in best.values.items()) + ".",
        f"In a simulation of its own no moment is off by more than {fresh.worst:.1%}; mean L1 "
        + ", ".join(f"{symbol} {value:.3f}" for symbol, value in fresh.realism.items()) + ".",
        "policy.as_k, as_A: the exponential law of fills, by maximum likelihood. policy.as_gamma: a position at its limit",
        "  moves quotes by a spread; risk.portfolio_var_limit: of half the limits. The rest: defaults, or as --set says.",
    ]  # fmt: skip
    wrapped = [part for line in lines for part in (textwrap.wrap(line, 118, subsequent_indent="  ") or [""])]
    return "".join(f"# {line}".rstrip() + "\n" for line in wrapped)


def _report(measured: Measurements, best: Tuned, fresh: Tuned, text: str) -> str:
    """One HTML page that needs nothing else."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Fitted market</title>",
        "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}"
        "pre{background:#f4f4f4;padding:1em;overflow:auto;font-size:12px}img{max-width:100%}</style>",
        "<h1>A market fitted to records</h1>",
        f"<h2>Moments</h2><pre>{html.escape(_table(fresh))}</pre>",
    ]
    records = [one for venues in measured.recorded.values() for one in venues.values()]
    for one in records:
        events = one.events
        lot = measured.median_size[measured.symbols.index(one.about.symbol)]
        summary = summarise(events, one.about, lot=lot)
        if len(one.pieces) > 1:  # the whole has a move at each seam, and its day is cut short
            scales = [(scale, *volatility_of(one.pieces, scale)) for scale, _, _ in summary.volatility]
            summary = replace(summary, volatility=scales, profile=None)
        sizes = np.maximum(1.0, np.ceil(takers(events, one.about)[2] / lot))
        title = f"{one.about.symbol} at {one.about.venue}: {summary.events} events in {summary.seconds:,.0f} s"
        parts.append(f"<h2>{html.escape(title)}</h2>")
        for figure in (calibration_figure(summary, sizes, title), flow_figure(summary, title)):
            picture = base64.b64encode(png(figure)).decode()
            parts.append(f"<img alt='fits' src='data:image/png;base64,{picture}'>")
    parts.append(f"<h2>Configuration</h2><pre>{html.escape(text)}</pre></html>\n")
    return "\n".join(parts)


if __name__ == "__main__":
    typer.run(main)
