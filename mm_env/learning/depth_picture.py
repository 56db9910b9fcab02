"""Depths that trained agents quote in the classic market, drawn over the optimal ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mm_env.config import ClassicConfig
from mm_env.learning.algorithms import ALGORITHMS

logger = logging.getLogger(__name__)


def depth_picture(policies: Mapping[str, Sequence[Any]], market: ClassicConfig) -> bytes | None:
    """PNG of the trained agents' depths over the optimum and the closed form.

    None where no agent is trained or the optimum is not known.
    """
    trained = {name: group for name, group in policies.items() if name.partition(":")[0] in ALGORITHMS}
    if not trained or market.flow.arrivals != "poisson" or market.reward.profit != 1.0:
        return None
    from mm_env.learning.learned_depths import learned_depths
    from mm_env.market.classic import build_classic
    from mm_env.policies.registry import get_policy
    from mm_env.reports.comparison_figures import depth_figure
    from mm_env.reports.style import png
    from mm_env.theory.lattice import Lattice
    from mm_env.theory.optimal import optimal_policy

    learned = {}
    for name, group in trained.items():
        for k, agent in enumerate(group):
            try:
                learned[f"{name} ({k})" if len(group) > 1 else name] = learned_depths(agent, market)
            except ValueError as error:
                logger.warning("depths not drawn: %s", error)
    if not learned:
        return None
    lattice = Lattice.of(market)
    best = optimal_policy(lattice, market.reward.inventory_penalty, market.reward.terminal_penalty)
    closed = build_classic(get_policy("cj").configure(market)).depths()
    curves = {"optimum on the lattice": (best.bid, best.ask), "closed form (cj)": (closed[..., 0], closed[..., 1])}
    title = "depths learned, over the optimal ones"
    return png(depth_figure(learned, curves, lattice.inventories, (0.0, 0.5, 0.9), title))
