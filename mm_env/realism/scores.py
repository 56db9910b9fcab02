"""How far a market's distributions are from a real one's, in the manner of LOB-Bench.

Each statistic is binned by the real market's values: bins of the width of Freedman and Diaconis (of a whole number of ticks
or levels, where that is what it counts) between the 0.1 and 99.9 % quantiles; the outermost hold what is beyond. L1 is half
the sum of the absolute differences of the two histograms, 0 for equal and 1 for disjoint ones; Wasserstein's distance is in
real standard deviations. A conditional statistic is compared within thirds of the real market's condition, weighted by their
real shares. The response of the mid to an event is a curve over the events after it; its L1 is the sum of the absolute
differences over the sum of both sizes. Errors are those of resampled blocks of time.

Source: Nagy et al. 2025, LOB-Bench: benchmarking generative AI for finance; Eisler, Bouchaud & Kockelkoren 2012 (responses
to six types of event); Freedman & Diaconis 1981.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import Events
from mm_env.errors import DataError

Floats = NDArray[np.float64]
LAGS = (1, 2, 5, 10, 20, 50)
BLOCK_SECONDS = 900.0
_UNITS = (1.0, 0.5)  # of statistics that count
_MOST_BINS = 200
_THIRDS = (1 / 3, 2 / 3)
_PLACES = (0.1, 0.3, 0.5, 0.7, 0.9)
_LEAST_RESPONSE = 0.05
_LEAST = 1e-9  # [s] between two events, for logarithms


@dataclass(frozen=True, eq=False)
class Sample:
    """Values of one statistic and the time [ns] of each; `condition` (n,) for a conditional one."""

    values: Floats
    time: NDArray[np.int64]
    condition: Floats | None = None


@dataclass(frozen=True, eq=False)
class Response:
    """Signed moves of the mid [ticks] after events of one type: (n, lags), NaN past the end; time (n,) [ns]."""

    moves: Floats
    time: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Statistics:
    """All statistics of one market."""

    samples: dict[str, Sample]
    responses: dict[str, Response]

    def where(self, chosen: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Statistics:
        """Those whose time is chosen."""
        samples = {
            name: Sample(s.values[keep], s.time[keep], None if s.condition is None else s.condition[keep])
            for name, s in self.samples.items()
            for keep in [chosen(s.time)]
        }
        responses = {
            name: Response(r.moves[keep], r.time[keep]) for name, r in self.responses.items() for keep in [chosen(r.time)]
        }
        return Statistics(samples, responses)


@dataclass(frozen=True)
class Distance:
    """L1 [0 to 1] with its standard error, and Wasserstein's distance [real standard deviations]; NaN for a response."""

    l1: float
    error: float
    wasserstein: float


@dataclass(frozen=True, eq=False)
class Realism:
    """Distances by statistic; the mean and the interquartile mean of L1 over them, each with its standard error.

    histograms: statistic -> positions of the bins [in the statistic's unit], shares in the real and in the other market
    """

    distances: dict[str, Distance]
    mean: tuple[float, float]
    interquartile_mean: tuple[float, float]
    histograms: dict[str, tuple[Floats, Floats, Floats]]


def statistics_of(events: Events, tick: float, volatility_events: int = 50) -> Statistics:
    """What is compared of a market whose events have orders and a book.

    tick: [currency] above 0
    volatility_events: over how many events before it the volatility that conditions a spread is taken

    Raises DataError for another tick and for fewer than 100 events with a book.
    """
    if not tick > 0.0:
        raise DataError(f"tick {tick:g}; expected a number above 0")
    known = np.isfinite(events.bid_prices[:, 0]) & np.isfinite(events.ask_prices[:, 0])
    if np.count_nonzero(known) < 100:
        raise DataError(f"{np.count_nonzero(known)} events with a bid and an ask; expected 100 or more")
    e = events.where(known)
    bid, ask = e.bid_prices[:, 0], e.ask_prices[:, 0]
    mid, spread = 0.5 * (bid + ask) / tick, np.rint((ask - bid) / tick)
    move = np.abs(np.diff(mid, prepend=mid[0]))
    recent = np.convolve(move, np.ones(volatility_events), "full")[: len(move)]
    touch_bid, touch_ask = e.bid_sizes[:, 0], e.ask_sizes[:, 0]
    gap = np.diff(e.time, prepend=e.time[0]) * 1e-9
    samples = {
        "spread": Sample(spread, e.time),
        "log inter-arrival time": Sample(np.log10(np.maximum(gap[1:], _LEAST)), e.time[1:]),
        "imbalance": Sample((touch_bid - touch_ask) / (touch_bid + touch_ask), e.time),
        "log bid size at the touch": Sample(_log_size(touch_bid), e.time),
        "log ask size at the touch": Sample(_log_size(touch_ask), e.time),
        "spread | volatility": Sample(spread, e.time, recent),
        "log size at the touch | spread": Sample(_log_size(touch_bid + touch_ask), e.time, spread),
    }
    if e.bid_prices.shape[1] > 1:
        samples["log bid size over levels"] = Sample(_log_size(np.nansum(e.bid_sizes, axis=1)), e.time)
        samples["log ask size over levels"] = Sample(_log_size(np.nansum(e.ask_sizes, axis=1)), e.time)
    samples |= _orders(e, tick)
    return Statistics({name: s for name, s in samples.items() if len(s.values)}, _responses(e, mid))


