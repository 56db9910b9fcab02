"""A trained agent against the default policy of its market, on held-out episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_env.config import ClassicConfig
from mm_env.evaluation.comparison import compare
from mm_env.evaluation.evaluation import evaluate
from mm_env.policies.registry import get_policy
from mm_env.reports.comparison_table import comparison_table

if TYPE_CHECKING:
    from mm_env.learning.trained import TrainedAgent


def compare_with_default(agent: TrainedAgent, episodes: int = 1000, seed: int = 0) -> str:
    """Markdown table of the default policy and the agent on the same episodes, which no training plays.

    Intervals are 95 % bootstrap intervals; differences are paired. `mm-env compare` compares more than two.
    """
    name = agent.config.policy.name
    rows = {one.name: [evaluate(one, agent.config, episodes, seed)] for one in (get_policy(name), agent)}
    return comparison_table(compare(rows, name, seed), name, isinstance(agent.config, ClassicConfig))
