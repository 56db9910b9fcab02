"""What has no closed form is tuned by simulation: the six moments of each symbol, and the score of realism.

Simulated method of moments in two stages. First an ensemble of markets is moved by the regression of what they are off on
their values (ensemble Kalman inversion): it needs no derivatives and lives with the noise of a simulation. Then CMA-ES
starts from its best, on the loss: the mean L1 of the realism score over symbols and what any moment is off beyond 5 %.

Source: McFadden 1989; Duffie & Singleton 1993 (simulated moments); Iglesias, Law & Stuart 2013; Iglesias & Yang 2021 (size
of the steps); Hansen & Ostermeier 2001 (CMA-ES); Nagy et al. 2025.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.events import About, join_events
from mm_env.calibration.fitting import OWN, SHARED, Measured, market_of
from mm_env.calibration.moments import compared, moments_of, over_venues
from mm_env.calibration.realism import compare_markets
from mm_env.config import MarketConfig
from mm_env.recording.market import simulate_books

Floats = NDArray[np.float64]
_TOLERANCE = 0.05  # of the logarithm of a moment
_FAILED = 10.0  # loss of a market that cannot be simulated
_NEAR, _AIM_L1, _NEAR_L1 = 0.1, 0.18, 0.06  # of the first stage: how near a moment's logarithm, and an L1 to its aim
_FARTHEST_OFF = 40.0  # in units of what is allowed
_SPREAD = 1.0  # of the first ensemble, of logits
_FIRST_STAGE = 0.6  # share of the trials
_SIGMA = 0.1  # of the second stage, in shares of the logarithms' ranges


@dataclass
class Tuned:
    """A market, its moments by symbol beside the recorded ones, and the losses of all trials.

    values: that were tuned, by name
    moments: symbol -> name -> (recorded, simulated), over venues; by_venue: the same by symbol and venue
    realism: symbol -> mean L1, over venues
    """

    config: MarketConfig
    values: dict[str, float]
    moments: dict[str, dict[str, tuple[float, float]]]
    by_venue: dict[tuple[str, str], dict[str, tuple[float, float]]]
    realism: dict[str, float]
    losses: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """Largest relative deviation of a moment."""
        return max(abs(sim / real - 1.0) for names in self.moments.values() for real, sim in names.values())

    @property
    def deviations(self) -> Floats:
        """(symbols x 6,) logarithms of simulated over recorded moments."""
        pairs = [pair for names in self.moments.values() for pair in names.values()]
        return np.array([np.log(max(sim, 1e-12) / max(real, 1e-12)) for real, sim in pairs])

    @property
    def loss(self) -> float:
        """Mean L1 and what moments are off beyond the tolerance."""
        excess = np.maximum(0.0, np.abs(self.deviations) - _TOLERANCE)
        return float(np.mean(list(self.realism.values())) + excess.sum())

    @property
    def residuals(self) -> Floats:
        """What the first stage brings to zero, in units of what is allowed."""
        scores = (np.array(list(self.realism.values())) - _AIM_L1) / _NEAR_L1
        return np.asarray(np.concatenate([self.deviations / _NEAR, scores]).clip(-_FARTHEST_OFF, _FARTHEST_OFF))


def judge(measured: Measured, config: MarketConfig, seconds: float, seed: int) -> Tuned:
    """Simulate a market for `seconds` [s] and compare it with what was recorded.

    Raises ValueError and RuntimeError for a market that cannot be simulated or compared: a book without orders, say.
    """
    places = [(i, v, one) for i, venues in enumerate(measured.recorded.values()) for v, one in enumerate(venues.values())]
    books = [(i, v, one.about.levels) for i, v, one in places]
    steps = list(simulate_books(config, seconds, books, seed=seed))
    by_venue: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    scores: dict[str, list[float]] = {}
    found: dict[str, list[dict[str, float]]] = {}
    for k, (_, _, one) in enumerate(places):
        events = join_events([parts[k] for parts in steps])
        about = About("mm_env", one.about.symbol, one.about.venue, one.about.levels, one.tick)
        moments = moments_of([events], about, one.orders)
        by_venue[about.symbol, about.venue] = {name: (one.moments[name], value) for name, value in moments.items()}
        found.setdefault(about.symbol, []).append(moments)
        realism = compare_markets(one.statistics, compared(events, one.tick, one.orders), seed, resamples=2)
        scores.setdefault(about.symbol, []).append(realism.mean[0])
    moments_by_symbol = {
        symbol: {name: (measured.moments[symbol][name], value) for name, value in over_venues(parts).items()}
        for symbol, parts in found.items()
    }
    return Tuned(config, {}, moments_by_symbol, by_venue, {symbol: float(np.mean(one)) for symbol, one in scores.items()})


class _Search:
    """Trials of values, by their logarithms' place in the ranges, (n,) from 0 to 1; the best of them is kept."""

    def __init__(
        self,
        measured: Measured,
        seconds: float,
        told: Callable[[int, float], None],
        stop: Callable[[], bool],
    ) -> None:
        self.measured, self.seconds, self.told, self.stop = measured, seconds, told, stop
        ranges = dict(SHARED)
        for i in range(len(measured.symbols)):
            ranges |= {f"{name}.{i}": bounds for name, bounds in OWN.items()}
        self.names = list(ranges)
        first, self.low, self.high = (np.log([bounds[k] for bounds in ranges.values()]) for k in range(3))
        self.start = np.clip((first - self.low) / (self.high - self.low), 0.02, 0.98)
        self.losses: list[float] = []
        self.best: Tuned | None = None

    def values(self, place: Floats) -> dict[str, float]:
        return dict(zip(self.names, np.exp(self.low + place * (self.high - self.low)).tolist(), strict=True))

    def place(self, values: dict[str, float]) -> Floats:
        logs = np.log([values[name] for name in self.names])
        return np.asarray((logs - self.low) / (self.high - self.low))

    def trial(self, place: Floats, seed: int) -> Tuned | None:
        """Simulate the market of a place; None where that cannot be done."""
        x = self.values(place)
        try:
            found = judge(self.measured, market_of(self.measured, x), self.seconds, seed)
        except (ValueError, RuntimeError):  # a book without orders, a market that explodes
            found = None
        self.losses.append(_FAILED if found is None else found.loss)
        if found is not None:
            found.values = x
            if self.best is None or found.loss < self.best.loss:
                self.best = found
        self.told(len(self.losses) - 1, self.best.loss if self.best else _FAILED)
        return found