def _log_size(size: Floats) -> Floats:
    return np.log10(np.maximum(size, 1e-12))


def _orders(e: Events, tick: float) -> dict[str, Sample]:
    """Depth from the mid and level of limit orders and cancels, and how long orders that were cancelled had stood."""
    mid = 0.5 * (e.bid_prices[:, 0] + e.ask_prices[:, 0])
    found: dict[str, Sample] = {}
    for name, kinds in (("limit order", ("limit",)), ("cancel", ("reduce", "delete"))):
        rows = np.flatnonzero(np.isin(e.kind, kinds))
        rows = rows[rows > 0]
        side, price = e.side[rows].astype(np.float64), e.price[rows]
        depth = np.rint(side * (mid[rows - 1] - price) / tick * 2.0) / 2.0
        book = np.where(side[:, None] > 0, e.bid_prices[rows - 1], e.ask_prices[rows - 1])
        better = (side[:, None] * (book - price[:, None]) > 1e-9 * np.abs(price[:, None])).sum(axis=1)
        found[f"{name} depth"] = Sample(depth, e.time[rows])
        if book.shape[1] > 1:
            found[f"{name} level"] = Sample(better.astype(np.float64), e.time[rows])
    born: dict[int, int] = {}
    stood, when = [], []
    for kind, order, time in zip(e.kind.tolist(), e.order.tolist(), e.time.tolist(), strict=True):
        if kind == "limit":
            born[order] = time
        elif kind == "delete" and order in born:
            stood.append((time - born.pop(order)) * 1e-9)
            when.append(time)
    found["log time to cancel"] = Sample(np.log10(np.maximum(np.array(stood), _LEAST)), np.array(when, np.int64))
    return found


def _responses(e: Events, mid: Floats) -> dict[str, Response]:
    """Signed moves after takers, limit orders and cancels that did not move the mid, and that did."""
    moved = np.diff(mid, prepend=mid[0]) != 0.0
    signs = {"taker": 1.0, "limit": 1.0, "cancel": -1.0}
    kinds = {"taker": ("trade",), "limit": ("limit",), "cancel": ("reduce", "delete")}
    found = {}
    for name, group in kinds.items():
        for moving in (False, True):
            rows = np.flatnonzero(np.isin(e.kind, group) & (moved == moving) & (e.side != 0))
            rows = rows[rows > 0]
            sign = signs[name] * e.side[rows].astype(np.float64)
            ahead = np.stack([rows - 1 + lag for lag in LAGS], axis=1)
            inside = ahead < len(mid)
            moves = sign[:, None] * (mid[np.minimum(ahead, len(mid) - 1)] - mid[rows - 1][:, None])
            label = f"response to {name}s that {'move' if moving else 'do not move'} the mid"
            if len(rows):
                found[label] = Response(np.where(inside, moves, np.nan), e.time[rows])
    return found


