"""The figure of what the flow depends on: distance, queue, imbalance, regime, time of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mm_env.reports.calibration_figure import nothing
from mm_env.reports.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, literal, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mm_env.calibration.queues import Slope, StateRates
    from mm_env.calibration.summary import Summary

_KINDS = {"limit": ("limit orders", BLUE, "o"), "cancel": ("cancels", ORANGE, "s"), "taker": ("takers", VERMILLION, "^")}
_FLOWS = tuple((f"{kind}s", *look) for kind, look in _KINDS.items())
_LEVELS = (
    ("volatility", "volatility", GREEN, "o"), ("spread", "spread", PURPLE, "s"), ("depth", "depth at the touch", SKY, "^"),
)  # fmt: skip
_STATES = (BLUE, ORANGE, VERMILLION, PURPLE, GREEN)


def flow_figure(summary: Summary, title: str) -> Figure:
    """Placement, rates by queue and by imbalance, regimes, and the profile of the day; intervals are at 95 %."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.0, 8.2), layout="constrained")
    axes = figure.subplots(2, 3)
    for one in axes.flat:
        plain_axes(one)
        one.margins(0.04)
    _placement(axes[0, 0], summary)
    _queue(axes[0, 1], summary)
    _imbalance(axes[0, 2], summary)
    _regimes(axes[1, 0], summary)
    _day(axes[1, 1], summary, _FLOWS, relative=False)
    _day(axes[1, 2], summary, _LEVELS, relative=True)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def _placement(axes: Axes, summary: Summary) -> None:
    found = summary.placement
    if found is None:
        nothing(axes, "distance of limit orders", "too few are reported")
        return
    tail = found.tail
    if tail is not None:
        axes.plot(tail.distances, tail.seen / tail.seen[0], ".", markersize=5.0, color=BLUE, label="limit orders")
        axes.plot(tail.distances, tail.expected / tail.seen[0], color=VERMILLION, label="power law, within the levels seen")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(0.5 / tail.seen[0], 1.5)
        axes.set_title(f"tail exponent {tail.exponent:.2f} ± {1.96 * tail.exponent_error:.2f}", fontsize=9)
        axes.set_xlabel("distance behind the best price [ticks]", fontsize=8)
        axes.set_ylabel("share of these at that distance or beyond", fontsize=8)
        axes.legend(fontsize=7.5, frameon=False)
        return
    inner = slice(1, -1)  # the extremes would stretch the axis
    for value, error, label, colour in (
        (found.from_mid, found.from_mid_error, "from the mid", BLUE),
        (found.from_best, found.from_best_error, "from the best price of its side", VERMILLION),
    ):
        low, high = value[inner] - 1.96 * error[inner], value[inner] + 1.96 * error[inner]
        axes.fill_between(found.shares[inner], low, high, color=colour, alpha=0.25, linewidth=0.0)
        axes.plot(found.shares[inner], value[inner], color=colour, label=label)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_title(f"levels seen to {found.reach:g} ticks behind the best: no tail exponent", fontsize=9)
    axes.set_xlabel("share of limit orders", fontsize=8)
    axes.set_ylabel("distance, away from the market [ticks]", fontsize=8)
    axes.legend(fontsize=7.5, frameon=False)


def _rates(axes: Axes, rates: StateRates) -> None:
    for kind, rate in rates.rate.items():
        label, colour, marker = _KINDS[kind]
        axes.errorbar(
            rates.middle,
            rate,
            1.96 * rates.error[kind],
            fmt=marker,
            markersize=4.0,
            color=colour,
            label=label,
            linewidth=1.0,
        )
    axes.set_ylabel("a second and side, 95 % interval", fontsize=8)


def _finish(axes: Axes) -> None:
    """Begin at 0, and leave room for the legend above the data."""
    axes.set_ylim(0.0, 1.2 * axes.get_ylim()[1])
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7.5, frameon=False, ncols=2, loc="upper left")


def _law(axes: Axes, x: NDArray[np.float64], rate: NDArray[np.float64], kind: str) -> None:
    name, colour, _ = _KINDS[kind]
    axes.plot(x, rate, color=colour, linewidth=1.0, linestyle="--", label=f"{name}, Poisson regression")


