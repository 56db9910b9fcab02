"""What `info` says of a step: of all envs as arrays, of one as plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from mm_env.sim.state import REWARDS, TERMS


def batch_info(results: np.ndarray, symbols: int) -> dict[str, Any]:
    """Info of N envs: views of their results, which nobody writes to again.

    results: (N,) records of `result_dtype`
    """
    terms, attribution = results["terms"], results["attribution"]
    return {
        "pnl": results["pnl"],
        "cash": results["cash"],
        "inventory": results["inventory"][:, :symbols],
        "mid": results["mid"][:, :symbols],
        "value_at_risk": results["value_at_risk"],
        "expected_shortfall": results["expected_shortfall"],
        "fills": results["fills"],
        "hedged": results["hedged"],
        "regime": results["regime"],
        "reward_terms": {name: terms[:, k] for k, name in enumerate(REWARDS)},
        "attribution": {name: attribution[:, k] for k, name in enumerate(TERMS)},
    }


def single_info(said: dict[str, Any], symbols: int) -> dict[str, Any]:
    """Info of one env, from its result record: name of a field -> plain number, or array that is copied."""
    return {
        "pnl": said["pnl"],
        "cash": said["cash"],
        "inventory": said["inventory"][:symbols].copy(),
        "mid": said["mid"][:symbols].copy(),
        "value_at_risk": said["value_at_risk"],
        "expected_shortfall": said["expected_shortfall"],
        "fills": said["fills"],
        "hedged": said["hedged"],
        "regime": said["regime"],
        "reward_terms": dict(zip(REWARDS, said["terms"].tolist(), strict=True)),
        "attribution": dict(zip(TERMS, said["attribution"].tolist(), strict=True)),
    }
