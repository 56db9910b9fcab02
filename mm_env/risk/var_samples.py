"""Positions frozen over horizons that do not overlap: their stated risk and their profit.

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

from mm_env.envs.play import StepSnapshot, Watcher, make_envs, play
from mm_env.errors import UsageError
from mm_env.risk.var_variants import AgentView, Figures, Variant, figures_of

if TYPE_CHECKING:
    from mm_env.config import MarketConfig
    from mm_env.policies.base import Policy

Floats = NDArray[np.float64]
MOST_ENVS = 50  # side by side, so that the mids of all their steps fit in memory


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


class PositionSampler(Watcher):
    """A watcher of `envs.play.play` that freezes positions, and states their risk by every variant at a round's end."""

    def __init__(
        self,
        config: MarketConfig,
        variants: Sequence[Variant],
        periods: int,
        window_steps: int,
    ) -> None:
        """Freeze `periods` positions a block, the first one `window_steps` after the episode's start.

        window_steps: of past moves that a simulation draws from; no position is frozen before they are there
        """
        self.variants, self.periods, self.window = tuple(variants), periods, window_steps
        self.horizon = horizon_steps(config)
        self.parts: list[Samples] = []
        self._lots = np.array([symbol.lot_size for symbol in config.symbols])
        self._ticks = np.array([symbol.tick_size for symbol in config.symbols])
        self._risk, self._step_seconds = config.risk, config.episode.step_seconds

    def reset(self, snapshot: StepSnapshot) -> None:
        """Begin a round of blocks."""
        states, s = snapshot.envs.batch.states, len(self._lots)
        self._number = int(snapshot.playing.sum())
        scale = self._ticks[:, None] * self._ticks
        self._covariance = states["covariance"][: self._number, :s, :s] * scale
        self._mids: list[Floats] = []
        self._seen: list[Floats] = []
        self._regimes: list[NDArray[np.int64]] = []
        self._frozen: list[tuple[Floats, NDArray[np.bool_], Floats]] = []
        self.step(snapshot)

    def step(self, snapshot: StepSnapshot) -> None:
        """Keep the mids, and freeze a position where one is due."""
        states, s, n, step = snapshot.envs.batch.states, len(self._lots), self._number, snapshot.step
        self._mids.append(snapshot.infos["mid"][:n].copy())
        self._seen.append(states["seen_mid"][:n, :s] * self._ticks)
        self._regimes.append(snapshot.infos["regime"][:n].copy())
        if step >= self.window and (step - self.window) % self.horizon == 0:
            held = snapshot.infos["inventory"][:n].copy()
            late = (states["seen_position"][:n, :s].sum(axis=2) != held).any(axis=1)
            self._frozen.append((held * self._lots, late, states["value_at_risk"][:n].copy()))

    def finish(self, complete: bool) -> None:
        """State the risk of the frozen positions; a round that was stopped is dropped."""
        if complete:
            self.parts.append(self._state())

    def _state(self) -> Samples:
        """The samples of a round that is over."""
        mids, regimes = np.stack(self._mids), np.stack(self._regimes)
        times = np.arange(self.window, len(mids) - self.horizon, self.horizon)
        shares, late, stated = (np.stack(part[: len(times)]) for part in zip(*self._frozen, strict=True))
        seen = AgentView(
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
    """Decision steps of the horizon of the value at risk; raises UsageError where it is not a whole number of them."""
    steps = config.risk.var_horizon_seconds / config.episode.step_seconds
    if round(steps) < 1 or abs(steps - round(steps)) > 1e-9 * steps:
        allowed = f"a multiple of episode.step_seconds, {config.episode.step_seconds:g}"
        raise UsageError(f"risk.var_horizon_seconds {config.risk.var_horizon_seconds:g}; expected in a backtest: {allowed}")
    return round(steps)


def sample_positions(
    policy: Policy,
    config: MarketConfig,
    variants: Sequence[Variant],
    blocks: int,
    seed: int,
    *,
    periods: int,
    window_steps: int,
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> Samples | None:
    """Play blocks, one long episode each, and freeze `periods` positions in each.

    config: the market as the policy configures it; window_steps: as of `PositionSampler`
    on_progress, stop: as of `mm_env.envs.play.play`

    Returns the samples of the blocks that were finished; None where none was.
    """
    sampler = PositionSampler(config, variants, periods, window_steps)
    envs = make_envs(policy, config, min(blocks, MOST_ENVS))
    try:
        play(envs, policy, blocks, seed, watchers=[sampler], on_progress=on_progress, stop=stop)
    finally:
        envs.close()
    return join_samples(sampler.parts) if sampler.parts else None


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
