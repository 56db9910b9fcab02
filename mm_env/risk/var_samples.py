"""Positions frozen over horizons that do not overlap, with what was stated of their risk and what became of them.

At a decision time t an agent holds an inventory; the profit is that of holding it still until t + horizon, from the mids,
and the next position is frozen at t + horizon. Positions of zero are left out. A block is one long episode; blocks are
independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.risk.var_variants import Figures, Seen, Variant, figures_of

if TYPE_CHECKING:
    from mm_env.config import MarketConfig
    from mm_env.envs.play import Moment

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Samples:
    """N blocks of M positions.

    profit: (M, N) [currency] of the frozen position; counted: (M, N) bool, the first `periods` of a block that are not zero
    regime: (M, N) int index at the start; switched: (M, N) bool, whether it changed within the horizon
    unseen: (M, N) bool, whether the agent had not yet seen the last fills of the position
    figures: name of a variant -> what it stated
    """

    profit: Floats
    counted: NDArray[np.bool_]
    regime: NDArray[np.int64]
    switched: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    figures: dict[str, Figures]

    @property
    def unseen_share(self) -> float:
        """Share of the counted positions of which the agent had not yet seen the last fills."""
        return float((self.unseen & self.counted).sum() / max(1, self.counted.sum()))


class PositionSampler:
    """A watcher of `envs.play.play` that freezes positions, and states their risk by every variant at a round's end."""

    def __init__(
        self,
        config: MarketConfig,
        variants: Sequence[Variant],
        periods: int,
        window_steps: int,
        tell: Callable[[int], None] = lambda steps: None,
    ) -> None:
        """Freeze `periods` positions a block, the first one `window_steps` after the episode's start.

        window_steps: of past moves that a simulation draws from; no position is frozen before they are there
        tell: called with the env steps done since
        """
        self.variants, self.periods, self.window = tuple(variants), periods, window_steps
        self.horizon = horizon_steps(config)
        self.parts: list[Samples] = []
        self._tell = tell
        self._lots = np.array([symbol.lot_size for symbol in config.symbols])
        self._ticks = np.array([symbol.tick_size for symbol in config.symbols])
        self._risk, self._step_seconds = config.risk, config.episode.step_seconds

    def __call__(self, moment: Moment) -> None:
        """Take a step, or the beginning of blocks."""
        states, s = moment.envs.batch.states, len(self._lots)
        if moment.step == 0:
            self._number = int(moment.playing.sum())
            scale = self._ticks[:, None] * self._ticks
            self._covariance = states["covariance"][: self._number, :s, :s] * scale
            self._mids: list[Floats] = []
            self._seen: list[Floats] = []
            self._regimes: list[NDArray[np.int64]] = []
            self._frozen: list[tuple[Floats, NDArray[np.bool_], Floats]] = []
        n = self._number
        self._mids.append(moment.infos["mid"][:n].copy())
        self._seen.append(states["seen_mid"][:n, :s] * self._ticks)
        self._regimes.append(moment.infos["regime"][:n].copy())
        if moment.step >= self.window and (moment.step - self.window) % self.horizon == 0:
            held = moment.infos["inventory"][:n].copy()
            late = (states["seen_position"][:n, :s].sum(axis=2) != held).any(axis=1)
            self._frozen.append((held * self._lots, late, states["value_at_risk"][:n].copy()))
        if moment.step:
            self._tell(int(moment.playing.sum()))
        if moment.step and not (moment.playing & ~moment.ended).any():
            self.parts.append(self._state())

    def _state(self) -> Samples:
        """The samples of a round that is over."""
        mids, regimes = np.stack(self._mids), np.stack(self._regimes)
        times = np.arange(self.window, len(mids) - self.horizon, self.horizon)
        shares, late, stated = (np.stack(part[: len(times)]) for part in zip(*self._frozen, strict=True))
        seen = Seen(
            np.stack(self._seen), self._covariance, times, shares, stated, self._step_seconds, self.horizon, self.window,
            self._risk.var_conf, self._risk.es_conf, self._risk.es_window,
        )  # fmt: skip
        moves = mids[times + self.horizon] - mids[times]
        held = (shares != 0.0).any(axis=2)
        counted = held & (np.cumsum(held, axis=0) <= self.periods)
        during = np.stack([regimes[times + k] for k in range(self.horizon + 1)])
        return Samples(
            profit=(shares * moves).sum(axis=2),
            counted=counted,
            regime=regimes[times],
            switched=(during != during[0]).any(axis=0),
            unseen=late,
            figures={variant.name: figures_of(variant, seen) for variant in self.variants},
        )


def horizon_steps(config: MarketConfig) -> int:
    """Decision steps of the horizon of the value at risk; raises ValueError where it is not a whole number of them."""
    steps = config.risk.var_horizon_seconds / config.episode.step_seconds
    if round(steps) < 1 or abs(steps - round(steps)) > 1e-9 * steps:
        allowed = f"a multiple of episode.step_seconds, {config.episode.step_seconds:g}"
        raise ValueError(f"risk.var_horizon_seconds {config.risk.var_horizon_seconds:g}; allowed in a backtest: {allowed}")
    return round(steps)


def join_samples(parts: Sequence[Samples]) -> Samples:
    """All blocks of the parts, which are of one market."""

    def figures(name: str) -> Figures:
        columns = {field: [getattr(part.figures[name], field) for part in parts] for field in Figures.__dataclass_fields__}
        joined: dict[str, Any] = {
            field: None if column[0] is None else np.concatenate(column, axis=1) for field, column in columns.items()
        }
        return Figures(**joined)

    plain: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts], axis=1)
        for name in ("profit", "counted", "regime", "switched", "unseen")
    }
    return Samples(**plain, figures={name: figures(name) for name in parts[0].figures})
