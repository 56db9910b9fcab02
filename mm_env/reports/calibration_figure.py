"""The figures of what was estimated from market data: each law over the data that it was fitted to."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from mm_env.reports.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, literal, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mm_env.calibration.summary import Summary
    from mm_env.calibration.venues import Venues


def calibration_figure(summary: Summary, sizes: np.ndarray, title: str) -> Figure:
    """Rescaled times of the Hawkes fit, fill intensity, sizes, and volatility by scale.

    sizes: (n,) of the takers, in lots
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 7.6), layout="constrained")
    axes = figure.subplots(2, 2)
    for one in axes.flat:
        plain_axes(one)
        one.margins(0.04)
    _rescaled(axes[0, 0], summary)
    _intensity(axes[0, 1], summary)
    _sizes(axes[1, 0], summary, sizes)
    _volatility(axes[1, 1], summary)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def venues_figure(venues: Venues, title: str) -> Figure:
    """Shares of volume and depth, and the autocorrelation of each basis beside that of the law of its half-life."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for one in (left, right):
        plain_axes(one)
        one.margins(0.04)
    place = np.arange(len(venues.volume))
    for shift, shares, label, colour in (
        (-0.2, venues.volume, "takers’ volume", BLUE),
        (0.2, venues.depth, "depth at the touch", ORANGE),
    ):
        value, error = np.array(list(shares.values())).T
        left.bar(place + shift, value, 0.36, yerr=1.96 * error, color=colour, ecolor=GREY, label=label)
    left.set_xticks(place, [literal(venue) for venue in venues.volume])
    left.set_ylim(0.0, 1.2)
    left.set_title("shares of the venues, 95 % interval", fontsize=9)
    left.set_ylabel("share", fontsize=8)
    left.legend(fontsize=7.5, frameon=False, ncols=2, loc="upper left")
    for (venue, basis), colour in zip(venues.basis.items(), itertools.cycle((BLUE, VERMILLION, GREEN, ORANGE))):
        lags = np.arange(1, len(basis.autocorrelation) + 1)
        label = f"{venue}, half-life {basis.half_life:.2g} ± {1.96 * basis.half_life_error:.1g} s"
        right.plot(lags, basis.autocorrelation, ".", markersize=5.0, color=colour, label=literal(label))
        right.plot(lags, basis.persistence**lags, color=colour, linewidth=1.0)
    right.axhline(0.0, color=GREY, linewidth=0.8)
    right.set_title(
        literal(f"basis against {next(iter(venues.volume))}: dots as seen, lines the autoregression"), fontsize=9
    )
    right.set_xlabel("lag [s]", fontsize=8)
    right.set_ylabel("autocorrelation", fontsize=8)
    right.legend(fontsize=7.5, frameon=False)
    figure.suptitle(literal(title), fontsize=10)
    return figure


def nothing(axes: Axes, what: str, why: str = "too few events") -> None:
    """Say in the place of a panel why there is none."""
    axes.text(0.5, 0.5, f"{what}: {why}", ha="center", va="center", transform=axes.transAxes, color=GREY, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])


def _rescaled(axes: Axes, summary: Summary) -> None:
    best = summary.best_hawkes
    if best is None:
        nothing(axes, "Hawkes fit")
        return
    reach = 0.0
    for values, label, colour in zip(summary.relaxed(), ("sells", "buys"), (VERMILLION, BLUE), strict=True):
        x = np.sort(values)
        law = -np.log1p(-(np.arange(x.size) + 0.5) / x.size)
        axes.plot(law, x, ".", markersize=2.5, color=colour, label=label)
        reach = max(reach, float(law[-1]))
    axes.plot([0.0, reach], [0.0, reach], color=GREY, linewidth=1.0, linestyle="--", label="as it should be")
    k, ratio = best.process.decay.size, best.process.branching_ratio
    axes.set_title(
        f"Hawkes, {k} exponentials, branching ratio {ratio:.2f} ± {1.96 * best.branching_ratio_error:.2f}", fontsize=9
    )
    axes.set_xlabel("quantile of Exp(1)", fontsize=8)
    axes.set_ylabel("rescaled time between takers", fontsize=8)
    axes.legend(fontsize=7.5, frameon=False)


def _intensity(axes: Axes, summary: Summary) -> None:
    fit = summary.intensity
    if fit is None:
        nothing(axes, "fill intensity")
        return
    share = fit.reached / fit.tried
    error = 1.96 * np.sqrt(np.maximum(share * (1.0 - share), 1e-12) / fit.tried)
    axes.errorbar(fit.distances, share, error, fmt="o", markersize=4.0, color=BLUE, label="reached within a second")
    axes.plot(fit.distances, fit.fitted / fit.tried, color=VERMILLION, label="exponential law")
    axes.set_yscale("log")
    axes.set_title(
        f"A = {fit.rate:.3g} ± {1.96 * fit.rate_error:.1g} /s, k = {fit.decay:.3g} ± {1.96 * fit.decay_error:.1g}",
        fontsize=9,
    )
    axes.set_xlabel("distance from the mid [currency]", fontsize=8)
    axes.set_ylabel("share of orders", fontsize=8)
    axes.legend(fontsize=7.5, frameon=False)


def _sizes(axes: Axes, summary: Summary, sizes: np.ndarray) -> None:
    if summary.tail is None:
        nothing(axes, "sizes")
        return
    distinct, counts = np.unique(sizes, return_counts=True)
    above = counts[::-1].cumsum()[::-1] / len(sizes)
    axes.plot(distinct, above, ".", markersize=4.0, color=BLUE, label="takers")
    from scipy.special import zeta

    tail = summary.tail
    span = np.unique(np.geomspace(tail.start, max(float(distinct[-1]), tail.start + 1.0), 60).round())
    law = tail.share * zeta(tail.exponent, span) / zeta(tail.exponent, tail.start)
    axes.plot(span, law, color=VERMILLION, label=f"power law from {tail.start} lots")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.5 / len(sizes), 1.5)
    axes.set_title(f"tail exponent {tail.tail_exponent:.2f} ± {1.96 * tail.error:.2f}", fontsize=9)
    axes.set_xlabel("size [lots]", fontsize=8)
    axes.set_ylabel("share of takers of that size or more", fontsize=8)
    axes.legend(fontsize=7.5, frameon=False)


def _volatility(axes: Axes, summary: Summary) -> None:
    if not summary.volatility:
        nothing(axes, "volatility")
        return
    scale, value, error = (np.array(column) for column in zip(*summary.volatility, strict=True))
    axes.errorbar(scale, value, 1.96 * error, marker="o", markersize=4.0, color=GREEN)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0.0)
    axes.set_title("volatility by scale; flat for a martingale", fontsize=9)
    axes.set_xlabel("length of a move [s]", fontsize=8)
    axes.set_ylabel("bps / √s, 95 % interval", fontsize=8)
