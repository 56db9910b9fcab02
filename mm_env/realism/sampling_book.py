"""Paths of the book market with nobody quoting: what it looks like by itself, and what a parent order does to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.config import MarketConfig
from mm_env.config.io import override
from mm_env.errors import UsageError
from mm_env.market.build import Market, build_market
from mm_env.sim.batch import Batch
from mm_env.sim.book import settle_touch
from mm_env.sim.compiling import entry_point
from mm_env.sim.ledger import FILL_DTYPE, HEDGE
from mm_env.sim.orders import take
from mm_env.sim.step import MARKET

CHUNK = 32  # envs at a time: their states stay in the cache, and the stored series are small


@dataclass(frozen=True)
class BookSample:
    """E envs looked at every `grid_seconds`, T times; 13 bytes for an instant of a symbol of an env.

    grid_seconds: [s]
    mid2: (T, E, S) int32 [half ticks] consolidated mid, the last valid one
    spread: (T, E, S) int16 [ticks] consolidated
    valid: (T, E, S) bool both sides exist
    imbalance: (T, E, S) float32 [-1, 1] bid less ask lots at the best prices of all venues, over their sum; 0 without lots
    flow: (T, E, S) int16 takers that bought less those that sold, since the instant before
    """

    grid_seconds: float
    mid2: NDArray[np.int32]
    spread: NDArray[np.int16]
    valid: NDArray[np.bool_]
    imbalance: NDArray[np.float32]
    flow: NDArray[np.int16]

    @property
    def mid(self) -> NDArray[np.float64]:
        """(T, E, S) float64 [ticks], a new array."""
        return np.asarray(0.5 * self.mid2, np.float64)

    def steps(self, seconds: float) -> int:
        """Grid steps in that time, at least one."""
        return max(1, round(seconds / self.grid_seconds))


def on_grid(config: MarketConfig, seconds: float) -> MarketConfig:
    """The same market with another decision step; nothing but who looks and decides depends on it.

    The grid of the slow quantities, on which makers see other venues, is part of the market's law and stays.
    Raises UsageError unless `seconds` is a multiple of it.
    """
    micro = config.episode.step_seconds / config.episode.microsteps
    microsteps = round(seconds / micro)
    if microsteps < 1 or abs(microsteps * micro - seconds) > 1e-9 * seconds:
        raise UsageError(f"grid of {seconds:g} s; expected a multiple of the market's own grid, {micro:g} s")
    return override(config, {"episode.step_seconds": seconds, "episode.microsteps": microsteps})


def finest_grid(config: MarketConfig, seconds: float) -> float:
    """[s] the multiple of the market's own grid that is nearest to `seconds`."""
    micro = config.episode.step_seconds / config.episode.microsteps
    return micro * max(1, round(seconds / micro))


def begun(market: Market, low: int, high: int, seed: int) -> Batch:
    """The envs low..high-1 of a seed, past their burn-in; env i is the same whatever the range."""
    batch = Batch(market.params, high - low, market.capacity, market.headlines, threads=1)
    batch.seed([np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(low, high)])
    batch.reset()
    return batch


def simulate_alone(batch: Batch, steps: int) -> Iterator[NDArray[Any]]:
    """Run the market alone for that many steps; yields the states, which change in place, after each."""
    nothing = np.zeros((batch.number, 3 * batch.symbols), np.float32)
    commands = np.full(batch.number, MARKET, np.uint8)
    for _ in range(steps):
        batch.step(nothing, 0, commands)
        batch.states["step"] += 1
        yield batch.states


def sample_book(config: MarketConfig, envs: int, seconds: float, seed: int, grid_seconds: float = 0.1) -> BookSample:
    """Play `envs` markets without the agent and look at them on an even grid.

    grid_seconds: a multiple of the market's own grid, see `on_grid`

    Raises UsageError for a grid that is not.
    """
    market = build_market(on_grid(config, grid_seconds))
    shape = (round(seconds / grid_seconds), envs, len(config.symbols))
    sample = BookSample(
        grid_seconds, np.zeros(shape, np.int32), np.zeros(shape, np.int16), np.zeros(shape, bool),
        np.zeros(shape, np.float32), np.zeros(shape, np.int16),
    )  # fmt: skip
    for low in range(0, envs, CHUNK):
        here = slice(low, min(low + CHUNK, envs))
        batch = begun(market, here.start, here.stop, seed)
        before = net_takers(batch.states, shape[2])
        for t, states in enumerate(simulate_alone(batch, shape[0])):
            sample.mid2[t, here] = states["mid2"][:, : shape[2]]
            touch = states["best_of_others"][:, : shape[2]]
            sample.spread[t, here] = touch[:, :, 1] - touch[:, :, 0]
            sample.valid[t, here] = states["mid_valid"][:, : shape[2]] > 0
            sample.imbalance[t, here] = touch_imbalance(states, shape[2])
            now = net_takers(states, shape[2])
            sample.flow[t, here] = now - before
            before = now
    return sample


