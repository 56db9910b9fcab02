"""One picture for each stylised fact, all markets in it, with 95 % bands over independent envs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.realism.facts import BOUNCE_LAGS, CHILD_SECONDS, DEVIATIONS, LAGS, PREDICTED, SIGN_LAGS, TAIL_HORIZONS, Study
from mm_env.realism.stylised import Z95, Floats, Measured
from mm_env.reports import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = ((style.BLUE, "o"), (style.VERMILLION, "s"), (style.GREEN, "^"), (style.PURPLE, "D"))


def figures(studies: Sequence[Study]) -> dict[str, Figure]:
    """Name of the file (without its ending) and the figure of each fact."""
    lags = np.array(LAGS, np.float64)
    return {
        "tails": _tails(studies),
        "return_autocorrelation": _memory(
            studies, lags, [s.returns for s in studies], "Do moves over one second predict the next ones?",
            "autocorrelation of 1 s moves", (-0.1, 0.1),
        ),
        "volatility_clustering": _memory(
            studies, lags, [s.absolute for s in studies], "Do large moves follow large moves?",
            "autocorrelation of absolute 1 s moves", None,
        ),
        "trade_signs": _signs(studies),
        "spread": _spread(studies),
        "impact": _impact(studies),
        "imbalance": _imbalance(studies),
        "signature": _signature(studies),
    }  # fmt: skip


def _axes(title: str, x: str, y: str, panels: int = 1) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(6.4 * panels, 4.2))
    figure.set_layout_engine(ConstrainedLayoutEngine())
    figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    every = [figure.add_subplot(1, panels, k + 1) for k in range(panels)]
    for axes in every:
        style.plain_axes(axes)
        axes.set_xlabel(x, fontsize=9)
        axes.set_ylabel(y, fontsize=9)
    return figure, every


def _line(axes: Axes, k: int, x: Floats, y: Measured, label: str, **look: Any) -> None:
    """One market's curve with its 95 % band as bars; points that do not exist are left out."""
    colour, marker = LOOKS[k % len(LOOKS)]
    there = np.isfinite(y.value)
    options: dict[str, Any] = {"linewidth": 1.2, "markersize": 4, "capsize": 2, "elinewidth": 0.9} | look
    axes.errorbar(
        x[there], y.value[there], Z95 * y.error[there], color=colour, marker=marker, label=style.literal(label), **options
    )


def _exponent(value: float, error: float) -> str:
    if not math.isfinite(value):
        return "no power law"
    return f"exponent {value:.2f} ± {Z95 * error:.2f}" if math.isfinite(error) else f"exponent {value:.2f}, error not known"


