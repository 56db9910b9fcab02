"""Profit cut by symbol, venue, regime, period and side: each cut sums to the profit, with standard errors over episodes.

dimension | what
--------- | ----
symbol, venue | of the fill, and of the position that is revalued
regime | at the end of the step, as steps.parquet has it
period | of `minutes`, in which the step began: since the episode's start, or of a replayed record its date and time in UTC
side | of a fill's terms: buy, sell, or unlogged, past what a step's log holds
 | of revaluation: long, short or flat, by the symbol's inventory as the step began; what is first bought or sold in a step
 | that began flat is revalued there under flat

Beside the ledger's terms stand memo items, which are not part of the profit: the fills and lots of own quotes, the fees of
hedges (a part of taker_fees) and, h seconds after own quotes' fills, `markout_<h>s` = shares x (mid then - price) and
`adverse_selection_<h>s` = -shares x (mid then - mid at the fill), both over the `marked_fills_<h>s`, whose horizon lies
within the episode. Over these, the mark-out is the spread captured less the adverse selection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.envs.play import StepSnapshot, Watcher, make_envs, play
from mm_env.errors import UsageError
from mm_env.evaluation.attribution import PROFIT
from mm_env.evaluation.cut_cells import MEMOS, TRADE_TERMS, Cells
from mm_env.sim.ledger import REVALUATION
from mm_env.sim.state import TERMS

if TYPE_CHECKING:
    from mm_env.config import MarketConfig
    from mm_env.policies.base import Policy

Floats = NDArray[np.float64]

PERIOD, REGIME, SYMBOL, VENUE, SIDE = "period", "regime", "symbol", "venue", "side"
DIMENSIONS = (SYMBOL, VENUE, REGIME, PERIOD, SIDE)
CUT_COLUMNS = ("cut", *DIMENSIONS, "kind", "term", "mean", "error", "episodes")
ALL, TRADING = "all", "trading"
SIDES = ("buy", "sell", "unlogged", "long", "short", "flat")
DEFAULT_CUTS: tuple[tuple[str, ...], ...] = (
    (), (SYMBOL,), (VENUE,), (REGIME,), (PERIOD,), (SIDE,), (SYMBOL, VENUE), (SYMBOL, SIDE), (REGIME, SIDE),
    (SYMBOL, VENUE, REGIME, PERIOD),
)  # fmt: skip

_AXES = (PERIOD, REGIME, SYMBOL, VENUE)  # of the cells, behind the episode
_WIDTHS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0)  # [min]
_MOST_PERIODS = 8
MOST_ENVS = 256  # side by side
QUANTITIES = (*TERMS, TRADING, PROFIT, *MEMOS)
_KINDS = ("term",) * len(TERMS) + ("subtotal", "profit") + ("memo",) * len(MEMOS)


def default_minutes(config: MarketConfig) -> float:
    """Width of a period [min] that cuts an episode into at most eight: some minutes of a short one, hours of a day."""
    length = config.episode.steps * config.episode.step_seconds / 60.0
    hours = 60.0 * max(1, math.ceil(length / 60.0 / _MOST_PERIODS))
    return next((width for width in _WIDTHS if width * _MOST_PERIODS >= length), hours)


def parse_cut(text: str) -> tuple[str, ...]:
    """Return the dimensions of a cut as "regime,side", in the order of DIMENSIONS; "all" or nothing for the whole.

    Raises UsageError for a dimension that does not exist, or stands twice.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == [ALL]:
        return ()
    wrong = [name for name in names if name not in DIMENSIONS or names.count(name) > 1]
    if wrong:
        raise UsageError(f"cut {text!r}: {wrong[0]!r}; expected all, or each at most once of {', '.join(DIMENSIONS)}")
    return tuple(name for name in DIMENSIONS if name in names)


def cut_name(cut: Sequence[str]) -> str:
    """Name of a cut, as in the column "cut"."""
    return ",".join(cut) or ALL


@dataclass
class _Moments:
    """Of one cut, over the episodes so far: mean and sum of squared deviations, (periods, …, quantities).

    low: number of the first period
    """

    low: int
    mean: Floats
    square: Floats


