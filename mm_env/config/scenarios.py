"""The scenarios of a file for one market: which markets are played, and what changes in mid-episode.

Every change is made in the market's configuration, and the outcome is validated as any other market is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import numpy as np

from mm_env.config.io import override
from mm_env.config.keys import get, locate, shortened
from mm_env.config.migrate import with_command
from mm_env.config.scenario import BASE, Changes, Level, ScenarioFile, Window
from mm_env.config.schema import MarketConfig
from mm_env.errors import ConfigError, suggestion

SWITCHING = "switching"
"""Level of the axis of regimes: the market's own chain."""
OWN = "own"
"""Level of an axis on which a scenario leaves the market as it is, where no level of the axis says so."""
FIXED = (
    "episode*", "replay*", "randomize*", "symbols", "venues", "regimes", "*.name", "symbols.*.start_price",
    "symbols.*.tick_size", "symbols.*.lot_size", "venues.*.tick_multiple", "venues.*.price_basis_ticks",
    "regimes.*.mean_duration_seconds", "regimes.*.transitions*", "news", "news.source", "news.tape*", "flow.use_hawkes",
    "flow.makers.burst_shares", "flow.makers.burst_decays_per_second", "flow.makers.cancel_unit", "risk.prior_volatility*",
)  # fmt: skip
"""Keys that cannot change within an episode: what stands in the books, the clock and the chain is in their terms."""


@dataclass(frozen=True, eq=False)
class Phase:
    """A part of an episode in which nothing changes.

    first: decision step with which it begins
    shock_bps: log move of every efficient price at each of its steps
    """

    first: int
    config: MarketConfig
    venues_down: frozenset[str]
    shock_bps: float


@dataclass(frozen=True, eq=False)
class Scenario:
    """A market to be played.

    kind: base, grid, sweep or stress; levels: axis -> level
    phases: at least one, the first from step 0 on (and in the burn-in)
    """

    name: str
    kind: str
    levels: Mapping[str, str]
    phases: tuple[Phase, ...]
    description: str = ""

    @property
    def config(self) -> MarketConfig:
        """The market with which an episode begins."""
        return self.phases[0].config


def expand(file: ScenarioFile, market: MarketConfig, label: str = "scenarios") -> list[Scenario]:
    """All scenarios of a file for a market, `base` first; a combination in which nothing differs from it is not repeated.

    label: of the file, in errors

    Raises `ConfigError` for changes that the market does not allow, and for a market that is resampled at each reset or
    replays a record.
    """
    if market.randomize or market.replay is not None:
        what = "randomize" if market.randomize else "replay"
        raise ConfigError(f"{what}: scenarios need one simulated market; expected no {what}")
    axes = {name: dict(levels) or _regimes(market) for name, levels in file.axes.items()}
    own = {
        name: next((key for key, level in levels.items() if _is_own(level, market)), OWN) for name, levels in axes.items()
    }
    for name, level in own.items():
        if level == OWN and OWN in axes[name] and not _is_own(axes[name][OWN], market):
            group = "grid" if name in file.grid else "sweeps"
            raise ConfigError(
                f"{label}: {group}.{name}.{OWN}: a level of that name is the market's own; expected no changes"
            )
    found = [Scenario(BASE, BASE, own, (Phase(0, market, frozenset(), 0.0),), "the market as it is")]

    def add(kind: str, chosen: Mapping[str, str]) -> None:
        changed = {axis: level for axis, level in chosen.items() if level != own[axis]}
        if changed:
            where = f"{label}: {'grid' if kind == 'grid' else 'sweeps'}: {_name(changed)}"
            steps = [axes[axis][level] for axis, level in chosen.items()]
            found.append(Scenario(_name(changed), kind, {**own, **changed}, _phases(steps, (), market, where)))

    if file.grid:
        for cell in product(*(axes[axis] for axis in file.grid)):
            add("grid", dict(zip(file.grid, cell, strict=True)))
    for axis in file.sweeps:
        for level in axes[axis]:
            add("sweep", {axis: level})
    for name, stress in file.stresses.items():
        phases = _phases([stress], stress.windows, market, f"{label}: stresses: {name}")
        found.append(Scenario(name, "stress", own, phases, stress.description))
    return found


def levels_of(file: ScenarioFile, market: MarketConfig) -> dict[str, list[str]]:
    """Levels of each axis, in their order."""
    return {name: list(levels or _regimes(market)) for name, levels in file.axes.items()}