def net_takers(states: NDArray[Any], symbols: int) -> NDArray[np.int64]:
    """(N, S) takers that bought less those that sold since the reset."""
    takers = states["takers"][:, : 2 * symbols]
    return np.asarray(takers[:, 0::2] - takers[:, 1::2])


def touch_imbalance(states: NDArray[Any], symbols: int) -> NDArray[np.float64]:
    """(N, S) bid less ask lots at the best prices of all venues, over their sum; 0 without lots. Nobody may quote."""
    at_touch = (states["best"] == states["best_of_others"][:, :, None, :]) & (states["resting"] > 0)
    lots = np.where(at_touch, states["queue"], 0.0)[:, :symbols].sum(axis=2)
    total = lots.sum(axis=-1)
    return np.asarray(np.divide(lots[..., 0] - lots[..., 1], total, out=np.zeros_like(total), where=total > 0))


@entry_point
def _take_best(states: Any, params: Any, fills: Any, i: Any, lots: Any, done: Any) -> None:
    """Every env takes lots (N,) int64, signed, of symbol i at the best prices over venues, as a hedge; adds to done (N,)."""
    p = params[0]
    for n in range(states.shape[0]):
        s = states[n]
        resting, left = (1, lots[n]) if lots[n] > 0 else (0, -lots[n])
        while left > 0 and s.touch_venue[i, resting] >= 0:
            taken = take(s, p, fills, i, s.touch_venue[i, resting], resting, left, s.touch[i, resting], HEDGE)
            left -= taken
            done[n] += taken
        settle_touch(s, p, i)


@dataclass(frozen=True)
class ParentOrders:
    """What parent orders did, each beside the same env without it.

    sizes: (L,) float64 [lots] bought or sold in all, mean over envs
    seconds: (L,) float64 [s] from the first child to the last
    at_end: (E, L) float64 [ticks] move of the mid in the order's direction, right after its last child
    """

    sizes: NDArray[np.float64]
    seconds: NDArray[np.float64]
    at_end: NDArray[np.float64]


def parent_orders(
    config: MarketConfig,
    envs: int,
    children: list[int],
    child_lots: int,
    interval_seconds: float,
    seed: int,
    symbol: int = 0,
) -> ParentOrders:
    """Let an experimenter work parent orders with nobody quoting, and compare with the same random numbers without it.

    children: L numbers of children, ascending; one order of the longest kind is played a pair, as the first n children of
        it are the order of n children
    child_lots: [lots] of each child, which takes the best prices over venues; interval_seconds: [s] between them

    Even envs buy, odd ones sell. As a hedge of the agent does, a child moves the efficient price by the whole of its
    volume, since nobody expected it, and excites no other taker. Raises UsageError for an interval that is off the grid.
    """
    market = build_market(on_grid(config, interval_seconds))
    done = np.zeros((envs, len(children)))
    at_end = np.zeros((envs, len(children)))
    for low in range(0, envs, CHUNK):
        here = slice(low, min(low + CHUNK, envs))
        with_it, without = (begun(market, here.start, here.stop, seed) for _ in range(2))
        sign = 1 - 2 * (np.arange(here.start, here.stop) % 2)
        filled = np.zeros(with_it.number, np.int64)
        paths = zip(simulate_alone(with_it, children[-1]), simulate_alone(without, children[-1]), strict=True)
        for n in range(1, children[-1] + 1):
            _take_best(with_it.states, with_it.params, np.zeros(0, FILL_DTYPE), symbol, sign * child_lots, filled)
            if n in children:
                k = children.index(n)
                difference = with_it.states["mid2"][:, symbol] - without.states["mid2"][:, symbol]
                at_end[here, k], done[here, k] = 0.5 * sign * difference, filled
            if n < children[-1]:
                next(paths)
    return ParentOrders(done.mean(axis=0), (np.array(children) - 1.0) * interval_seconds, at_end)
