"""What policies that quote prices share: they read what the agent sees, name their terms, and ask for their quotes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mm_env.envs.actions import action_for, mode_of
from mm_env.policies.base import shaped_for, vector_of
from mm_env.sim.batch import Batch

Terms = dict[str, np.ndarray]


def plain(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The Python function of a kernel: to call a kernel from Python would compile it once more."""
    return getattr(kernel, "py_func", kernel)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the agent knows of some envs, n of them.

    states: (n,) records; params: (n,) records; symbols: S
    """

    states: np.ndarray
    params: np.ndarray
    symbols: int

    @classmethod
    def of(cls, batch: Batch, envs: slice) -> Seen:
        """Of the envs of a slice."""
        return cls(batch.states[envs], batch.params[batch.which[envs]], batch.symbols)

    @property
    def tick(self) -> np.ndarray:
        """(n, S) [currency]."""
        return self.params["tick_size"][:, : self.symbols]

    @property
    def mid(self) -> np.ndarray:
        """(n, S) [currency] last valid consolidated mid."""
        return self.states["seen_mid"][:, : self.symbols] * self.tick

    @property
    def variance_ticks(self) -> np.ndarray:
        """(n, S) [ticks²/s] slow variance of the mid."""
        return np.diagonal(self.states["covariance"], axis1=1, axis2=2)[:, : self.symbols]

    @property
    def inventory(self) -> np.ndarray:
        """(n, S) [lots] position as reported, and what hedges under way will make of it."""
        states, seen_until = self.states, self.states["time"][:, None] - self.params["data_latency"]
        under_way = states["box_arrival"] > seen_until[:, None, :]
        hedges = (states["box_hedge"] * under_way[:, :, None, :]).sum(axis=(1, 3))
        return (states["seen_position"].sum(axis=2) + hedges)[:, : self.symbols]


class QuotingPolicy(ABC):
    """A policy that wants a bid and an ask in every symbol; sizes, grid, hedge and router stay the environment's."""

    @abstractmethod
    def terms(self, seen: Seen) -> Terms:
        """Named terms, each (n, S): `bid` and `ask` [currency] before the grid, and what they are made of."""

    @abstractmethod
    def is_default(self, params: np.ndarray) -> bool:
        """Whether the default policy of envs with these params (P,) is this one."""

    def act(self, env: Any) -> np.ndarray:
        """Action that asks for the policy's quotes, as far as the bounds of an action reach: (3S,) or (N, 3S) float32."""
        vector = vector_of(env)
        vector.require_begun()
        batch = vector.batch
        if self.is_default(batch.params):
            return shaped_for(env, vector.default_action())
        seen = Seen.of(batch, slice(None))
        terms = self.terms(seen)
        bid, ask = terms["bid"] / seen.tick, terms["ask"] / seen.tick
        hedge = batch.states["default_hedge"][:, : batch.symbols]
        return shaped_for(env, action_for(batch, mode_of(vector.action_mode), bid, ask, hedge))

    def explain(self, env: Any, i: int = 0) -> dict[str, dict[str, float]]:
        """Why env i is quoted as it is: symbol -> term -> value, prices in currency, sizes and hedge in lots."""
        vector = vector_of(env)
        vector.require_begun()
        i = range(vector.num_envs)[i]
        seen = Seen.of(vector.batch, slice(i, i + 1))
        state = seen.states
        terms = self.terms(seen) | {
            "quoting_tick": state["quote_tick"][:, : seen.symbols] * seen.tick,
            "bid_size": state["default_size"][:, : seen.symbols, 0],
            "ask_size": state["default_size"][:, : seen.symbols, 1],
            "hedge": state["default_hedge"][:, : seen.symbols],
        }
        return {
            symbol: {name: value[0, k].item() for name, value in terms.items()} for k, symbol in enumerate(vector.symbols)
        }
