"""Rates of the flow at the touch by the queue there and by the imbalance.

A rate in a bin is the events that came while the state was in it, over the time that it was; both sides are pooled, each
with its own queue and an imbalance that is positive where its queue is the longer. A limit order counts where it joins the
best price of its side, a cancel where it takes from it, a taker where it meets it. The summary numbers are those of a
Poisson regression on one state alone. Errors are those of blocks of time. Where a source reports the new book before the
trade that made it, as Binance's best quotes do, the queue that a taker met looks shorter than it was.
Source: Huang, Lehalle & Rosenbaum 2015 (rates by queue, in mean sizes); Cont, Kukanov & Stoikov 2014 (imbalance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.prices import weighted_quantile
from mm_env.data.events import Events
from mm_env.errors import DataError

Floats = NDArray[np.float64]
BLOCKS = 20  # of time
_FEWEST = 50  # events behind a slope
_STEPS = 100  # of Newton


@dataclass(frozen=True)
class Slope:
    """log rate = level + value * state, rate in 1/s: `value` with its standard error."""

    value: float
    error: float
    level: float


@dataclass(frozen=True, eq=False)
class StateRates:
    """Rates by bins of a state.

    edges: (b + 1,); middle: (b,) mean of the state over the time in the bin; seconds: (b,) of both sides together
    rate: (b,) [1/s] of one side by kind of event, NaN where no time was spent, kinds not in the data left out; error: (b,)
    """

    edges: Floats
    middle: Floats
    seconds: Floats
    rate: dict[str, Floats]
    error: dict[str, Floats]


@dataclass(frozen=True, eq=False)
class QueueRates:
    """Rates of limit orders, cancels and takers at a touch.

    mean_size: [units of size] in which queues are counted: of limit orders at the touch, or of takers
    limit_imbalance: slope of log limit orders on the imbalance; limit_queue: elasticity of limit orders to the queue
    cancel_queue: elasticity of cancels per resting lot: 0 where each lot is cancelled at a rate of its own, -1 where the
    queue does not matter to cancels; its level is that of the rate per mean size. None: fewer than 50 events
    """

    mean_size: float
    queue: StateRates
    imbalance: StateRates
    limit_imbalance: Slope | None
    limit_queue: Slope | None
    cancel_queue: Slope | None


@dataclass(frozen=True, eq=False)
class _Spells:
    """Times from one event to the next, bid side first: block, seconds, queue [mean sizes], imbalance, all (n,).

    ended: kind -> (n,) how many events of it ended the spell
    """

    block: NDArray[np.int64]
    seconds: Floats
    queue: Floats
    imbalance: Floats
    ended: dict[str, Floats]


def block_ratio(above: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Ratios of sums over blocks of time, and their standard errors; NaN where the divisor is 0, errors also for one block.

    above, below: (blocks, k); a block whose divisors are all 0 is none
    """
    held = (below != 0.0).any(axis=1)
    number, total = np.count_nonzero(held), below.sum(axis=0)
    nothing = np.full(total.shape, np.nan)
    ratio = np.divide(above.sum(axis=0), total, out=nothing.copy(), where=total != 0.0)
    if number < 2:
        return ratio, nothing
    rest = above - np.where(total != 0.0, ratio, 0.0) * below
    wide = np.sqrt((rest**2).sum(axis=0) * number / (number - 1))
    return ratio, np.divide(wide, np.abs(total), out=nothing.copy(), where=total != 0.0)


def queue_rates(
    events: Events, taker_time: NDArray[np.int64], taker_side: NDArray[np.int64], bins: int = 8, parts: int = 5
) -> QueueRates:
    """Rates by the queue at the touch and by the imbalance.

    taker_time: (m,) [ns]; taker_side: (m,) 0 sells, 1 buys
    bins: of the queue, each held for as long as another where queues are not alike; parts: of the imbalance, equally wide

    Raises DataError for fewer than 2 bins or parts, events without a touch, and neither limit orders there nor takers.
    """
    if bins < 2 or parts < 2:
        raise DataError(f"{bins} bins of the queue, {parts} of the imbalance; expected 2 or more of each")
    spells, mean_size = _spells(events, taker_time, taker_side)
    inner = np.unique([weighted_quantile(spells.queue, spells.seconds, k / bins) for k in range(1, bins)])
    edges = np.concatenate(([0.0], inner[inner > spells.queue.min()], [np.inf]))
    longer = np.log(spells.queue)
    return QueueRates(
        mean_size=mean_size,
        queue=_by_bin(spells, spells.queue, edges),
        imbalance=_by_bin(spells, spells.imbalance, np.linspace(-1.0, 1.0, parts + 1)),
        limit_imbalance=_slope(spells, "limit", spells.imbalance, spells.seconds),
        limit_queue=_slope(spells, "limit", longer, spells.seconds),
        cancel_queue=_slope(spells, "cancel", longer, spells.seconds * spells.queue),
    )


