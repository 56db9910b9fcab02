"""Tunes the parameters without a closed form by simulation: moments of each symbol, and the score of realism.

Simulated method of moments: an ensemble of markets is moved, round by round, by the regression of what they are off on their
values (ensemble Kalman inversion). It needs no derivatives and lives with the noise of a simulation. In the second half of
the rounds the aims are nearer. The best few are simulated again and for longer, as the least of noisy losses is biased, and
the mean deviation that is left of the best one is corrected.

Source: McFadden 1989; Duffie & Singleton 1993 (simulated moments); Iglesias, Law & Stuart 2013; Iglesias & Yang 2021 (size
of the steps); Nagy et al. 2025 (the score).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.fitted_market import OWN, OWN_SIZE, SHARED, STARTS_OF_BOOKS, market_of
from mm_env.calibration.fitting import Measurements
from mm_env.calibration.moments import MOMENTS, compared, moments_of, over_venues
from mm_env.config import MarketConfig
from mm_env.config.io import override
from mm_env.data.events import About, join_events
from mm_env.realism.scores import compare_markets, shifts_of
from mm_env.runs.book_events import simulate_books

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]
_TOLERANCE = 0.05  # of the logarithm of a moment
_STEP_SECONDS, _MICROSTEP_SECONDS = 10.0, 0.1
_FAILED = 10.0  # loss of a market that cannot be simulated
_AIM_L1 = 0.22
_NEAR = ((0.1, 0.06), (0.025, 0.03))  # by half of the rounds: how near a moment's logarithm is to be, and an L1 to its aim
_NEAR_SHIFT, _NEAR_RESPONSE = 0.25, 0.8  # likewise of `shifts_of`
_FARTHEST_OFF = 40.0  # in units of the tolerance
_EDGE = 0.02  # of the ranges, that is kept free
_SPREAD = 0.5  # of the first ensemble, of logits
_FINALISTS, _LONGER, _ANOTHER_SEED = 8, 3.0, 500_009
_SETTLING = 4  # corrections at the end, and simulations for each
_LAST_ROUNDS, _SETTLING_LENGTH = 3, 6.0  # behind them; how long such a simulation is
_LONGEST_STEP = 0.5  # of a logit, in one of them


@dataclass
class Tuned:
    """A market, its moments by symbol beside the recorded ones, and the losses of all trials.

    values: that were tuned, by name
    moments: symbol -> name -> (recorded, simulated), over venues; by_venue: the same by symbol and venue
    realism: symbol -> mean L1, over venues; shifts: of distributions and of responses (realism.shifts_of), all books
    """

    config: MarketConfig
    values: dict[str, float]
    moments: dict[str, dict[str, tuple[float, float]]]
    by_venue: dict[tuple[str, str], dict[str, tuple[float, float]]]
    realism: dict[str, float]
    shifts: tuple[Floats, Floats]
    losses: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """Largest relative deviation of a moment."""
        return float(np.abs(np.expm1(self.deviations)).max())

    @property
    def deviations(self) -> Floats:
        """(symbols x moments,) logarithms of simulated over recorded moments."""
        pairs = [names[moment] for names in self.moments.values() for moment in MOMENTS]
        return np.array([np.log(max(sim, 1e-12) / max(real, 1e-12)) for real, sim in pairs])

    @property
    def loss(self) -> float:
        """Mean L1 plus the deviations of moments beyond the tolerance."""
        return float(np.mean(list(self.realism.values()))) + _excess(self.deviations)

    def residuals(self, half: int) -> Floats:
        """Deviations to bring to zero, in units of the tolerance in that half of the rounds."""
        near, near_l1 = _NEAR[half]
        scores = (np.array(list(self.realism.values())) - _AIM_L1) / near_l1
        laws, responses = self.shifts
        parts = [self.deviations / near, scores, laws / _NEAR_SHIFT, responses / _NEAR_RESPONSE]
        return np.asarray(np.concatenate(parts).clip(-_FARTHEST_OFF, _FARTHEST_OFF))


def _excess(deviations: Floats) -> float:
    return float(np.maximum(0.0, np.abs(deviations) - _TOLERANCE).sum())


def evaluate_market(measured: Measurements, config: MarketConfig, seconds: float, seed: int) -> Tuned:
    """Simulate a market for `seconds` [s] and compare it with the recordings.

    Raises ValueError and RuntimeError for a market that cannot be simulated or compared: a book without orders, say.
    """
    places = [(i, v, one) for i, venues in enumerate(measured.recorded.values()) for v, one in enumerate(venues.values())]
    books = [(i, v, one.about.levels) for i, v, one in places]
    # with nobody to decide anything, long steps change nothing but how often the log is read
    long = {"episode.step_seconds": _STEP_SECONDS, "episode.microsteps": round(_STEP_SECONDS / _MICROSTEP_SECONDS)}
    steps = list(simulate_books(override(config, long), seconds, books, seed=seed))
    by_venue: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    scores: dict[str, list[float]] = {}
    found: dict[str, list[dict[str, float]]] = {}
    shifts: list[tuple[Floats, Floats]] = []
    for k, (_, _, one) in enumerate(places):
        events = join_events([parts[k] for parts in steps])
        about = About("mm_env", one.about.symbol, one.about.venue, one.about.levels, one.tick)
        moments = moments_of([events], about, one.orders)
        by_venue[about.symbol, about.venue] = {name: (one.moments[name], value) for name, value in moments.items()}
        found.setdefault(about.symbol, []).append(moments)
        statistics = compared(events, one.tick, one.orders)
        realism = compare_markets(one.statistics, statistics, seed, resamples=2)
        shifts.append(shifts_of(one.statistics, statistics))
        scores.setdefault(about.symbol, []).append(realism.mean[0])
    moments_by_symbol = {
        symbol: {name: (measured.moments[symbol][name], value) for name, value in over_venues(parts).items()}
        for symbol, parts in found.items()
    }
    return Tuned(
        config, {}, moments_by_symbol, by_venue, {symbol: float(np.mean(one)) for symbol, one in scores.items()},
        (np.concatenate([laws for laws, _ in shifts]), np.concatenate([responses for _, responses in shifts])),
    )  # fmt: skip


class _Search:
    """Trials of values, by their logarithms' place in the ranges, (n,) from 0 to 1; the best of them is kept."""

    def __init__(
        self,
        measured: Measurements,
        seconds: float,
        on_trial: Callable[[int, float], None],
        stop: Callable[[], bool],
    ) -> None:
        self.measured, self.seconds, self.on_trial, self.stop = measured, seconds, on_trial, stop
        ranges = dict(SHARED)
        starts = {} if measured.orders else STARTS_OF_BOOKS
        own = OWN if measured.round_lots else OWN | OWN_SIZE
        for i in range(len(measured.symbols)):
            ranges |= {f"{name}.{i}": bounds for name, bounds in own.items()}
        self.names = list(ranges)
        first = np.log([starts.get(name.partition(".")[0], bounds[0]) for name, bounds in ranges.items()])
        self.low, self.high = (np.log([bounds[k] for bounds in ranges.values()]) for k in (1, 2))
        self.start = np.clip((first - self.low) / (self.high - self.low), _EDGE, 1.0 - _EDGE)
        self.losses: list[float] = []
        self.best: Tuned | None = None
        self.finalists: list[Tuned] = []
        self.rounds: list[tuple[Floats, Floats]] = []  # of the ensemble: members, and deviations of their moments

    def values(self, place: Floats) -> dict[str, float]:
        return dict(zip(self.names, np.exp(self.low + place * (self.high - self.low)).tolist(), strict=True))

    def place_of(self, values: dict[str, float]) -> Floats:
        at = (np.log([values[name] for name in self.names]) - self.low) / (self.high - self.low)
        return np.asarray(np.clip(at, _EDGE, 1.0 - _EDGE))

    def trial(self, place: Floats, seed: int) -> Tuned | None:
        """Simulate the market of a place; None where that fails."""
        found = _try_values(self.measured, self.values(place), self.seconds, seed)
        self.losses.append(_FAILED if found is None else found.loss)
        if found is not None:
            self.finalists = sorted([*self.finalists, found], key=lambda one: one.loss)[:_FINALISTS]
            self.best = self.finalists[0]
        self.on_trial(len(self.losses) - 1, self.best.loss if self.best else _FAILED)
        return found


