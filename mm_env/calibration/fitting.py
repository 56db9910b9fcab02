"""Parameters of a market that resembles recordings, as far as they can be measured without a simulation.

Measured: the Hawkes process of the takers of all symbols together and how they choose sizes, sizes, placement distances,
correlation, prices, ticks, shares of the venues and the basis between them. In recordings without
individual orders, additions to levels stand for limit orders. The rest is tuned (tuning.py); fitted_market.py makes a
configuration of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.fills import fit_intensity
from mm_env.calibration.hawkes_fit import HawkesFit, select_hawkes
from mm_env.calibration.level_changes import level_changes, on_grid
from mm_env.calibration.moments import MOMENTS, SCALE_SECONDS, BookRecording, over_venues
from mm_env.calibration.prices import Mids, moves
from mm_env.calibration.takers import TouchShares, takers, touch_shares
from mm_env.calibration.venues import Basis, compare_venues
from mm_env.errors import DataError

_LEVELS_OF_SIZES, _LEVELS_OF_DISTANCES = 101, 65
_DEPTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # in spreads, from the mid


@dataclass(frozen=True, eq=False)
class Measurements:
    """Measurements that need no simulation; lists are in the order of the symbols.

    recorded: symbol -> venue -> its recording, the same venues for each symbol; moments: symbol -> moments over its venues
    sizes: (1010,) quantiles, in multiples of each symbol's median, which is `median_size` [units of the data]
    distances: (65,) quantiles, of the deepest recordings, in multiples of each symbol's mean, `mean_distance` [ticks]
    orders: whether the data has individual orders
    limit_rate: [1/s] limit orders, or additions to levels, over venues; taker_size: mean, in median sizes of limit orders
    taker_scale: of the baseline of `hawkes`, so that its stationary rate (I - N)^-1 mu is the recorded one
    touch: sizes of takers relative to the touch, means over books; its sizes (1010,) quantiles in multiples of each
    symbol's median size
    round_lots: whether most sizes are multiples of the median one
    venue_shares: venue -> share of the takers' volume; maker_shares: of what limit orders bring
    basis: venue -> its basis to the first one by symbol [currency]
    fill_rate, fill_decay: A [1/s] and k [1/currency] of the exponential law of fills, means over symbols (of k geometric)
    """

    recorded: dict[str, dict[str, BookRecording]]
    moments: dict[str, dict[str, float]]
    hawkes: HawkesFit
    sizes: NDArray[np.float64]
    median_size: list[float]
    distances: NDArray[np.float64]
    mean_distance: list[float]
    limit_rate: list[float]
    taker_scale: float
    taker_size: float
    touch: TouchShares
    orders: bool
    round_lots: bool
    correlation: float
    venue_shares: dict[str, float]
    maker_shares: dict[str, float]
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

    def first(self, symbol: str) -> BookRecording:
        """Recording of a symbol's first venue."""
        return next(iter(self.recorded[symbol].values()))


def measure(recorded: Sequence[BookRecording], exponentials: int = 3) -> Measurements:
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
            found = ", ".join(f"{name} {values[name]:g}" for name in MOMENTS)
            raise DataError(f"{symbol}: {found}; expected a recording in which each of these is above 0")
    time, side, size = _all_takers(table)
    fits = select_hawkes(time, side, float(time[-1]) + 1e-3, exponentials, "full")
    # a book of few levels shows the near orders alone: the law is that of the deepest recordings, in widths of each spread
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
    return Measurements(
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
        touch=_choices(table, median),
        orders=recorded[0].orders,
        round_lots=bool(np.mean(scaled == np.rint(scaled)) > 0.5),
        correlation=_correlation(list(firsts.values())),
        venue_shares=shares,
        maker_shares=_shares_of_makers(added, list(shares)),
        basis=basis,
        fill_rate=float(np.mean([fit.rate for fit in fills])),
        fill_decay=float(np.exp(np.mean(np.log([fit.decay for fit in fills])))),
    )


def _table(recorded: Sequence[BookRecording]) -> dict[str, dict[str, BookRecording]]:
    """Recordings by symbol and venue, the venues in order of first appearance."""
    venues = list(dict.fromkeys(one.about.venue for one in recorded))
    found: dict[str, dict[str, BookRecording]] = {}
    for one in recorded:
        found.setdefault(one.about.symbol, {})[one.about.venue] = one
    whole = sum(map(len, found.values())) == len(found) * len(venues) == len(recorded)
    if not recorded or not whole or len({one.orders for one in recorded}) > 1:
        names = ", ".join(f"{one.about.symbol} at {one.about.venue}" for one in recorded) or "none"
        raise DataError(
            f"records of {names}; expected different symbols, each once at every venue, all with orders or all without"
        )
    return {symbol: {venue: one[venue] for venue in venues} for symbol, one in found.items()}


def _added(one: BookRecording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
    table: Mapping[str, Mapping[str, BookRecording]],
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


def _choices(table: Mapping[str, Mapping[str, BookRecording]], median: Mapping[str, float]) -> TouchShares:
    """Sizes of the takers of all books, relative to the touch."""
    found = {
        (name, venue): touch_shares(one.pieces, one.about) for name, books in table.items() for venue, one in books.items()
    }
    count = [one.count for one in found.values()]
    shares = [(one.equal, one.beyond, one.whole, one.through) for one in found.values()]
    equal, beyond, whole, through = np.average(shares, axis=0, weights=count).tolist()
    sizes = np.concatenate([one.sizes / median[name] for (name, _), one in found.items()])
    weights = np.concatenate([one.weights for one in found.values()])
    if not len(sizes):  # all take the touch: what the others would is then never asked for
        sizes = weights = np.ones(1)
    order = np.argsort(sizes)
    sizes, weights = sizes[order], weights[order]
    at = (np.cumsum(weights) - 0.5 * weights) / weights.sum()
    quantiles = np.interp(np.linspace(0.0, 1.0, 10 * _LEVELS_OF_SIZES), at, sizes)
    return TouchShares(sum(count), equal, beyond, whole, through, quantiles, np.ones(len(quantiles)))


def _correlation(firsts: Sequence[BookRecording]) -> float:
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


def _venues(table: Mapping[str, Mapping[str, BookRecording]]) -> tuple[dict[str, float], dict[str, list[Basis]]]:
    """Shares of the takers' volume, means over symbols, and the basis to the first venue of each other one by symbol."""
    names = list(next(iter(table.values())))
    if len(names) == 1:
        return {names[0]: 1.0}, {}
    found = [compare_venues({venue: one.events for venue, one in venues.items()}) for venues in table.values()]
    shares = {venue: float(np.mean([one.volume[venue][0] for one in found])) for venue in names}
    return shares, {venue: [one.basis[venue] for one in found] for venue in names[1:]}


def _shares_of_makers(
    added: Mapping[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]], venues: Sequence[str]
) -> dict[str, float]:
    """Mean over symbols of each venue's share of the sizes that were added."""
    sums = np.array([[sizes.sum() for _, sizes in parts] for parts in added.values()])
    return dict(zip(venues, (sums / sums.sum(axis=1, keepdims=True)).mean(axis=0).tolist(), strict=True))
