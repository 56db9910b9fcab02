"""Base classes of policies that quote prices, and the agent's view of the market that they read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mm_env.policies.base import Config, market_env
from mm_env.sim import quoting
from mm_env.sim.batch import Batch

Terms = dict[str, np.ndarray]


def plain(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The Python function of a kernel: to call a kernel from Python would compile it once more."""
    return getattr(kernel, "py_func", kernel)


@dataclass(frozen=True, eq=False)
class AgentView:
    """What the agent knows in n envs: the latest data that has reached it.

    states: (n,) records; params: (n,) records; symbols: S
    """

    states: np.ndarray
    params: np.ndarray
    symbols: int

    @classmethod
    def of(cls, batch: Batch, envs: slice) -> AgentView:
        """Of the envs of a slice."""
        return cls(batch.states[envs], batch.params[batch.params_index[envs]], batch.symbols)

    @property
    def tick(self) -> np.ndarray:
        """(n, S) [currency]."""
        return self.params["tick_size"][:, : self.symbols]

    @property
    def mid(self) -> np.ndarray:
        """(n, S) [currency] last valid consolidated mid."""
        return self.states["seen_mid"][:, : self.symbols] * self.tick

    @property
    def variance(self) -> np.ndarray:
        """(n, S) [currency²/s] slow variance of the mid."""
        return self.variance_ticks * self.tick**2

    def parameter(self, field: str, own: float | None) -> np.ndarray:
        """(n,) the environment's parameter of that name, or a policy's own in its place."""
        return self.params[field] if own is None else np.full(len(self.params), own)

    @property
    def variance_ticks(self) -> np.ndarray:
        """(n, S) [ticks²/s] slow variance of the mid."""
        return np.diagonal(self.states["covariance"], axis1=1, axis2=2)[:, : self.symbols]

    @property
    def inventory(self) -> np.ndarray:
        """(n, S) [lots] position as reported, and what hedges under way will make of it."""
        states, seen_until = self.states, self.states["time"][:, None] - self.params["data_latency_seconds"]
        under_way = states["box_arrival"] > seen_until[:, None, :]
        hedges = (states["box_hedge"] * under_way[:, :, None, :]).sum(axis=(1, 3))
        return (states["seen_position"].sum(axis=2) + hedges)[:, : self.symbols]


class QuotingPolicy(ABC):
    """A policy that quotes a bid and an ask in every symbol.

    In the book market `terms` gives the prices; sizes, grid, hedge and router stay the environment's. In the classic market
    the kernels compute the depths of each policy, which `configure` names in the configuration.
    """

    @abstractmethod
    def configure(self, config: Config) -> Config:
        """`config` with the policy's own parameters written into it, and the policy its default where the market has it."""

    @abstractmethod
    def terms(self, seen: AgentView) -> Terms:
        """Named terms, each (n, S): `bid` and `ask` [currency] before the grid, and what they are made of."""

    def is_default(self, params: np.ndarray) -> bool:
        """Whether the default policy of envs of the book market with these params (P,) is this one."""
        return False

    def act(self, env: Any) -> np.ndarray:
        """Action that asks for the policy's quotes, as far as the bounds of an action reach: float32, of the env's shape."""
        action: np.ndarray = market_env(env).action_of(self)
        return action

    def explain(self, env: Any, i: int = 0) -> dict[str, dict[str, float]]:
        """Terms of the quotes of env i: symbol -> term -> value, prices in currency, sizes and hedge in lots."""
        found: dict[str, dict[str, float]] = market_env(env).explain(self, i)
        return found


class ReservationPolicy(QuotingPolicy):
    """A policy of the book market that quotes around a reservation price: the mid, shifted by alpha and by inventory.

    As the default policy does, it leans on the environment's alpha, and quotes wider when volatility has risen.
    """

    @abstractmethod
    def centre(self, seen: AgentView, shifted: np.ndarray) -> tuple[np.ndarray, Terms]:
        """Reservation price (n, S) [currency] around the alpha-shifted mid (n, S), and the parts of the half spread."""

    def terms(self, seen: AgentView) -> Terms:
        """Terms of the quotes, each (n, S) [currency] but `volatility_widening`, a factor.

        reservation_price = mid + alpha_shift + inventory_skew; half_spread = sum of its parts × volatility_widening;
        bid, ask = reservation_price ∓ half_spread
        """
        mid = seen.mid
        shifted = mid * (1.0 + 1e-4 * seen.states["alpha"][:, : seen.symbols])
        reservation, parts = self.centre(seen, shifted)
        widening = np.vectorize(plain(quoting.volatility_widening), otypes=[float])(
            seen.states["variance_fast"][:, : seen.symbols],
            seen.variance_ticks,
            seen.params["spread_volatility_weight"][:, None],
        )
        half = sum(parts.values()) * widening
        return {
            "mid": mid,
            "alpha_shift": shifted - mid,
            "inventory_skew": reservation - shifted,
            "reservation_price": reservation,
            **{name: np.broadcast_to(part, mid.shape) for name, part in parts.items()},
            "volatility_widening": widening,
            "half_spread": half,
            "bid": reservation - half,
            "ask": reservation + half,
        }


def time_left(seen: AgentView, horizon: np.ndarray) -> np.ndarray:
    """(n,) [s] time over which inventory is at risk: a rolling `horizon` (n,), or no more than is left of the episode."""
    params = seen.params
    left = params["steps"] * params["step_seconds"] - seen.states["time"]
    return np.where(params["rolling_horizon"] == 1, horizon, np.clip(left, 0.0, horizon))