def compare_markets(
    real: Statistics, other: Statistics, seed: int = 0, resamples: int = 500, block_seconds: float = BLOCK_SECONDS
) -> Realism:
    """Distances of the statistics that the real market has; one that the other lacks is at L1 = 1.

    Blocks of `block_seconds` of either market are drawn with replacement for the errors.
    Raises DataError where the real market has no statistic.
    """
    if not real.samples:
        raise DataError("no statistic of the real market; expected one or more")
    parts: dict[str, _Binned | _Curves] = {
        name: _binned(sample, other.samples.get(name), block_seconds) for name, sample in real.samples.items()
    }
    parts |= {name: _curves(one, other.responses.get(name), block_seconds) for name, one in real.responses.items()}
    rng = np.random.default_rng(seed)
    whole = {name: part.l1() for name, part in parts.items()}
    drawn = np.array([[part.l1(rng) for part in parts.values()] for _ in range(resamples)])
    values, errors = np.array(list(whole.values())), drawn.std(axis=0)
    middles = [_interquartile_mean(row) for row in drawn]
    return Realism(
        distances={
            name: Distance(whole[name], float(error), part.wasserstein())
            for (name, part), error in zip(parts.items(), errors, strict=True)
        },
        mean=(float(values.mean()), float(drawn.mean(axis=1).std())),
        interquartile_mean=(_interquartile_mean(values), float(np.std(middles))),
        histograms={name: part.histogram() for name, part in parts.items() if isinstance(part, _Binned)},
    )


def shifts_of(real: Statistics, other: Statistics) -> tuple[Floats, Floats]:
    """Where the other market's distributions and responses lie off the real ones, with signs.

    Distributions: (statistics x 5,) its distribution function at five real quantiles less the real one (ties count half), 1
    where it lacks the statistic. Responses: (types x lags,) the difference of the curves over the mean size of the real one,
    or over a twentieth of the largest real one's where that is more.
    """
    samples = {name: one for name, one in real.samples.items() if one.condition is None and len(one.values)}
    places = [_places(one.values, other.samples.get(name)) for name, one in samples.items()]
    curves = {name: _curve(one) for name, one in real.responses.items()}
    least = _LEAST_RESPONSE * max((float(np.abs(curve).mean()) for curve in curves.values()), default=1.0)
    off = [
        (_curve(other.responses.get(name)) - curve) / max(least, float(np.abs(curve).mean()), 1e-12)
        for name, curve in curves.items()
    ]
    return np.concatenate([np.zeros(0), *places]), np.concatenate([np.zeros(0), *off])


def _curve(response: Response | None) -> Floats:
    """(lags,) mean moves; 0 where there are none."""
    sums, counts = _sums(response, BLOCK_SECONDS).sum(axis=0)
    return np.asarray(sums / np.maximum(counts, 1.0))


def _places(real: Floats, other: Sample | None) -> Floats:
    at = np.quantile(real, _PLACES, method="inverted_cdf")
    if other is None or not len(other.values):
        return np.ones(len(at))
    shares = [
        0.5 * (np.searchsorted(one, at, side="left") + np.searchsorted(one, at, side="right")) / len(one)
        for one in (np.sort(real), np.sort(other.values))
    ]
    return np.asarray(shares[1] - shares[0])


def floor_of(real: Statistics, seed: int = 0, resamples: int = 500, block_seconds: float = BLOCK_SECONDS) -> Realism:
    """Distance of the real market from itself: blocks of odd number against those of even number."""
    odd, even = (half_of(real, part, block_seconds) for part in ("odd", "even"))
    return compare_markets(odd, even, seed, resamples, block_seconds)


