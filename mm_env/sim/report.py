"""What a step reports of one env besides the observation: the result record, which `info` shows."""

import numpy as np

from mm_env.sim.book import ASK, BID
from mm_env.sim.compiling import kernel
from mm_env.sim.risk import current_var
from mm_env.sim.state import REWARDS, TERMS, Capacity


def result_dtype(capacity: Capacity) -> np.dtype:
    """What a step reports of one env, contiguous; a fresh array a call."""
    n = capacity.symbols
    return np.dtype(
        [
            ("reward", "f8"), ("pnl", "f8"), ("cash", "f8"), ("value_at_risk", "f8"), ("expected_shortfall", "f8"),
            ("inventory", "i8", (n,)), ("mid", "f8", (n,)), ("terms", "f8", (len(REWARDS),)),
            ("attribution", "f8", (len(TERMS),)), ("fills", "i8"), ("regime", "i8"), ("fault", "i8"),
            ("hedged", "?"), ("truncated", "?"),
        ],
        align=True,
    )  # fmt: skip


@kernel
def report(s, p, result):
    """Copy what info shows into the result record."""
    result.pnl, result.cash = s.pnl, s.cash
    result.value_at_risk, result.expected_shortfall = current_var(s, p), s.expected_shortfall
    result.regime, result.fault = s.regime, s.fault
    result.hedged, result.truncated = s.hedged != 0, s.ended != 0
    result.fills = 0
    for i in range(p.symbols):
        result.inventory[i] = s.inventory[i]
        result.mid[i] = 0.5 * s.mid2[i] * p.tick_size[i]
        for v in range(p.venues):
            result.fills += s.fills[i, v, BID] + s.fills[i, v, ASK]
    for k in range(len(TERMS)):
        total = 0.0
        for i in range(p.symbols):
            for v in range(p.venues):
                total += s.attribution[i, v, k]
        result.attribution[k] = total
