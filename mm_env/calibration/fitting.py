"""A market that resembles recorded ones: what can be measured is measured here; the rest is tuned (see tuning.py).

Measured: the Hawkes process of the takers of all symbols together, sizes, placement distances, correlation, prices, ticks,
shares of the venues and the basis between them. Of records that tell no orders what is added to the levels stands for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.calibration.events import DataError
from mm_env.calibration.fills import fit_intensity
from mm_env.calibration.hawkes_fit import HawkesFit, select_hawkes
from mm_env.calibration.level_changes import level_changes, on_grid
from mm_env.calibration.moments import MOMENTS, SCALE_SECONDS, Recorded, over_venues
from mm_env.calibration.prices import Mids, moves
from mm_env.calibration.summary import takers
from mm_env.calibration.venues import Basis, compare_venues
from mm_env.config import MarketConfig
from mm_env.config.agent import Policy, Risk
from mm_env.config.io import load_config

_LEVELS_OF_SIZES, _LEVELS_OF_DISTANCES = 101, 65
_NEAREST, _FARTHEST = -5.0, 60.0  # [ticks] from the efficient price
_UNIT = 100  # lots of the median limit order
_LIMIT = 10 * _UNIT  # lots of the position's limit
_UNUSUAL = 0.995  # share of sizes past which they are cut
_MOST_LOTS = 65_535
_MOST_CORRELATED = 0.95  # or, against each other, that share of what so many symbols can be
_DEPTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # in spreads, from the mid

# what is tuned for the market: start, low, high; and for each symbol, as multiples of what was measured
SHARED = {
    "informed_share": (0.2, 0.1, 1.0), "mispricing_scale_ticks": (1.4, 0.3, 40.0), "impact_kappa": (0.0018, 1e-5, 3e-2),
    "cancel_rate_per_second": (0.27, 0.02, 20.0), "queue_reaction": (0.21, 0.01, 2.0),
    "imbalance_reaction": (0.78, 0.05, 1.0), "stale_cancel_multiplier": (3.0, 1.0, 300.0),
    "taker_reach_ticks": (15.0, 1.0, 60.0), "burst_fast": (0.54, 0.05, 0.6), "burst_slow": (0.34, 0.05, 0.38),
    "burst_fast_decay": (530.0, 50.0, 20_000.0), "burst_slow_decay": (0.94, 0.3, 50.0), "size_tilt": (0.3, 0.15, 2.0),
    "distance_stretch": (0.51, 0.03, 2.0), "distance_shift_ticks": (6.2, 0.05, 12.0),
}  # fmt: skip
OWN = {
    "volatility": (0.9, 0.02, 3.0), "taker_rate": (1.05, 0.4, 1.5), "limit_rate": (1.0, 0.3, 10.0),
    "distance": (0.85, 0.2, 6.0),
}  # fmt: skip
STARTS_OF_BOOKS = {
    "informed_share": 0.15,
    "mispricing_scale_ticks": 2.0,
    "impact_kappa": 0.0004,
    "cancel_rate_per_second": 2.0,
    "queue_reaction": 0.6,
    "stale_cancel_multiplier": 8.0,
    "taker_reach_ticks": 3.0,
    "burst_fast": 0.49,
    "burst_slow": 0.3,
    "burst_fast_decay": 280.0,
    "burst_slow_decay": 2.0,
    "size_tilt": 0.5,
    "distance_stretch": 0.2,
    "distance_shift_ticks": 0.15,
    "volatility": 0.3,
    "taker_rate": 0.8,
    "limit_rate": 3.2,
    "distance": 0.5,
}  # where no orders are told, and the spread is a tick; fmt: skip
OWN_SIZE = {"size": (1.0, 0.2, 6.0)}  # of symbols whose sizes come in no round lots, which scaling would blur


@dataclass(frozen=True, eq=False)
class Measured:
    """What needs no simulation; lists over symbols in their order.

    recorded: symbol -> venue -> its record, the same venues for each symbol; moments: symbol -> those over its venues
    sizes: (1010,) quantiles, in multiples of each symbol's median, which is `median_size` [units of the data]
    distances: (65,) quantiles, of the deepest records, in multiples of each symbol's mean, `mean_distance` [ticks]
    orders: whether orders are told
    limit_rate: [1/s] limit orders, or additions to levels, over venues; taker_size: mean, in median sizes of limit orders
    taker_scale: of the baseline of `hawkes`, so that its stationary rate (I - N)^-1 mu is the recorded one
    round_lots: whether most sizes are multiples of the median one
    venue_shares: venue -> share of the takers' volume; basis: venue -> its basis to the first one by symbol [currency]
    fill_rate, fill_decay: A [1/s] and k [1/currency] of the exponential law of fills, means over symbols (of k geometric)
    """

    recorded: dict[str, dict[str, Recorded]]
    moments: dict[str, dict[str, float]]
    hawkes: HawkesFit
    sizes: NDArray[np.float64]
    median_size: list[float]
    distances: NDArray[np.float64]
    mean_distance: list[float]
    limit_rate: list[float]
    taker_scale: float
    taker_size: float
    orders: bool
    round_lots: bool
    correlation: float
    venue_shares: dict[str, float]
    basis: dict[str, list[Basis]]
    fill_rate: float
    fill_decay: float

    @property
    def symbols(self) -> list[str]:
        """Names of the symbols."""
        return list(self.recorded)

    @property
    def venues(self) -> list[str]:
        """Names of the venues."""
        return list(self.venue_shares)

    def first(self, symbol: str) -> Recorded:
        """The record of a symbol's first venue."""
        return next(iter(self.recorded[symbol].values()))


