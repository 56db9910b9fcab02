"""Cartea, Jaimungal & Penalva: profit less a running and a terminal penalty on inventory, and the depths that are best.

Source: Cartea, Jaimungal & Penalva 2015, section 10.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import override
from mm_env.policies.avellaneda_stoikov import classic_changes
from mm_env.policies.base import Config
from mm_env.policies.quoting import AgentView, ReservationPolicy, Terms, time_left
from mm_env.sim.closed_forms import cj_depths

_KEPT = 2048  # solutions: with a horizon that ends with the episode each step has one of its own


@dataclass(frozen=True)
class CarteaJaimungalPenalva(ReservationPolicy):
    """Optimal depths under a running penalty φ q² and a terminal penalty α q²; None takes the environment's parameter.

    The book market counts lots: a fill is one lot, `arrival_rate` are lots filled a second at depth zero.

    inventory_penalty: φ [currency a share, lot² and second]; in the classic market [currency a unit² and time],
        there by default the reward's
    terminal_penalty: α [currency a share and lot²]; in the classic market [currency a unit²], by
        default the reward's
    fill_decay: [1/currency a share]
    arrival_rate: [lots/s]; in the classic market [1/time]
    horizon_seconds: [s]; in the classic market a rolling horizon in its unit of time
    """

    inventory_penalty: float | None = None
    terminal_penalty: float | None = None
    fill_decay: float | None = None
    arrival_rate: float | None = None
    horizon_seconds: float | None = None
    name: ClassVar[str] = "cj"

    def configure(self, config: Config) -> Config:
        """`config` with the policy's parameters written into it, in the classic market as its default policy.

        Raises `ConfigError` for parameters out of range.
        """
        if isinstance(config, ClassicConfig):
            own = {
                "inventory_penalty": self.inventory_penalty,
                "terminal_penalty": self.terminal_penalty,
                "fill_decay": self.fill_decay,
                "arrival_rate": self.arrival_rate,
                "horizon": self.horizon_seconds,
            }
            return override(config, classic_changes(self.name, own))
        keys = {
            "inventory_penalty": self.inventory_penalty,
            "terminal_penalty": self.terminal_penalty,
            "fill_decay": self.fill_decay,
            "arrival_rate": self.arrival_rate,
            "horizon_seconds": self.horizon_seconds,
        }
        return override(config, {f"policy.{key}": value for key, value in keys.items() if value is not None})

    def centre(self, seen: AgentView, shifted: np.ndarray) -> tuple[np.ndarray, Terms]:
        """Reservation price (n, S), and the half spread in parts [currency]: 1/k, which needs no inventory, and the rest.

        Past the inventory limit (by hedges) the depths are those at it.
        """
        decay = seen.parameter("fill_decay", self.fill_decay)
        rate = seen.parameter("arrival_rate", self.arrival_rate)
        left = time_left(seen, seen.parameter("horizon_seconds", self.horizon_seconds))
        running, terminal = (
            seen.params[name] if own is None else np.full(len(left), own)
            for name, own in (("inventory_penalty", self.inventory_penalty), ("terminal_penalty", self.terminal_penalty))
        )
        depths, inventory = np.zeros((2, *shifted.shape)), seen.inventory
        for i, k in np.ndindex(*shifted.shape):
            largest = int(seen.params["inventory_limit"][i, k])
            table = _depths(*(float(value[i]) for value in (running, terminal, decay, rate, left)), largest)
            depths[:, i, k] = table[int(np.clip(inventory[i, k], -largest, largest)) + largest]
        bid, ask = depths
        arrival = 1.0 / decay[:, None]
        return shifted + 0.5 * (ask - bid), {"half_spread_risk": 0.5 * (ask + bid) - arrival, "half_spread_arrival": arrival}


@lru_cache(maxsize=_KEPT)
def _depths(running: float, terminal: float, decay: float, rate: float, left: float, largest: int) -> np.ndarray:
    """(2Q+1, 2) bid and ask depth by inventory [currency]."""
    table = np.zeros((2 * largest + 1, 2))
    scratch = (np.zeros(len(table)) for _ in range(3))
    cj_depths(np.array([running, terminal]), decay, rate, left, *scratch, table)
    return table
