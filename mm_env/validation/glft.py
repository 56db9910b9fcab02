"""Guéant, Lehalle & Fernandez-Tapia 2013: depths far from the horizon and with one, and episodes of the policy."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.market.classic import build_classic
from mm_env.theory.lattice import Floats
from mm_env.validation.checks import Check, Report, inside
from mm_env.validation.sampling import MEASURES, moment_checks
from mm_env.validation.weights import depths, log_weights

PUBLISHED_BID = {-5: "2.973586", 0: "3.312915", 5: "3.652244"}
PUBLISHED_SPREAD = "6.625830"
PUBLISHED_FINITE = {0: "3.313045"}
_TOLERANCE = 1e-9  # of the larger of 1/k and the depth


@dataclass(frozen=True)
class GLFT:
    """Section `glft`; the defaults are those of the paper's figures. The step is that of the episodes played.

    gamma: [1/currency]; sigma: [currency/√time]; k: [1/currency]; A: [1/time]; T, dt: [time]; limit, q: [units]
    """

    gamma: float = 0.01
    sigma: float = 0.3
    k: float = 0.3
    A: float = 0.9
    T: float = 600.0
    dt: float = 0.5
    limit: int = 30
    q: tuple[int, ...] = (-5, 0, 5)

    def config(self, horizon: str) -> ClassicConfig:
        """The classic market with the policy, "asymptotic" or "finite"; raises `ConfigError`."""
        return load_config(
            {
                "mid": {"volatility": self.sigma},
                "flow": {"arrival_rate": self.A, "fill_decay": self.k},
                "policy": {"name": "glft", "risk_aversion": self.gamma, "glft_horizon": horizon},
                "episode": {"horizon": self.T, "step": self.dt, "inventory_limit": self.limit},
            },
            ClassicConfig,
        )

    def run(self, episodes: int, seed: int) -> Report:
        """Compare depths, and play the asymptotic policy; raises `ConfigError` for parameters out of range."""
        config = self.config("asymptotic")
        shown_at = inside(self.q, self.limit, GLFT().q)
        asymptotic = self.asymptotic(range(-self.limit, self.limit + 1))
        finite = self.finite()
        ours = {horizon: build_classic(self.config(horizon)).depths()[0] for horizon in ("asymptotic", "finite")}
        checks: list[Check] = []
        for horizon, (bid, ask) in {"asymptotic": asymptotic, "finite": finite}.items():
            printed = (PUBLISHED_BID if horizon == "asymptotic" else PUBLISHED_FINITE) if self._standard else {}
            for q in shown_at:
                i = q + self.limit
                tolerance = _TOLERANCE * max(1.0 / self.k, abs(bid[i]), abs(ask[i]))
                for name, exact, side in (("bid", bid[i], 0), ("ask", ask[i], 1)):
                    figure = float(ours[horizon][i, side])
                    shown = printed.get(q) if side == 0 else None
                    label = f"{horizon}: {name} depth at q = {q}"
                    checks.append(Check(label, figure, float(exact), tolerance=tolerance, published=shown, decimals=6))
            if horizon == "asymptotic":
                i = self.limit
                spread = float(ours[horizon][i].sum())
                exact = float(bid[i] + ask[i])
                shown = PUBLISHED_SPREAD if self._standard else None
                checks.append(
                    Check(
                        "asymptotic: spread", spread, exact, tolerance=_TOLERANCE * abs(exact), published=shown, decimals=6
                    )
                )
        found, _, _ = moment_checks(config, *asymptotic, episodes, seed, "asymptotic: ", {})
        figures: dict[str, Any] = {"simulated": {name: check.ours for name, check in zip(MEASURES, found, strict=True)}}
        title = f"Guéant, Lehalle & Fernandez-Tapia 2013, {episodes:,} episodes, seed {seed}"
        return Report("glft", title, asdict(self), [*checks, *found], figures)

    @property
    def _standard(self) -> bool:
        """Whether the depths are those of the paper: q and dt take no part in them."""
        mine, paper = asdict(self), asdict(GLFT())
        return all(mine[name] == paper[name] for name in ("gamma", "sigma", "k", "A", "T", "limit"))

    @property
    def _arrival(self) -> float:
        ratio = self.gamma / self.k
        return math.log1p(ratio) / self.gamma if ratio > 1e-9 else 1.0 / self.k

    @property
    def _power(self) -> float:
        """(1 + γ/k)^(1 + k/γ)."""
        ratio = self.gamma / self.k
        return math.exp((1.0 + 1.0 / ratio) * math.log1p(ratio)) if ratio > 1e-9 else math.e

    def asymptotic(self, inventories: range) -> tuple[Floats, Floats]:
        """(bid, ask) depth far from the horizon at each inventory [currency]. Source: proposition 3."""
        q = np.array(inventories, dtype=np.float64)
        slope = math.sqrt(self.sigma**2 * self.gamma / (2.0 * self.k * self.A) * self._power) if self.A > 0.0 else 0.0
        return self._arrival + 0.5 * (2.0 * q + 1.0) * slope, self._arrival - 0.5 * (2.0 * q - 1.0) * slope

    def finite(self) -> tuple[Floats, Floats]:
        """(bid, ask) depth (2Q+1,) with T left [currency]. Source: theorem 1."""
        curvature = 0.5 * self.k * self.gamma * self.sigma**2
        log_w = log_weights(curvature, self.A / self._power, 0.0, self.T, self.limit)
        return depths(log_w, self.k, self._arrival)