def tune(
    measured: Measured,
    trials: int,
    seconds: float,
    seed: int = 0,
    told: Callable[[int, float], None] = lambda number, loss: None,
    stop: Callable[[], bool] = lambda: False,
) -> Tuned:
    """The best of `trials` markets, each simulated for `seconds` [s].

    told: called after each trial with its number and the least loss so far; stop: asked before each

    Raises RuntimeError where no market of them can be simulated.
    """
    search = _Search(measured, seconds, told, stop)
    search.trial(search.start, seed)
    _ensemble(search, round(_FIRST_STAGE * trials), seed)
    _refine(search, trials, seed)
    if search.best is None:
        raise RuntimeError(
            f"none of {len(search.losses)} markets could be simulated; allowed: records that resemble a market"
        )
    search.best.losses = search.losses
    return search.best


def _ensemble(search: _Search, trials: int, seed: int) -> None:
    """First stage, until `trials` markets were simulated."""
    rng = np.random.default_rng(seed)
    size = 2 * len(search.names)
    first = np.log(search.start / (1.0 - search.start))
    members = first + _SPREAD * rng.standard_normal((size, len(first)))
    while len(search.losses) + size <= trials:
        rows, residuals = [], []
        for member in members:
            if search.stop():
                return
            found = search.trial(1.0 / (1.0 + np.exp(-member)), seed)
            if found is not None:
                rows.append(member)
                residuals.append(found.residuals)
        if len(rows) < 2:
            return
        moved = _moved(np.array(rows), np.array(residuals), rng)
        lost = size - len(moved)  # in place of those that failed
        members = np.concatenate([moved, moved[rng.integers(len(moved), size=lost)]])


def _moved(members: Floats, residuals: Floats, rng: np.random.Generator) -> Floats:
    """Members (J, n) after a step of ensemble Kalman inversion that brings residuals (J, m) nearer to zero."""
    count, m = residuals.shape
    cost = 0.5 * (residuals**2).sum(axis=1)
    step = max(m / (2.0 * cost.mean()), np.sqrt(m / (2.0 * cost.var() + 1e-12)))
    noise = max(1.0, 1.0 / step)
    away, off = members - members.mean(axis=0), residuals - residuals.mean(axis=0)
    gain = np.linalg.solve(off.T @ off / (count - 1) + noise * np.eye(m), off.T @ away / (count - 1))
    return np.asarray(members - (residuals + np.sqrt(noise) * rng.standard_normal(residuals.shape)) @ gain)


def _refine(search: _Search, trials: int, seed: int) -> None:
    """Second stage: CMA-ES from the best, until `trials` markets were simulated."""
    from cmaes import CMA

    mean = search.start if search.best is None else search.place(search.best.values)
    box = np.tile([0.0, 1.0], (len(search.names), 1))
    sampler = CMA(mean=np.clip(mean, 0.01, 0.99), sigma=_SIGMA, bounds=box, seed=seed + 1)
    asked: list[tuple[Any, float]] = []
    while len(search.losses) < trials and not search.stop():
        place = sampler.ask()
        search.trial(place, seed)
        asked.append((place, search.losses[-1]))
        if len(asked) == sampler.population_size:
            sampler.tell(asked)
            asked = []
