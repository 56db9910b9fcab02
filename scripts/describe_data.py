"""What does market data say? Estimates with errors, and a figure of each law over the data that it was fitted to.

python scripts/convert_data.py LOBSTER_SampleFile_AAPL_2012-06-21_1.zip --out runs/data/aapl.parquet
python scripts/describe_data.py runs/data/aapl.parquet --lot 100
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mm_env.calibration.events import about_events, all_events
from mm_env.calibration.hawkes_fit import STRUCTURES, HawkesFit
from mm_env.calibration.summary import Summary, summarise, takers
from mm_env.cli_baseline import check_log_level
from mm_env.cli_errors import check_target, user_errors
from mm_env.errors import UsageError
from mm_env.recording.files import write_bytes, write_json
from mm_env.reports.calibration_figure import calibration_figure
from mm_env.reports.style import png
from mm_env.reports.tables import text_table

FILES = ("estimates.json", "estimates.png")


@user_errors
def main(
    data: Annotated[Path, typer.Argument(help="Events, as convert_data.py writes them.")],
    lot: Annotated[float, typer.Option(min=1e-12, help="Units of size in a lot, in which sizes are counted.")] = 1.0,
    structure: Annotated[str, typer.Option(metavar="|".join(STRUCTURES), help="Of the Hawkes kernels.")] = "full",
    exponentials: Annotated[int, typer.Option(min=1, max=6, help="Exponentials that are tried; the BIC chooses.")] = 3,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help=f"Holds {', '.join(FILES)}.")] = Path("runs/estimates"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Print what the estimators find; parts that the data do not allow are left out and said so."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    targets = {"--out": out / FILES[0]} | ({} if json_file is None else {"--json": json_file})
    for option, path in targets.items():
        check_target(option, path)
    if structure not in STRUCTURES:
        raise UsageError(f"--structure {structure!r}: allowed: {', '.join(STRUCTURES)}")
    about, events = about_events(data), all_events(data)
    summary = summarise(events, about, structure, lot, exponentials)
    title = f"{about.symbol} at {about.venue}: {summary.events} events in {summary.seconds:,.0f} s, {summary.trades} takers"
    print(f"\n{title}\n\n{text_table(['what', 'estimate', 'standard error'], rows(summary))}")
    if summary.hawkes:
        print(f"\n{hawkes_table(summary.hawkes)}")
    for path in targets.values():
        write_json(path, figures(summary))
    sizes = np.maximum(1.0, np.ceil(takers(events, about)[2] / lot))
    write_bytes(out / FILES[1], png(calibration_figure(summary, sizes, title)))
    print(f"\nfolder: {out}")


def rows(summary: Summary) -> list[list[str]]:
    """What, estimate and standard error of each part."""
    none = "too few events"
    found: list[list[str]] = []
    if summary.spread is not None:
        found.append(["median spread [ticks]", f"{summary.spread.median_ticks:g}", ""])
        found.append(["mean spread [ticks]", f"{summary.spread.mean_ticks:.2f}", ""])
        found.append(["share of time with a spread of one tick", f"{summary.spread.one_tick_share:.3f}", ""])
    for scale, value, error in summary.volatility:
        found.append([f"volatility over {scale:g} s [bps/√s]", f"{value:.4f}", f"{error:.4f}"])
    found.append(["takers a second", f"{summary.trades / summary.seconds:.4f}", ""])
    best = summary.best_hawkes
    ratio = [none, ""] if best is None else [f"{best.process.branching_ratio:.4f}", f"{best.branching_ratio_error:.4f}"]
    found.append(["branching ratio", *ratio])
    fit, tail = summary.intensity, summary.tail
    if fit is None:
        found.append(["fill intensity", none, ""])
    else:
        found.append(["fill intensity A [1/s]", f"{fit.rate:.4f}", f"{fit.rate_error:.4f}"])
        found.append(["fill intensity k [1/currency]", f"{fit.decay:.3f}", f"{fit.decay_error:.3f}"])
    found.append(["mean size of a taker [lots]", f"{summary.mean_size:.3f}", ""])
    exponent = [none, ""] if tail is None else [f"{tail.tail_exponent:.3f} from {tail.start} lots", f"{tail.error:.3f}"]
    found.append(["tail exponent of sizes", *exponent])
    if summary.cancels is not None:
        for level, (rate, error) in enumerate(zip(summary.cancels.rate, summary.cancels.error, strict=True), 1):
            found.append([f"cancel rate at level {level} [1/s]", f"{rate:.4f}", f"{error:.4f}"])
    return found


def hawkes_table(fits: list[HawkesFit]) -> str:
    """The fits by number of exponentials; the lowest BIC is the best."""
    return text_table(
        ["exponentials", "branching ratio", "decays [1/s]", "log-likelihood", "BIC", "distance of rescaled times"],
        [
            [
                str(fit.process.decay.size),
                f"{fit.process.branching_ratio:.3f}" + _interval(1.96 * fit.branching_ratio_error),
                ", ".join(f"{decay:.3g}" for decay in fit.process.decay),
                f"{fit.log_likelihood:.1f}",
                f"{fit.bic:.1f}",
                ", ".join(f"{distance:.3f}" for distance in fit.distances),
            ]
            for fit in fits
        ],
    )


def figures(summary: Summary) -> dict[str, Any]:
    """The estimates under stable names; None where there is none."""
    fit, tail, width = summary.intensity, summary.tail, summary.spread
    return {
        "symbol": summary.about.symbol, "venue": summary.about.venue, "events": summary.events, "seconds": summary.seconds,
        "takers": summary.trades, "mean_size_lots": _finite(summary.mean_size),
        "spread_median_ticks": None if width is None else width.median_ticks,
        "spread_mean_ticks": None if width is None else width.mean_ticks,
        "one_tick_share": None if width is None else width.one_tick_share,
        "volatility": [{"seconds": s, "bps_per_sqrt_second": v, "error": e} for s, v, e in summary.volatility],
        "fill_intensity": None if fit is None else {
            "rate_per_second": fit.rate, "rate_error": fit.rate_error, "decay": fit.decay, "decay_error": fit.decay_error
        },
        "size_tail": None if tail is None else {
            "exponent": tail.tail_exponent, "error": tail.error, "start_lots": tail.start, "share": tail.share
        },
        "cancel_rate_per_second": None if summary.cancels is None else [_finite(rate) for rate in summary.cancels.rate],
        "hawkes": [
            {
                "baseline": one.process.baseline.tolist(), "jump": one.process.jump.tolist(),
                "decay": one.process.decay.tolist(), "branching_ratio": one.process.branching_ratio,
                "branching_ratio_error": _finite(one.branching_ratio_error), "log_likelihood": one.log_likelihood,
                "bic": one.bic, "distances": one.distances.tolist(),
            }
            for one in summary.hawkes
        ],
    }  # fmt: skip


def _interval(width: float) -> str:
    return f" ± {width:.3f}" if np.isfinite(width) else ""


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


if __name__ == "__main__":
    typer.run(main)