class AttributionCuts(Watcher):
    """A watcher that cuts the profit of all episodes.

    Episodes of a round that was stopped are left out, unless it was the first: then they count as they stand.
    """

    def __init__(self, cuts: Iterable[Sequence[str]] = DEFAULT_CUTS, minutes: float | None = None) -> None:
        """Watch for these cuts.

        minutes: width of a period; None as `default_minutes` says

        Raises UsageError for a width that is not above 0.
        """
        self.cuts = tuple(tuple(name for name in DIMENSIONS if name in cut) for cut in cuts)
        if minutes is not None and not 0.0 < minutes < math.inf:
            raise UsageError(f"minutes {minutes!r}; expected a number above 0")
        self.minutes, self.episodes = minutes, 0
        self._cells: Cells | None = None
        self._moments: dict[tuple[str, ...], _Moments] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._clock: datetime | None = None

    def reset(self, snapshot: StepSnapshot) -> None:
        """Begin a round."""
        envs = snapshot.envs
        if self.minutes is None:
            self.minutes = default_minutes(envs.config)
        replayed = envs.config.replay is not None
        self._clock = datetime(1970, 1, 1, tzinfo=UTC) if replayed else None
        self._names = {
            REGIME: tuple(regime.name for regime in envs.config.regimes),
            SYMBOL: tuple(envs.symbols),
            VENUE: tuple(envs.venues),
            SIDE: SIDES,
        }
        seconds = envs.market.replay.origin * 1e-9 if replayed else None
        self._cells = Cells(snapshot, int(snapshot.playing.sum()), self.minutes, seconds)

    def step(self, snapshot: StepSnapshot) -> None:
        """Count a step."""
        assert self._cells is not None
        self._cells.add(snapshot)

    def finish(self, complete: bool) -> None:
        """Take over the episodes of a round; of one that was stopped only where there was none before it."""
        cells, self._cells = self._cells, None
        if cells is None or not cells.steps.any() or (self.episodes and not complete):
            return
        cells.close()
        for cut in self.cuts:
            self._add(cut, _margin(cells, cut), cells.base)
        self.episodes += cells.number

    def _add(self, cut: tuple[str, ...], values: Floats, low: int) -> None:
        """Merge a round's (E, periods, …, quantities) into the moments. Source: Chan, Golub & LeVeque 1979."""
        low = low if PERIOD in cut else 0
        mean, number = values.mean(axis=0), len(values)
        new = _Moments(low, mean, ((values - mean) ** 2).sum(axis=0))
        old = self._moments.get(cut)
        if old is not None:
            first, last = min(old.low, low), max(old.low + len(old.mean), low + len(mean))
            old, new = _spread(old, first, last), _spread(new, first, last)
            both, gap = self.episodes + number, new.mean - old.mean
            new = _Moments(
                first,
                old.mean + gap * (number / both),
                old.square + new.square + gap**2 * (self.episodes * number / both),
            )
        self._moments[cut] = new

    def rows(self) -> list[dict[str, Any]]:
        """One row for each cut, key and quantity, as CUT_COLUMNS: means and standard errors [currency an episode].

        Dimensions that a cut does not have are "". Keys at which nothing ever happened have no rows; error is None for a
        single episode. The rows of kind "term" of one cut sum to the profit.
        """
        return [row for cut, moments in self._moments.items() for row in self._cut_rows(cut, moments)]

    def _cut_rows(self, cut: tuple[str, ...], moments: _Moments) -> Iterable[dict[str, Any]]:
        axes = [axis for axis in (*_AXES, SIDE) if axis in cut or axis == PERIOD]
        error = np.sqrt(moments.square / max(self.episodes - 1, 1) / self.episodes)
        happened = (moments.mean != 0.0) | (moments.square != 0.0)
        for place in np.ndindex(moments.mean.shape[:-1]):
            if cut and not happened[place].any():
                continue
            key = dict.fromkeys(DIMENSIONS, "")
            for axis, index in zip(axes, place, strict=True):
                if axis == PERIOD:
                    key[PERIOD] = self._period(moments.low + index) if PERIOD in cut else ""
                else:
                    key[axis] = self._names[axis][index]
            for k in _quantities(key[SIDE]):
                yield {
                    "cut": cut_name(cut),
                    **key,
                    "kind": _KINDS[k],
                    "term": QUANTITIES[k],
                    "mean": float(moments.mean[place][k]),
                    "error": float(error[place][k]) if self.episodes > 1 else None,
                    "episodes": self.episodes,
                }

    def _period(self, index: int) -> str:
        """Name of a period: "5-10 min" since the episode's start, or "2012-06-21 14:00-15:00 UTC" of a record."""
        width = self.minutes or 0.0
        if self._clock is None:
            return f"{index * width:g}-{(index + 1) * width:g} min"
        begin = self._clock + timedelta(minutes=index * width)
        clock = "%H:%M" if width % 1.0 == 0.0 else "%H:%M:%S"  # else several periods of a minute had one name
        return f"{begin:%Y-%m-%d {clock}}-{begin + timedelta(minutes=width):{clock}} UTC"


