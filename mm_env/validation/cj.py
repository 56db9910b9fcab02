"""Cartea, Jaimungal & Penalva 2015, chapter 10: value and depths, and the optimum on the lattice."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.market.classic import build_classic
from mm_env.sim.closed_forms import cj_depths
from mm_env.theory.lattice import Floats, Lattice, exact_moments
from mm_env.theory.optimal import best_constant_depth, optimal_policy, recovered_share
from mm_env.validation.checks import Check, Report, inside
from mm_env.validation.sampling import MEASURES, moment_checks
from mm_env.validation.weights import depths, log_weights

PUBLISHED_VALUE = "68.255835"
PUBLISHED_DEPTHS = {(0, "bid"): "0.672137", (0, "ask"): "0.672137", (5, "ask"): "0.617442", (5, "bid"): "0.726824"}
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class CJ:
    """Section `cj`; the defaults are those of the book. sigma and dt are those of the episodes played.

    phi: [currency/unit²/time]; alpha: [currency/unit²]; k: κ [1/currency]; A: λ [1/time]; T, dt: [time]; limit, q: [units]
    """

    phi: float = 0.01
    alpha: float = 0.001
    k: float = 1.5
    A: float = 140.0
    sigma: float = 2.0
    T: float = 1.0
    dt: float = 0.005
    limit: int = 100
    q: tuple[int, ...] = (0, 5)

    def config(self) -> ClassicConfig:
        """The classic market with the policy; raises `ConfigError`."""
        return load_config(
            {
                "mid": {"volatility": self.sigma},
                "flow": {"arrival_rate": self.A, "fill_decay": self.k},
                "policy": {"name": "cj"},
                "reward": {"inventory_penalty": self.phi, "terminal_penalty": self.alpha},
                "episode": {"horizon": self.T, "step": self.dt, "inventory_limit": self.limit},
            },
            ClassicConfig,
        )

    def run(self, episodes: int, seed: int) -> Report:
        """Compare value and depths, play the policy, and set it beside the optimum on the lattice.

        Raises `ConfigError` for parameters out of range.
        """
        config = self.config()
        market = build_classic(config)
        lattice = Lattice.of(config)
        log_w, bid, ask = self.solved(self.T)
        h = float(log_w[self.limit]) / self.k
        printed = PUBLISHED_VALUE if self._standard else None
        checks = [
            Check("h(0, q = 0)", self.value(), h, tolerance=_TOLERANCE * max(1.0, abs(h)), published=printed, decimals=6)
        ]
        quoted = market.depths()
        shown_at = inside(self.q, self.limit, CJ().q)
        for q in shown_at:
            i = q + self.limit
            for side, (name, exact) in enumerate((("bid", float(bid[i])), ("ask", float(ask[i])))):
                printed = PUBLISHED_DEPTHS.get((q, name)) if self._standard else None
                tolerance = _TOLERANCE * max(1.0 / self.k, abs(exact))
                label = f"{name} depth at q = {q}"
                checks.append(
                    Check(label, float(quoted[0, i, side]), exact, tolerance=tolerance, published=printed, decimals=6)
                )
        for label, step in (("half time", lattice.steps // 2), ("the last step", lattice.steps - 1)):
            _, bid, ask = self.solved((lattice.steps - step) * lattice.step)
            at = [q + self.limit for q in shown_at]
            miss = max(float(np.abs(quoted[step, at, side] - exact[at]).max()) for side, exact in enumerate((bid, ask)))
            tolerance = _TOLERANCE * max(1.0 / self.k, float(np.abs(quoted[step, at]).max()))
            checks.append(Check(f"depths at {label}, largest miss", miss, 0.0, tolerance=tolerance, decimals=6))
        found, runs, _ = moment_checks(config, quoted[..., 0], quoted[..., 1], episodes, seed, "", {})
        checks += found
        value = exact_moments(lattice, quoted[..., 0], quoted[..., 1]).value(self.phi, self.alpha)
        error = float(runs.reward.std(ddof=1)) / math.sqrt(episodes)
        checks.append(Check("value (reward of an episode)", float(runs.reward.mean()), value, error))
        optimum, figures, notes = self._optimum(lattice, value)
        figures["simulated"] = {name: check.ours for name, check in zip(MEASURES, found, strict=True)}
        title = f"Cartea, Jaimungal & Penalva 2015, {episodes:,} episodes, seed {seed}"
        return Report("cj", title, asdict(self), [*checks, optimum], figures, notes)

    @property
    def _standard(self) -> bool:
        """Whether value and depths are those of the book: q, sigma and dt take no part in them."""
        mine, book = asdict(self), asdict(CJ())
        return all(mine[name] == book[name] for name in ("phi", "alpha", "k", "A", "T", "limit"))

    def solved(self, left: float) -> tuple[Floats, Floats, Floats]:
        """(log ω, bid depth, ask depth), each (2Q+1,), with `left` of the time to go."""
        log_w = log_weights(self.phi * self.k, self.A / math.e, self.alpha * self.k, left, self.limit)
        return log_w, *depths(log_w, self.k, 1.0 / self.k)

    def value(self) -> float:
        """h(0, 0) = ln(ω_0)/κ by the policy's own kernel [currency]."""
        width = 2 * self.limit + 1
        log_w, term, following = (np.zeros(width) for _ in range(3))
        cj_depths(np.array([self.phi, self.alpha]), self.k, self.A, self.T, log_w, term, following, np.zeros((width, 2)))
        return float(log_w[self.limit]) / self.k

    def _optimum(self, lattice: Lattice, value: float) -> tuple[Check, dict[str, Any], list[str]]:
        """Check of the optimum backward against the same forward, figures, and a note on what a constant depth reaches."""
        best = optimal_policy(lattice, self.phi, self.alpha)
        depth, constant = best_constant_depth(lattice, self.phi, self.alpha)
        forward = exact_moments(lattice, best.bid, best.ask).value(self.phi, self.alpha)
        tolerance = 1e-8 * max(1.0, abs(best.start))
        check = Check("optimum: dynamic programming, and its moments", forward, best.start, tolerance=tolerance, decimals=6)
        figures: dict[str, Any] = {"optimal": best.start, "policy": value, "constant": constant, "constant_depth": depth}
        note = f"On this lattice the optimum is {best.start:.4f}, the value of cj {value:.4f}, "
        note += f"the best constant depth ({depth:.4f}) {constant:.4f}"
        if best.start > constant + 1e-9 * abs(best.start):
            figures["recovered_share"] = recovered_share(value, constant, best.start)
            note += f": cj gains {100 * figures['recovered_share']:.2f} % of what there is to gain over it"
        return check, figures, [note + "."]
