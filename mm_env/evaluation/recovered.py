"""Share of the possible gain over the best constant depth that an agent reaches in the classic market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.evaluation.comparison import Bootstrap
from mm_env.evaluation.evaluation import Evaluation
from mm_env.theory.lattice import Lattice
from mm_env.theory.optimal import best_constant_depth, optimal_policy

_LEAST = 1e-9  # gain over the constant, relative to the optimum, of which shares are reported


def recovered_shares(
    market: ClassicConfig, rows: Mapping[str, Sequence[Evaluation]], bootstrap: Bootstrap
) -> dict[str, dict[str, float]]:
    """Share (V - V_const) / (V* - V_const) of each row, with its interval, and both values [currency an episode].

    rows: as `mm_env.evaluation.comparison.compare` takes them

    `recovered`, `recovered_low`, `recovered_high`, `optimal_value`, `constant_value` by row; nothing where the optimum is
    not known (Hawkes arrivals, a weight of the profit other than 1) or a constant depth reaches it.
    Source: `mm_env.theory.optimal`, by dynamic programming on the market's own lattice.
    """
    if market.flow.arrivals != "poisson" or market.reward.profit != 1.0:
        return {}
    penalties = market.reward.inventory_penalty, market.reward.terminal_penalty
    lattice = Lattice.of(market)
    optimum, constant = optimal_policy(lattice, *penalties).start, best_constant_depth(lattice, *penalties)[1]
    if optimum - constant <= _LEAST * abs(optimum):
        return {}
    found = {}
    for name, group in rows.items():
        share = bootstrap.interval((np.stack([one.reward for one in group]) - constant) / (optimum - constant))
        found[name] = {
            "recovered": share.value, "recovered_low": share.low, "recovered_high": share.high,
            "optimal_value": optimum, "constant_value": constant,
        }  # fmt: skip
    return found
