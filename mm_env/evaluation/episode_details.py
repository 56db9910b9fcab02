"""Totals of episodes of the book market by symbol and venue, counted while they are played."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.envs.play import StepSnapshot, Watcher
from mm_env.evaluation.episode_sums import EpisodeSums, hedge_cost
from mm_env.evaluation.episodes import Episodes, join
from mm_env.evaluation.evaluation import EpisodeMetrics, Evaluation
from mm_env.evaluation.markouts import HORIZONS_SECONDS, Marks, lots_bought, markouts, sum_marks
from mm_env.sim.ledger import FILL_DTYPE, HEDGE_COST, MAKER, TAKER_FEES

_BY_VENUE = ("attribution", "posted", "filled", "fills", "hedged_lots")
_BY_SYMBOL = ("hedge_unfilled",)


class EpisodeDetails(Watcher):
    """A watcher that counts all episodes by symbol and venue, their metrics included.

    envs: of the book market, made with record=True
    Episodes of a round that was stopped are left out, unless it was the first: then they count as they stand.
    """

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._metrics = EpisodeMetrics()
        self._parts: list[Episodes] = []
        self._round: _Round | None = None

    def reset(self, snapshot: StepSnapshot) -> None:
        """Begin to count a round."""
        self._metrics.reset(snapshot)
        assert self._metrics.sums is not None
        self._round = _Round(snapshot, self._metrics.sums)

    def step(self, snapshot: StepSnapshot) -> None:
        """Count a step."""
        assert self._round is not None
        self._metrics.step(snapshot)
        self._round.add(snapshot)

    def finish(self, complete: bool) -> None:
        """Take over the episodes of the round."""
        assert self._round is not None
        if complete or (not self._parts and self._round.sums.steps.any()):
            self._parts.append(self._round.result())
        self._round = None

    def result(self) -> Episodes | None:
        """All episodes in their order; None where not a step was done."""
        return join(self._parts) if self._parts else None


class _Round:
    """The totals of one episode of each env; the first `number` of them count."""

    def __init__(self, snapshot: StepSnapshot, sums: EpisodeSums) -> None:
        envs = snapshot.envs
        n, s = envs.num_envs, len(envs.symbols)
        self.envs, self.number, self.sums = envs, int(np.count_nonzero(snapshot.playing)), sums
        self.ended = np.zeros(n, bool)
        self.moments = np.zeros((3, n, s))  # sums of q, |q|, q² [lots]
        self.high, self.drawdown = np.zeros((n, s)), np.zeros((n, s))
        self.hedge_fees = np.zeros((n, s))  # before the last step
        self.mids = [np.array(snapshot.infos["mid"])]
        self.fills: list[NDArray[Any]] = []
        self.owners: list[NDArray[np.int64]] = []
        self.last = self._ledger()
        self.params = envs.batch.params[envs.batch.params_index]  # an env that ends early may have others by the end

    def _ledger(self) -> dict[str, NDArray[Any]]:
        """What the ledger has counted so far, cut to the symbols and venues in use."""
        states, s, v = self.envs.batch.states, len(self.envs.symbols), len(self.envs.venues)
        kept = {name: states[name][:, :s, :v].copy() for name in _BY_VENUE}
        return kept | {name: states[name][:, :s].copy() for name in _BY_SYMBOL}

    def add(self, snapshot: StepSnapshot) -> None:
        """Count a step of the envs that play; the sums have counted it already."""
        playing, now = snapshot.playing, self._ledger()
        for name, values in now.items():
            self.last[name][playing] = values[playing]
        self.ended |= snapshot.ended & playing
        before_end = playing & ~snapshot.ended
        self.hedge_fees[before_end] = -now["attribution"][before_end][..., TAKER_FEES].sum(axis=2)
        held = self.sums.inventory.astype(np.float64)
        self.moments[:, playing] += np.stack([held, np.abs(held), held**2])[:, playing]
        profit = now["attribution"].sum(axis=(2, 3))
        np.maximum(self.high, profit, out=self.high, where=playing[:, None])
        np.maximum(self.drawdown, self.high - profit, out=self.drawdown, where=playing[:, None])
        self.mids.append(np.array(snapshot.infos["mid"]))
        self._keep_fills(playing)

    def _keep_fills(self, playing: NDArray[np.bool_]) -> None:
        batch = self.envs.batch
        logged = np.minimum(batch.states["fill_count"], batch.logs.fills.shape[1])
        counts = np.where(playing, logged, 0)
        width = int(counts.max())
        if width:
            self.fills.append(batch.logs.fills[:, :width][np.arange(width) < counts[:, None]])
            self.owners.append(np.repeat(np.arange(len(counts)), counts))

    def result(self) -> Episodes:
        """The episodes as they stand."""
        n, last, sums = self.number, self.last, self.sums
        fills = np.concatenate([np.zeros(0, FILL_DTYPE), *self.fills])
        owners = np.concatenate([np.zeros(0, np.int64), *self.owners])
        booked = last["attribution"][..., HEDGE_COST].sum(axis=2)
        mean, absolute, square = self.moments[:, :n] / np.maximum(sums.steps[:n, None], 1)
        return Episodes(
            metrics=Evaluation(**sums.metrics(slice(n))),
            breakdown=last["attribution"][:n],
            steps=sums.steps[:n].copy(),
            drawdown=self.drawdown[:n],
            posted=last["posted"][:n].sum(axis=(2, 3)),
            filled=last["filled"][:n].sum(axis=(2, 3)),
            fills=last["fills"][:n].sum(axis=(2, 3)),
            venue_posted=last["posted"][:n].sum(axis=(1, 3)),
            venue_filled=last["filled"][:n].sum(axis=(1, 3)),
            inventory_mean=mean,
            inventory_absolute=absolute,
            inventory_square=square,
            inventory_end=sums.inventory[:n].copy(),
            hedged_lots=last["hedged_lots"][:n].sum(axis=2),
            hedge_unfilled=last["hedge_unfilled"][:n],
            hedge_cost=hedge_cost(booked[:n], self.hedge_fees[:n], sums.last_hedge_fees[:n]),
            marks=self._marks(fills, owners),
        )

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
            tick, basis = p["tick_size"][i], p["price_basis_ticks"][rows["venue"]]
            shares = lots_bought(rows) * p["lot_value"][i] / tick
            price, fill_mid = (rows["price"] - basis) * tick, (rows["mid"] - basis) * tick
            known = self.sums.steps[e] + (0 if self.ended[e] and p["liquidate_at_end"] else 1)
            marks[low:high] = markouts(rows["time"], price, fill_mid, shares, mids[:known, e, i], float(p["step_seconds"]))
            notional[low:high] = rows["price"] * tick * np.abs(shares)
        shape = (self.number, len(self.envs.venues))
        return sum_marks(marks, notional, owners[order], fills["venue"][order].astype(np.int64), shape)
