"""Which stylised facts a market shows: what is measured, and the rule by which each holds or is missed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mm_env.config import MarketConfig
from mm_env.realism.sampling_book import BookSample, ParentOrders, finest_grid, parent_orders, sample_book
from mm_env.realism.stylised import (
    Z95,
    Floats,
    Measured,
    SignMemory,
    autocorrelation,
    exceedance,
    hill,
    kurtosis,
    moves,
    sign_memory,
)
from mm_env.realism.stylised_book import (
    Impact,
    Prediction,
    imbalance_prediction,
    impact,
    signature,
    signature_ratio,
    spread_shares,
)

HORIZONS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # [s]
TAIL_HORIZONS = (1.0, 10.0, 100.0)  # [s] of the curves of exceedance
DEVIATIONS = np.linspace(0.0, 10.0, 41)  # [sd]
LAGS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120)  # [s] of moves over a second
BOUNCE_LAGS = 5  # of LAGS, where linear autocorrelation must be small
CLUSTERING = (1, 10, 60)  # [s]
SIGN_LAGS = (5, 300)  # [trades] over which the power law is fitted
PREDICTED = 1.0  # [s] of the move that the imbalance predicts
CHILDREN = [1, 2, 4, 8, 16, 32, 64]
CHILD_LOTS, CHILD_SECONDS = 4, 2.0
LARGE, SMALL = "large_tick", "small_tick"


@dataclass(frozen=True)
class Effort:
    """How much is played: envs of `seconds` each behind all facts but impact, and pairs of envs behind that."""

    envs: int = 96
    seconds: float = 3600.0
    pairs: int = 1536


@dataclass(frozen=True)
class Fact:
    """One line of the table; holds is None where the market is not meant to show the fact or to lack it.

    value, error: NaN where the data do not say, which is a miss
    """

    name: str
    expected: str
    value: float
    error: float
    holds: bool | None

    @classmethod
    def of(cls, name: str, expected: str, measured: Measured, rule: Callable[[float, float], bool] | None) -> Fact:
        """Apply a rule of (value, standard error) to what was measured; without a finite value and error it is a miss."""
        value, error = measured.pair()
        known = math.isfinite(value) and math.isfinite(error)
        return cls(name, expected, value, error, None if rule is None else known and bool(rule(value, error)))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, NaN as None."""
        return {
            "fact": self.name, "expected": self.expected, "value": _number(self.value), "error": _number(self.error),
            "holds": self.holds,
        }  # fmt: skip


