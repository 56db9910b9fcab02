"""What several keys of a market configuration mean together: derived matrices, and whether the keys agree."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from mm_env.config.keys import Loc, Problem, get, locate, put, shortened
from mm_env.errors import suggestion
from mm_env.sim.laws import lomax_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mm_env.config.market import Flow, Makers
    from mm_env.config.schema import MarketConfig

_TOLERANCE = 1e-9
_LARGEST_MOVE = 0.1
_ORDER_LATENCY_STEPS = 3
_DATA_LATENCY_STEPS = 1
_LONGEST_HORIZON = 255  # steps, of which the history has one more

TAPE_TIMES = ("episode.steps", "episode.step_seconds", "news.tape_seconds_per_second")  # by which a tape is mapped


def as_list(value: Any) -> list[Any]:
    """`value` itself when it is a list, else the list of it alone."""
    return value if isinstance(value, list) else [value]


def expand_correlation(correlation: float | list[list[float]], n_symbols: int) -> np.ndarray:
    """(S, S) float64 correlation matrix from one number for all pairs, or from the matrix."""
    if isinstance(correlation, list):
        matrix = np.array(correlation, dtype=np.float64)
    else:
        matrix = np.full((n_symbols, n_symbols), float(correlation))
    np.fill_diagonal(matrix, 1.0)
    return (matrix + matrix.T) / 2


def expand_hawkes_alpha(flow: Flow, n_symbols: int) -> np.ndarray:
    """Hawkes kernel: (K, 2S, 2S) float64 [1/s] jump of row at an event of column; buy_0, sell_0, buy_1, …

    Raises `ValueError` when the configured matrices are of another size.
    """
    dims = 2 * n_symbols
    alphas = as_list(flow.hawkes_alpha)
    if isinstance(alphas[0], list):
        if any(len(matrix) != dims or any(len(row) != dims for row in matrix) for matrix in alphas):
            raise ValueError(f"matrices of {dims} rows of {dims} numbers: buy and sell of {n_symbols} symbol(s)")
        return np.array(alphas, dtype=np.float64)
    one_symbol = np.array([[1.0, flow.hawkes_cross_side], [flow.hawkes_cross_side, 1.0]])
    same, other = np.eye(n_symbols), 1.0 - np.eye(n_symbols)
    pattern = np.kron(same, one_symbol) + flow.hawkes_cross_symbol * np.kron(other, np.eye(2))
    kernel: np.ndarray = np.multiply.outer(np.array(alphas, dtype=np.float64), pattern)
    return kernel


def expand_hawkes_mu(flow: Flow, n_symbols: int) -> np.ndarray:
    """(2S,) float64 [1/s] baseline rates: buy_0, sell_0, buy_1, …

    Raises `ValueError` when a list of another length is configured.
    """
    dims = 2 * n_symbols
    if isinstance(flow.hawkes_mu, list):
        if len(flow.hawkes_mu) != dims:
            raise ValueError(f"one number, or {dims}: buy and sell of {n_symbols} symbol(s)")
        return np.array(flow.hawkes_mu, dtype=np.float64)
    return np.full(dims, float(flow.hawkes_mu))


def branching_ratio(flow: Flow, n_symbols: int) -> float:
    """Spectral radius of Σ_k alpha_k / beta_k: mean number of direct offspring of a taker, in the long run.

    Source: Hawkes & Oakes 1974; multivariate stationarity in Brémaud & Massoulié 1996, theorem 7.
    """
    alpha = expand_hawkes_alpha(flow, n_symbols)
    beta = np.array(as_list(flow.hawkes_beta), dtype=np.float64)
    return float(np.abs(np.linalg.eigvals((alpha / beta[:, None, None]).sum(axis=0))).max())


def flow_problems(flow: Flow) -> Iterator[Problem]:
    """Disagreements between keys of the flow that do not depend on the number of symbols."""
    n_alpha, n_beta = len(as_list(flow.hawkes_alpha)), len(as_list(flow.hawkes_beta))
    if n_alpha != n_beta:
        yield Problem(
            ("hawkes_beta",),
            flow.hawkes_beta,
            f"as many decays as hawkes_alpha has exponentials, {n_alpha}; here {n_beta}",
        )
    try:
        if flow.taker_size_quantiles_lots is None:
            lomax_scale(flow.taker_size_mean_lots, flow.taker_size_exponent, flow.taker_size_max_lots)
    except ValueError:
        allowed = f"below taker_size_max_lots, {flow.taker_size_max_lots}, past which no size goes"
        yield Problem(("taker_size_mean_lots",), flow.taker_size_mean_lots, allowed)
    yield from _falling(flow, "taker_size_quantiles_lots")


def _falling(section: Makers | Flow, *names: str) -> Iterator[Problem]:
    for name in names:
        values = getattr(section, name)
        if values is not None and any(low > high for low, high in pairwise(values)):
            yield Problem((name,), shortened(values), "numbers that never fall")


def maker_problems(makers: Makers) -> Iterator[Problem]:
    """Quantiles that fall, and bursts that do not end."""
    yield from _falling(makers, "size_quantiles_lots", "placement_quantiles_ticks")
    shares, decays = makers.burst_shares, makers.burst_decays_per_second
    if len(shares) != len(decays):
        yield Problem(("burst_decays_per_second",), decays, f"as many as burst_shares, {len(shares)}")
    if sum(shares) >= 1.0 - _TOLERANCE:
        yield Problem(("burst_shares",), shares, f"a sum below 1; here it is {sum(shares):.4g}")


def config_problems(config: MarketConfig) -> Iterator[Problem]:
    """Every disagreement between keys of different sections, in the order of the file."""
    for group in ("symbols", "venues", "regimes"):
        counts = Counter(entry.name for entry in getattr(config, group))
        seen: set[str] = set()
        for index, entry in enumerate(getattr(config, group)):
            if entry.name in seen:
                yield Problem((group, index, "name"), entry.name, f"each name once; it is listed {counts[entry.name]} times")
            seen.add(entry.name)
    yield from _correlation_problems(config)
    yield from _regime_problems(config)
    yield from _hawkes_problems(config)
    yield from _time_problems(config)
    yield from _replay_problems(config)


def _replay_problems(config: MarketConfig) -> Iterator[Problem]:
    """A file for each book and no other, and no made-up headlines beside a record."""
    if config.replay is None:
        return
    files, symbols, venues = config.replay.files, [s.name for s in config.symbols], [v.name for v in config.venues]
    for group, here, names in [(("replay", "files"), files, symbols)] + [
        (("replay", "files", name), books, venues) for name, books in files.items() if name in symbols
    ]:
        for name in here:
            if name not in names:
                yield Problem((*group, name), shortened(here[name]), f"only {', '.join(names)}; {suggestion(name, names)}")
        missing = [name for name in names if name not in here]
        if missing:
            yield Problem(group, shortened(here), f"a file for each of {', '.join(names)}; missing: {', '.join(missing)}")
    if config.news.source != "none":
        yield Problem(("news", "source"), config.news.source, "'none' with replay: headlines that did not move the record")


def _correlation_problems(config: MarketConfig) -> Iterator[Problem]:
    n = len(config.symbols)
    value = config.correlation
    if isinstance(value, list):
        if len(value) != n or any(len(row) != n for row in value):
            yield Problem(("correlation",), value, f"one number, or a matrix of {n} rows of {n} numbers")
            return
        matrix = np.array(value, dtype=np.float64)
        if np.abs(matrix.diagonal() - 1.0).max() > _TOLERANCE:
            yield Problem(("correlation",), value, "a matrix with ones on its diagonal")
            return
        if np.abs(matrix - matrix.T).max() > _TOLERANCE:
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
    if smallest <= _TOLERANCE:
        yield Problem(("correlation",), value, f"{allowed}; its smallest eigenvalue is {smallest:.4g}")


def _regime_problems(config: MarketConfig) -> Iterator[Problem]:
    names = [regime.name for regime in config.regimes]
    known = True
    for index, regime in enumerate(config.regimes):
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
    initial = config.episode.initial_regime
    if initial is not None and initial not in names:
        yield Problem(("episode", "initial_regime"), initial, f"a regime's name; {suggestion(initial, names)}")
    if initial is None and known and len(set(names)) == len(names) and not _one_stationary_law(config):
        yield Problem(
            ("episode", "initial_regime"),
            initial,
            "a regime's name, as the transitions split the regimes into groups that never meet, "
            "so that no single stationary law could draw it",
        )


def _one_stationary_law(config: MarketConfig) -> bool:
    """Whether some regime is reached from every other one: then the chain has one closed class."""
    regimes = config.regimes
    reach = np.eye(len(regimes), dtype=bool)
    for row, regime in enumerate(regimes):
        for column, target in enumerate(regimes):
            reach[row, column] |= not regime.transitions or regime.transitions.get(target.name, 0.0) > 0.0
    for _ in regimes:
        reach = reach @ reach
    return bool(reach.all(axis=0).any())


def _hawkes_problems(config: MarketConfig) -> Iterator[Problem]:
    flow, n = config.flow, len(config.symbols)
    try:
        expand_hawkes_mu(flow, n)
    except ValueError as error:
        yield Problem(("flow", "hawkes_mu"), flow.hawkes_mu, str(error))
    try:
        ratio = branching_ratio(flow, n)
    except ValueError as error:
        yield Problem(("flow", "hawkes_alpha"), flow.hawkes_alpha, str(error))
        return
    if ratio >= 1.0 - _TOLERANCE:
        yield Problem(
            ("flow", "hawkes_alpha"),
            flow.hawkes_alpha,
            f"a branching ratio below 1; here it is {ratio:.4g} (spectral radius of the sum of "
            f"hawkes_alpha / hawkes_beta for {n} symbol(s), with hawkes_cross_side and hawkes_cross_symbol)",
        )


def _time_problems(config: MarketConfig) -> Iterator[Problem]:
    step_ms = 1000.0 * config.episode.step_seconds
    for index, venue in enumerate(config.venues):
        for field, steps in (("latency_ms", _ORDER_LATENCY_STEPS), ("data_latency_ms", _DATA_LATENCY_STEPS)):
            value = getattr(venue, field)
            if value > steps * step_ms * (1 + _TOLERANCE):
                allowed = f"at most {steps} decision step(s), {steps * step_ms:g} ms (episode.step_seconds)"
                yield Problem(("venues", index, field), value, allowed)
    horizon = config.risk.var_horizon_seconds / config.episode.step_seconds
    if config.risk.var_covariance == "horizon" and not 0.5 < horizon <= _LONGEST_HORIZON:
        allowed = f"steps, as risk.var_horizon_seconds is {horizon:g} decision steps; horizon for 1 to {_LONGEST_HORIZON}"
        yield Problem(("risk", "var_covariance"), config.risk.var_covariance, allowed)
    multiplier = max(regime.volatility_multiplier for regime in config.regimes)
    microstep = config.episode.step_seconds / config.episode.microsteps
    for index, symbol in enumerate(config.symbols):
        move = 1e-4 * symbol.volatility_bps_per_sqrt_second * multiplier * math.sqrt(microstep)
        if move > _LARGEST_MOVE:
            yield Problem(
                ("symbols", index, "volatility_bps_per_sqrt_second"),
                symbol.volatility_bps_per_sqrt_second,
                f"a standard deviation of at most {_LARGEST_MOVE:.0%} in a microstep; in the wildest regime "
                f"it is {move:.1%}: use more microsteps (episode.microsteps) or less volatility",
            )


def randomize_problems(config: MarketConfig) -> Iterator[Problem]:
    """Keys under `randomize` that do not exist, are no numbers, or give an invalid market at either end."""
    places: dict[str, Loc] = {}
    raw = config.model_dump(exclude={"randomize"})
    for key, (low, high) in config.randomize.items():
        loc, bounds = ("randomize", key), config.randomize[key]
        try:
            place = locate(config, key)
        except ValueError as error:
            yield Problem(loc, bounds, f"a known key; {error}")
            continue
        value = get(raw, place) if place[0] != "randomize" else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Problem(loc, bounds, f"a key that holds one number; this one holds {shortened(value)}")
        elif place in places.values():
            yield Problem(loc, bounds, "each parameter once; another key names this one too")
        elif config.news.source == "tape" and key in TAPE_TIMES:
            yield Problem(loc, bounds, "any other key, as the times of news.tape are mapped onto the episode once")
        elif low > high:
            yield Problem(loc, bounds, "[low, high] with low not above high")
        elif isinstance(value, int) and not (low.is_integer() and high.is_integer()):
            yield Problem(loc, bounds, "whole numbers, as the key holds one")
        else:
            places[key] = place
    if len(places) == len(config.randomize):
        yield from _end_problems(config, places)


def _end_problems(config: MarketConfig, places: dict[str, Loc]) -> Iterator[Problem]:
    for end, side in enumerate(("low", "high")):
        raw = config.model_dump(exclude={"randomize"})
        for key, place in places.items():
            whole = isinstance(get(raw, place), int)
            put(raw, place, int(config.randomize[key][end]) if whole else config.randomize[key][end])
        try:
            type(config).model_validate(raw)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                own = [name for name, place in places.items() if place == found["loc"][: len(place)]]
                loc = ("randomize", *own[:1])
                where = ".".join(map(str, found["loc"]))
                value = config.randomize[own[0]] if own else config.randomize
                yield Problem(loc, value, f"valid ends; with all at their {side} end {where}: {found['msg']}")
