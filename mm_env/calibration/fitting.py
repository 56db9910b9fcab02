"""A market that resembles recorded ones: what can be measured is measured, and the rest is tuned by simulation.

Measured: the Hawkes process of the takers of all symbols together, sizes, placement distances, correlation, prices, ticks.
Tuned (simulated method of moments; the sampler is CMA-ES): what has no closed form, as
the spread that makers, takers and cancels leave together. The loss is the mean L1 of the realism score over symbols and what
any of six moments of a symbol (spread, size at the touch, takers, limit orders, volatility, cancels) is off beyond 5 %.

Source: McFadden 1989; Duffie & Singleton 1993 (simulated moments); Hansen & Ostermeier 2001 (CMA-ES); Nagy et al. 2025.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.events import About, DataError, Events, join_events
from mm_env.calibration.fills import fit_intensity
from mm_env.calibration.hawkes_fit import HawkesFit, select_hawkes
from mm_env.calibration.prices import Mids, correlation, spread, volatility
from mm_env.calibration.realism import Statistics, compare_markets, half_of, statistics_of
from mm_env.calibration.summary import takers
from mm_env.config import MarketConfig
from mm_env.config.io import load_config
from mm_env.recording.market import simulate_books

Part = Literal["all", "odd", "even"]
MOMENTS = (
    "spread_ticks", "touch_size", "takers_per_second", "limit_orders_per_second", "volatility_bps",
    "cancels_per_limit_order",
)  # fmt: skip
_TOLERANCE = 0.05  # of the logarithm of a moment
_SCALE_SECONDS = 10.0  # of the volatility
_LEVELS_OF_SIZES, _LEVELS_OF_DISTANCES = 101, 65
_NEAREST, _FARTHEST = -5.0, 60.0  # [ticks] from the efficient price
_ROUND_LOT = 100  # shares
_UNUSUAL = 0.995  # share of sizes past which they are cut
_FAILED = 10.0
_DEPTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # in spreads, from the mid
_ROUNDS = 2  # of corrections, before the trials and after them
_SIGMA = 0.15  # of the sampler, in shares of the logarithms' ranges

# what is tuned for the market: start, low, high; and for each symbol, as multiples of what was measured
SHARED = {
    "informed_share": (0.33, 0.1, 1.0), "mispricing_scale_ticks": (4.6, 0.5, 40.0), "impact_kappa": (0.0008, 1e-5, 3e-2),
    "cancel_rate_per_second": (1.2, 0.02, 3.0), "queue_reaction": (0.25, 0.01, 2.0),
    "imbalance_reaction": (0.2, 0.05, 1.0), "stale_cancel_multiplier": (11.0, 1.0, 300.0),
    "taker_reach_ticks": (6.2, 1.0, 40.0), "burst_fast": (0.31, 0.05, 0.6), "burst_slow": (0.29, 0.05, 0.38),
    "burst_fast_decay": (760.0, 50.0, 20_000.0), "burst_slow_decay": (1.5, 0.3, 50.0), "size_tilt": (0.27, 0.2, 1.3),
    "distance_stretch": (0.54, 0.2, 2.0), "distance_shift_ticks": (1.1, 0.1, 12.0),
}  # fmt: skip
OWN = {
    "volatility": (0.88, 0.1, 2.5), "taker_rate": (0.98, 0.3, 2.5), "limit_rate": (0.96, 0.3, 2.0),
    "distance": (1.5, 0.4, 2.5), "size": (1.6, 0.2, 4.0),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recorded:
    """One symbol's events, with what is compared of them.

    moments: by name of MOMENTS; statistics: of the realism score
    """

    about: About
    events: Events
    tick: float
    moments: dict[str, float]
    statistics: Statistics

    @classmethod
    def of(cls, events: Events, about: About, part: Part = "all") -> Recorded:
        """Measure events, and compare those of a part of the blocks of time.

        Raises DataError where a moment cannot be measured, or the tick is not known.
        """
        if about.tick is None:
            raise DataError(f"{about.symbol or 'unnamed'}: no tick is known; allowed: events of a source that states it")
        statistics = statistics_of(events, about.tick)
        compared = statistics if part == "all" else half_of(statistics, part)
        return cls(about, events, about.tick, moments_of(events, about, about.tick), compared)


def moments_of(events: Events, about: About, tick: float) -> dict[str, float]:
    """The six moments; that of sizes is their geometric mean [units of the data], as a few huge orders would rule another.

    Raises DataError where one cannot be measured.
    """
    seconds = float(events.time[-1] - events.time[0]) * 1e-9
    limits = int((events.kind == "limit").sum())
    if limits == 0 or seconds <= 0.0:
        raise DataError(f"{about.symbol}: {limits} limit orders in {seconds:g} s; allowed: a record of orders that lasts")
    lasted = np.diff(events.time).astype(np.float64)
    sizes = np.stack([events.bid_sizes[:-1, 0], events.ask_sizes[:-1, 0]])
    shown = sizes > 0.0
    time, _, _ = takers(events, about)
    mids = Mids.of(events)
    return {
        "spread_ticks": spread(events, tick).mean_ticks,
        "touch_size": float(np.exp(np.average(np.log(sizes[shown]), weights=np.broadcast_to(lasted, sizes.shape)[shown]))),
        "takers_per_second": len(time) / seconds,
        "limit_orders_per_second": limits / seconds,
        "volatility_bps": volatility(mids, _SCALE_SECONDS, int(events.time[0]), int(events.time[-1]))[0],
        "cancels_per_limit_order": float((events.kind == "delete").sum()) / limits,
    }


@dataclass(frozen=True, eq=False)
class Measured:
    """What needs no simulation; arrays over symbols in their order.

    distances: (65,) quantiles, of the deepest records, in multiples of each symbol's mean, `mean_distance` [ticks]
    fill_rate, fill_decay: A [1/s] and k [1/currency] of the exponential law of fills, means over symbols
    sizes: (1010,) quantiles, in multiples of each symbol's median, which is `median_size` [units of the data]
    """

    recorded: list[Recorded]
    hawkes: HawkesFit
    sizes: NDArray[np.float64]
    median_size: list[float]
    distances: NDArray[np.float64]
    mean_distance: list[float]
    limit_rate: list[float]
    taker_size: float
    correlation: float
    fill_rate: float
    fill_decay: float


def measure(recorded: list[Recorded], exponentials: int = 3) -> Measured:
    """Measure all symbols together; exponentials: of the Hawkes kernels, at most, the BIC chooses.

    Raises DataError for none, for other venues than one, and for records apart."""
    if (
        not recorded
        or len({one.about.venue for one in recorded}) > 1
        or len({r.about.symbol for r in recorded}) < len(recorded)
    ):
        names = ", ".join(f"{one.about.symbol} at {one.about.venue}" for one in recorded) or "none"
        raise DataError(f"records of {names}; allowed: different symbols at one venue")
    start = min(int(one.events.time[0]) for one in recorded)
    end = max(int(one.events.time[-1]) for one in recorded)
    times, dims, sizes, distances, scaled = [], [], [], [], []
    volume: list[float] = []
    for index, one in enumerate(recorded):
        time, side, size = takers(one.events, one.about)
        times.append((time - start) * 1e-9)
        dims.append(2 * index + (1 - side))  # buys first, as a market's configuration has them
        e = one.events
        rows = np.flatnonzero(e.kind == "limit")
        rows = rows[rows > 0]
        mid = 0.5 * (e.bid_prices[rows - 1, 0] + e.ask_prices[rows - 1, 0])
        away = e.side[rows] * (mid - e.price[rows]) / one.tick
        distances.append(away[np.isfinite(away)])
        sizes.append(e.size[rows])
        median = float(np.median(e.size[rows]))
        scaled.append(e.size[rows] / median)
        volume.append(float(size.mean()) / median)
    order = np.argsort(np.concatenate(times), kind="stable")
    fits = select_hawkes(
        np.concatenate(times)[order], np.concatenate(dims)[order], (end - start) * 1e-9, exponentials, "full"
    )
    # a book of few levels shows the near orders alone: the law is that of the deepest records, in widths of each spread
    levels = [one.events.bid_prices.shape[1] for one in recorded]
    width = [one.moments["spread_ticks"] for one in recorded]
    deep = [k for k, count in enumerate(levels) if count == max(levels)]
    spreads_away = float(np.mean([np.mean(distances[k]) / width[k] for k in deep]))
    mean_distance = [float(np.mean(distances[k])) if k in deep else spreads_away * width[k] for k in range(len(recorded))]
    pooled = np.concatenate([distances[k] / mean_distance[k] for k in deep])
    both = [Mids.of(one.events) for one in recorded]
    related = [correlation(both[a], both[b], _SCALE_SECONDS)[0] for a in range(len(both)) for b in range(a)]
    fills = [
        fit_intensity(one.events, [share * one.moments["spread_ticks"] * one.tick for share in _DEPTHS]) for one in recorded
    ]
    seconds = [float(one.events.time[-1] - one.events.time[0]) * 1e-9 for one in recorded]
    return Measured(
        recorded=recorded,
        hawkes=min(fits, key=lambda fit: fit.bic),
        sizes=np.quantile(np.concatenate(scaled), np.linspace(0.0, 1.0, 10 * _LEVELS_OF_SIZES)),
        median_size=[float(np.median(values)) for values in sizes],
        distances=np.quantile(pooled, np.linspace(0.0, 1.0, _LEVELS_OF_DISTANCES)),
        mean_distance=mean_distance,
        limit_rate=[len(values) / span for values, span in zip(sizes, seconds, strict=True)],
        taker_size=float(np.mean(volume)),
        correlation=float(np.mean(related)) if related else 0.0,
        fill_rate=float(np.mean([fit.rate for fit in fills])),
        fill_decay=float(np.mean([fit.decay for fit in fills])),
    )


def market_of(measured: Measured, x: Mapping[str, float]) -> MarketConfig:
    """The market of what was measured and of tuned values, `x` by name (NAME, or NAME.i of symbol i).

    Raises ConfigError where they do not make one.
    """
    m = measured
    first = m.recorded[0]
    rate = [0.5 * m.limit_rate[i] * x[f"limit_rate.{i}"] for i in range(len(m.recorded))]
    unit = m.median_size[0]  # [lots of a share] of the first symbol; the others' lots are scaled to it
    u = np.linspace(0.0, 1.0, _LEVELS_OF_SIZES) ** x["size_tilt"] * _UNUSUAL
    sizes = np.interp(u, np.linspace(0.0, 1.0, len(m.sizes)), m.sizes) * x["size.0"]
    process = m.hawkes.process
    activity = [one / rate[0] for one in rate]
    symbols = [
        {
            "name": one.about.symbol,
            "start_price": float(Mids.of(one.events).price[0]),
            "tick_size": one.tick,
            "lot_size": m.median_size[i] / unit * x[f"size.{i}"] / x["size.0"],
            "volatility_bps_per_sqrt_second": one.moments["volatility_bps"] * x[f"volatility.{i}"],
            "activity": activity[i],
            "distance_multiplier": x[f"distance.{i}"] * m.mean_distance[i] / (x["distance.0"] * m.mean_distance[0]),
            "quote_size": max(1, round(unit)),
            "inventory_limit": max(1, round(10 * unit)),
        }
        for i, one in enumerate(m.recorded)
    ]
    baseline = [
        float(process.baseline[2 * i + side]) * x[f"taker_rate.{i}"] / activity[i]
        for i in range(len(m.recorded))
        for side in range(2)
    ]
    far = np.clip(
        (m.distances * x["distance_stretch"] * m.mean_distance[0] + x["distance_shift_ticks"]) * x["distance.0"],
        _NEAREST,
        _FARTHEST,
    )
    return load_config(
        {
            "symbols": symbols,
            "correlation": min(0.95, max(0.0, m.correlation)),
            "venues": [{"name": first.about.venue or "venue", "maker_fee_bps": 0.0, "taker_fee_bps": 0.0}],
            "news": {"source": "none"},
            "regimes": [{"name": "day"}],
            "flow": {
                "hawkes_mu": [_short(value) for value in baseline],
                "hawkes_alpha": [[[_short(value) for value in row] for row in jump] for jump in process.jump],
                "hawkes_beta": [_short(value) for value in process.decay],
                "taker_size_mean_lots": max(1.0, m.taker_size * unit),
                "taker_size_exponent": 2.0,
                "taker_size_max_lots": max(2, round(50 * unit * m.taker_size)),
                "taker_reach_ticks": round(x["taker_reach_ticks"]),
                "informed_share": x["informed_share"],
                "mispricing_scale_ticks": x["mispricing_scale_ticks"],
                "impact_kappa": x["impact_kappa"],
                "parents": {"rate_per_second": 0.0},
                "makers": {
                    "limit_rate_per_second": rate[0],
                    "cancel_rate_per_second": x["cancel_rate_per_second"],
                    "size_quantiles_lots": [int(v) for v in np.clip(np.rint(sizes * unit), 1, 65_535)],
                    "placement_quantiles_ticks": [_short(value) for value in far],
                    "round_lot_lots": _ROUND_LOT if unit >= _ROUND_LOT else 1,
                    "burst_shares": [x["burst_fast"], x["burst_slow"]],
                    "burst_decays_per_second": [x["burst_fast_decay"], x["burst_slow_decay"]],
                    "queue_reaction": x["queue_reaction"],
                    "imbalance_reaction": x["imbalance_reaction"],
                    "stale_cancel_multiplier": x["stale_cancel_multiplier"],
                },
            },
            "policy": {
                "as_k": m.fill_decay,
                "as_A": m.fill_rate * max(1.0, m.taker_size * unit),
                "min_tick": first.tick,
                "max_tick": 5.0 * first.tick,
            },
        }
    )


def _short(value: float) -> float:
    return float(f"{value:.5g}")


# by which power of (recorded / simulated) a symbol's value is corrected for one of its moments
_ANSWERS = {"volatility": ("volatility_bps", 0.7), "taker_rate": ("takers_per_second", 0.8),
            "limit_rate": ("limit_orders_per_second", 0.7),
            "distance": ("spread_ticks", 0.8), "size": ("touch_size", 0.6)}  # fmt: skip


def settle(measured: Measured, x: dict[str, float], rounds: int, seconds: float, seed: int) -> Tuned:
    """Correct each symbol's own values by what its moments are off, round by round; the best of the rounds.

    Raises what the first market raises that cannot be simulated.
    """
    best: Tuned | None = None
    for _ in range(rounds):
        found = judge(measured, market_of(measured, x), seconds, seed)
        found.values = dict(x)
        if best is None or found.loss < best.loss:
            best = found
        for i, one in enumerate(measured.recorded):
            for name, (moment, power) in _ANSWERS.items():
                real, sim = found.moments[one.about.symbol][moment]
                _, low, high = OWN[name]
                x[f"{name}.{i}"] = float(np.clip(x[f"{name}.{i}"] * (real / max(sim, 1e-12)) ** power, low, high))
    assert best is not None
    return best


@dataclass
class Tuned:
    """The best market, its moments by symbol beside the recorded ones, and the losses of all trials.

    moments: symbol -> name -> (recorded, simulated); realism: symbol -> mean L1
    """

    config: MarketConfig
    values: dict[str, float]
    moments: dict[str, dict[str, tuple[float, float]]]
    realism: dict[str, float]
    loss: float
    losses: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """Largest relative deviation of a moment."""
        return max(abs(sim / real - 1.0) for names in self.moments.values() for real, sim in names.values())


def judge(measured: Measured, config: MarketConfig, seconds: float, seed: int) -> Tuned:
    """Simulate a market and compare it with what was recorded; an impossible one has a loss of 10 or more."""
    moments: dict[str, dict[str, tuple[float, float]]] = {}
    realism: dict[str, float] = {}
    excess = 0.0
    books = [(i, 0, one.events.bid_prices.shape[1]) for i, one in enumerate(measured.recorded)]
    steps = list(simulate_books(config, seconds, books, seed=seed))
    for i, (one, (_, _, levels)) in enumerate(zip(measured.recorded, books, strict=True)):
        events = join_events([parts[i] for parts in steps])
        about = About("mm_env", one.about.symbol, one.about.venue, levels, one.tick)
        found = moments_of(events, about, one.tick)
        moments[one.about.symbol] = {name: (one.moments[name], found[name]) for name in MOMENTS}
        away = [abs(np.log(max(found[name], 1e-12) / one.moments[name])) for name in MOMENTS]
        excess += sum(max(0.0, gap - _TOLERANCE) for gap in away)
        statistics = statistics_of(events, one.tick)
        realism[one.about.symbol] = compare_markets(one.statistics, statistics, seed, resamples=2).mean[0]
    loss = float(np.mean(list(realism.values()))) + excess
    return Tuned(config, {}, moments, realism, loss)


def tune(
    measured: Measured,
    trials: int,
    seconds: float,
    seed: int = 0,
    told: Callable[[int, float], None] = lambda number, loss: None,
    stop: Callable[[], bool] = lambda: False,
) -> Tuned:
    """The best of `trials` markets, each simulated for `seconds` [s] on the same random numbers.

    told: called after each trial with its number and the least loss so far; stop: asked before each

    Raises DataError where not even the first market can be simulated.
    """
    from cmaes import CMA

    ranges = dict(SHARED)
    for i in range(len(measured.recorded)):
        ranges |= {f"{name}.{i}": bounds for name, bounds in OWN.items()}
    best = settle(measured, {name: first for name, (first, _, _) in ranges.items()}, _ROUNDS, seconds, seed)
    low, high = (np.log([bounds[k] for bounds in ranges.values()]) for k in (1, 2))
    mean = (np.log([best.values[name] for name in ranges]) - low) / (high - low)
    box = np.tile([0.0, 1.0], (len(ranges), 1))
    sampler = CMA(mean=np.clip(mean, 0.01, 0.99), sigma=_SIGMA, bounds=box, seed=seed + 1)
    losses: list[float] = []
    asked: list[tuple[Any, float]] = []
    for number in range(trials):
        if stop():
            break
        place = sampler.ask()
        x = dict(zip(ranges, np.exp(low + place * (high - low)).tolist(), strict=True))
        try:
            found = judge(measured, market_of(measured, x), seconds, seed)
        except (ValueError, RuntimeError):  # a book without orders, a market that explodes
            found = None
        losses.append(_FAILED if found is None else found.loss)
        asked.append((place, losses[-1]))
        if len(asked) == sampler.population_size:
            sampler.tell(asked)
            asked = []
        if found is not None and found.loss < best.loss:
            found.values = x
            best = found
        told(number, best.loss)
    last = settle(measured, dict(best.values), _ROUNDS, seconds, seed)
    best = last if last.loss < best.loss else best
    best.losses = losses
    return best