def _spells(events: Events, taker_time: NDArray[np.int64], taker_side: NDArray[np.int64]) -> tuple[_Spells, float]:
    """The spells in which both sides are there, and the mean size."""
    bid, ask = events.bid_sizes[:-1, 0], events.ask_sizes[:-1, 0]
    known = (bid > 0.0) & (ask > 0.0)
    seconds = np.diff(events.time) * 1e-9
    if not seconds[known].sum() > 0.0:
        raise DataError(f"{len(events)} events, both sides of the book there for 0 s; expected a longer time")
    count: dict[str, list[Floats]] = {"limit": [], "cancel": [], "taker": []}
    # of the events of one time the first is that before which the taker found the book
    met = np.searchsorted(events.time, taker_time, side="left") - 1
    for side, prices in ((1, events.bid_prices), (-1, events.ask_prices)):
        here = (events.side[1:] == side) & (events.price[1:] == prices[:-1, 0])
        count["limit"].append((here & (events.kind[1:] == "limit")).astype(np.float64))
        count["cancel"].append((here & np.isin(events.kind[1:], ("reduce", "delete"))).astype(np.float64))
        rows = met[(taker_side == (side < 0)) & (met >= 0)]
        count["taker"].append(np.bincount(rows, minlength=len(seconds)).astype(np.float64))
    both = np.tile(known, 2)
    ended = {kind: np.concatenate(sides)[both] for kind, sides in count.items() if any(one.any() for one in sides)}
    counted = (count["limit"][0] + count["limit"][1] > 0.0) if "limit" in ended else events.kind[1:] == "trade"
    if not counted.any():
        raise DataError("no limit order at the touch and no trade; expected events with some of either")
    size = float(events.size[1:][counted].mean())
    since = events.time[:-1] - events.time[0]
    block = np.minimum(since * BLOCKS // int(events.time[-1] - events.time[0]), BLOCKS - 1)
    tilt = (bid - ask) / (bid + ask)
    queue = np.concatenate([bid, ask])[both] / size
    parts = (np.tile(block, 2)[both], np.tile(seconds, 2)[both], queue, np.concatenate([tilt, -tilt])[both])
    return _Spells(*parts, ended), size


def _by_bin(spells: _Spells, state: Floats, edges: Floats) -> StateRates:
    bins = len(edges) - 1
    cell = spells.block * bins + np.searchsorted(edges, state, side="right") - 1

    def total(weights: Floats) -> Floats:
        return np.bincount(cell, weights, minlength=BLOCKS * bins).astype(np.float64).reshape(BLOCKS, bins)

    seconds = total(spells.seconds)
    found = {kind: block_ratio(total(number), seconds) for kind, number in spells.ended.items()}
    return StateRates(
        edges=edges,
        middle=block_ratio(total(spells.seconds * state), seconds)[0],
        seconds=seconds.sum(axis=0),
        rate={kind: rate for kind, (rate, _) in found.items()},
        error={kind: error for kind, (_, error) in found.items()},
    )


def _slope(spells: _Spells, kind: str, state: Floats, exposure: Floats) -> Slope | None:
    """Poisson regression of the counts of a kind, with the errors of blocks of time; None for too few of it."""
    number = spells.ended.get(kind, np.zeros(1))
    if number.sum() < _FEWEST or np.ptp(state) == 0.0:
        return None
    middle = np.average(state, weights=exposure)  # the level is then nearly free of the slope, and Newton steps are safe
    design = np.stack([np.ones_like(state), state - middle])
    theta = np.array([np.log(number.sum() / exposure.sum()), 0.0])
    for _ in range(_STEPS):
        expected = exposure * np.exp(theta @ design)
        step = np.linalg.solve((design * expected) @ design.T, design @ (number - expected))
        theta = theta + step * min(1.0, 1.0 / float(np.abs(step).max() + 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    else:
        return None
    rest = number - exposure * np.exp(theta @ design)
    score = np.stack([np.bincount(spells.block, row * rest, minlength=BLOCKS) for row in design])
    bread = np.linalg.inv((design * expected) @ design.T)
    covariance = bread @ (score @ score.T * (BLOCKS / (BLOCKS - 1))) @ bread
    return Slope(float(theta[1]), float(np.sqrt(covariance[1, 1])), float(theta[0] - theta[1] * middle))