def measure(recorded: Sequence[Recorded], exponentials: int = 3) -> Measured:
    """Measure all symbols together; exponentials: of the Hawkes kernels, at most, the BIC chooses.

    Raises DataError for none, for symbols that are not all recorded at the same venues, for some with orders and some
    without, and for a moment that is not above 0, as markets are compared by logarithms.
    """
    table = _table(recorded)
    added = {symbol: [_added(one) for one in venues.values()] for symbol, venues in table.items()}
    distances = {symbol: np.concatenate([d for d, _ in parts]) for symbol, parts in added.items()}
    sizes = {symbol: np.concatenate([s for _, s in parts]) for symbol, parts in added.items()}
    median = {symbol: float(np.median(values)) for symbol, values in sizes.items()}
    moments = {symbol: over_venues([one.moments for one in venues.values()]) for symbol, venues in table.items()}
    for symbol, values in moments.items():
        if not all(values[name] > 0.0 for name in MOMENTS):
            told = ", ".join(f"{name} {values[name]:g}" for name in MOMENTS)
            raise DataError(f"{symbol}: {told}; allowed: a record in which each of these is above 0")
    time, side, size = _all_takers(table)
    fits = select_hawkes(time, side, float(time[-1]) + 1e-3, exponentials, "full")
    # a book of few levels shows the near orders alone: the law is that of the deepest records, in widths of each spread
    firsts = {symbol: next(iter(venues.values())) for symbol, venues in table.items()}
    levels = {symbol: one.about.levels for symbol, one in firsts.items()}
    deep = [symbol for symbol, count in levels.items() if count == max(levels.values())]
    width = {symbol: values["spread_ticks"] for symbol, values in moments.items()}
    away = float(np.mean([distances[symbol].mean() / width[symbol] for symbol in deep]))
    mean_distance = {symbol: float(distances[symbol].mean()) if symbol in deep else away * width[symbol] for symbol in table}
    fills = [
        fit_intensity(one.events, [share * width[symbol] * one.tick for share in _DEPTHS]) for symbol, one in firsts.items()
    ]
    process = min(fits, key=lambda fit: fit.bic).process
    scaled = np.concatenate([values / median[symbol] for symbol, values in sizes.items()])
    shares, basis = _venues(table)
    return Measured(
        recorded=table,
        moments=moments,
        hawkes=min(fits, key=lambda fit: fit.bic),
        sizes=np.quantile(scaled, np.linspace(0.0, 1.0, 10 * _LEVELS_OF_SIZES)),
        median_size=list(median.values()),
        distances=np.quantile(
            np.concatenate([distances[symbol] / mean_distance[symbol] for symbol in deep]),
            np.linspace(0.0, 1.0, _LEVELS_OF_DISTANCES),
        ),
        mean_distance=list(mean_distance.values()),
        limit_rate=[len(sizes[symbol]) / firsts[symbol].seconds for symbol in table],
        taker_scale=len(time) / float(time[-1]) / float(process.rates.sum()),
        taker_size=float(np.mean([size[symbol].mean() / median[symbol] for symbol in table])),
        orders=recorded[0].orders,
        round_lots=bool(np.mean(scaled == np.rint(scaled)) > 0.5),
        correlation=_correlation(list(firsts.values())),
        venue_shares=shares,
        basis=basis,
        fill_rate=float(np.mean([fit.rate for fit in fills])),
        fill_decay=_middle([fit.decay for fit in fills]),
    )


