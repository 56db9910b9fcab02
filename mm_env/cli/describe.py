"""What does market data say? Estimates with errors, and figures of each law over the data that it was fitted to.

Several files of one symbol at several venues are compared instead: who trades, who shows depth, how far apart mids are.
Files of bars, a symbol each, are told side by side, with their correlations.

python scripts/convert_data.py LOBSTER_SampleFile_AAPL_2012-06-21_1.zip --out runs/data/aapl.parquet
python scripts/describe_data.py runs/data/aapl.parquet --lot 100
python scripts/describe_data.py runs/data/spot_btcusdt.parquet runs/data/usdm_btcusdt.parquet
python scripts/describe_data.py runs/prices/aapl_1d.parquet runs/prices/amzn_1d.parquet
"""

from __future__ import annotations

import logging
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mm_env.calibration.bars import correlations, summarise_bars
from mm_env.calibration.hawkes_fit import STRUCTURES, HawkesFit
from mm_env.calibration.intraday import Profile
from mm_env.calibration.regimes import Regimes
from mm_env.calibration.summary import Summary, summarise
from mm_env.calibration.takers import takers
from mm_env.calibration.venues import Venues, compare_venues
from mm_env.cli.baseline import check_log_level
from mm_env.cli.errors import check_target, user_errors
from mm_env.data.events import About, Bars, about_events, all_events
from mm_env.errors import UsageError
from mm_env.files import write_bytes, write_json
from mm_env.reports.bars_report import bars_figure, bars_figures, bars_table, correlations_table
from mm_env.reports.calibration_figure import calibration_figure, venues_figure
from mm_env.reports.flow_figure import flow_figure
from mm_env.reports.style import png
from mm_env.reports.tables import text_table

FILES = ("estimates.json", "estimates.png", "flow.png")
VENUE_FILES = ("venues.json", "venues.png")
BAR_FILES = ("bars.json", "bars.png")
_UNITS = {
    "limits": "limit orders/s", "cancels": "cancels/s", "takers": "takers/s", "spread": "spread [currency]",
    "depth": "depth at the touch", "volatility": "volatility [bps/√s]",
}  # fmt: skip
_DRAWN = ("score", "middle", "width")  # of regimes, for the figure alone


