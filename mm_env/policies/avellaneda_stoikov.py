"""Avellaneda-Stoikov: quotes around a reservation price, the default policy of the environments; and its symmetric rival.

Source: Avellaneda & Stoikov 2008, equations 29-30 and section 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import override
from mm_env.policies.base import Config
from mm_env.policies.quoting import AgentView, ReservationPolicy, Terms, plain, time_left
from mm_env.sim import quoting


@dataclass(frozen=True)
class AvellanedaStoikov(ReservationPolicy):
    """Quotes around a reservation price that leans against the inventory; None takes the environment's parameter.

    risk_aversion: [1/currency a share, inventory in lots]; in the classic market [1/currency]
    fill_decay: [1/currency a share]
    horizon_seconds: [s]; in the classic market a rolling horizon in its unit of time
    """

    risk_aversion: float | None = None
    fill_decay: float | None = None
    horizon_seconds: float | None = None
    name: ClassVar[str] = "as"

    @property
    def _given(self) -> dict[str, float]:
        """Key of the configuration and field of params -> value, of the parameters that are not the environment's."""
        own = {
            "risk_aversion": self.risk_aversion,
            "fill_decay": self.fill_decay,
            "horizon_seconds": self.horizon_seconds,
        }
        return {key: value for key, value in own.items() if value is not None}

    def configure(self, config: Config) -> Config:
        """`config` with this as its default policy; raises `ConfigError` for parameters out of range."""
        if isinstance(config, ClassicConfig):
            own = {
                "risk_aversion": self.risk_aversion,
                "fill_decay": self.fill_decay,
                "horizon": self.horizon_seconds,
            }
            return override(config, classic_changes(self.name, own))
        given = {f"policy.{key}": value for key, value in self._given.items()}
        return override(config, {"policy.use_avellaneda_stoikov": True, **given})

    def is_default(self, params: np.ndarray) -> bool:
        """Whether the default policy of envs of the book market with these params (P,) is this one."""
        agrees = all((params[key] == value).all() for key, value in self._given.items())
        return agrees and bool((params["use_avellaneda_stoikov"] == 1).all())

    def centre(self, seen: AgentView, shifted: np.ndarray) -> tuple[np.ndarray, Terms]:
        """Reservation price (n, S), and the half spread's `half_spread_risk` and `half_spread_arrival` [currency]."""
        aversion = seen.parameter("risk_aversion", self.risk_aversion)[:, None]
        decay = seen.parameter("fill_decay", self.fill_decay)[:, None]
        horizon = time_left(seen, seen.parameter("horizon_seconds", self.horizon_seconds))[:, None]
        reservation = plain(quoting.reservation_price)(shifted, seen.inventory, aversion, seen.variance, horizon)
        risk = plain(quoting.half_spread_risk)(aversion, seen.variance, horizon)
        return reservation, {"half_spread_risk": risk, "half_spread_arrival": half_spread_arrival(aversion, decay)}


@dataclass(frozen=True)
class SymmetricAvellanedaStoikov(AvellanedaStoikov):
    """Quotes the time average of the Avellaneda-Stoikov spread around the mid, whatever the inventory."""

    name: ClassVar[str] = "as_symmetric"

    def configure(self, config: Config) -> Config:
        """`config` with the policy's parameters written into it, in the classic market as its default policy."""
        if isinstance(config, ClassicConfig):
            return super().configure(config)
        return override(config, {f"policy.{key}": value for key, value in self._given.items()})

    def is_default(self, params: np.ndarray) -> bool:
        """Never in the book market, whose kernels quote around a reservation price or a fixed spread."""
        return False

    def centre(self, seen: AgentView, shifted: np.ndarray) -> tuple[np.ndarray, Terms]:
        """The alpha-shifted mid, and the parts of the averaged half spread (n, S) [currency]."""
        params = seen.params
        aversion = seen.parameter("risk_aversion", self.risk_aversion)[:, None]
        decay = seen.parameter("fill_decay", self.fill_decay)[:, None]
        horizon = seen.parameter("horizon_seconds", self.horizon_seconds)
        episode = params["steps"] * params["step_seconds"]
        last = np.minimum(horizon, episode)  # of the episode, in which the time left falls from `last` to zero
        average = np.where(params["rolling_horizon"] == 1, horizon, last * (episode - 0.5 * last) / episode)
        risk = plain(quoting.half_spread_risk)(aversion, seen.variance, average[:, None])
        return shifted, {"half_spread_risk": risk, "half_spread_arrival": half_spread_arrival(aversion, decay)}


def half_spread_arrival(risk_aversion: np.ndarray, fill_decay: np.ndarray) -> np.ndarray:
    """ln(1 + γ/k) / γ [currency a share], entry by entry."""
    found: np.ndarray = np.vectorize(plain(quoting.half_spread_arrival), otypes=[float])(risk_aversion, fill_decay)
    return found


def classic_changes(name: str, own: Mapping[str, float | str | None]) -> dict[str, float | str]:
    """Changes that make a policy the default of the classic market: its name, and the parameters that it states."""
    given = {f"policy.{key}": value for key, value in own.items() if value is not None}
    return {"policy.name": name, **given}