def _table(recorded: Sequence[Recorded]) -> dict[str, dict[str, Recorded]]:
    """Records by symbol and venue, the venues in the order in which they first come."""
    venues = list(dict.fromkeys(one.about.venue for one in recorded))
    found: dict[str, dict[str, Recorded]] = {}
    for one in recorded:
        found.setdefault(one.about.symbol, {})[one.about.venue] = one
    whole = sum(map(len, found.values())) == len(found) * len(venues) == len(recorded)
    if not recorded or not whole or len({one.orders for one in recorded}) > 1:
        names = ", ".join(f"{one.about.symbol} at {one.about.venue}" for one in recorded) or "none"
        raise DataError(
            f"records of {names}; allowed: different symbols, each once at every venue, all with orders or all without"
        )
    return {symbol: {venue: one[venue] for venue in venues} for symbol, one in found.items()}


def _added(one: Recorded) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances from the mid [ticks] and sizes of limit orders, or of what was added to levels."""
    if not one.orders:
        changes = [level_changes(on_grid(piece), one.tick) for piece in one.pieces]
        return (
            np.concatenate([change.distance[change.size > 0.0] for change in changes]),
            np.concatenate([change.added for change in changes]),
        )
    e = one.events
    rows = np.flatnonzero(e.kind == "limit")
    rows = rows[rows > 0]
    mid = 0.5 * (e.bid_prices[rows - 1, 0] + e.ask_prices[rows - 1, 0])
    away = e.side[rows] * (mid - e.price[rows]) / one.tick
    known = np.isfinite(away)
    return away[known], e.size[rows][known]


def _all_takers(
    table: Mapping[str, Mapping[str, Recorded]],
) -> tuple[NDArray[np.float64], NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Times [s] of all takers in order, 2 x symbol + side (buys first, as a configuration has them); sizes by symbol.

    Blocks of time that are left out are cut out of the times.
    """
    everyone = [one for venues in table.values() for one in venues.values()]
    blocks = [
        (min(int(one.pieces[k].time[0]) for one in everyone), max(int(one.pieces[k].time[-1]) for one in everyone))
        for k in range(min(len(one.pieces) for one in everyone))
    ]
    times, dims, sizes = [], [], {}
    for index, (symbol, venues) in enumerate(table.items()):
        found = []
        for one in venues.values():
            offset = 0.0
            for piece, (start, end) in zip(one.pieces, blocks, strict=False):
                time, side, size = takers(piece, one.about)
                times.append(offset + (time - start) * 1e-9)
                dims.append(2 * index + (1 - side))
                found.append(size)
                offset += (end - start) * 1e-9
        sizes[symbol] = np.concatenate(found)
    order = np.argsort(np.concatenate(times), kind="stable")
    return np.concatenate(times)[order], np.concatenate(dims)[order], sizes