@user_errors
def main(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Events, as convert_data.py or record_prices.py writes them; several: one a venue, of bars one a symbol."
        ),
    ],
    lot: Annotated[float, typer.Option(min=1e-12, help="Units of size in a lot, in which sizes are counted.")] = 1.0,
    structure: Annotated[str, typer.Option(metavar="|".join(STRUCTURES), help="Of the Hawkes kernels.")] = "full",
    exponentials: Annotated[int, typer.Option(min=1, max=6, help="Exponentials that are tried; the BIC chooses.")] = 3,
    window: Annotated[int, typer.Option(min=1, help="Seconds of a window in which regimes are looked for.")] = 60,
    profile_degree: Annotated[
        int, typer.Option(min=0, max=6, help="Of the profile of the day that is taken off before regimes; 0 takes off none.")
    ] = 2,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help=f"Holds {', '.join(FILES)}; of several {', '.join(VENUE_FILES)}; of bars {', '.join(BAR_FILES)}.",
        ),
    ] = Path("runs/estimates"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Print what the estimators find; parts that the data do not allow are left out and said so."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    if structure not in STRUCTURES:
        raise UsageError(f"--structure {structure!r}: allowed: {', '.join(STRUCTURES)}")
    abouts = [about_events(path) for path in data]
    of_bars = any(about.interval is not None for about in abouts)
    files = BAR_FILES if of_bars else FILES if len(data) == 1 else VENUE_FILES
    targets = {"--out": out / files[0]} | ({} if json_file is None else {"--json": json_file})
    for option, path in targets.items():
        check_target(option, path)
    if of_bars:
        told = _bars(data, abouts, out)
    elif len(data) > 1:
        told = _compare(data, abouts, out)
    else:
        about, events = abouts[0], all_events(data[0])
        summary = summarise(events, about, structure, lot, exponentials, window, profile_degree)
        _print(summary)
        told = figures(summary)
        sizes = np.maximum(1.0, np.ceil(takers(events, about)[2] / lot))
        write_bytes(out / FILES[1], png(calibration_figure(summary, sizes, _title(summary))))
        write_bytes(out / FILES[2], png(flow_figure(summary, _title(summary))))
    for path in targets.values():
        write_json(path, told)
    print(f"\nfolder: {out}")


def _title(summary: Summary) -> str:
    about = summary.about
    return f"{about.symbol} at {about.venue}: {summary.events} events in {summary.seconds:,.0f} s, {summary.trades} takers"


def _print(summary: Summary) -> None:
    print(f"\n{_title(summary)}\n\n{text_table(['what', 'estimate', 'standard error'], rows(summary) + flow_rows(summary))}")
    if summary.hawkes:
        print(f"\n{hawkes_table(summary.hawkes)}")
    if summary.regimes is not None:
        print(f"\n{regimes_table(summary.regimes)}")
    if summary.profile is not None:
        print(f"\n{profile_table(summary.profile)}")


def _bars(data: list[Path], abouts: list[About], out: Path) -> dict[str, Any]:
    """Tell bars of symbols side by side; raises UsageError for files of two forms, and for two of one symbol."""
    for path, about in zip(data, abouts, strict=True):
        if about.interval != abouts[0].interval:
            held, wanted = (f"bars of {one}" if one else "events" for one in (about.interval, abouts[0].interval))
            raise UsageError(f"{path}: {held}; allowed: {wanted}, as in {data[0]}")
    names = [about.symbol for about in abouts]
    if len(set(names)) < len(names):
        raise UsageError(f"symbols {', '.join(names)}; allowed: each once")
    files = {name: bars for name, path in zip(names, data, strict=True) if isinstance(bars := all_events(path), Bars)}
    summaries = {name: summarise_bars(bars, about) for (name, bars), about in zip(files.items(), abouts, strict=True)}
    found = correlations(files)
    adjusted = " and ".join(sorted({str(about.adjusted) for about in abouts}))
    title = f"bars of {abouts[0].interval}, adjusted for {adjusted}: {', '.join(names)}"
    print(f"\n{title}\n\n{bars_table(summaries)}")
    if found:
        print(f"\n{correlations_table(found)}")
    pairs = {name: (bars, about) for (name, bars), about in zip(files.items(), abouts, strict=True)}
    write_bytes(out / BAR_FILES[1], png(bars_figure(pairs, title)))
    return bars_figures(summaries, found)


def _compare(data: list[Path], abouts: list[About], out: Path) -> dict[str, Any]:
    """Compare the venues of one symbol; raises UsageError for files of two symbols, or two of one venue."""
    for path, about in zip(data, abouts, strict=True):
        if about.symbol != abouts[0].symbol:
            raise UsageError(f"{path}: symbol {about.symbol}; allowed: {abouts[0].symbol}, as in {data[0]}")
    names = [about.venue for about in abouts]
    if len(set(names)) < len(names):
        raise UsageError(f"venues {', '.join(names)}; allowed: each once")
    venues = compare_venues({name: all_events(path) for name, path in zip(names, data, strict=True)})
    title = f"{abouts[0].symbol} at {', '.join(names)}: {venues.seconds:,.0f} s in common"
    print(f"\n{title}\n\n{text_table(['what', 'estimate', 'standard error'], venue_rows(venues))}")
    write_bytes(out / VENUE_FILES[1], png(venues_figure(venues, title)))
    return {"symbol": abouts[0].symbol, "venues": _plain(venues)}


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
    found.append(["takers of just what stands at the best price [share]", f"{summary.touch.equal:.3f}", ""])
    found.append(["takers of more than that [share]", f"{summary.touch.beyond:.3f}", ""])
    exponent = [none, ""] if tail is None else [f"{tail.tail_exponent:.3f} from {tail.start} lots", f"{tail.error:.3f}"]
    found.append(["tail exponent of sizes", *exponent])
    if summary.cancels is not None:
        for level, (rate, error) in enumerate(zip(summary.cancels.rate, summary.cancels.error, strict=True), 1):
            found.append([f"cancel rate at level {level} [1/s]", f"{rate:.4f}", f"{error:.4f}"])
    return found


def flow_rows(summary: Summary) -> list[list[str]]:
    """What, estimate and standard error of placement and of rates by state, and which parts are missing."""
    found: list[list[str]] = []
    placed, queues = summary.placement, summary.queues
    if placed is None:
        found.append(["limit orders by distance", "too few are told", ""])
    else:
        tail = placed.tail
        middle = len(placed.shares) // 2
        found.append(["limit orders inside the spread [share]", f"{placed.inside:.4f}", f"{placed.inside_error:.4f}"])
        found.append(["limit orders at the best price [share]", f"{placed.at_best:.4f}", f"{placed.at_best_error:.4f}"])
        from_mid, error = placed.from_mid[middle], placed.from_mid_error[middle]
        found.append(["median distance of limit orders from the mid [ticks]", f"{from_mid:g}", f"{error:.3f}"])
        cut = [f"levels seen to {placed.reach:g} ticks", ""]
        exponent = cut if tail is None else [f"{tail.exponent:.3f}", f"{tail.exponent_error:.3f}"]
        found.append(["tail exponent of distances", *exponent])
    if queues is not None:
        for what, slope in (
            ("log limit orders at the touch, slope on the imbalance", queues.limit_imbalance),
            ("limit orders at the touch, elasticity to the queue", queues.limit_queue),
            ("cancels per resting lot there, elasticity to the queue", queues.cancel_queue),
        ):
            if slope is not None:
                found.append([what, f"{slope.value:.4f}", f"{slope.error:.4f}"])
    if summary.regimes is None:
        found.append(["regimes", "too few windows that move", ""])
    if summary.profile is None:
        found.append(["profile of the day", "fewer than two bins", ""])
    return found


def venue_rows(venues: Venues) -> list[list[str]]:
    """What, estimate and standard error."""
    found: list[list[str]] = []
    for what, shares in (("takers' volume", venues.volume), ("depth at the touch", venues.depth)):
        found += [[f"{what} at {name} [share]", f"{share:.4f}", f"{error:.4f}"] for name, (share, error) in shares.items()]
    for name, basis in venues.basis.items():
        found.append([f"basis of {name}, median [currency]", f"{basis.median:.6g}", f"{basis.median_error:.2g}"])
        width, error = basis.interquartile_range, basis.interquartile_range_error
        found.append([f"basis of {name}, interquartile range [currency]", f"{width:.6g}", f"{error:.2g}"])
        half_life = (
            [f"{basis.half_life:.3g}", f"{basis.half_life_error:.2g}"] if np.isfinite(basis.half_life) else ["none", ""]
        )
        found.append([f"basis of {name}, half-life [s]", *half_life])
    return found


def regimes_table(regimes: Regimes) -> str:
    """The states, by volatility; each multiplier is of the mean."""
    names = list(regimes.multiplier)
    states = [
        [
            str(k + 1),
            f"{regimes.share[k]:.3f}" + _interval(1.96 * regimes.share_error[k]),
            f"{regimes.duration[k]:.0f} ± {1.96 * regimes.duration_error[k]:.0f}"
            if np.isfinite(regimes.duration[k])
            else "",
            *(f"{regimes.multiplier[n][k]:.3f}" + _interval(1.96 * regimes.multiplier_error[n][k]) for n in names),
        ]
        for k in range(len(regimes.share))
    ]
    return text_table(["regime", "share of time", "mean duration [s]", *(f"{name} ×" for name in names)], states)


def profile_table(profile: Profile) -> str:
    """Means by bin of the day."""
    names = list(profile.value)
    bins = [
        [
            f"{int(start) // 3600:02d}:{int(start) // 60 % 60:02d}",
            *(f"{profile.value[n][k]:.4g}" + _short(1.96 * profile.error[n][k]) for n in names),
        ]
        for k, start in enumerate(profile.start)
    ]
    return text_table(["from, UTC", *(_UNITS.get(name, name) for name in names)], bins)


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
        "touch_shares": {"equal": summary.touch.equal, "beyond": summary.touch.beyond},
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
        "placement": _plain(summary.placement), "queues": _plain(summary.queues),
        "regimes": _plain(summary.regimes), "day_profile": _plain(summary.profile),
    }  # fmt: skip


def _interval(width: float) -> str:
    return f" ± {width:.3f}" if np.isfinite(width) else ""


def _short(width: float) -> str:
    return f" ± {width:.2g}" if np.isfinite(width) else ""


def _plain(value: Any) -> Any:
    """What JSON can hold: fields by name, arrays as lists, None for what is not finite."""
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name not in _DRAWN}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _finite(value) if isinstance(value, float) else value


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


if __name__ == "__main__":
    typer.run(main)
