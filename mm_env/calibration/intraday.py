"""The profile of a day: rates, spread, depth and volatility by time of the day.

Sums are taken over windows of time, so that an error is that of the windows of a bin; regimes are found from the same sums.
Where no event comes for an hour the market is closed, and the time does not count.
Source: Andersen & Bollerslev 1997 (intraday periodicity); Biais, Hillion & Spatt 1995 (order flow over the day).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.prices import Mids
from mm_env.calibration.queues import block_ratio
from mm_env.data.events import Events
from mm_env.errors import DataError

Floats = NDArray[np.float64]
DAY_SECONDS = 86_400
_SECOND = 1_000_000_000  # [ns]
_PARTS = 10  # windows in a bin
_CLOSED = 3600.0  # [s] without an event
_LONGEST = 10_000_000  # [s] span of events


@dataclass(frozen=True, eq=False)
class Windows:
    """Sums over windows of equal length that begin at whole multiples of it since 1970; all (n,).

    start: int64 [ns]; seconds: in which the market was open with a bid and an ask
    limits, cancels, takers: events; spread: [currency s], depth: [size s] integrals over the seconds, the depth that of a
    side at the touch; variance: [bps²] of the mid's moves over `moves` whole seconds
    """

    start: NDArray[np.int64]
    seconds: Floats
    limits: Floats
    cancels: Floats
    takers: Floats
    spread: Floats
    depth: Floats
    variance: Floats
    moves: Floats


@dataclass(frozen=True, eq=False)
class Profile:
    """Means by bin of the day, of all days; all (b,), bins in which the market was never open left out.

    start: [s] since midnight in UTC; seconds: covered
    value, error: by name: limits, cancels, takers [1/s], kinds that the data lacks left out, spread [currency], depth of a
    side at the touch [units of size], volatility [bps/sqrt(s)] of moves over a second; errors are those of ten windows a bin
    """

    bin_seconds: int
    start: Floats
    seconds: Floats
    value: dict[str, Floats]
    error: dict[str, Floats]


def window_sums(events: Events, taker_time: NDArray[np.int64], window_seconds: int) -> Windows:
    """Sums over windows.

    taker_time: (m,) [ns], within the span of the events; window_seconds: whole, 1 or more

    Raises DataError for another window, for events of no or of over ten million seconds, and for events without a mid.
    """
    span = (int(events.time[-1]) - int(events.time[0])) // _SECOND if len(events) else 0
    if window_seconds < 1 or not 0 < span <= _LONGEST:
        raise DataError(
            f"{span} s in windows of {window_seconds} s; expected a number from 1 to {_LONGEST} s, windows of 1 s or more"
        )
    step = window_seconds * _SECOND
    first, last = int(events.time[0]) // step, int(events.time[-1]) // step
    edges = np.arange(first, last + 2) * step
    bid, ask = events.bid_prices[:-1, 0], events.ask_prices[:-1, 0]
    lasted = np.diff(events.time) * 1e-9
    trading = np.isfinite(ask - bid) & (lasted < _CLOSED)
    since = (events.time - edges[0]) * 1e-9

    def integral(values: Floats, ends: NDArray[np.int64]) -> Floats:
        """Between times, of a path that steps at events only, so that its integral is straight between them."""
        grown = np.concatenate(([0.0], np.cumsum(np.where(trading, values, 0.0) * lasted)))
        return np.diff(np.interp((ends - edges[0]) * 1e-9, since, grown))

    def count(times: NDArray[np.int64], weights: Floats | None = None) -> Floats:
        return np.bincount((times - edges[0]) // step, weights, minlength=len(edges) - 1).astype(np.float64)

    grid = np.arange(edges[0], edges[-1] + 1, _SECOND)
    whole = integral(np.ones_like(lasted), grid) > 1.0 - 1e-6
    path = np.log(Mids.of(events).at(grid))
    return Windows(
        start=edges[:-1],
        seconds=integral(np.ones_like(lasted), edges),
        limits=count(events.time[events.kind == "limit"]),
        cancels=count(events.time[np.isin(events.kind, ("reduce", "delete"))]),
        takers=count(taker_time),
        spread=integral(ask - bid, edges),
        depth=integral(0.5 * (events.bid_sizes[:-1, 0] + events.ask_sizes[:-1, 0]), edges),
        variance=count(grid[:-1][whole], 1e8 * np.diff(path)[whole] ** 2),
        moves=count(grid[:-1][whole]),
    )


def day_profile(events: Events, taker_time: NDArray[np.int64], bin_seconds: int = 1800) -> Profile:
    """The profile of a day.

    taker_time: (m,) [ns]; bin_seconds: [s] a multiple of 10 that divides a day

    Raises DataError for another bin, for a market that is open in fewer than two bins, and as `window_sums` does.
    """
    if bin_seconds < _PARTS or bin_seconds % _PARTS or DAY_SECONDS % bin_seconds:
        raise DataError(f"bins of {bin_seconds} s; expected multiples of {_PARTS} s that divide a day")
    windows = window_sums(events, taker_time, bin_seconds // _PARTS)
    place = windows.start // _SECOND % DAY_SECONDS // bin_seconds
    held = np.unique(place[windows.seconds > 0.0])
    if len(held) < 2:
        raise DataError(f"events in {len(held)} bins of {bin_seconds} s; expected two or more")
    found: dict[str, tuple[Floats, Floats]] = {}
    for name in ("limits", "cancels", "takers", "spread", "depth", "variance"):
        above = getattr(windows, name)
        below = windows.moves if name == "variance" else windows.seconds
        if name in ("spread", "depth", "variance") or above.any():
            ratios = [block_ratio(above[one, None], below[one, None]) for one in (place == k for k in held)]
            found[name] = (np.array([r[0] for r, _ in ratios]), np.array([e[0] for _, e in ratios]))
    variance, error = found.pop("variance")
    volatility = np.sqrt(variance)
    slope = np.divide(0.5, volatility, out=np.full(len(held), np.nan), where=volatility > 0.0)
    found["volatility"] = (volatility, slope * error)
    return Profile(
        bin_seconds=bin_seconds,
        start=(held * bin_seconds).astype(np.float64),
        seconds=np.array([windows.seconds[place == k].sum() for k in held]),
        value={name: value for name, (value, _) in found.items()},
        error={name: error for name, (_, error) in found.items()},
    )
