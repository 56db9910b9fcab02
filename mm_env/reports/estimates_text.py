"""Tables and plain figures of what market data shows."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from mm_env.calibration.hawkes_fit import HawkesFit
from mm_env.calibration.intraday import Profile
from mm_env.calibration.regimes import Regimes
from mm_env.calibration.summary import Summary
from mm_env.calibration.venues import Venues
from mm_env.reports.tables import text_table

_UNITS = {
    "limits": "limit orders/s", "cancels": "cancels/s", "takers": "takers/s", "spread": "spread [currency]",
    "depth": "depth at the touch", "volatility": "volatility [bps/√s]",
}  # fmt: skip

_DRAWN = ("score", "middle", "width")  # of regimes, for the figure alone


def estimate_rows(summary: Summary) -> list[list[str]]:
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
        found.append(["limit orders by distance", "too few in the data", ""])
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


def estimate_figures(summary: Summary) -> dict[str, Any]:
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
        "placement": plain_estimates(summary.placement), "queues": plain_estimates(summary.queues),
        "regimes": plain_estimates(summary.regimes), "day_profile": plain_estimates(summary.profile),
    }  # fmt: skip


def _interval(width: float) -> str:
    return f" ± {width:.3f}" if np.isfinite(width) else ""


def _short(width: float) -> str:
    return f" ± {width:.2g}" if np.isfinite(width) else ""


def plain_estimates(value: Any) -> Any:
    """What JSON can hold: fields by name, arrays as lists, None for what is not finite."""
    if is_dataclass(value):
        return {one.name: plain_estimates(getattr(value, one.name)) for one in fields(value) if one.name not in _DRAWN}
    if isinstance(value, dict):
        return {str(key): plain_estimates(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain_estimates(value.tolist())
    if isinstance(value, list | tuple):
        return [plain_estimates(one) for one in value]
    return _finite(value) if isinstance(value, float) else value


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