def _number(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


@dataclass(frozen=True)
class Study:
    """All curves of one market, and its facts. Curves have the points that their x axis names in this module.

    seconds: (L,) [s] HORIZONS as far as the grid and the length of the sample allow
    kurtosis, signature: (L,)
    exceedance: (len(TAIL_HORIZONS), len(DEVIATIONS)) share of moves beyond so many sd
    returns, absolute: (len(LAGS),) autocorrelation
    """

    name: str
    seconds: Floats
    kurtosis: Measured
    exceedance: Floats
    returns: Measured
    absolute: Measured
    signs: SignMemory
    spread: Measured
    impact: Impact
    imbalance: Prediction
    signature: Measured
    facts: list[Fact]

    def as_dict(self) -> dict[str, Any]:
        """Facts and curves in plain numbers."""
        curves = {
            "kurtosis": (self.seconds, self.kurtosis), "return_autocorrelation": (np.array(LAGS), self.returns),
            "absolute_return_autocorrelation": (np.array(LAGS), self.absolute),
            "sign_autocorrelation": (self.signs.lags, self.signs.curve),
            "spread_ticks": (np.arange(1, len(self.spread.value) + 1), self.spread),
            "impact_ticks": (self.impact.sizes, self.impact.curve),
            "next_move_ticks": (self.imbalance.centres, self.imbalance.by_bin),
            "variance_a_second": (self.seconds, self.signature),
        }  # fmt: skip
        return {
            "facts": [fact.as_dict() for fact in self.facts],
            "curves": {
                name: {
                    "x": [float(v) for v in x],
                    "value": [_number(v) for v in y.value],
                    "error": [_number(v) for v in y.error],
                }
                for name, (x, y) in curves.items()
            },
        }


def study(name: str, config: MarketConfig, effort: Effort, seed: int) -> Study:
    """Play a market and measure it.

    Raises ValueError where the effort is too small for the longest lag.
    """
    sample = sample_book(config, effort.envs, effort.seconds, seed, finest_grid(config, 0.1))
    orders = parent_orders(config, effort.pairs, CHILDREN, CHILD_LOTS, finest_grid(config, CHILD_SECONDS), seed + 1)
    return describe(name, sample, orders)


def describe(name: str, sample: BookSample, orders: ParentOrders) -> Study:
    """Measure what was played, and apply the rules."""
    caused = impact(orders.sizes, orders.at_end)
    mid, second = sample.mid, sample.steps(1.0)
    lasting = len(mid) * sample.grid_seconds
    steps = sorted({sample.steps(h) for h in HORIZONS if 4.0 * h <= lasting})
    seconds = np.array(steps) * sample.grid_seconds
    moved = moves(mid, second)
    tails = kurtosis(mid, steps)
    returns, absolute = autocorrelation(moved, LAGS), autocorrelation(np.abs(moved), LAGS)
    signs = sign_memory(sample.flow, *SIGN_LAGS)
    spread = spread_shares(sample.spread, sample.valid)
    prediction = imbalance_prediction(sample.imbalance, mid, sample.steps(PREDICTED))
    beyond = np.array([exceedance(moves(mid, min(sample.steps(h), len(mid) - 1)), DEVIATIONS) for h in TAIL_HORIZONS])
    facts = [
        *_tails(tails, seconds, hill(moved)),
        *_memory(returns, absolute, signs),
        _spread(name, spread),
        Fact.of(
            f"impact exponent of a parent order, {CHILDREN[0] * CHILD_LOTS} to {CHILDREN[-1] * CHILD_LOTS} lots",
            "0.3 to 0.8", caused.exponent, _within(0.3, 0.8),
        ),
        Fact.of("the same of the larger half less the smaller half", "-0.2 to 0.2", caused.bend, _within(-0.2, 0.2)),
        Fact.of(
            f"correlation of imbalance and the move of the next {PREDICTED:g} s", "above 0.1",
            prediction.correlation, lambda v, _: v > 0.1,
        ),
        *[
            Fact.of(
                f"variance a second at {short:g} s over that at 20 s", f"{low} to {high}",
                signature_ratio(mid, sample.steps(short), sample.steps(20.0), sample.grid_seconds), _within(low, high),
            )
            for short, low, high in ((0.1, 0.5, 2.0), (1.0, 0.75, 1.33))
        ],
    ]  # fmt: skip
    variance = signature(mid, steps, sample.grid_seconds)
    return Study(name, seconds, tails, beyond, returns, absolute, signs, spread, caused, prediction, variance, facts)


def _within(low: float, high: float) -> Callable[[float, float], bool]:
    return lambda v, _: low <= v <= high


def _above_band(value: float, error: float) -> bool:
    return value > Z95 * error


def _tails(tails: Measured, seconds: Floats, exponent: Measured) -> list[Fact]:
    """Fat at a second, nearly normal at the longest horizon."""
    near, far = int(np.argmin(np.abs(seconds - 1.0))), len(seconds) - 1
    return [
        Fact.of(f"excess kurtosis at {seconds[near]:g} s", "above 3", _point(tails, near), lambda v, _: v > 3.0),
        Fact.of(f"excess kurtosis at {seconds[far]:g} s", "below 1", _point(tails, far), lambda v, _: v < 1.0),
        Fact.of("tail exponent (Hill, largest 1 % of 1 s moves)", "2 to 5", exponent, _within(2.0, 5.0)),
    ]


def _memory(returns: Measured, absolute: Measured, signs: SignMemory) -> list[Fact]:
    """No linear autocorrelation, clustered volatility, long memory of signs."""
    largest = int(np.argmax(np.abs(returns.value[:BOUNCE_LAGS])))
    lags = f"lags {SIGN_LAGS[0]} to {SIGN_LAGS[1]} trades"
    return [
        Fact.of(
            f"largest autocorrelation of 1 s moves, lags 1 to {BOUNCE_LAGS} s (here {LAGS[largest]} s)",
            "below 0.1 in size", _point(returns, largest), lambda v, _: abs(v) < 0.1,
        ),
        *[
            Fact.of(
                f"autocorrelation of absolute 1 s moves, lag {lag} s", "above its 95 % band",
                _point(absolute, LAGS.index(lag)), _above_band,
            )
            for lag in CLUSTERING
        ],
        Fact.of(f"exponent of the sign autocorrelation, {lags}", "0.3 to 0.9", signs.exponent, _within(0.3, 0.9)),
        Fact.of(f"Hurst exponent of signs, {lags}", "0.55 to 0.85", signs.hurst, _within(0.55, 0.85)),
    ]  # fmt: skip


def _spread(name: str, shares: Measured) -> Fact:
    """Share of time at one tick; a rule for the two markets that are made to be large-tick or small-tick."""
    rules = {LARGE: ("0.7 or more", lambda v, _: v >= 0.7), SMALL: ("below 0.1", lambda v, _: v < 0.1)}
    expected, rule = rules.get(name, ("no rule", None))
    return Fact.of("share of time with a spread of one tick", expected, _point(shares, 0), rule)


def _point(curve: Measured, k: int) -> Measured:
    return Measured(curve.value[k], curve.error[k])


def markdown(facts: list[Fact]) -> str:
    """Table of facts; the error is the half width of a 95 % interval."""
    lines = ["| fact | expected | measured ± 95 % | holds |", "|---|---|---|---|"]
    for fact in facts:
        measured = "no power law" if math.isnan(fact.value) else f"{fact.value:.3g} ± {_width(Z95 * fact.error)}"
        verdict = "–" if fact.holds is None else "yes" if fact.holds else "**no**"
        lines.append(f"| {fact.name} | {fact.expected} | {measured} | {verdict} |")
    return "\n".join(lines)


def _width(width: float) -> str:
    return f"{width:.2g}" if math.isfinite(width) else "?"
