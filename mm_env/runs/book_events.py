"""A simulated market as events, in the form of `mm_env.data.events`.

One book (symbol and venue) is a series of events, those within the reported levels, as in LOBSTER's files; orders have
identities (see queues.py), the agent's orders among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mm_env.config.io import override
from mm_env.data.events import About, Events
from mm_env.envs.play import steps_of_round
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError
from mm_env.market.build import Market
from mm_env.runs.queues import LONGEST, MESSAGE_DTYPE, QUEUES_DTYPE, follow
from mm_env.sim.batch import Batch
from mm_env.sim.book_log import BOOK_LOG_DTYPE, PLACED
from mm_env.sim.state import WINDOW
from mm_env.sim.step import MARKET

if TYPE_CHECKING:
    from mm_env.config import MarketConfig
    from mm_env.policies.base import Policy

KINDS = np.array(["limit", "reduce", "delete", "trade"], dtype=object)  # in the order of queues.py
_ROOM = 4  # messages that a row of the log may need on the average


class BookRecorder:
    """Events of one book of one env of a batch that logs its books, from an episode's beginning on.

    about: description of a file with the events
    own: (n,) int64 identities of the agent's orders in the last batch of events
    """

    def __init__(self, batch: Batch, i: int, symbol: int, venue: int, about: About, start: int) -> None:
        """Of env i as it stands, just reset; start: [ns] time of the episode's beginning.

        The lots that stand there already become one order a price.
        """
        p = batch.params[batch.params_index[i]]
        self.symbol, self.venue, self.about, self.start = symbol, venue, about, start
        self.tick, self.basis = float(p["tick_size"][symbol]), int(p["price_basis_ticks"][venue])
        self.lot = float(p["lot_value"][symbol]) / self.tick
        self.queues = np.zeros(1, QUEUES_DTYPE)
        self.queues["next"] = 1
        state = batch.states[i]
        rows = np.zeros(2 * WINDOW, BOOK_LOG_DTYPE)
        low = int(state["window_low"][symbol])
        prices = low + np.arange(WINDOW)
        for side in range(2):
            part = rows[side * WINDOW : (side + 1) * WINDOW]
            part["price"], part["side"], part["kind"] = prices, side, PLACED
            part["lots"] = state["depth"][symbol, venue, side, prices & (WINDOW - 1)]
        rows["symbol"], rows["venue"] = symbol, venue
        self._follow(rows[rows["lots"] > 0])
        self.own = np.zeros(0, np.int64)

    def _follow(self, log: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        messages = np.zeros(_ROOM * len(log) + LONGEST, MESSAGE_DTYPE)
        books = np.zeros((len(messages), 2, self.about.levels, 2), np.int64)
        count = follow(self.queues, log, self.symbol, self.venue, messages, books)
        if self.queues["failed"][0]:
            raise RuntimeError(
                f"symbol {self.symbol}, venue {self.venue}: the log does not fit the queues; please report it"
            )
        return messages[:count], books[:count]

    def take(self, log: np.ndarray) -> Events:
        """The events of a step; log: (n,) BOOK_LOG_DTYPE, as `Batch.logged_changes` gives it."""
        messages, books = self._follow(log)
        self.own = messages["order"][messages["own"] > 0]
        lots = books[..., 1].astype(np.float64)
        there = lots > 0.0
        prices = np.where(there, (books[..., 0] + self.basis) * self.tick, np.nan)
        sizes = np.where(there, lots * self.lot, np.nan)
        decimals = _decimals(self.tick)
        bids, asks = np.round(prices, decimals).astype(np.float64).swapaxes(0, 1)
        return Events(
            time=self.start + np.rint(messages["time"] * 1e9).astype(np.int64),
            kind=KINDS[messages["kind"]],
            side=_side(messages),
            price=np.round((messages["price"] + self.basis) * self.tick, decimals),
            size=messages["lots"] * self.lot,
            order=messages["order"].astype(np.int64),
            bid_prices=bids,
            bid_sizes=sizes[:, 0],
            ask_prices=asks,
            ask_sizes=sizes[:, 1],
        )


def _side(messages: np.ndarray) -> np.ndarray:
    """1 for orders to buy and for trades that a buyer began: these take from the asks."""
    side = 1 - 2 * messages["side"].astype(np.int8)
    return np.where(messages["kind"] == len(KINDS) - 1, -side, side).astype(np.int8)


def _decimals(tick: float) -> int:
    """Digits after which prices that are whole ticks have none, so that they are written without noise."""
    return next((n for n in range(12) if abs(round(tick, n) - tick) < 1e-12 * tick), 12)


class _LoggedEnv(MultiVenueVectorEnv):
    """One env that logs its books."""

    def _allocate(self, market: Market) -> Batch:
        return Batch(market.params, 1, market.capacity, market.headlines, threads=1, log_books=True)


def simulate_events(
    config: MarketConfig,
    seconds: float,
    *,
    symbol: int = 0,
    venue: int = 0,
    levels: int = 10,
    seed: int = 0,
    start: int = 0,
    policy: Policy | None = None,
) -> Iterator[Events]:
    """Yield the events of one book, decision step by decision step.

    seconds: [s] how long, in one episode; levels: of the book in the events; start: [ns] time of the first step
    policy: who quotes in the market; None: nobody

    Raises ConfigError as an environment does.
    """
    for (events,) in simulate_books(config, seconds, [(symbol, venue, levels)], seed=seed, start=start, policy=policy):
        yield events


def simulate_books(
    config: MarketConfig,
    seconds: float,
    books: Sequence[tuple[int, int, int]],
    *,
    seed: int = 0,
    start: int = 0,
    policy: Policy | None = None,
) -> Iterator[list[Events]]:
    """Yield the events of several books of one market; books: (symbol, venue, levels); else as `simulate_events`.

    Raises ConfigError for a market that is replayed: its books are set level by level, and no orders explain that.
    """
    if config.replay is not None:
        raise ConfigError("replay: expected in a recording: a simulated market, as a replayed one has no orders of its own")
    steps = max(1, round(seconds / config.episode.step_seconds))
    config = override(config if policy is None else policy.configure(config), {"episode.steps": steps})
    env = _LoggedEnv(1, config)
    try:
        infos = env.reset(seed=seed)[1]
        recorders = [BookRecorder(env.batch, 0, i, v, book_about(config, i, v, levels), start) for i, v, levels in books]
        nothing, command = np.zeros((1, 3 * len(env.symbols)), np.float32), np.full(1, MARKET, np.uint8)
        played = None if policy is None else steps_of_round(env, policy, infos)
        if played is not None:
            next(played)  # the reset
        for _ in range(steps):
            if played is None:
                env.batch.run(nothing, 0, command)
            else:
                next(played)
            log = env.batch.logged_changes(0)
            yield [recorder.take(log) for recorder in recorders]
    finally:
        env.close()


def book_about(config: MarketConfig, symbol: int, venue: int, levels: int) -> About:
    """The description of a file with the events of a simulated book."""
    one = config.symbols[symbol]
    return About("mm_env", one.name, config.venues[venue].name, levels, one.tick_size * config.venues[venue].tick_multiple)
