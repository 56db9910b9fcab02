"""The waterfall from the ledger's terms to the profit: its bars as plain data, and drawn by matplotlib.

Every renderer draws the same bars: `waterfall_steps` says which, from where to where, and how uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from mm_env.evaluation.attribution import PROFIT
from mm_env.reports.style import BLACK, BLUE, GREY, VERMILLION, literal, plain_axes
from mm_env.sim.state import TERMS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TERM, SUBTOTAL, TOTAL = "term", "subtotal", "total"
TRADING = "trading"

_TRADING_BARS = (
    ("spread capture", ("spread_capture",)),
    ("maker rebates", ("maker_rebates",)),
    ("maker fees", ("maker_fees",)),
    ("taker fees", ("taker_fees",)),
    ("hedging", ("hedge_cost",)),
    ("liquidation", ("liquidation_cost",)),
)
_INVENTORY_BARS = (
    ("news", ("revaluation_news",)),
    ("diffusion", ("revaluation_diffusion",)),
    ("impact", ("revaluation_impact",)),
    ("mispricing", ("revaluation_mispricing",)),
)


@dataclass(frozen=True)
class WaterfallStep:
    """One bar.

    label: what stands below it
    value: [currency an episode] a term's amount; the height that a subtotal or the total has reached
    error: [currency an episode] standard error over episodes; None where it is not known
    kind: "term" (moves the height by its value), "subtotal" (what all trading made, before inventory is revalued) or "total"
    start: [currency an episode] height at which the bar begins: where the bar before it ended, 0 for subtotal and total
    terms: the ledger's terms that it stands for
    """

    label: str
    value: float
    error: float | None
    kind: str
    start: float
    terms: tuple[str, ...]

    @property
    def end(self) -> float:
        """Height at which the bar ends."""
        return self.start + self.value


def waterfall_steps(attribution: pd.DataFrame | Mapping[str, float]) -> list[WaterfallStep]:
    """Return the bars of a waterfall from 0 to the profit: the terms of trading, their subtotal, revaluations, the total.

    attribution: one of
        term -> mean [currency an episode], as `attribution_margins(...)["all"]["all"]`, or one of a symbol or venue;
        attribution.csv as a run holds it (`Run.attribution`), summed over its rows;
        the rows of one key of attribution_cuts.parquet (`Run.cuts`), as those with cut == "all", which know standard errors

    Terms that are 0 in this run (maker fees where all venues pay rebates) have no bar. Values sum to the profit.
    Raises ValueError for a term that is missing, and for rows of cuts of more than one key.
    """
    means, errors = _means_and_errors(attribution)
    missing = [term for term in TERMS if term not in means]
    if missing:
        raise ValueError(f"attribution without {', '.join(missing)}; needed: {', '.join(TERMS)}")
    steps: list[WaterfallStep] = []
    height = 0.0
    for label, terms in _TRADING_BARS:
        height = _add(steps, label, terms, means, errors, height)
    trading = tuple(term for _, terms in _TRADING_BARS for term in terms)
    steps.append(WaterfallStep(TRADING, height, errors.get(TRADING), SUBTOTAL, 0.0, trading))
    for label, terms in _INVENTORY_BARS:
        height = _add(steps, label, terms, means, errors, height)
    steps.append(WaterfallStep(PROFIT, height, errors.get(PROFIT), TOTAL, 0.0, TERMS))
    return steps


def _means_and_errors(attribution: pd.DataFrame | Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and, as far as known, standard error of each term, of trading, and of the profit."""
    if isinstance(attribution, Mapping):
        return {term: float(value) for term, value in attribution.items()}, {}
    if "term" not in attribution.columns:
        return {term: float(attribution[term].sum()) for term in TERMS if term in attribution.columns}, {}
    if attribution["term"].duplicated().any():
        raise ValueError("rows of cuts of several keys; expected those of one, as those with cut == 'all'")
    rows = attribution.set_index("term")
    errors = rows["error"].dropna()
    return (
        {str(term): float(value) for term, value in rows["mean"].items()},
        {str(term): float(value) for term, value in errors.items()},
    )


def _add(
    steps: list[WaterfallStep],
    label: str,
    terms: tuple[str, ...],
    means: Mapping[str, float],
    errors: Mapping[str, float],
    height: float,
) -> float:
    """Append the bar of one group of terms, unless it is 0; return the height after it."""
    value = sum(means[term] for term in terms)
    if value != 0.0:
        steps.append(WaterfallStep(label, value, errors.get(terms[0]), TERM, height, terms))
    return height + value


def amount(value: float) -> str:
    """Whole units of currency from 100 on, else three digits."""
    return f"{value:+,.0f}" if abs(value) >= 100.0 else f"{value:+.3g}"


def waterfall_figure(steps: Sequence[WaterfallStep], title: str, confidence: float = 0.95) -> Figure:
    """Draw the bars: gains blue, losses vermillion, subtotal and profit grey, with intervals of the normal law.

    steps: as `waterfall_steps` returns them; confidence: of the intervals, drawn where the standard error is known
    """
    from matplotlib.figure import Figure

    reach = NormalDist().inv_cdf(0.5 + 0.5 * confidence)
    figure = Figure(figsize=(max(7.0, 1.05 * len(steps) + 1.5), 4.8), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    axes.margins(x=0.02, y=0.12)
    tops = []
    for place, step in enumerate(steps):
        colour = GREY if step.kind != TERM else BLUE if step.value > 0.0 else VERMILLION
        axes.bar(place, step.value, bottom=step.start, width=0.7, color=colour)
        tops.append(max(step.start, step.end))
        if step.error is not None:
            axes.errorbar(place, step.end, reach * step.error, color=BLACK, capsize=3.0, linewidth=1.0)
            tops[-1] = max(tops[-1], step.end + reach * step.error)
        if place > 0:  # where the bar before ended is where this one begins, or how high it stands
            axes.plot([place - 0.65, place - 0.35], [steps[place - 1].end] * 2, color=GREY, linewidth=0.8)
    for place, (step, top) in enumerate(zip(steps, tops, strict=True)):
        axes.annotate(
            amount(step.value), (place, top), (0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=8
        )
    axes.axhline(0.0, color=BLACK, linewidth=0.8)
    axes.set_xticks(range(len(steps)), [step.label.replace(" ", "\n") for step in steps], fontsize=8)
    axes.grid(False, axis="x")
    axes.set_ylabel("currency an episode, mean", fontsize=8)
    known = any(step.error is not None for step in steps)
    note = f"; bars of error: {100 * confidence:g} % interval over episodes" if known else ""
    axes.set_xlabel(f"terms of the ledger, left to right, from 0 to the profit{note}", fontsize=8)
    figure.suptitle(literal(title), fontsize=10)
    return figure
