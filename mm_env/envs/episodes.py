"""Seeds, and which market each env of a batch plays: what decides about an episode before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from mm_env.config import sample_randomized

EVALUATION = 2**31  # first spawn key of evaluation, past any index of an env
_RANDOMIZE = 1  # spawn key of the draws of domain randomisation


class AnyBatch(Protocol):
    """N envs; states: (N,) records with `key` and `episode`; params: (P,) records; params_index: (N,) their rows."""

    number: int
    states: np.ndarray
    params: np.ndarray
    params_index: np.ndarray


class AnyMarket(Protocol):
    """A configuration and its params, () record; ranges: some of its parameters are resampled for each episode."""

    @property
    def config(self) -> Any: ...  # noqa: D102
    @property
    def params(self) -> np.ndarray: ...  # noqa: D102
    @property
    def ranges(self) -> bool: ...  # noqa: D102
    @property
    def headlines_digest(self) -> str: ...  # noqa: D102
    def params_of(self, config: Any) -> np.ndarray: ...  # noqa: D102


_Market = TypeVar("_Market", bound=AnyMarket)


class Seeds:
    """Keys of the envs: a seed and a place give a key; a key and the number of the episode give all that it draws.

    Env i of seed s has the spawn key (i,), an env seeded on its own (0,); in evaluation (2**31, i) and (2**31, 0).

    seeds: N whole numbers from 0; places: N; evaluation: (N,) bool
    """

    def __init__(self, batch: AnyBatch) -> None:
        """Start without keys."""
        self.batch = batch
        self.seeds: list[int] = []
        self.places: list[int] = []
        self.evaluation = np.zeros(batch.number, bool)

    def give(
        self, seed: int | Sequence[int | None] | None, mask: np.ndarray, evaluation: bool | None, start: int = 0
    ) -> None:
        """Key the envs of `mask` (N,) bool: by one seed for all, or one each; None leaves the key, at first a fresh one.

        start: place of env 0 under one seed for all

        A switch to evaluation or back without a seed changes keys and goes on counting episodes: none is played twice.
        """
        number = self.batch.number
        if seed is None or isinstance(seed, int):
            seeds, places = [seed] * number, list(range(start, start + number))
        else:
            seeds, places = list(seed), [0] * number
        first = not self.seeds
        if first:
            self.seeds, self.places = [int(np.random.SeedSequence().entropy)] * number, list(range(number))  # type: ignore[arg-type]
        elif seed is None and evaluation is None:
            return
        for i in np.flatnonzero(mask).tolist():
            given = seeds[i]
            before = bool(self.evaluation[i])
            wanted = evaluation if evaluation is not None else before and given is None
            if given is not None:
                self.seeds[i], self.places[i] = given, places[i]
            if first or given is not None:
                self.batch.states["episode"][i] = 0
            if first or given is not None or wanted != before:
                self.evaluation[i] = wanted
                self.batch.states["key"][i] = self._sequence(i).generate_state(2, np.uint64)

    def _sequence(self, i: int) -> np.random.SeedSequence:
        place = (EVALUATION, self.places[i]) if self.evaluation[i] else (self.places[i],)
        return np.random.SeedSequence(self.seeds[i], spawn_key=place)


class MarketAssignment(Generic[_Market]):
    """Which market, and which row of params, each env plays its episode with.

    A new market holds for an env from its next reset on, so for a while envs of one batch may play several. Rows of
    params are shared by the envs of a market, until a market with ranges to draw from gives each env its own.

    markets: those in play; playing: (N,) int64 index into them; next_market: that of the next episodes
    """

    def __init__(self, batch: AnyBatch, market: _Market) -> None:
        """All envs play `market`, whose params the batch was made with."""
        self.batch = batch
        self.next_market = market
        self.markets = [market]
        self.playing = np.zeros(batch.number, np.int64)

    def begin(self, mask: np.ndarray) -> None:
        """Give the envs of `mask` (N,) bool, about to be reset, the market of their next episode."""
        market = self.next_market
        ranges = market.ranges
        if self.markets == [market] and not ranges:
            return
        if market not in self.markets:
            self.markets.append(market)
        self.playing[mask] = self.markets.index(market)
        self._forget()
        batch = self.batch
        if not ranges and len(self.markets) == 1:
            batch.params = market.params.reshape(1).copy()
            batch.params_index = np.zeros(batch.number, np.int64)
            return
        if len(batch.params) != batch.number:
            batch.params = batch.params[batch.params_index]
            batch.params_index = np.arange(batch.number)
        for i in np.flatnonzero(mask).tolist():
            batch.params[i] = market.params_of(self._draw(i, self.batch.states["episode"][i])) if ranges else market.params

    def groups(self) -> Iterator[tuple[_Market, np.ndarray | None]]:
        """Each market in play with the (N,) bool mask of its envs, None for all of them."""
        if len(self.markets) == 1:
            yield self.markets[0], None
            return
        for k, market in enumerate(self.markets):
            yield market, self.playing == k

    def market_of(self, i: int) -> _Market:
        """The market that env i plays."""
        return self.markets[int(self.playing[i])]

    def config_of(self, i: int) -> Any:
        """The configuration of env i's episode, with what was drawn for it."""
        return self._draw(i, self.batch.states["episode"][i] - 1)

    def _draw(self, i: int, episode: int) -> Any:
        """The market of env i's episode of that number: depends on (key, episode) alone."""
        market = self.market_of(i)
        if not market.ranges:
            return market.config
        key = [*self.batch.states["key"][i].tolist(), int(episode)]
        sequence = np.random.SeedSequence(key, spawn_key=(_RANDOMIZE,))
        return sample_randomized(market.config, np.random.Generator(np.random.PCG64(sequence)))

    def _forget(self) -> None:
        """Drop the markets that no env plays any more."""
        used = np.unique(self.playing)
        self.markets = [self.markets[k] for k in used]
        self.playing = np.searchsorted(used, self.playing)
