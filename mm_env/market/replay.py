"""From files of recorded events to the rows and books that the replay kernels read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mm_env.data.events import Events, about_events, read_events
from mm_env.errors import ConfigError, DataError
from mm_env.sim.inputs import Replay
from mm_env.sim.replay import NO_REPLAY, REPLAY_DTYPE

if TYPE_CHECKING:
    from mm_env.config import MarketConfig
    from mm_env.config.market import Symbol, Venue

_TRADES = ("trade", "hidden")
_BOOK_AFTER_TRADE = ("lobster", "mm_env")  # sources that tell it so
_MOST_LOTS = 2**30  # at a level or in a trade


@dataclass(frozen=True, eq=False)
class ReplayData:
    """A recording, or several as one.

    inputs: its events in order of time, and its books, as kernels read them
    earliest, latest: [s] of the recording, between which an episode begins
    origin: [ns] since 1970 in UTC, its time 0
    """

    inputs: Replay
    earliest: float = 0.0
    latest: float = 0.0
    origin: int = 0


def load_replay(config: MarketConfig) -> ReplayData:
    """The recording of a configuration with `replay`; an empty one without.

    Prices go to the symbol's ticks away from the market, levels that share a tick are added up, and sizes go to whole lots,
    of what is there at least one. Raises ConfigError for files that cannot be used and for a recording that is too short.
    """
    replay = config.replay
    if replay is None:
        return ReplayData(NO_REPLAY)
    parts, times, parts_books, known = [], [], [], []
    for i, symbol in enumerate(config.symbols):
        for v, venue in enumerate(config.venues):
            place = f"replay.files.{symbol.name}.{venue.name}"
            try:
                rows, time, books = _read(Path(replay.files[symbol.name][venue.name]), symbol, venue, i, v)
            except DataError as error:
                raise ConfigError(f"{place}: {error}") from error
            shown = (rows["imposes"] > 0) & (books[:, :, 0, 1] > 0).all(axis=1)
            if not shown.any():
                raise ConfigError(f"{place}: no event with a bid and an ask; expected a file with a book")
            known.append(int(time[shown.argmax()]))
            parts.append(rows)
            times.append(time)
            parts_books.append(books)
    levels = max(books.shape[2] for books in parts_books)
    wide = [np.pad(books, ((0, 0), (0, 0), (0, levels - books.shape[2]), (0, 0))) for books in parts_books]
    rows, books = np.concatenate(parts), np.concatenate(wide)
    origin, end = min(int(time[0]) for time in times), min(int(time[-1]) for time in times)
    rows["time"] = (np.concatenate(times) - origin) * 1e-9
    order = np.argsort(rows["time"], kind="stable")
    rows, books = rows[order], books[order]
    e = config.episode
    earliest = (max(known) - origin) * 1e-9 + e.burn_in_seconds + e.step_seconds
    latest = (end - origin) * 1e-9 - e.steps * e.step_seconds
    if latest < earliest + (replay.start_seconds or 0.0):
        needed = e.burn_in_seconds + e.step_seconds * (e.steps + 1) + (replay.start_seconds or 0.0)
        lasts = max(0.0, (end - max(known)) * 1e-9)
        raise ConfigError(
            f"replay.files: all books are known for {lasts:.0f} s; expected {needed:.0f} s or more, for the start, the "
            "burn-in and episode.steps"
        )
    if replay.start_seconds is not None:
        earliest = latest = earliest + replay.start_seconds
    return ReplayData(Replay(rows, books), earliest, latest, origin)


def _read(
    path: Path, symbol: Symbol, venue: Venue, i: int, v: int
) -> tuple[np.ndarray, NDArray[np.int64], NDArray[np.int64]]:
    """Rows, without times, these [ns], and books of one file."""
    if not path.exists():
        raise DataError(f"{path}: there is no such file")
    about = about_events(path)
    after = about.source in _BOOK_AFTER_TRADE
    rows, times, books = [], [], []
    for events in read_events(path):
        row, time, book = _rows(events, symbol, venue, after)
        row["symbol"], row["venue"] = i, v
        rows.append(row)
        times.append(time)
        books.append(book)
    if not rows:
        raise DataError(f"{path}: no events")
    return np.concatenate(rows), np.concatenate(times), np.concatenate(books)


def _rows(
    events: Events, symbol: Symbol, venue: Venue, after: bool
) -> tuple[np.ndarray, NDArray[np.int64], NDArray[np.int64]]:
    """after: whether the book of a trade's row is that after the trade, and not the last that was told."""
    traded = np.isin(events.kind, _TRADES) & (events.side != 0)
    books = np.isin(events.kind, ("cross", "halt"), invert=True) & (after | ~np.isin(events.kind, _TRADES))
    e = events.where(traded | books)
    traded, books = traded[traded | books], books[traded | books]
    rows = np.zeros(len(e), REPLAY_DTYPE)
    rows["imposes"] = books
    rows["side"] = np.where(e.side > 0, 1, 0)  # a buyer took from the asks
    price = np.where(traded, e.price, 0.0)
    bids, asks = _ticks(price, symbol, venue, 0), _ticks(price, symbol, venue, 1)
    rows["price"] = np.where(e.side > 0, asks, bids)
    rows["lots"] = np.where(traded, _lots(e.size, symbol), 0)
    shown = np.zeros((len(e), 2, e.bid_prices.shape[1], 2), np.int64)
    for side, (prices, sizes) in enumerate(((e.bid_prices, e.bid_sizes), (e.ask_prices, e.ask_sizes))):
        there = np.isfinite(prices) & (sizes > 0.0)
        shown[:, side, :, 0] = _ticks(np.where(there, prices, 0.0), symbol, venue, side)
        shown[:, side, :, 1] = np.where(there, _lots(np.where(there, sizes, 0.0), symbol), 0)
    return rows, e.time, shown


def _ticks(prices: NDArray[np.float64], symbol: Symbol, venue: Venue, side: int) -> NDArray[np.int64]:
    """Reference ticks on the venue's grid, bids rounded down and asks up."""
    tick = symbol.tick_size * venue.tick_multiple
    steps = prices / tick
    near = np.rint(steps)
    steps = np.where(np.abs(steps - near) < 1e-6 * np.maximum(1.0, np.abs(near) * 1e-3), near, steps)
    whole = np.floor(steps) if side == 0 else np.ceil(steps)
    return whole.astype(np.int64) * venue.tick_multiple - venue.price_basis_ticks


def _lots(sizes: NDArray[np.float64], symbol: Symbol) -> NDArray[np.int64]:
    lots = np.rint(sizes / symbol.lot_size)
    if (lots > _MOST_LOTS).any():
        raise DataError(f"size {sizes.max():g} is {lots.max():g} lots of {symbol.lot_size:g}; expected up to {_MOST_LOTS}")
    return np.where(sizes > 0.0, np.maximum(lots, 1.0), 0.0).astype(np.int64)
