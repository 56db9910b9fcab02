"""What an environment derives from its configuration, whatever the number of envs: params, headlines, their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mm_env.config import MarketConfig
from mm_env.config.io import config_hash
from mm_env.errors import ConfigError
from mm_env.market.params import make_params
from mm_env.market.replay import ReplayData, load_replay
from mm_env.sentiment import PERFECT, Scorer, TapeReport, bundled_bank, class_of, get_scorer, load_tape, measure_confusion
from mm_env.sim.inputs import Headlines
from mm_env.sim.news import TAPE_DTYPE
from mm_env.sim.state import Capacity, capacity_for

_KEPT = 8  # markets
_cache: dict[tuple[str | int, ...], Market] = {}


@dataclass(frozen=True, eq=False)
class Market:
    """A configuration and all that follows from it. Shared by all envs of it: the arrays are not to be written to.

    config: the market
    params: () record of `params_dtype`
    headlines: as kernels read them
    texts: H headlines
    confusion: (3, 3) and (3,) float64 true class given the scored one, mean |polarity| of each true class
    tape_report: what became of the rows of the tape's file; None without a tape
    tape_latest: [s] latest start of an episode on the tape
    replay: the events that are replayed, none without the key `replay`
    """

    config: MarketConfig
    params: np.ndarray
    headlines: Headlines
    texts: tuple[str, ...]
    confusion: tuple[np.ndarray, np.ndarray]
    tape_report: TapeReport | None
    tape_latest: float
    replay: ReplayData

    @property
    def ranges(self) -> bool:
        """Whether parameters are resampled for each episode."""
        return bool(self.config.randomize)

    @cached_property
    def headlines_digest(self) -> str:
        """Of headlines and recording: a file of the same name may have been edited since a state was saved."""
        digest = hashlib.sha256(self.headlines.tape.tobytes())
        digest.update("\n".join(self.texts).encode())
        if len(self.replay.inputs.events):
            digest.update(self.replay.inputs.events.tobytes() + self.replay.inputs.books.tobytes())
        return digest.hexdigest()[:12]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the S symbols."""
        return tuple(symbol.name for symbol in self.config.symbols)

    @property
    def venues(self) -> tuple[str, ...]:
        """Names of the V venues."""
        return tuple(venue.name for venue in self.config.venues)

    @property
    def capacity(self) -> Capacity:
        """Size of the compiled kernel that holds the market."""
        return capacity_for(len(self.config.symbols), len(self.config.venues))

    def params_of(self, config: MarketConfig) -> np.ndarray:
        """() record of a variation of `config` that keeps its symbols, venues, scorer and headlines."""
        return make_params(config, self.confusion, self.tape_latest, (self.replay.earliest, self.replay.latest))


def build_market(config: MarketConfig) -> Market:
    """The market of a configuration; the last few are kept, until the file of their tape changes.

    Raises `ConfigError` for a scorer that is not known, `mm_env.sentiment.TapeError` for a tape that cannot be used.
    """
    files = [] if config.replay is None else [path for books in config.replay.files.values() for path in books.values()]
    key: tuple[str | int, ...] = (
        config_hash(config),
        *(number for path in (config.news.tape, *files) for number in _stamp(path)),
    )
    market = _cache.pop(key, None) or _build(config)
    _cache[key] = market  # at the end: the most recently used
    while len(_cache) > _KEPT:
        del _cache[next(iter(_cache))]
    return market


def _stamp(tape: str | None) -> tuple[int, int]:
    """Size and time of change of a file of headlines or events, so that an edited one is read again."""
    if tape is None or not Path(tape).exists():
        return 0, 0
    found = Path(tape).stat()
    return found.st_size, found.st_mtime_ns


def _build(config: MarketConfig) -> Market:
    perfect = config.news.scorer == PERFECT
    try:
        scorer = get_scorer("none" if perfect else config.news.scorer)
    except ValueError as error:
        raise ConfigError(f"news.scorer: {error}") from error
    names = [symbol.name for symbol in config.symbols]
    measured = measure_confusion(scorer)
    confusion = (measured.truth_given_class, measured.magnitude)
    headlines, texts, report, latest = _headlines(config, names, scorer)
    if perfect:
        _score_truth(headlines.tape)
    replay = load_replay(config)
    params = make_params(config, confusion, latest, (replay.earliest, replay.latest))
    params.setflags(write=False)  # not so the others: Numba would compile again for a read-only array
    return Market(config, params, headlines, texts, confusion, report, latest, replay)


def _headlines(
    config: MarketConfig, names: Sequence[str], scorer: Scorer
) -> tuple[Headlines, tuple[str, ...], TapeReport | None, float]:
    """Headlines of the news source as kernels read them, and their texts; a tape's report and latest start [s]."""
    news, episode = config.news, config.episode
    offsets = np.zeros(len(names) + 2, np.int64)
    if news.source == "poisson":
        bank = bundled_bank(names, scorer)
        offsets[:] = bank.first
        rows = _rows(np.zeros(len(bank.text)), bank.symbol, bank.polarity, bank.score, scorer.neutral_band)
        return Headlines(rows, offsets), bank.text, None, 0.0
    if news.source == "tape":
        read = load_tape(
            str(news.tape),
            names,
            scorer,
            step_seconds=episode.step_seconds,
            episode_seconds=episode.steps * episode.step_seconds,
            seconds_per_episode_second=news.tape_seconds_per_second,
            session=news.tape_session,
            most_per_second=(news.rate_per_hour + news.macro_rate_per_hour) / 3600.0,
        )
        rows = _rows(read.time_seconds, read.symbol, read.polarity, read.score, scorer.neutral_band)
        return Headlines(rows, offsets), read.text, read.report, read.latest_start_seconds
    return Headlines(np.zeros(0, TAPE_DTYPE), offsets), (), None, 0.0


def _score_truth(tape: np.ndarray) -> None:
    """Let the score of each headline be its polarity."""
    unstated = int(np.count_nonzero(tape["stated"] == 0))
    if unstated:
        allowed = "a tape that states the polarity of each headline, or a scorer of texts"
        raise ConfigError(f"news.scorer: {PERFECT!r} with {unstated} headlines of unknown polarity; expected {allowed}")
    tape["score"] = tape["polarity"]
    tape["scored"] = class_of(tape["polarity"])


def _rows(time: np.ndarray, symbol: np.ndarray, polarity: np.ndarray, score: np.ndarray, neutral_band: float) -> np.ndarray:
    """(H,) TAPE_DTYPE; a polarity of NaN is one that is not stated."""
    rows = np.zeros(len(time), TAPE_DTYPE)
    rows["time"], rows["symbol"], rows["score"] = time, symbol, score
    rows["stated"] = ~np.isnan(polarity)
    rows["polarity"] = np.where(rows["stated"], polarity, 0.0)
    rows["scored"] = class_of(score, neutral_band)
    return rows