def play_cuts(
    policy: Policy,
    config: MarketConfig,
    cuts: Sequence[Sequence[str]],
    episodes: int,
    seed: int,
    minutes: float | None = None,
    *,
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[AttributionCuts, bool]:
    """Play episodes 0 to `episodes` - 1 of a seed and cut their profit, the whole included.

    Returns the cuts, and whether the run was stopped. on_progress, stop: as of `mm_env.envs.play.play`
    """
    watcher = AttributionCuts([(), *(cut for cut in cuts if cut)], minutes)
    envs = make_envs(policy, policy.configure(config), min(episodes, MOST_ENVS), record=True)
    try:
        played = play(envs, policy, episodes, seed, watchers=[watcher], on_progress=on_progress, stop=stop)
    finally:
        envs.close()
    return watcher, played.stopped


def _spread(moments: _Moments, first: int, last: int) -> _Moments:
    """The same over the periods from first to last - 1: in those that were not there, nothing was made."""
    pad = [(moments.low - first, last - moments.low - len(moments.mean)), *[(0, 0)] * (moments.mean.ndim - 1)]
    return _Moments(first, np.pad(moments.mean, pad), np.pad(moments.square, pad))


def _quantities(side: str) -> Iterable[int]:
    """Which quantities a side has: a fill's terms and memos are never those of a position, nor the other way round."""
    profit = QUANTITIES.index(PROFIT)
    if side in ("buy", "sell"):
        return (*range(len(TRADE_TERMS)), *range(profit - 1, len(QUANTITIES)))
    if side == "unlogged":
        return (*range(len(TRADE_TERMS)), profit - 1, profit)
    if side:
        return (*range(len(TRADE_TERMS), len(TERMS)), profit)
    return range(len(QUANTITIES))


def _margin(cells: Cells, cut: tuple[str, ...]) -> Floats:
    """(E, periods, kept axes …, [sides,] quantities) of a round; periods is 1 where the cut has none."""
    if SIDE not in cut:
        terms = _kept(cells.total, cut, cells.number)
        memos = _kept(cells.memos.sum(axis=-2), cut, cells.number)
        return _with_sums(terms, memos)
    traded, by_side = _kept(cells.traded, cut, cells.number), _kept(cells.memos, cut, cells.number)
    held = _kept(cells.held.swapaxes(4, 5), cut, cells.number)  # the side goes behind the venue
    sides = (*traded.shape[:-2], len(SIDES))
    terms, memos = np.zeros((*sides, len(TERMS))), np.zeros((*sides, len(MEMOS)))
    terms[..., :3, :REVALUATION], terms[..., 3:, REVALUATION:] = traded, held
    memos[..., :2, :] = by_side
    return _with_sums(terms, memos)


def _kept(values: Floats, cut: tuple[str, ...], number: int) -> Floats:
    """(P, N, R, S, V, …) summed over the axes that the cut has not, episodes first."""
    values = np.moveaxis(values[:, :number], 1, 0)
    gone = tuple(k + 1 for k, axis in enumerate(_AXES) if axis not in cut and axis != PERIOD)
    kept: Floats = np.asarray(values.sum(axis=gone))
    return kept if PERIOD in cut else kept.sum(axis=1, keepdims=True)


def _with_sums(terms: Floats, memos: Floats) -> Floats:
    """The terms, what trading made, the profit, and the memos, along the last axis."""
    trading = terms[..., :REVALUATION].sum(axis=-1, keepdims=True)
    return np.concatenate([terms, trading, terms.sum(axis=-1, keepdims=True), memos], axis=-1)