def _correlation(firsts: Sequence[Recorded]) -> float:
    """Mean over pairs of symbols of the correlation of their moves, each piece of time by itself."""
    pairs = []
    for a in range(len(firsts)):
        for b in range(a):
            x, y = [], []
            for one, other in zip(firsts[a].pieces, firsts[b].pieces, strict=False):
                mids = [Mids.of(one), Mids.of(other)]
                start, end = max(int(m.time[0]) for m in mids), min(int(m.time[-1]) for m in mids)
                x.append(moves(mids[0], SCALE_SECONDS, start, end))
                y.append(moves(mids[1], SCALE_SECONDS, start, end))
            pairs.append(np.corrcoef(np.concatenate(x), np.concatenate(y))[0, 1])
    return float(np.mean(pairs)) if pairs else 0.0


def _venues(table: Mapping[str, Mapping[str, Recorded]]) -> tuple[dict[str, float], dict[str, list[Basis]]]:
    """Shares of the takers' volume, means over symbols, and the basis to the first venue of each other one by symbol."""
    names = list(next(iter(table.values())))
    if len(names) == 1:
        return {names[0]: 1.0}, {}
    found = [compare_venues({venue: one.events for venue, one in venues.items()}) for venues in table.values()]
    shares = {venue: float(np.mean([one.volume[venue][0] for one in found])) for venue in names}
    return shares, {venue: [one.basis[venue] for one in found] for venue in names[1:]}


def market_of(measured: Measured, x: Mapping[str, float]) -> MarketConfig:
    """The market of what was measured and of tuned values, `x` by name (NAME, or NAME.i of symbol i).

    Raises ConfigError where they do not make one.
    """
    m = measured
    count = range(len(m.symbols))
    rate = [0.5 * m.limit_rate[i] * x[f"limit_rate.{i}"] for i in count]
    activity = [one / rate[0] for one in rate]
    process = m.hawkes.process
    symbols = [
        {
            "name": name,
            "start_price": float(Mids.of(m.first(name).pieces[0]).price[0]),
            "tick_size": m.first(name).tick,
            "lot_size": _short(m.median_size[i] / _UNIT * x.get(f"size.{i}", 1.0) / x.get("size.0", 1.0)),
            "volatility_bps_per_sqrt_second": m.moments[name]["volatility_bps"] * x[f"volatility.{i}"],
            "activity": activity[i],
            "distance_multiplier": x[f"distance.{i}"] * m.mean_distance[i] / (x["distance.0"] * m.mean_distance[0]),
            "quote_size": _UNIT,
            "inventory_limit": _LIMIT,
        }
        for i, name in enumerate(m.symbols)
    ]
    scale = m.taker_scale * np.repeat([x[f"taker_rate.{i}"] / activity[i] for i in count], 2)
    baseline = np.asarray(process.baseline) * scale
    return load_config(
        {
            "symbols": symbols,
            "correlation": min(_MOST_CORRELATED, max(-_MOST_CORRELATED / max(1, len(m.symbols) - 1), m.correlation)),
            "venues": _venues_of(m),
            "news": {"source": "none"},
            "regimes": [{"name": "day"}],
            "flow": {
                "hawkes_mu": [_short(value) for value in baseline],
                "hawkes_alpha": [[[_short(value) for value in row] for row in jump] for jump in process.jump],
                "hawkes_beta": [_short(value) for value in process.decay],
                "taker_size_mean_lots": max(1.0, m.taker_size * _UNIT),
                "taker_size_exponent": 2.0,
                "taker_size_max_lots": max(2, round(50 * _UNIT * m.taker_size)),
                "taker_reach_ticks": round(x["taker_reach_ticks"]),
                "informed_share": x["informed_share"],
                "mispricing_scale_ticks": x["mispricing_scale_ticks"],
                "impact_kappa": x["impact_kappa"],
                "parents": {"rate_per_second": 0.0},
                "makers": _makers_of(m, x, rate[0]),
            },
            **_desk_of(m, [float(str(one["lot_size"])) for one in symbols]),
        }
    )


