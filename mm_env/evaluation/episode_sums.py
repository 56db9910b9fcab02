"""Running totals of the episodes of many envs, from which their metrics come; every counter of steps uses these.

All of it is read from infos and from the log of fills, so that it holds for any autoreset mode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from mm_env.config import MarketConfig
from mm_env.errors import UsageError
from mm_env.evaluation.markouts import lots_bought
from mm_env.sim.ledger import HEDGE, LIQUIDATION

Floats = NDArray[np.float64]


def hedge_cost(booked: Floats, fees: Floats, last_fees: Floats) -> Floats:
    """What hedges gave away against the mid, and their fees [currency], above 0 a cost.

    booked: the ledger's term `hedge_cost`; fees: taker fees before the last step, which are those of hedges alone;
    last_fees: fees of the hedges in the last step, whose other taker fees are the liquidation's
    """
    return fees + last_fees - booked


class EpisodeSums:
    """Totals of the episode of each of N envs of either market.

    steps: (N,) int64 decision steps counted
    inventory: (N, S) int64 [lots] after the last step, at the end of an episode before its liquidation; book market only
    last_hedge_fees: (N, S) float64 [currency] fees of the hedges in the last step of an episode; book market only
    """

    def __init__(self, envs: Any) -> None:
        """Start with nothing counted.

        envs: a vector environment; of the book market one made with record=True

        Raises `UsageError` for an environment of the book market that keeps no log.
        """
        n = envs.num_envs
        self.envs, self.book = envs, isinstance(envs.config, MarketConfig)
        self.steps = np.zeros(n, np.int64)
        self._high = np.zeros(n)
        self._last = {name: np.zeros(n) for name in ("profit", "fills")}
        self._sums = {name: np.zeros(n) for name in ("reward", "drawdown", "square", "var", "breaches", "hedges")}
        self.reward_terms: dict[str, Floats] = {}
        self.attribution: dict[str, Floats] = {}
        if self.book:
            if not envs.record:
                raise UsageError("the environment keeps no log of its fills; make it with record=True")
            self.inventory = np.zeros((n, len(envs.symbols)), np.int64)
            self._hedge_fees = np.zeros(n)
            self.last_hedge_fees = np.zeros((n, len(envs.symbols)))
            self._lot_sizes = np.array([symbol.lot_size for symbol in envs.config.symbols])
            self._limit = self._var_limit()

    def _var_limit(self) -> Floats:
        """(N,) [currency] limit of VaR of the episode that each env plays."""
        batch = self.envs.batch
        return np.asarray(batch.params["portfolio_var_limit"][batch.params_index])

    def add(self, infos: dict[str, Any], rewards: Floats, playing: NDArray[np.bool_], ended: NDArray[np.bool_]) -> None:
        """Count a step of the envs of `playing`.

        infos: of the step itself, before any env was reset; rewards: (N,) [currency]; ended: (N,) bool
        """
        self.steps += playing
        sums, last = self._sums, self._last
        among: Any = True if playing.all() else playing  # numpy is faster without a mask
        np.add(sums["reward"], rewards, out=sums["reward"], where=among)
        np.maximum(self._high, infos["pnl"], out=self._high, where=among)
        np.maximum(sums["drawdown"], self._high - infos["pnl"], out=sums["drawdown"], where=among)
        np.copyto(last["profit"], infos["pnl"], where=among)
        if not self.attribution:
            self.reward_terms = {name: np.zeros(len(playing)) for name in infos["reward_terms"]}
            self.attribution = {name: np.zeros(len(playing)) for name in infos["attribution"]}
        for name, total in self.reward_terms.items():
            np.add(total, infos["reward_terms"][name], out=total, where=among)
        for name, amount in self.attribution.items():
            np.copyto(amount, infos["attribution"][name], where=among)
        if self.book:
            self._add_book(infos, playing, ended, among)
        else:
            filled = infos["bid_filled"].astype(np.float64) + infos["ask_filled"]
            np.add(last["fills"], filled, out=last["fills"], where=among)
            square = infos["inventory"].astype(np.float64) ** 2
            np.add(sums["square"], square, out=sums["square"], where=among)

    def _add_book(self, infos: dict[str, Any], playing: NDArray[np.bool_], ended: NDArray[np.bool_], among: Any) -> None:
        sums = self._sums
        limit = self._var_limit()
        if self.envs.autoreset_mode is AutoresetMode.SAME_STEP:  # the next episode of an env may have another limit
            limit, self._limit = np.where(ended, self._limit, limit), limit
        over = infos["value_at_risk"] > limit
        for name, values in (("var", infos["value_at_risk"]), ("breaches", over), ("hedges", infos["hedged"])):
            np.add(sums[name], values, out=sums[name], where=among)
        np.copyto(self._last["fills"], infos["fills"], where=among)
        np.copyto(self.inventory, infos["inventory"], where=among if among is True else playing[:, None])
        fees = 0.0 - infos["attribution"]["taker_fees"]  # of hedges alone, until the liquidation
        np.copyto(self._hedge_fees, fees, where=playing & ~ended)
        for i in np.flatnonzero(ended & playing).tolist():
            self._add_last(i)
        square = ((self.inventory * infos["mid"] * self._lot_sizes) ** 2).sum(axis=1)
        np.add(sums["square"], square, out=sums["square"], where=among)

    def _add_last(self, i: int) -> None:
        """Separate the liquidation of env i from the rest of its last step."""
        fills = self.envs.fills(i)
        sold = fills[fills["role"] == LIQUIDATION]
        np.subtract.at(self.inventory[i], sold["symbol"], lots_bought(sold))
        hedges = fills[fills["role"] == HEDGE]
        np.add.at(self.last_hedge_fees[i], hedges["symbol"], hedges["fee"])

    def metrics(self, envs: NDArray[np.int64] | slice = slice(None)) -> dict[str, Any]:
        """The metrics of the episodes of some envs as they stand: name -> (E,) float64, as `Evaluation` defines them."""
        sums, last = self._sums, self._last
        steps = np.maximum(self.steps[envs], 1)
        found: dict[str, Any] = {name: sums[name][envs].copy() for name in ("reward", "drawdown", "breaches", "hedges")}
        found |= {name: last[name][envs].copy() for name in ("profit", "fills")}
        found["over_limit"] = sums["breaches"][envs] / steps
        found["value_at_risk"] = sums["var"][envs] / steps
        found["inventory_sd"] = np.sqrt(sums["square"][envs] / steps)
        terms = {name: values[envs].copy() for name, values in self.attribution.items()}
        found["spread_capture"] = terms.get("spread_capture", np.zeros(len(steps))).copy()
        found["hedge_cost"] = np.zeros(len(steps))
        if self.book and terms:
            last_fees = self.last_hedge_fees[envs].sum(axis=1)
            found["hedge_cost"] = hedge_cost(terms["hedge_cost"], self._hedge_fees[envs], last_fees)
        found["reward_terms"] = {name: values[envs].copy() for name, values in self.reward_terms.items()}
        found["attribution"] = terms
        return found

    def clear(self, envs: NDArray[np.int64]) -> None:
        """Forget what was counted of some envs, whose next episodes begin."""
        arrays = [self.steps, self._high, *self._last.values(), *self._sums.values(), *self.reward_terms.values()]
        if self.book:
            arrays += [self._hedge_fees, self.last_hedge_fees]
        for array in arrays:
            array[envs] = 0
