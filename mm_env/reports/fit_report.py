"""How a fitted market compares with its data: table, comments of its file, HTML page."""

from __future__ import annotations

import base64
import html
import textwrap
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from mm_env.calibration.fitting import Measurements
from mm_env.calibration.moments import SCALE_SECONDS, volatility_of
from mm_env.calibration.summary import summarise
from mm_env.calibration.takers import takers
from mm_env.calibration.tuning import Tuned
from mm_env.reports.calibration_figure import calibration_figure
from mm_env.reports.flow_figure import flow_figure
from mm_env.reports.style import png
from mm_env.reports.tables import text_table


def moments_table(fresh: Tuned) -> str:
    """Table of each moment, recorded and simulated."""
    rows = [
        [symbol, name.replace("_", " "), f"{real:.4g}", f"{sim:.4g}", f"{sim / real - 1.0:+.1%}"]
        for symbol, names in _moments(fresh).items()
        for name, (real, sim) in names.items()
    ]
    rows += [[symbol, "mean L1 of the realism score", "", f"{value:.3f}", ""] for symbol, value in fresh.realism.items()]
    return text_table(["symbol", "moment", "recorded", "simulated", "difference"], rows)


def _moments(fresh: Tuned) -> dict[str, dict[str, tuple[float, float]]]:
    """Moments by symbol, and where there are several venues by symbol and venue too."""
    if len({venue for _, venue in fresh.by_venue}) == 1:
        return fresh.moments
    return fresh.moments | {f"{symbol} at {venue}": names for (symbol, venue), names in fresh.by_venue.items()}


def fit_comments(measured: Measurements, best: Tuned, fresh: Tuned, command: str) -> str:
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
        "flow.makers.cancel_unit: the order where the data has orders. refill_after_*: at most 1 of what was tuned.",
        f"correlation: of moves over {SCALE_SECONDS:g} s, {measured.correlation:.3f}; of the market at most 0.95.",
        f"Tuned by simulation ({len(best.losses)} markets): "
        + ", ".join(f"{name} {value:.4g}" for name, value in best.values.items()) + ".",
        f"In a simulation of its own no moment is off by more than {fresh.worst:.1%}; mean L1 "
        + ", ".join(f"{symbol} {value:.3f}" for symbol, value in fresh.realism.items()) + ".",
        "policy.fill_decay, arrival_rate: the exponential law of fills, by maximum likelihood.",
        "policy.risk_aversion: a position at its limit moves quotes by a spread.",
        "risk.portfolio_var_limit: of half the limits. The rest: defaults, or as --set says.",
    ]  # fmt: skip
    wrapped = [part for line in lines for part in (textwrap.wrap(line, 118, subsequent_indent="  ") or [""])]
    return "".join(f"# {line}".rstrip() + "\n" for line in wrapped)


def fit_page(measured: Measurements, best: Tuned, fresh: Tuned, text: str) -> str:
    """One HTML page that needs nothing else."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Fitted market</title>",
        "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}"
        "pre{background:#f4f4f4;padding:1em;overflow:auto;font-size:12px}img{max-width:100%}</style>",
        "<h1>A market fitted to records</h1>",
        f"<h2>Moments</h2><pre>{html.escape(moments_table(fresh))}</pre>",
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