def tune(
    measured: Measurements,
    trials: int,
    seconds: float,
    seed: int = 0,
    on_trial: Callable[[int, float], None] = lambda number, loss: None,
    stop: Callable[[], bool] = lambda: False,
) -> Tuned:
    """Best of `trials` markets, each simulated for `seconds` [s]; its figures are from a separate simulation.

    on_trial: called after each trial with its number and the least loss so far; stop: checked before each

    Raises RuntimeError where no market of them can be simulated.
    """
    search = _Search(measured, seconds, on_trial, stop)
    search.trial(search.start, seed)
    _ensemble(search, trials, seed)
    finals = [_try_values(measured, one.values, _LONGER * seconds, seed + _ANOTHER_SEED) for one in search.finalists]
    best = min((one for one in finals if one is not None), key=lambda one: one.loss, default=None)
    if best is None:
        raise RuntimeError(
            f"none of {len(search.losses)} markets could be simulated; expected recordings that resemble a market"
        )
    best = _settled(search, best, _SETTLING_LENGTH * seconds, seed + _ANOTHER_SEED) or best
    best.losses = search.losses
    return best


def _settled(search: _Search, best: Tuned, seconds: float, seed: int) -> Tuned | None:
    """The best after a few steps against what it is off on the average of several long simulations.

    An ensemble shares its random numbers, and fits what is accidental in them, too. Here the regression of its last rounds
    says which values to change for which moment; of the takers' rates, which are slow to show as they cluster, it is known:
    their mean is linear in the baseline.
    """
    measured, values = search.measured, best.values
    of_takers = np.array([name == "takers_per_second" for _ in measured.symbols for name in MOMENTS])
    rates = [search.names.index(f"taker_rate.{i}") for i in range(len(measured.symbols))]
    gain = np.zeros((int((~of_takers).sum()), len(search.names)))
    if search.rounds:
        members, off = (np.concatenate(parts) for parts in zip(*search.rounds[-_LAST_ROUNDS:], strict=True))
        members, off = members - members.mean(axis=0), off[:, ~of_takers] - off[:, ~of_takers].mean(axis=0)
        gain = np.linalg.solve(off.T @ off / len(off) + _TOLERANCE**2 * np.eye(off.shape[1]), off.T @ members / len(off))
        gain[:, rates] = 0.0
    found: list[tuple[float, dict[str, float]]] = []
    for number in range(_SETTLING):
        again = [
            None if search.stop() else _try_values(measured, values, seconds, seed + 1 + number * _SETTLING + k)
            for k in range(_SETTLING)
        ]
        simulated = [one for one in again if one is not None]
        if len(simulated) < _SETTLING:
            break
        mean = np.mean([one.deviations for one in simulated], axis=0)
        realism = float(np.mean([list(one.realism.values()) for one in simulated]))
        found.append((realism + _excess(mean), values))
        place = search.place_of(values)
        moved = np.log(place / (1.0 - place)) - np.clip(mean[~of_takers] @ gain, -_LONGEST_STEP, _LONGEST_STEP)
        corrected = search.values(1.0 / (1.0 + np.exp(-moved)))
        for i, index in enumerate(rates):
            corrected[search.names[index]] = values[search.names[index]] * float(np.exp(-mean[of_takers][i]))
        values = corrected
    return _try_values(measured, min(found, key=lambda one: one[0])[1], seconds, seed) if found else None