def _queue(axes: Axes, summary: Summary) -> None:
    found = summary.queues
    if found is None:
        nothing(axes, "rates by queue")
        return
    _rates(axes, found.queue)
    axes.set_xscale("log")
    middle = found.queue.middle[np.isfinite(found.queue.middle)]
    x = np.geomspace(middle.min(), middle.max(), 50)
    words = []
    if found.limit_queue is not None:
        _law(axes, x, np.exp(found.limit_queue.level) * x**found.limit_queue.value, "limit")
        words.append(f"limit orders {_told(found.limit_queue)}")
    if found.cancel_queue is not None:
        _law(axes, x, np.exp(found.cancel_queue.level) * x ** (1.0 + found.cancel_queue.value), "cancel")
        words.append(f"cancels per lot {_told(found.cancel_queue)}")
    axes.set_title("elasticity: " + ", ".join(words) if words else "rates by queue", fontsize=9)
    axes.set_xlabel(f"queue at the touch [mean sizes, of {found.mean_size:.3g}]", fontsize=8)
    _finish(axes)


def _imbalance(axes: Axes, summary: Summary) -> None:
    found = summary.queues
    if found is None:
        nothing(axes, "rates by imbalance")
        return
    _rates(axes, found.imbalance)
    slope = found.limit_imbalance
    axes.set_title("rates by imbalance" if slope is None else f"slope of log limit orders {_told(slope)}", fontsize=9)
    if slope is not None:
        x = np.linspace(-1.0, 1.0, 50)
        _law(axes, x, np.exp(slope.level + slope.value * x), "limit")
    axes.set_xlabel("imbalance, 1: all depth at the touch is on this side", fontsize=8)
    _finish(axes)


def _told(slope: Slope) -> str:
    return f"{slope.value:.2f} ± {1.96 * slope.error:.2f}"


def _regimes(axes: Axes, summary: Summary) -> None:
    found = summary.regimes
    if found is None:
        nothing(axes, "regimes", "too few windows that move")
        return
    bins = min(40, max(10, found.windows // 10))
    axes.hist(
        found.score, bins, density=True, color="#DDDDDD", label=f"{found.windows} windows of {found.window_seconds:g} s"
    )
    x = np.linspace(found.score.min(), found.score.max(), 200)
    whole = np.zeros_like(x)
    for k, colour in zip(range(len(found.share)), _STATES, strict=False):
        z = (x - found.middle[k]) / found.width[k]
        part = found.share[k] * np.exp(-0.5 * z**2) / (found.width[k] * np.sqrt(2.0 * np.pi))
        whole += part
        lasts = f", {found.duration[k]:.0f} s" if np.isfinite(found.duration[k]) else ""
        label = f"× {found.multiplier['volatility'][k]:.2f}, {found.share[k]:.0%} of the time{lasts}"
        axes.plot(x, part, color=colour, label=label)
    axes.plot(x, whole, color=GREY, linestyle="--", linewidth=1.0)
    axes.set_title(f"volatility in {len(found.share)} regime{'s' if len(found.share) > 1 else ''}, by BIC", fontsize=9)
    axes.set_xlabel("log volatility of a window, profile taken off [standard deviations]", fontsize=8)
    axes.set_ylabel("density", fontsize=8)
    _finish(axes)


def _day(axes: Axes, summary: Summary, lines: tuple[tuple[str, str, str, str], ...], relative: bool) -> None:
    found = summary.profile
    if found is None:
        nothing(axes, "profile of the day", "fewer than two bins")
        return
    hour = (found.start + 0.5 * found.bin_seconds) / 3600.0
    for name, label, colour, marker in lines:
        if name not in found.value:
            continue
        mean = np.average(found.value[name], weights=found.seconds) if relative else 1.0
        if mean > 0.0:  # a mid that stands still has no volatility to compare with
            value, width = found.value[name] / mean, 1.96 * found.error[name] / mean
            axes.errorbar(hour, value, width, marker=marker, markersize=3.5, linewidth=1.0, color=colour, label=label)
    axes.set_title(f"profile of the day, bins of {found.bin_seconds / 60:g} min", fontsize=9)
    axes.set_xlabel("time of the day [h, UTC]", fontsize=8)
    axes.set_ylabel(f"{'over the mean' if relative else 'events a second'}, 95 % interval", fontsize=8)
    _finish(axes)