def half_of(real: Statistics, part: Literal["odd", "even"], block_seconds: float = BLOCK_SECONDS) -> Statistics:
    """The statistics of every other block of time; the first is even."""
    start = min(sample.time[0] for sample in real.samples.values())
    step, left = round(block_seconds * 1e9), int(part == "odd")
    return real.where(lambda time: ((time - start) // step) % 2 == left)


@dataclass(frozen=True, eq=False)
class _Binned:
    """Counts by block, group and bin of both markets; positions (bins,), and the real standard deviation."""

    real: Floats
    other: Floats
    positions: Floats
    scale: float

    def l1(self, rng: np.random.Generator | None = None) -> float:
        p, q = (_resampled(counts, rng) for counts in (self.real, self.other))
        share = p.sum(axis=1) / max(p.sum(), 1.0)
        return float(
            (share * 0.5 * np.abs(_normed(p) - _normed(q)).sum(axis=1) * np.where(q.sum(axis=1) > 0, 1.0, 2.0)).sum()
        )

    def wasserstein(self) -> float:
        p, q = self.real.sum(axis=(0, 1)), self.other.sum(axis=(0, 1))
        if q.sum() == 0.0 or len(self.positions) < 2:
            return float("nan") if q.sum() == 0.0 else 0.0
        gap = np.cumsum(p / p.sum() - q / q.sum())[:-1]
        return float((np.abs(gap) * np.diff(self.positions)).sum()) / self.scale

    def histogram(self) -> tuple[Floats, Floats, Floats]:
        p, q = self.real.sum(axis=(0, 1)), self.other.sum(axis=(0, 1))
        return self.positions, p / p.sum(), q / max(q.sum(), 1.0)


@dataclass(frozen=True, eq=False)
class _Curves:
    """Sums and counts by block and lag of both markets."""

    real: Floats
    other: Floats

    def l1(self, rng: np.random.Generator | None = None) -> float:
        a, b = (_resampled(sums, rng) for sums in (self.real, self.other))
        if b[1].min() == 0.0:
            return 1.0
        x, y = a[0] / np.maximum(a[1], 1.0), b[0] / b[1]
        size = float((np.abs(x) + np.abs(y)).sum())
        return float(np.abs(x - y).sum()) / size if size > 0.0 else 0.0

    def wasserstein(self) -> float:
        return float("nan")


def _binned(real: Sample, other: Sample | None, block_seconds: float) -> _Binned:
    edges, positions = _bins(real.values)
    cuts = np.zeros(0) if real.condition is None else np.unique(np.quantile(real.condition, _THIRDS))
    spread = float(real.values.std()) or 1.0
    counts = [_counts(one, edges, cuts, block_seconds) for one in (real, other)]
    return _Binned(counts[0], counts[1], positions, spread)


def _bins(values: Floats) -> tuple[Floats, Floats]:
    """Inner edges and a position for each bin."""
    low, first, third, high = np.quantile(values, [0.001, 0.25, 0.75, 0.999])
    width = float(2.0 * (third - first) / len(values) ** (1 / 3))
    unit = next((unit for unit in _UNITS if np.array_equal(values / unit, np.rint(values / unit))), None)
    if unit is not None:  # a bin holds as many distinct values as any other
        width = unit * max(1.0, np.ceil(max(width, (high - low) / _MOST_BINS) / unit))
        number = int(np.ceil((high - low + unit) / width))
        inner = low - 0.5 * unit + width * np.arange(number + 1)
    else:
        number = int(np.clip(np.ceil((high - low) / width) if width > 0.0 else _MOST_BINS, 10, _MOST_BINS))
        inner = np.linspace(low, high, number + 1)
    return inner[1:-1], 0.5 * (inner[1:] + inner[:-1])


def _counts(sample: Sample | None, edges: Floats, cuts: Floats, block_seconds: float) -> Floats:
    bins, groups = len(edges) + 1, len(cuts) + 1
    if sample is None or len(sample.values) == 0:
        return np.zeros((1, groups, bins))
    block = (sample.time - sample.time.min()) // round(block_seconds * 1e9)
    group = (
        np.zeros(len(block), np.int64) if sample.condition is None else np.searchsorted(cuts, sample.condition, side="right")
    )
    counts = np.zeros((int(block.max()) + 1, groups, bins))
    np.add.at(counts, (block, np.minimum(group, groups - 1), np.searchsorted(edges, sample.values, side="right")), 1.0)
    return counts


def _curves(real: Response, other: Response | None, block_seconds: float) -> _Curves:
    return _Curves(*(_sums(one, block_seconds) for one in (real, other)))


def _sums(response: Response | None, block_seconds: float) -> Floats:
    """(blocks, 2, lags): sums of the moves, and how many."""
    if response is None or len(response.time) == 0:
        return np.zeros((1, 2, len(LAGS)))
    block = (response.time - response.time.min()) // round(block_seconds * 1e9)
    sums = np.zeros((int(block.max()) + 1, 2, len(LAGS)))
    np.add.at(sums[:, 0], block, np.nan_to_num(response.moves))
    np.add.at(sums[:, 1], block, np.isfinite(response.moves).astype(np.float64))
    return sums


def _resampled(blocks: Floats, rng: np.random.Generator | None) -> Floats:
    if rng is None:
        return np.asarray(blocks.sum(axis=0))
    return np.asarray(blocks[rng.integers(len(blocks), size=len(blocks))].sum(axis=0))


def _normed(counts: Floats) -> Floats:
    """Each group's counts as shares; zeros where there are none."""
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, total, out=np.zeros_like(counts), where=total > 0.0))


def _interquartile_mean(values: Floats) -> float:
    ordered = np.sort(values)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())