def _desk_of(m: Measured, lots: Sequence[float]) -> dict[str, dict[str, object]]:
    """The market maker, in proportion to the market: a position at its limit moves quotes by a spread, and the VaR limit is
    that of half the limits of all symbols.

    lots: [units of the data] of each symbol
    """
    horizon, risk = Policy().as_T, Risk()
    names, ticks = m.symbols, [m.first(name).tick for name in m.symbols]
    spread = np.array([m.moments[name]["spread_ticks"] for name in names]) * ticks
    bps = np.array([m.moments[name]["volatility_bps"] for name in names])
    sigma = 1e-4 * bps * [float(Mids.of(m.first(name).pieces[0]).price[0]) for name in names]  # currency a share, sqrt(s)
    held = 0.5 * _LIMIT * np.array(lots) * sigma
    variance = float((1.0 - m.correlation) * (held**2).sum() + m.correlation * held.sum() ** 2) * risk.var_horizon_seconds
    return {
        "policy": {
            "as_gamma": _short(_middle(spread / (_LIMIT * sigma**2 * horizon))),
            "as_k": _short(m.fill_decay),
            "as_A": _short(m.fill_rate * max(1.0, m.taker_size * _UNIT)),
            "min_tick": ticks[0],
            "max_tick": ticks[0] * max(1, 2 ** int(np.log2(max(1.0, 0.5 * spread[0] / ticks[0])))),
            "hedge_action_lots": _UNIT,
            "absolute_max_ticks": max(10.0, _short(2.0 * float(spread[0]) / ticks[0])),
        },
        "risk": {
            "portfolio_var_limit": _short(NormalDist().inv_cdf(risk.var_conf) * variance**0.5),
            "prior_volatility_bps_per_sqrt_second": _short(float(bps.mean())),
        },
    }


def _venues_of(m: Measured) -> list[dict[str, object]]:
    ticks = {
        venue: float(np.mean([b.median / m.first(name).tick for b, name in zip(found, m.symbols, strict=True)]))
        for venue, found in m.basis.items()
    }
    return [
        {"name": venue or "venue", "liquidity_share": _short(share), "price_basis_ticks": round(ticks.get(venue, 0.0)),
         "maker_fee_bps": 0.0, "taker_fee_bps": 0.0}
        for venue, share in m.venue_shares.items()
    ]  # fmt: skip


def _makers_of(m: Measured, x: Mapping[str, float], rate: float) -> dict[str, object]:
    u = np.linspace(0.0, 1.0, _LEVELS_OF_SIZES) ** x["size_tilt"] * _UNUSUAL
    sizes = np.interp(u, np.linspace(0.0, 1.0, len(m.sizes)), m.sizes) * x.get("size.0", 1.0) * _UNIT
    far = (m.distances * x["distance_stretch"] * m.mean_distance[0] + x["distance_shift_ticks"]) * x["distance.0"]
    return {
        "limit_rate_per_second": rate,
        "cancel_rate_per_second": x["cancel_rate_per_second"],
        "size_quantiles_lots": [int(value) for value in np.clip(np.rint(sizes), 1, _MOST_LOTS)],
        "placement_quantiles_ticks": [_short(value) for value in np.clip(far, _NEAREST, _FARTHEST)],
        "round_lot_lots": _UNIT if m.round_lots else 1,
        "burst_shares": [x["burst_fast"], x["burst_slow"]],
        "burst_decays_per_second": [x["burst_fast_decay"], x["burst_slow_decay"]],
        "queue_reaction": x["queue_reaction"],
        "imbalance_reaction": x["imbalance_reaction"],
        "stale_cancel_multiplier": x["stale_cancel_multiplier"],
    }


def _middle(values: ArrayLike) -> float:
    """Geometric mean, of what differs between symbols by their prices."""
    return float(np.exp(np.mean(np.log(values))))


def _short(value: float) -> float:
    return float(f"{value:.5g}")
