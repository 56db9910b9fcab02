"""Whether keys of different sections of a market configuration agree. Problems come with their place in the whole file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from mm_env.config.agent import Risk
from mm_env.config.keys import Problem, shortened
from mm_env.config.market import Regime, Symbol, Venue
from mm_env.config.replay import Replay
from mm_env.config.types import TOLERANCE
from mm_env.errors import suggestion

_LARGEST_MOVE = 0.1
_ORDER_LATENCY_STEPS = 3
_DATA_LATENCY_STEPS = 1
_LONGEST_HORIZON = 255  # steps, of which the history has one more


def expand_correlation(correlation: float | list[list[float]], n_symbols: int) -> np.ndarray:
    """(S, S) float64 correlation matrix from one number for all pairs, or from the matrix."""
    if isinstance(correlation, list):
        matrix = np.array(correlation, dtype=np.float64)
    else:
        matrix = np.full((n_symbols, n_symbols), float(correlation))
    np.fill_diagonal(matrix, 1.0)
    return (matrix + matrix.T) / 2


def name_problems(group: str, names: Sequence[str]) -> Iterator[Problem]:
    """Names of a list that stand more than once."""
    counts, seen = Counter(names), set[str]()
    for index, name in enumerate(names):
        if name in seen:
            yield Problem((group, index, "name"), name, f"each name once; it is listed {counts[name]} times")
        seen.add(name)


def replay_problems(replay: Replay, symbols: Sequence[str], venues: Sequence[str], news_source: str) -> Iterator[Problem]:
    """A file for each book and no other, and no made-up headlines beside a recording."""
    files = replay.files
    for group, here, names in [(("replay", "files"), files, symbols)] + [
        (("replay", "files", name), books, venues) for name, books in files.items() if name in symbols
    ]:
        for name in here:
            if name not in names:
                yield Problem((*group, name), shortened(here[name]), f"only {', '.join(names)}; {suggestion(name, names)}")
        missing = [name for name in names if name not in here]
        if missing:
            yield Problem(group, shortened(here), f"a file for each of {', '.join(names)}; missing: {', '.join(missing)}")
    if news_source != "none":
        yield Problem(("news", "source"), news_source, "'none' with replay: headlines that did not move the recording")


def correlation_problems(value: float | list[list[float]], n_symbols: int) -> Iterator[Problem]:
    """A matrix of another size, and one that is no correlation."""
    n = n_symbols
    if isinstance(value, list):
        if len(value) != n or any(len(row) != n for row in value):
            yield Problem(("correlation",), value, f"one number, or a matrix of {n} rows of {n} numbers")
            return
        matrix = np.array(value, dtype=np.float64)
        if np.abs(matrix.diagonal() - 1.0).max() > TOLERANCE:
            yield Problem(("correlation",), value, "a matrix with ones on its diagonal")
            return
        if np.abs(matrix - matrix.T).max() > TOLERANCE:
            row, column = np.unravel_index(np.abs(matrix - matrix.T).argmax(), matrix.shape)
            pair = f"[{row}][{column}] is {matrix[row, column]:g}, [{column}][{row}] is {matrix[column, row]:g}"
            yield Problem(("correlation",), value, f"a symmetric matrix; {pair}")
            return
        allowed = "a positive definite matrix"
    else:
        lowest = -1.0 / (n - 1) if n > 1 else -1.0
        allowed = f"a number above {lowest:.4g} and below 1, so that the matrix of {n} symbol(s) is positive definite"
        if n == 1 and not -1.0 < value < 1.0:
            yield Problem(("correlation",), value, allowed)
    # Not Cholesky: the message names the eigenvalue, and what passes by this margin has a Cholesky factor.
    smallest = float(np.linalg.eigvalsh(expand_correlation(value, n))[0])
    if smallest <= TOLERANCE:
        yield Problem(("correlation",), value, f"{allowed}; its smallest eigenvalue is {smallest:.4g}")


def regime_problems(regimes: Sequence[Regime], initial: str | None) -> Iterator[Problem]:
    """Transitions that lead nowhere, and a first regime that is unknown or cannot be drawn."""
    names = [regime.name for regime in regimes]
    known = True
    for index, regime in enumerate(regimes):
        loc = ("regimes", index, "transitions")
        for target in regime.transitions:
            if target not in names:
                known = False
                yield Problem(
                    (*loc, target), regime.transitions[target], f"the name of a regime; {suggestion(target, names)}"
                )
        if regime.transitions.get(regime.name, 0.0) > 0.0:
            known = False
            yield Problem(
                (*loc, regime.name),
                regime.transitions[regime.name],
                "no weight, as a regime cannot follow itself (mean_duration_seconds says how long it lasts)",
            )
        elif regime.transitions and not any(regime.transitions.values()):
            known = False
            yield Problem(loc, regime.transitions, "at least one weight above 0, or no weights (all regimes alike)")
    if initial is not None and initial not in names:
        yield Problem(("episode", "initial_regime"), initial, f"a regime's name; {suggestion(initial, names)}")
    if initial is None and known and len(set(names)) == len(names) and not _one_stationary_law(regimes):
        yield Problem(
            ("episode", "initial_regime"),
            initial,
            "a regime's name, as the transitions split the regimes into groups that never meet, "
            "so that no single stationary law could draw it",
        )


def _one_stationary_law(regimes: Sequence[Regime]) -> bool:
    """Whether some regime is reached from every other one: then the chain has one closed class."""
    reach = np.eye(len(regimes), dtype=bool)
    for row, regime in enumerate(regimes):
        for column, target in enumerate(regimes):
            reach[row, column] |= not regime.transitions or regime.transitions.get(target.name, 0.0) > 0.0
    for _ in regimes:
        reach = reach @ reach
    return bool(reach.all(axis=0).any())


def latency_problems(venues: Sequence[Venue], step_seconds: float) -> Iterator[Problem]:
    """Messages and data that take more decision steps than kernels have room for."""
    step_ms = 1000.0 * step_seconds
    for index, venue in enumerate(venues):
        for field, steps in (("latency_ms", _ORDER_LATENCY_STEPS), ("data_latency_ms", _DATA_LATENCY_STEPS)):
            value = getattr(venue, field)
            if value > steps * step_ms * (1 + TOLERANCE):
                expected = f"at most {steps} decision step(s), {steps * step_ms:g} ms (episode.step_seconds)"
                yield Problem(("venues", index, field), value, expected)


def risk_problems(risk: Risk, step_seconds: float) -> Iterator[Problem]:
    """A horizon whose moves the history does not hold."""
    horizon = risk.var_horizon_seconds / step_seconds
    if risk.var_covariance == "horizon" and not 0.5 < horizon <= _LONGEST_HORIZON:
        steps = f"risk.var_horizon_seconds is {horizon:g} decision steps"
        expected = f"steps, as {steps}; horizon for 1 to {_LONGEST_HORIZON}"
        yield Problem(("risk", "var_covariance"), risk.var_covariance, expected)


def volatility_problems(symbols: Sequence[Symbol], regimes: Sequence[Regime], microstep_seconds: float) -> Iterator[Problem]:
    """Prices that would jump within a microstep."""
    multiplier = max(regime.volatility_multiplier for regime in regimes)
    for index, symbol in enumerate(symbols):
        move = 1e-4 * symbol.volatility_bps_per_sqrt_second * multiplier * math.sqrt(microstep_seconds)
        if move > _LARGEST_MOVE:
            yield Problem(
                ("symbols", index, "volatility_bps_per_sqrt_second"),
                symbol.volatility_bps_per_sqrt_second,
                f"a standard deviation of at most {_LARGEST_MOVE:.0%} in a microstep; in the wildest regime "
                f"it is {move:.1%}: use more microsteps (episode.microsteps) or less volatility",
            )
