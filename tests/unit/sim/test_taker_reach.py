"""A taker pays no more than so many ticks past the best price of others: far quotes live off nobody."""

from __future__ import annotations

import pytest

from mm_env.config.io import load_config
from mm_env.errors import ConfigError
from mm_env.evaluation.evaluation import evaluate
from mm_env.policies.constant import ConstantAction


def lots_filled(reach: int, ticks: float) -> float:
    """Fills an episode of quotes that stand so far from the mid."""
    config = load_config(
        {"episode": {"steps": 200}, "flow": {"taker_reach_ticks": reach}, "policy": {"absolute_max_ticks": 2 * ticks}}
    )
    return float(evaluate(ConstantAction(0.0), config, 20, 3, num_threads=1).fills.mean())


def test_far_quotes_fill_only_where_takers_reach_them():
    assert lots_filled(10_000, 40.0) > 5.0
    assert lots_filled(3, 40.0) < 0.5, "but where the others' best price itself moves that far"
    assert lots_filled(3, 3.0) > 50.0


def test_a_negative_reach_is_refused():
    with pytest.raises(ConfigError, match="taker_reach_ticks"):
        load_config({"flow": {"taker_reach_ticks": -1}})
