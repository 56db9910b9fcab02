"""Checks of sampled episodes of the classic environment against exact moments on the lattice."""

from __future__ import annotations

from mm_env.config import ClassicConfig
from mm_env.evaluation.classic_runs import ClassicRuns, play_classic
from mm_env.theory.lattice import Depths, Lattice, Moments, exact_moments
from mm_env.validation.checks import Check

MEASURES = ("profit", "profit_sd", "inventory", "inventory_sd")


def sampled(runs: ClassicRuns) -> dict[str, float]:
    """MEASURES of episodes that were played."""
    return {
        "profit": float(runs.profit.mean()),
        "profit_sd": float(runs.profit.std(ddof=1)),
        "inventory": float(runs.inventory.mean()),
        "inventory_sd": float(runs.inventory.std(ddof=1)),
    }


def moment_checks(
    config: ClassicConfig, bid: Depths, ask: Depths, episodes: int, seed: int, label: str, published: dict[str, str]
) -> tuple[list[Check], ClassicRuns, Moments]:
    """Checks of MEASURES of the default policy of `config` against the exact moments of the depths that it should quote.

    published: sampled by the authors, by measure
    """
    exact = exact_moments(Lattice.of(config), bid, ask)
    runs = play_classic(config, episodes, seed)
    ours, errors = sampled(runs), exact.standard_errors(episodes)
    checks = [
        Check(
            f"{label}{name.replace('_', ' ').replace('inventory', 'final q')}",
            ours[name],
            getattr(exact, name),
            errors[name],
            published=published.get(name),
            noisy=True,
        )
        for name in MEASURES
    ]
    return checks, runs, exact
