"""A trained agent against the default policy of its market, on held-out episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mm_env.config import ClassicConfig
from mm_env.evaluation.comparison import compare
from mm_env.evaluation.evaluation import evaluate
from mm_env.policies.registry import get_policy
from mm_env.reports.comparison_table import comparison_table

if TYPE_CHECKING:
    from mm_env.learning.trained import TrainedAgent


def default_policy_name(market: Any) -> str:
    """The policy that residual actions of zero are."""
    if isinstance(market, ClassicConfig):
        return market.policy.name
    return "as" if market.policy.use_avellaneda_stoikov else "fixed"


def compare_with_default(agent: TrainedAgent, episodes: int = 1000, seed: int = 0) -> str:
    """Markdown table of the default policy and the agent on the same episodes, which no training plays.

    Intervals are 95 % bootstrap intervals; differences are paired. `mm-env compare` compares more than two.
    """
    name = default_policy_name(agent.config)
    rows = {one.name: [evaluate(one, agent.config, episodes, seed)] for one in (get_policy(name), agent)}
    return comparison_table(compare(rows, name, seed), name, isinstance(agent.config, ClassicConfig))
