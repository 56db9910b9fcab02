"""One symbol's makers may stand farther from the price than another's."""

from __future__ import annotations

import numpy as np

from mm_env.config.io import load_config, override
from mm_env.runs.book_events import simulate_events


def test_a_multiplier_of_distance_widens_one_symbols_spread():
    alike = {"symbols.ABC.start_price": 100.0, "symbols.ABC.volatility_bps_per_sqrt_second": 1.0, "news.source": "none"}
    for multiplier, low, high in ((1.0, 0.85, 1.15), (3.0, 1.25, 3.0)):
        config = override(load_config("two_symbols"), {**alike, "symbols.ABC.distance_multiplier": multiplier})
        spreads = []
        for symbol in (0, 1):
            parts = list(simulate_events(config, 300.0, symbol=symbol, levels=1, seed=1))
            spreads.append(float(np.nanmean(np.concatenate([part.ask_prices - part.bid_prices for part in parts]))))
        assert low < spreads[1] / spreads[0] < high
