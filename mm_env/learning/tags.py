"""The names of everything that is logged to TensorBoard.

`training/*` are means over the episodes that ended in the training envs since the last line; `evaluation/*` over held-out
episodes, the same each time, played without exploration. The baseline is a run of its own with the same `evaluation/*` tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MEASURES = (
    "reward", "profit", "sharpe", "drawdown", "inventory_sd", "fills", "spread_capture", "hedge_cost", "value_at_risk",
    "over_limit",
)  # fmt: skip
"""Of training and evaluation: `mm_env.evaluation.metrics` defines each."""
ADVANTAGE = ("advantage", "advantage_error", "advantage_profit", "advantage_over_limit")
"""Of the evaluation: reward less the baseline's on the same episodes, its standard error; so of profit and breaches."""
SPEED = ("time/steps_per_second", "time/steps_per_second_envs", "time/steps_per_second_learner", "time/share_of_envs")
EPISODE, LAYOUT_TITLE = "evaluation/episode", "agent and baseline"


def scalar_tags(reward_terms: Sequence[str]) -> list[str]:
    """Every scalar that an agent's run holds beside what the algorithm logs of itself."""
    both = [*MEASURES, *(f"reward_terms/{name}" for name in reward_terms)]
    training = [f"training/{name}" for name in both]
    return [*training, *(f"evaluation/{name}" for name in (*both, *ADVANTAGE)), *SPEED]


def baseline_tags(reward_terms: Sequence[str]) -> list[str]:
    """Every scalar that the baseline's run holds."""
    return [f"evaluation/{name}" for name in (*MEASURES, *(f"reward_terms/{term}" for term in reward_terms), *ADVANTAGE)]


def histogram_tags(actions: Sequence[str], symbols: Sequence[str]) -> list[str]:
    """Every histogram: entries of the action, and inventories."""
    return [*(f"actions/{name}" for name in actions), *(f"inventory/{symbol}" for symbol in symbols)]


def layout() -> dict[str, dict[str, list[Any]]]:
    """Custom scalars: charts that hold the agent's line and the baseline's, as both runs have the tag."""
    charts = {name: ["Multiline", [f"^evaluation/{name}$"]] for name in MEASURES}
    charts["advantage over the baseline"] = ["Multiline", ["^evaluation/advantage$"]]
    return {LAYOUT_TITLE: charts}
