"""Play episodes of a policy in the vector environment, all at once, and keep of each what statistics need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.evaluation.episodes import Episodes, join
from mm_env.evaluation.markouts import HORIZONS_SECONDS, Marks, markouts, sum_marks
from mm_env.sim.ledger import FILL_DTYPE, HEDGE, MAKER

if TYPE_CHECKING:
    from mm_env.envs.vector_env import MultiVenueVectorEnv
    from mm_env.policies.base import Policy


@dataclass(frozen=True, eq=False)
class Moment:
    """One decision step of all envs, or their reset.

    envs: the environment, whose states are those after the step
    first: number of the episode that env 0 plays; env i plays number first + i
    step: 0 after a reset
    rewards: (N,) float64
    infos: as the environment gives them
    playing: (N,) bool envs whose episode took this step
    ended: (N,) bool envs whose episode ended with it
    """

    envs: MultiVenueVectorEnv
    first: int
    step: int
    rewards: NDArray[np.float64]
    infos: dict[str, Any]
    playing: NDArray[np.bool_]
    ended: NDArray[np.bool_]


Watcher = Callable[[Moment], None]


@dataclass(frozen=True, eq=False)
class Played:
    """The outcome of `play`.

    episodes: all that were finished, in their order; of a run that was stopped before any was, those under way as they
        stand; None when not a step was done
    stopped: whether the run was stopped before the last episode's end
    complete: whether `episodes` were finished
    """

    episodes: Episodes | None
    stopped: bool
    complete: bool


def play(
    envs: MultiVenueVectorEnv,
    policy: Policy,
    episodes: int,
    seed: int,
    *,
    options: dict[str, Any] | None = None,
    watchers: Sequence[Watcher] = (),
    stop: Callable[[], bool] = lambda: False,
) -> Played:
    """Play episodes 0 to `episodes` - 1; envs play them side by side, and further ones after those.

    envs: made with record=True (fills are counted from its log) and AutoresetMode.NEXT_STEP
    options: of the first reset
    watchers: called after each reset and step
    stop: asked before each step

    Raises ValueError for an environment that keeps no log.
    """
    if envs.batch.fills.shape[1] == 0:
        raise ValueError("the environment keeps no log of its fills; make it with record=True")
    parts: list[Episodes] = []
    for first in range(0, episodes, envs.num_envs):
        infos = envs.reset(seed=seed, options=options)[1] if first == 0 else envs.reset()[1]
        count = _Round(envs, infos, min(envs.num_envs, episodes - first))
        nothing = np.zeros(envs.num_envs)
        _tell(watchers, Moment(envs, first, 0, nothing, infos, count.playing.copy(), nothing != 0.0))
        while count.playing.any():
            if stop():
                under_way = [count.result()] if count.step > 0 and not parts else []
                return Played(join(parts or under_way) if parts or under_way else None, True, bool(parts))
            playing = count.playing.copy()
            _, rewards, _, truncated, infos = envs.step(policy.act(envs))
            count.add(rewards, truncated, infos)
            _tell(watchers, Moment(envs, first, count.step, rewards, infos, playing, truncated))
        parts.append(count.result())
    return Played(join(parts), False, True)


def _tell(watchers: Sequence[Watcher], moment: Moment) -> None:
    for watcher in watchers:
        watcher(moment)


class _Round:
    """What is counted while all envs play one episode each; the first `number` of them count."""

    def __init__(self, envs: MultiVenueVectorEnv, infos: dict[str, Any], number: int) -> None:
        n, s = envs.num_envs, len(envs.symbols)
        self.envs, self.number, self.step = envs, number, 0
        self.playing = np.arange(n) < number
        self.steps = np.zeros(n, np.int64)
        self.reward = np.zeros(n)
        self.moments = np.zeros((3, n, s))  # sums of q, |q|, q²
        self.high, self.drawdown = np.zeros((n, s + 1)), np.zeros((n, s + 1))
        self.mids = [np.array(infos["mid"])]
        self.fills: list[NDArray[Any]] = []
        self.owners: list[NDArray[np.int64]] = []
        self.last = self._states()
        self.params = envs.batch.params[envs.batch.which]  # an env that ends early goes on with others

    def _states(self) -> dict[str, NDArray[Any]]:
        """What the ledger counted up to now, cut to the symbols and venues in use."""
        states, s, v = self.envs.batch.states, len(self.envs.symbols), len(self.envs.venues)
        by_venue = ("attribution", "posted", "filled", "fills", "hedged_lots")
        kept = {name: states[name][:, :s, :v].copy() for name in by_venue}
        kept |= {name: states[name][:, :s].copy() for name in ("inventory", "liquidated", "hedge_unfilled")}
        return kept | {name: states[name].copy() for name in ("breaches", "hedges", "ended")}

    def add(self, rewards: NDArray[Any], truncated: NDArray[np.bool_], infos: dict[str, Any]) -> None:
        """Count a step of the envs that still play."""
        playing, now = self.playing, self._states()
        self.step += 1
        for name, values in now.items():
            self.last[name][playing] = values[playing]
        self.steps[playing] += 1
        self.reward[playing] += rewards[playing]
        held = self._inventory()
        self.moments[:, playing] += np.stack([held, np.abs(held), held**2])[:, playing]
        profit = now["attribution"].sum(axis=(2, 3))
        path = np.concatenate([profit, profit.sum(axis=1, keepdims=True)], axis=1)
        np.maximum(self.high, path, out=self.high, where=playing[:, None])
        np.maximum(self.drawdown, self.high - path, out=self.drawdown, where=playing[:, None])
        self.mids.append(np.array(infos["mid"]))
        self._keep_fills()
        self.playing = playing & ~truncated

    def _inventory(self) -> NDArray[np.float64]:
        """(N, S) [lots], at the end of an episode that before its liquidation."""
        sold = self.last["liquidated"] != 0
        return np.where(sold, self.last["liquidated"], self.last["inventory"]).astype(np.float64)

    def _keep_fills(self) -> None:
        batch = self.envs.batch
        logged = np.minimum(batch.states["fill_count"], batch.fills.shape[1])
        counts = np.where(self.playing, logged, 0)
        width = int(counts.max())
        if width:
            self.fills.append(batch.fills[:, :width][np.arange(width) < counts[:, None]])
            self.owners.append(np.repeat(np.arange(len(counts)), counts))

    def result(self) -> Episodes:
        """The episodes as they stand."""
        n, last = self.number, self.last
        fills = np.concatenate([np.zeros(0, FILL_DTYPE), *self.fills])
        owners = np.concatenate([np.zeros(0, np.int64), *self.owners])
        mean, absolute, square = self.moments[:, :n] / self.steps[:n, None]
        return Episodes(
            breakdown=last["attribution"][:n],
            reward=self.reward[:n],
            steps=self.steps[:n],
            drawdown=self.drawdown[:n],
            posted=last["posted"][:n].sum(axis=(2, 3)),
            filled=last["filled"][:n].sum(axis=(2, 3)),
            fills=last["fills"][:n].sum(axis=(2, 3)),
            venue_posted=last["posted"][:n].sum(axis=(1, 3)),
            venue_filled=last["filled"][:n].sum(axis=(1, 3)),
            inventory_mean=mean,
            inventory_absolute=absolute,
            inventory_square=square,
            inventory_end=self._inventory()[:n].astype(np.int64),
            breaches=last["breaches"][:n],
            hedges=last["hedges"][:n],
            hedged_lots=last["hedged_lots"][:n].sum(axis=2),
            hedge_unfilled=last["hedge_unfilled"][:n],
            hedge_cost=self._hedge_cost(fills, owners)[:n],
            marks=self._marks(fills, owners),
        )

    def _hedge_cost(self, fills: NDArray[Any], owners: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N, S) [currency] what the hedges' fills gave away against the mid, and their fees."""
        cost = np.zeros((self.envs.num_envs, len(self.envs.symbols)))
        hedges = fills["role"] == HEDGE
        rows = fills[hedges]
        lot_value = self.params["lot_value"][owners[hedges], rows["symbol"]]
        sign = 1.0 - 2.0 * rows["side"]
        crossing = sign * (rows["price"] - rows["mid"]) * rows["quantity"] * lot_value
        np.add.at(cost, (owners[hedges], rows["symbol"]), crossing + rows["fee"])
        return cost

    def _marks(self, fills: NDArray[Any], owners: NDArray[np.int64]) -> Marks:
        """Mark-outs of the own quotes' fills, by episode and venue."""
        mids = np.stack(self.mids)
        order = np.flatnonzero(fills["role"] == MAKER)
        group = owners[order] * len(self.envs.symbols) + fills["symbol"][order]
        order = order[np.argsort(group, kind="stable")]
        marks = np.full((len(order), len(HORIZONS_SECONDS)), np.nan)
        notional = np.zeros(len(order))
        group = owners[order] * len(self.envs.symbols) + fills["symbol"][order]
        edges = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
        for low, high in pairwise(edges.tolist()):
            rows, e = fills[order[low:high]], int(owners[order[low]])
            i, p = int(rows["symbol"][0]), self.params[e]
            tick, basis = p["tick_size"][i], p["basis"][rows["venue"]]
            shares = (1.0 - 2.0 * rows["side"]) * rows["quantity"] * p["lot_value"][i] / tick
            price, fill_mid = (rows["price"] - basis) * tick, (rows["mid"] - basis) * tick
            known = self.steps[e] + (0 if self.last["ended"][e] and p["liquidate"] else 1)
            marks[low:high] = markouts(rows["time"], price, fill_mid, shares, mids[:known, e, i], float(p["step_seconds"]))
            notional[low:high] = rows["price"] * tick * np.abs(shares)
        shape = (self.number, len(self.envs.venues))
        return sum_marks(marks, notional, owners[order], fills["venue"][order].astype(np.int64), shape)
