"""Guéant, Lehalle & Fernandez-Tapia: the market maker of Avellaneda & Stoikov with a limit on its inventory, solved.

Source: Guéant, Lehalle & Fernandez-Tapia 2013, theorem 1 and proposition 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import override
from mm_env.errors import UsageError
from mm_env.policies.avellaneda_stoikov import classic_changes, half_spread_arrival
from mm_env.policies.base import Config
from mm_env.policies.quoting import AgentView, ReservationPolicy, Terms, time_left
from mm_env.sim.closed_forms import glft_finite_depths, glft_slopes


@dataclass(frozen=True)
class GueantLehalleFernandezTapia(ReservationPolicy):
    """Optimal depths under exponential utility; None takes the environment's parameter.

    The book market counts lots: a fill is one lot, `arrival_rate` are lots filled a second at depth zero.

    risk_aversion: [1/currency a share, inventory in lots]; in the classic market [1/currency]
    fill_decay: [1/currency a share]
    arrival_rate: [lots/s]; in the classic market [1/time]
    finite: exact for the horizon, and not the limit far from it; slow in the book market, where the volatility of every
        symbol and env is another problem to solve
    horizon_seconds: [s]; in the classic market a rolling horizon in its unit of time; of `finite` alone
    """

    risk_aversion: float | None = None
    fill_decay: float | None = None
    arrival_rate: float | None = None
    finite: bool = False
    horizon_seconds: float | None = None
    name: ClassVar[str] = "glft"

    def __post_init__(self) -> None:
        """Raise `UsageError` for a horizon that the asymptotic policy would not read."""
        if self.horizon_seconds is not None and not self.finite:
            raise UsageError("horizon_seconds: only with finite=True: the asymptotic policy has no horizon")

    def configure(self, config: Config) -> Config:
        """`config` with the policy's parameters written into it, in the classic market as its default policy.

        Raises `ConfigError` for parameters out of range.
        """
        if isinstance(config, ClassicConfig):
            own = {
                "risk_aversion": self.risk_aversion,
                "fill_decay": self.fill_decay,
                "arrival_rate": self.arrival_rate,
                "glft_horizon": "finite" if self.finite else None,
                "horizon": self.horizon_seconds,
            }
            return override(config, classic_changes(self.name, own))
        keys = {
            "risk_aversion": self.risk_aversion,
            "fill_decay": self.fill_decay,
            "arrival_rate": self.arrival_rate,
            "horizon_seconds": self.horizon_seconds,
        }
        return override(config, {f"policy.{key}": value for key, value in keys.items() if value is not None})

    def centre(self, seen: AgentView, shifted: np.ndarray) -> tuple[np.ndarray, Terms]:
        """Reservation price (n, S), and the half spread in parts [currency]: its limit at no risk, and the rest."""
        aversion = seen.parameter("risk_aversion", self.risk_aversion)
        decay = seen.parameter("fill_decay", self.fill_decay)
        rate = seen.parameter("arrival_rate", self.arrival_rate)
        arrival = half_spread_arrival(aversion, decay)[:, None]
        if self.finite:
            bid, ask = self._finite(seen, aversion, decay, rate)
            return shifted + 0.5 * (ask - bid), {
                "half_spread_risk": 0.5 * (ask + bid) - arrival,
                "half_spread_arrival": arrival,
            }
        slopes = np.zeros(shifted.shape)
        glft_slopes(*map(np.ascontiguousarray, (aversion, decay, rate, seen.variance)), slopes)
        reservation = shifted - seen.inventory * slopes
        return reservation, {"half_spread_risk": 0.5 * slopes, "half_spread_arrival": arrival}

    def _finite(self, seen: AgentView, aversion: np.ndarray, decay: np.ndarray, rate: np.ndarray) -> np.ndarray:
        """(2, n, S) bid and ask depths [currency]; past the inventory limit (by hedges) those at it."""
        depths = np.zeros((2, *seen.mid.shape))
        left = time_left(seen, seen.parameter("horizon_seconds", self.horizon_seconds))
        variance, inventory = seen.variance, seen.inventory
        for i, k in np.ndindex(*seen.mid.shape):
            largest = int(seen.params["inventory_limit"][i, k])
            table = np.zeros((2 * largest + 1, 2))
            scratch = (np.zeros(len(table)) for _ in range(3))
            glft_finite_depths(aversion[i], decay[i], rate[i], variance[i, k], left[i], *scratch, table)
            depths[:, i, k] = table[int(np.clip(inventory[i, k], -largest, largest)) + largest]
        return depths