def apply(config: MarketConfig, changes: Changes, where: str) -> MarketConfig:
    """A market with changes made in it; those of venues that are down are none of its configuration.

    where: begins each line of the `ConfigError` that is raised for what is not allowed
    """
    try:
        new = {key: value for name, value in changes.set.items() for key in _keys(config, name, value)}
        config = _override(config, new)
        scaled = {key: (name, by) for name, by in changes.multiply.items() for key in _keys(config, name, by)}
        config = _override(config, {key: _scaled(_value(config, key), by, name) for key, (name, by) in scaled.items()})
        before = {key: (name, text) for name, text in changes.prefix.items() for key in _keys(config, name, text)}
        config = _override(config, {key: _prefixed(_value(config, key), text, name) for key, (name, text) in before.items()})
        if changes.branching_ratio is not None:
            config = _with_branching_ratio(config, changes.branching_ratio)
        if isinstance(changes, Level) and changes.regime is not None:
            config = _pinned(config, changes.regime)
        _venues(config, changes)
    except ConfigError as error:
        lines = (line.removeprefix("override: ") for line in str(error).splitlines())
        file = where.partition(": ")[0]
        raise ConfigError("\n".join(with_command(f"{where}: {line}", file) for line in lines)) from error
    return config


def _venues(config: MarketConfig, changes: Changes) -> frozenset[str]:
    """Names of the venues that are down."""
    names = [venue.name for venue in config.venues]
    for name in changes.venues_down:
        if name not in names and not (name.isdecimal() and int(name) < len(names)):
            raise ConfigError(
                f"venues_down: value {name!r}: expected a venue's name, or its place from 0; {suggestion(name, names)}"
            )
    return frozenset(name if name in names else names[int(name)] for name in changes.venues_down)


def _name(levels: Mapping[str, str]) -> str:
    return " ".join(f"{axis}={level}" for axis, level in levels.items())


def _regimes(market: MarketConfig) -> dict[str, Level]:
    """A level for each regime, and the chain itself where there is more than one."""
    names = [regime.name for regime in market.regimes]
    return {name: Level(regime=name) for name in names} | ({SWITCHING: Level()} if len(names) > 1 else {})


def _is_own(level: Level, market: MarketConfig) -> bool:
    only = level.regime if len(market.regimes) == 1 and level.regime == market.regimes[0].name else None
    return level == Level(regime=only)


def _phases(levels: Sequence[Level], windows: Sequence[Window], market: MarketConfig, where: str) -> tuple[Phase, ...]:
    """What holds from which step on."""
    config, down = market, frozenset[str]()
    for level in levels:
        config = apply(config, level, where)
        down |= _venues(config, level)
    spans = [_span(window, config, f"{where}: windows: {k}") for k, window in enumerate(windows)]
    edges = sorted({0, *(edge for span in spans for edge in span if edge < config.episode.steps)})
    found = []
    for edge in edges:
        now, closed, shock = config, down, 0.0
        for k, (window, (first, last)) in enumerate(zip(windows, spans, strict=True)):
            if first <= edge < last:
                here = f"{where}: windows: {k}"
                _check_keys(window, here)
                now, closed = apply(now, window, here), closed | _venues(now, window)
                if window.shock_bps and now.flow.impact_kappa == 0.0:
                    raise ConfigError(
                        f"{here}: shock_bps: value {window.shock_bps:g}: expected 0 where flow.impact_kappa is 0"
                    )
                shock += window.shock_bps / (last - first)
        found.append(Phase(edge, now, closed, shock))
    _check_headlines(found, where)
    return tuple(found)


def _span(window: Window, config: MarketConfig, where: str) -> tuple[int, int]:
    """First step of a window, and the first after it."""
    steps, dt = config.episode.steps, config.episode.step_seconds
    first = math.ceil(window.from_seconds / dt - 1e-9)
    last = steps if window.to_seconds is None else math.ceil(window.to_seconds / dt - 1e-9)
    if first >= steps:
        allowed = f"before the episode's end, {steps * dt:g} s (episode.steps)"
        raise ConfigError(f"{where}: from_seconds: value {window.from_seconds:g}: expected {allowed}")
    return first, max(last, first + 1)


def _check_keys(changes: Changes, where: str) -> None:
    for key in (*changes.set, *changes.multiply, *changes.prefix):
        plain = ".".join("*" if part.isdecimal() else part for part in key.split("."))
        if any(fnmatchcase(plain, pattern) for pattern in FIXED):
            raise ConfigError(f"{where}: {key}: a key that can change in mid-episode; this one holds for whole episodes")


