"""What makers place and takers reach."""

from __future__ import annotations

import numpy as np

from mm_env.config.io import load_config, override
from mm_env.evaluation.evaluation import evaluate
from mm_env.policies.constant import ConstantAction
from mm_env.runs.book_events import simulate_events


def lots_filled(reach: int, ticks: float) -> float:
    """Fills an episode of quotes that stand so far from the mid."""
    config = load_config(
        {"episode": {"steps": 200}, "flow": {"taker_reach_ticks": reach}, "policy": {"absolute_max_ticks": 2 * ticks}}
    )
    return float(evaluate(ConstantAction(0.0), config, 20, 3, num_threads=1).fills.mean())


def test_far_quotes_fill_only_where_takers_reach_them():
    """A taker pays no more than so many ticks past the best price of others: far quotes live off nobody."""
    assert lots_filled(10_000, 40.0) > 5.0
    assert lots_filled(3, 40.0) < 0.5, "but where the others' best price itself moves that far"
    assert lots_filled(3, 3.0) > 50.0


def test_a_multiplier_of_distance_widens_one_symbols_spread():
    """One symbol's makers may stand farther from the price than another's."""
    alike = {"symbols.ABC.start_price": 100.0, "symbols.ABC.volatility_bps_per_sqrt_second": 1.0, "news.source": "none"}
    for multiplier, low, high in ((1.0, 0.85, 1.15), (3.0, 1.25, 3.0)):
        config = override(load_config("two_symbols"), {**alike, "symbols.ABC.distance_multiplier": multiplier})
        spreads = []
        for symbol in (0, 1):
            parts = list(simulate_events(config, 300.0, symbol=symbol, levels=1, seed=1))
            spreads.append(float(np.nanmean(np.concatenate([part.ask_prices - part.bid_prices for part in parts]))))
        assert low < spreads[1] / spreads[0] < high