def _logarithmic(axes: Axes, x: bool, y: bool) -> None:
    """Logarithmic axes with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for wanted, set_scale, axis in ((x, axes.set_xscale, axes.xaxis), (y, axes.set_yscale, axes.yaxis)):
        if wanted:
            set_scale("log")
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
    axes.margins(0.04)


def _tails(studies: Sequence[Study]) -> Figure:
    figure, (left, right) = _axes("Tails of mid moves by horizon", "", "", panels=2)
    for k, study in enumerate(studies):
        _line(left, k, study.seconds, study.kurtosis, study.name)
    _logarithmic(left, x=True, y=False)
    left.set_yscale("symlog", linthresh=1.0)
    left.set_ylim(bottom=-1.0)  # below it reach none but the bars of a few extreme moves, whose law is not symmetric
    left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    left.axhline(0.0, color=style.BLACK, linewidth=0.8, linestyle="--")
    left.set_xlabel("horizon of the move [s]", fontsize=9)
    left.set_ylabel("excess kurtosis (0: normal)", fontsize=9)
    left.legend(**style.ABOVE)
    for j, horizon in enumerate(TAIL_HORIZONS):
        share = np.where(studies[0].exceedance[j] > 0.0, studies[0].exceedance[j], np.nan)
        right.plot(DEVIATIONS, share, color=LOOKS[j][0], linewidth=1.3, label=f"{horizon:g} s")
    normal = np.array([math.erfc(x / math.sqrt(2.0)) for x in DEVIATIONS])
    right.plot(DEVIATIONS, normal, color=style.BLACK, linewidth=0.9, linestyle="--", label="normal")
    right.set_yscale("log")
    right.set_ylim(1e-6, 1.0)
    right.set_xlabel("x [standard deviations]", fontsize=9)
    right.set_ylabel(f"share of moves beyond x, {style.literal(studies[0].name)}", fontsize=9)
    right.legend(**style.ABOVE)
    return figure


def _memory(
    studies: Sequence[Study], x: Floats, curves: Sequence[Measured], title: str, y: str, allowed: tuple[float, float] | None
) -> Figure:
    figure, (axes,) = _axes(title, "lag [s]", y)
    if allowed is not None:
        ends = [LAGS[0], LAGS[BOUNCE_LAGS - 1]]
        axes.fill_between(ends, *allowed, color=style.GREY, alpha=0.15, linewidth=0, label="rule of the table")
    for k, (study, curve) in enumerate(zip(studies, curves, strict=True)):
        _line(axes, k, x, curve, study.name)
    axes.axhline(0.0, color=style.BLACK, linewidth=0.8)
    _logarithmic(axes, x=True, y=False)
    axes.legend(**style.ABOVE)
    return figure


def _signs(studies: Sequence[Study]) -> Figure:
    title = "Memory of trade signs"
    figure, (axes,) = _axes(title, "lag [trades]", "autocorrelation of trade signs")
    for k, study in enumerate(studies):
        lags, curve = study.signs.lags, study.signs.curve
        shown = np.where(curve.value > 0.0, curve.value, np.nan)
        exponent, error = study.signs.exponent.pair()
        fitted = _exponent(exponent, error)
        _line(axes, k, lags, Measured(shown, curve.error), f"{study.name}: {fitted}")
        if math.isfinite(exponent):
            level = np.log(curve.value).mean() + exponent * np.log(lags).mean()
            axes.plot(lags, np.exp(level) * lags**-exponent, color=LOOKS[k % len(LOOKS)][0], linewidth=0.8, linestyle=":")
    middle = math.sqrt(SIGN_LAGS[0] * SIGN_LAGS[1])
    height = float(np.nanmean(np.abs(studies[0].signs.curve.value)))
    guide = np.array(SIGN_LAGS, np.float64)
    axes.plot(guide, height * (guide / middle) ** -0.6, color=style.BLACK, linewidth=0.9, linestyle="--", label="slope -0.6")
    _logarithmic(axes, x=True, y=True)
    axes.set_ylim(bottom=1e-3)
    axes.legend(fontsize=7.5, frameon=False)
    return figure


def _spread(studies: Sequence[Study]) -> Figure:
    figure, (axes,) = _axes("Spread by market", "spread [ticks]", "share of time")
    width = 0.8 / len(studies)
    for k, study in enumerate(studies):
        x = np.arange(1, len(study.spread.value) + 1) + (k - 0.5 * (len(studies) - 1)) * width
        axes.bar(
            x, study.spread.value, width, yerr=Z95 * study.spread.error, color=LOOKS[k % len(LOOKS)][0],
            label=style.literal(study.name), error_kw={"elinewidth": 0.8},
        )  # fmt: skip
    widest = len(studies[0].spread.value)
    axes.margins(x=0.02)
    axes.set_xticks(range(1, widest + 1), [*map(str, range(1, widest)), f"{widest}+"])
    axes.legend(**style.ABOVE)
    return figure


def _impact(studies: Sequence[Study]) -> Figure:
    title = "Impact of a parent order by its size"
    child = f"size of the parent order [lots], one child every {CHILD_SECONDS:g} s"
    figure, (axes,) = _axes(title, child, "mid with it less without it,\nright after the last child [ticks]")
    for k, study in enumerate(studies):
        caused = study.impact
        exponent, error = caused.exponent.pair()
        fitted = _exponent(exponent, error)
        shown = Measured(np.where(caused.curve.value > 0.0, caused.curve.value, np.nan), caused.curve.error)
        _line(axes, k, caused.sizes, shown, f"{study.name}: {fitted}", linestyle="")
        if math.isfinite(exponent):
            fit = caused.prefactor * caused.sizes**exponent
            axes.plot(caused.sizes, fit, color=LOOKS[k % len(LOOKS)][0], linewidth=1.0)
    first = studies[0].impact
    root = abs(first.curve.value[0]) * np.sqrt(first.sizes / first.sizes[0])
    axes.plot(first.sizes, root, color=style.BLACK, linewidth=0.9, linestyle="--", label="square root")
    _logarithmic(axes, x=True, y=True)
    axes.legend(fontsize=7.5, frameon=False)
    return figure


def _imbalance(studies: Sequence[Study]) -> Figure:
    figure, (axes,) = _axes(
        "Imbalance of the book and the next move",
        "imbalance of the touch: (bid - ask) / (bid + ask)",
        f"mean mid move of the next {PREDICTED:g} s [ticks]",
    )
    for k, study in enumerate(studies):
        correlation, error = study.imbalance.correlation.pair()
        label = f"{study.name}: correlation {correlation:.2f} ± {Z95 * error:.2f}"
        _line(axes, k, study.imbalance.centres, study.imbalance.by_bin, label)
    axes.axhline(0.0, color=style.BLACK, linewidth=0.8)
    axes.axvline(0.0, color=style.BLACK, linewidth=0.8)
    axes.set_xlim(-1.0, 1.0)
    axes.legend(fontsize=7.5, frameon=False)
    return figure


def _signature(studies: Sequence[Study]) -> Figure:
    title = "Signature plot: falling where moves revert, rising where they trend"
    figure, (axes,) = _axes(title, "sampling interval [s]", "variance a second [ticks²/s]")
    for k, study in enumerate(studies):
        _line(axes, k, study.seconds, study.signature, study.name)
    _logarithmic(axes, x=True, y=True)
    axes.legend(**style.ABOVE)
    return figure