def _check_headlines(phases: Sequence[Phase], where: str) -> None:
    """A stream of headlines that the market does not have cannot begin in mid-episode, as it has no next arrival."""
    for key in ("rate_per_hour", "macro_rate_per_hour"):
        rates = [getattr(phase.config.news, key) for phase in phases]
        if rates[0] == 0.0 and any(rates):
            raise ConfigError(f"{where}: news.{key}: value {max(rates):g}: expected 0, as it is 0 at the episode's start")


def _override(config: MarketConfig, changes: Mapping[str, Any]) -> MarketConfig:
    return override(config, changes) if changes else config


def _value(config: MarketConfig, key: str) -> Any:
    return get(config.model_dump(), locate(config, key))


def _keys(config: MarketConfig, key: str, value: object) -> list[str]:
    """The keys that a key with `*` in it stands for."""
    head, star, tail = key.partition(".*")
    if not star:
        keys = [key]
    else:
        try:
            entries = _value(config, head)
        except (ValueError, LookupError) as error:
            raise ConfigError(f"{key}: value {shortened(value)}: {error}") from error
        if not isinstance(entries, list) or (tail and not tail.startswith(".")):
            raise ConfigError(
                f"{key}: value {shortened(value)}: expected `*` for the entries of a list, as symbols.*.activity"
            )
        keys = [f"{head}.{k}{tail}" for k in range(len(entries))]
    for one in keys:
        try:
            locate(config, one)
        except ValueError as error:
            raise ConfigError(f"{key}: value {shortened(value)}: {error}") from error
    return keys


def _scaled(value: Any, factor: float, key: str) -> Any:
    if isinstance(value, list):
        return [_scaled(item, factor, key) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key}: factor {factor:g}: a key that holds numbers; this one holds {shortened(value)}")
    return round(value * factor) if isinstance(value, int) else value * factor


def _prefixed(value: Any, text: str, key: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{key}: prefix {text!r}: a key that holds a text; this one holds {shortened(value)}")
    return text + value


def _with_branching_ratio(config: MarketConfig, target: float) -> MarketConfig:
    """Jumps scaled to a branching ratio, and what excites them from outside so that as many takers come as before.

    The baseline keeps the mean rate (I - N)^-1 mu of each dimension; parent orders and news, each with one factor, that of
    their takers with all offspring, summed over dimensions.
    """
    n, flow = len(config.symbols), config.flow
    now = flow.branching_ratio(n)
    if not flow.use_hawkes or now == 0.0:
        raise ConfigError(
            f"branching_ratio: value {target:g}: expected none, as nothing excites (flow.use_hawkes, flow.hawkes_alpha)"
        )
    scale = target / now
    norm = (flow.hawkes_matrices(n) / flow.hawkes_decays()[:, None, None]).sum(axis=0)
    activity = np.repeat([symbol.activity for symbol in config.symbols], 2)
    before, after = np.eye(2 * n) - norm, np.eye(2 * n) - scale * norm
    mu = after @ np.linalg.solve(before, flow.hawkes_baseline(n) * activity) / activity
    if mu.min() < 0.0:
        raise ConfigError(
            f"branching_ratio: value {target:g}: expected one at which a baseline above 0 keeps the mean rate of takers"
        )
    baseline = float(mu.mean()) if np.ptp(mu) <= 1e-12 * mu.max() else mu.tolist()

    def kept(source: np.ndarray) -> float:
        return float(np.linalg.solve(before, source).sum() / np.linalg.solve(after, source).sum())

    return override(
        config,
        {
            "flow.hawkes_alpha": _scaled(flow.hawkes_alpha, scale, "flow.hawkes_alpha"),
            "flow.hawkes_mu": baseline,
            "flow.parents.rate_per_second": flow.parents.rate_per_second * kept(activity),
            "news.excitation_per_second": config.news.excitation_per_second * kept(np.ones(2 * n)),
        },
    )


def _pinned(config: MarketConfig, name: str) -> MarketConfig:
    """The market with that regime alone, in which it starts and stays."""
    names = [regime.name for regime in config.regimes]
    if name not in names:
        raise ConfigError(f"regime: value {name!r}: expected a regime of the market; {suggestion(name, names)}")
    alone = config.regimes[names.index(name)].model_dump() | {"transitions": {}}
    return override(config, {"regimes": [alone], "episode.initial_regime": None})
