"""Avellaneda & Stoikov 2008: the published table, exact moments, and the classic environment."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.theory.lattice import Floats, Lattice
from mm_env.validation.checks import Check, Report
from mm_env.validation.sampling import MEASURES, moment_checks

# 1000 simulations each (Quantitative Finance 8(3), table 1), and the exact moments of the same strategies
PUBLISHED = {
    "inventory": {"profit": "65.0", "profit_sd": "6.6", "inventory": "0.08", "inventory_sd": "2.9"},
    "symmetric": {"profit": "68.4", "profit_sd": "12.7", "inventory": "0.26", "inventory_sd": "8.4"},
}
PUBLISHED_SPREAD = "1.49"
EXACT = {
    "inventory": {"profit": "64.893", "profit_sd": "6.543", "inventory_sd": "2.927"},
    "symmetric": {"profit": "68.223", "profit_sd": "13.456", "inventory_sd": "8.399"},
}
POLICIES = {"inventory": "as", "symmetric": "as_symmetric"}
FIGURES = ("profit", "profit_sd", "inventory_sd")


@dataclass(frozen=True)
class AS2008:
    """Section `as2008`; the defaults are those of the published table.

    gamma: [1/currency]; sigma: [currency/√time]; k: [1/currency]; A: [1/time]; T, dt: [time]; s: [currency]; q0, limit:
    [units]; fill_rule, move: as in the configuration of the classic market
    """

    gamma: float = 0.1
    sigma: float = 2.0
    k: float = 1.5
    A: float = 140.0
    T: float = 1.0
    dt: float = 0.005
    s: float = 100.0
    q0: int = 0
    limit: int = 200
    fill_rule: Literal["linear", "exponential"] = "linear"
    move: Literal["lattice", "brownian"] = "lattice"

    def config(self, strategy: str) -> ClassicConfig:
        """The classic market with a strategy of the table as its default policy; raises `ConfigError`."""
        return load_config(
            {
                "mid": {"start_price": self.s, "volatility": self.sigma, "move": self.move},
                "flow": {"arrival_rate": self.A, "fill_decay": self.k, "fill_rule": self.fill_rule},
                "policy": {"name": POLICIES[strategy], "risk_aversion": self.gamma},
                "episode": {
                    "horizon": self.T,
                    "step": self.dt,
                    "initial_inventory": self.q0,
                    "inventory_limit": self.limit,
                },
            },
            ClassicConfig,
        )

    def run(self, episodes: int, seed: int) -> Report:
        """Play both strategies; raises `ConfigError` for parameters out of range."""
        checks: list[Check] = []
        figures: dict[str, Any] = {}
        standard = self == AS2008()
        for strategy in POLICIES:
            config = self.config(strategy)
            bid, ask, spread = strategy_depths(Lattice.of(config), self.gamma, self.sigma, strategy)
            noisy = PUBLISHED[strategy] if standard else {}
            found, _, exact = moment_checks(config, bid, ask, episodes, seed, f"{strategy}: ", noisy)
            if standard:
                checks.append(Check(f"{strategy}: average spread", spread, published=PUBLISHED_SPREAD, decimals=4))
                checks += [
                    Check(f"{strategy}: exact {name.replace('_', ' ')}", getattr(exact, name), published=printed)
                    for name, printed in EXACT[strategy].items()
                ]
            checks += found
            errors = exact.standard_errors(episodes)
            ours = {name: check.ours for name, check in zip(MEASURES, found, strict=True)}
            figures[strategy] = {
                "simulated": {name: ours[name] for name in FIGURES},
                "exact": {name: getattr(exact, name) for name in FIGURES},
                "standard_error": {name: errors[name] for name in FIGURES},
                "spread": spread,
                "profit_kurtosis": exact.profit_kurtosis,
            }
        title = f"Avellaneda & Stoikov 2008, {episodes:,} episodes, seed {seed}"
        return Report("as2008", title, asdict(self), checks, figures)


def strategy_depths(lattice: Lattice, gamma: float, sigma: float, strategy: str) -> tuple[Floats, Floats, float]:
    """(bid, ask) depths of a strategy of the table, for `exact_moments`, and the spread averaged over the quotes [currency].

    Spread γσ²(T - t) + (2/γ) ln(1 + γ/k) around the reservation price s - qγσ²(T - t), or its average around s.
    """
    risk = gamma * sigma**2 * lattice.time_left[:, None]
    arrival = (
        math.log1p(gamma / lattice.fill_decay) / gamma if gamma > 1e-9 * lattice.fill_decay else 1.0 / lattice.fill_decay
    )
    half = 0.5 * risk + arrival
    average = float(half.mean())
    if strategy == "symmetric":
        flat = np.array([average])
        return flat, flat, 2.0 * average
    skew = risk * lattice.inventories
    return half + skew, half - skew, 2.0 * average
