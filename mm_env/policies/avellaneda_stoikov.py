"""Avellaneda-Stoikov around an alpha-shifted mid, the default policy of the environment.

Source: Avellaneda & Stoikov 2008, equations 29-30.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mm_env.config import MarketConfig
from mm_env.config.io import override
from mm_env.policies.quoting import QuotingPolicy, Seen, Terms, plain
from mm_env.sim import quoting


@dataclass(frozen=True)
class AvellanedaStoikov(QuotingPolicy):
    """Quotes around a reservation price that leans against the inventory; None takes the environment's parameter.

    risk_aversion: [1/currency a share, inventory in lots] `as_gamma`
    fill_decay: [1/currency a share] `as_k`
    horizon_seconds: [s] `as_T`
    """

    risk_aversion: float | None = None
    fill_decay: float | None = None
    horizon_seconds: float | None = None
    name: ClassVar[str] = "as"

    @property
    def _given(self) -> dict[str, tuple[str, float]]:
        """Field of params -> (key of the configuration, value) of the parameters that are not the environment's."""
        own = {
            "gamma": ("as_gamma", self.risk_aversion),
            "fill_decay": ("as_k", self.fill_decay),
            "horizon": ("as_T", self.horizon_seconds),
        }
        return {field: (key, value) for field, (key, value) in own.items() if value is not None}

    def configure(self, config: MarketConfig) -> MarketConfig:
        """`config` with this as its default policy; raises `ConfigError` for parameters out of range."""
        own = {f"policy.{key}": value for key, value in self._given.values()}
        return override(config, {"policy.use_avellaneda": True, **own})

    def is_default(self, params: np.ndarray) -> bool:
        """Whether the default policy of envs with these params (P,) is this one."""
        agrees = all((params[field] == value).all() for field, (_, value) in self._given.items())
        return agrees and bool((params["avellaneda"] == 1).all())

    def terms(self, seen: Seen) -> Terms:
        """Terms of the quotes, each (n, S) [currency] but `volatility_widening`, a factor.

        reservation_price = mid + alpha_shift + inventory_skew;
        half_spread = (half_spread_risk + half_spread_arrival) × volatility_widening;
        bid, ask = reservation_price ∓ half_spread
        """
        params = {field: seen.params[field][:, None] for field in ("gamma", "fill_decay", "horizon")}
        params |= {field: np.full((len(seen.params), 1), value) for field, (_, value) in self._given.items()}
        aversion, decay = params["gamma"], params["fill_decay"]
        horizon = _horizon(seen, params["horizon"])
        mid, variance = seen.mid, seen.variance_ticks * seen.tick**2
        shifted = mid * (1.0 + 1e-4 * seen.states["alpha"][:, : seen.symbols])
        reservation = plain(quoting.reservation_price)(shifted, seen.inventory, aversion, variance, horizon)
        risk = plain(quoting.half_spread_risk)(aversion, variance, horizon)
        arrival = np.vectorize(plain(quoting.half_spread_arrival), otypes=[float])(aversion, decay)
        widening = np.vectorize(plain(quoting.volatility_widening), otypes=[float])(
            seen.states["variance_fast"][:, : seen.symbols],
            seen.variance_ticks,
            seen.params["spread_volatility_weight"][:, None],
        )
        half = (risk + arrival) * widening
        return {
            "mid": mid,
            "alpha_shift": shifted - mid,
            "inventory_skew": reservation - shifted,
            "reservation_price": reservation,
            "half_spread_risk": risk,
            "half_spread_arrival": np.broadcast_to(arrival, mid.shape),
            "volatility_widening": widening,
            "half_spread": half,
            "bid": reservation - half,
            "ask": reservation + half,
        }


def _horizon(seen: Seen, horizon: np.ndarray) -> np.ndarray:
    """(n, 1) [s] time over which inventory is at risk: a rolling one, or no more than is left of the episode."""
    params = seen.params
    left = params["steps"] * params["step_seconds"] - seen.states["time"]
    return np.where(params["rolling"][:, None] == 1, horizon, np.clip(left[:, None], 0.0, horizon))