def _try_values(measured: Measurements, values: dict[str, float], seconds: float, seed: int) -> Tuned | None:
    """Simulate the market of these values; None where that fails: a book without orders, rates that explode."""
    try:
        found = evaluate_market(measured, market_of(measured, values), seconds, seed)
    except (ValueError, RuntimeError):
        return None
    found.values = values
    return found


def _ensemble(search: _Search, trials: int, seed: int) -> None:
    """Rounds of all members and of their mean, while `trials` allow a whole one."""
    rng = np.random.default_rng(seed)
    size = 2 * len(search.names)
    first = np.log(search.start / (1.0 - search.start))
    members = first + _SPREAD * rng.standard_normal((size, len(first)))
    rounds, least = (trials - 1) // (size + 1), size + 2
    if rounds == 0 and trials > 1:
        logger.warning("trials %d: expected %d or more, as a round of the ensemble needs; nothing is tuned", trials, least)
    for number in range(rounds):
        rows, residuals, deviations = [], [], []
        for member in members:
            if search.stop():
                return
            found = search.trial(1.0 / (1.0 + np.exp(-member)), seed)
            if found is not None:
                rows.append(member)
                residuals.append(found.residuals(int(2 * number >= rounds)))
                deviations.append(found.deviations)
        if len(rows) < 2:
            return
        search.rounds.append((np.array(rows), np.array(deviations)))
        moved = _moved(np.array(rows), np.array(residuals), rng)
        search.trial(1.0 / (1.0 + np.exp(-moved.mean(axis=0))), seed)
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
