"""Backtests of a value-at-risk figure: are its exceptions as many as it says, and do they come alone?

An exception is a period whose loss passed the value at risk; at confidence 1 - p a share p of the periods should have one.
Likelihood ratios are compared with a chi-square law of one degree of freedom, or two, whose tails are erfc and exp. They
are large-sample laws: of few expected exceptions the stated confidence is only approximate.

Christoffersen's test counts transitions, of which T periods have T - 1. The published figures of T periods also count one
into the first period, from a period without exception that is not in the sample: T transitions. Both are offered
(`implied_first`); the second makes the coverage and the independence ratio of the same T.

Source: Kupiec 1995; Christoffersen 1998; Basel Committee on Banking Supervision 1996 (traffic light).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mm_env.errors import UsageError

ZONES = ("green", "yellow", "red")
ZONE_ENDS = (0.95, 0.9999)  # cumulative probabilities from which a count is yellow, and red


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood ratio (-2 ln) with the probability of one as large, and whether it is accepted.

    statistic: chi-square with `degrees`; p_value: of the large-sample law; accepted: p_value above 1 - confidence
    """

    statistic: float
    degrees: int
    p_value: float
    accepted: bool


@dataclass(frozen=True)
class Coverage:
    """Christoffersen's three tests; conditional is the sum of the others.

    unconditional: are the exceptions as many as stated; independence: is one as likely after one as after none;
    n00 … n11: transitions from (first digit) a period without or with an exception to (second) one without or with
    """

    unconditional: LikelihoodRatio
    independence: LikelihoodRatio
    conditional: LikelihoodRatio
    n00: int
    n01: int
    n10: int
    n11: int


def chi_square_tail(x: float, degrees: int) -> float:
    """Probability that a chi-square of one or two degrees of freedom passes x.

    Raises UsageError for other degrees.
    """
    if degrees not in (1, 2):
        raise UsageError(f"{degrees!r} degrees of freedom; expected 1 or 2")
    return math.erfc(math.sqrt(0.5 * max(x, 0.0))) if degrees == 1 else math.exp(-0.5 * max(x, 0.0))


def kupiec(exceptions: int, periods: int, probability: float, confidence: float = 0.95) -> LikelihoodRatio:
    """Proportion-of-failures test: do `exceptions` in `periods` agree with `probability` each?

    Raises UsageError for impossible counts or probabilities. Source: Kupiec 1995.
    """
    _check(exceptions, periods, probability)
    stated = _log_likelihood(periods - exceptions, exceptions, probability)
    seen = _log_likelihood(periods - exceptions, exceptions, exceptions / periods)
    return _test(2.0 * (seen - stated), 1, confidence)


def acceptance_region(periods: int, probability: float, confidence: float = 0.95) -> tuple[int, int]:
    """(least, most) exceptions in `periods` that `kupiec` accepts.

    Raises UsageError for impossible arguments, or where no count is accepted.
    """
    accepted = [n for n in range(periods + 1) if kupiec(n, periods, probability, confidence).accepted]
    if not accepted:
        raise UsageError(f"{periods} periods, probability {probability!r}, confidence {confidence!r}: no count is accepted")
    return accepted[0], accepted[-1]


def christoffersen(
    exceptions: ArrayLike, probability: float, confidence: float = 0.95, implied_first: bool = True
) -> Coverage:
    """Tests of coverage and independence of a series.

    exceptions: (T,) bool, in the order of time
    implied_first: count a transition into the first period, from one without exception (T transitions, not T - 1)

    Raises UsageError for an impossible probability, or a series too short for a transition.
    """
    series = np.asarray(exceptions, dtype=bool)
    if series.ndim != 1 or series.size < 2:
        raise UsageError(f"exceptions of shape {series.shape}; expected (T,), at least two periods")
    before = np.concatenate(([False], series[:-1])) if implied_first else series[:-1]
    after = series if implied_first else series[1:]
    n = [int(np.count_nonzero((before == a) & (after == b))) for a in (False, True) for b in (False, True)]
    return christoffersen_counts(n, int(series.sum()), series.size, probability, confidence)


def christoffersen_counts(
    transitions: Sequence[int], exceptions: int, periods: int, probability: float, confidence: float = 0.95
) -> Coverage:
    """The tests of `christoffersen` from counts. transitions: n00, n01, n10, n11, `periods` of them, or one fewer.

    Raises UsageError for counts that contradict each other.
    """
    n00, n01, n10, n11 = transitions
    if min(transitions) < 0 or sum(transitions) not in (periods, periods - 1) or n01 + n11 > exceptions:
        raise UsageError(
            f"transitions {tuple(transitions)} with {exceptions} exceptions in {periods} periods; expected {periods} or "
            f"{periods - 1} transitions, at most {exceptions} of them into an exception"
        )
    unconditional = kupiec(exceptions, periods, probability, confidence)
    one = (n01 + n11) / sum(transitions)
    same = _log_likelihood(n00 + n10, n01 + n11, one)
    each = _log_likelihood(n00, n01, n01 / max(n00 + n01, 1)) + _log_likelihood(n10, n11, n11 / max(n10 + n11, 1))
    independence = _test(2.0 * (each - same), 1, confidence)
    conditional = _test(unconditional.statistic + independence.statistic, 2, confidence)
    return Coverage(unconditional, independence, conditional, n00, n01, n10, n11)


def binomial_cumulative(exceptions: int, periods: int, probability: float) -> float:
    """Probability of at most `exceptions` in `periods`, each with `probability`; raises UsageError as `kupiec` does."""
    _check(exceptions, periods, probability)
    logs = [
        math.lgamma(periods + 1) - math.lgamma(n + 1) - math.lgamma(periods - n + 1)
        + _log_likelihood(periods - n, n, probability)
        for n in range(exceptions + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))


def traffic_light(exceptions: int, periods: int = 250, probability: float = 0.01) -> str:
    """Basel zone of a count: "green", "yellow" where at most so many have a probability of 95 %, "red" of 99.99 %.

    Raises UsageError as `kupiec` does.
    """
    cumulative = binomial_cumulative(exceptions, periods, probability)
    return ZONES[sum(cumulative >= end for end in ZONE_ENDS)]


def _check(exceptions: int, periods: int, probability: float) -> None:
    if not 0 <= exceptions <= periods or periods < 1 or not 0.0 < probability < 1.0:
        raise UsageError(
            f"{exceptions!r} exceptions in {periods!r} periods at probability {probability!r}; expected "
            "0 to as many as periods, at least one period, a probability inside (0, 1)"
        )


def _log_likelihood(without: int, having: int, probability: float) -> float:
    """Log-likelihood of a sequence; what did not happen may have any probability."""
    likelihood = having * math.log(probability) if having else 0.0
    return likelihood + (without * math.log1p(-probability) if without else 0.0)


def _test(statistic: float, degrees: int, confidence: float) -> LikelihoodRatio:
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"confidence {confidence!r}; expected a number inside (0, 1)")
    statistic = max(0.0, statistic)  # a difference of equal likelihoods may round below zero
    p_value = chi_square_tail(statistic, degrees)
    return LikelihoodRatio(statistic, degrees, p_value, p_value > 1.0 - confidence)
