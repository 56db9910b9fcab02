"""Actions: what one asks of the market, and which one asks for given quotes and hedges."""

import numpy as np

from mm_env.sim.book import ASK, BID
from mm_env.sim.compiling import kernel
from mm_env.sim.hedge import route_hedge
from mm_env.sim.orders import open_mailbox
from mm_env.sim.router import round_quotes, route_quotes, select_venues

RESIDUAL, ABSOLUTE = 0, 1  # readings of an action


@kernel
def apply_action(s, p, action, mode, scratch):
    """Turn an action into messages: quotes of every symbol, and hedges. action: (3S,) bid, ask, hedge of each symbol."""
    m = open_mailbox(s, p)
    select_venues(s, p)
    s.hedged = 0
    for i in range(p.symbols):
        bid, ask, hedge = action[3 * i], action[3 * i + 1], action[3 * i + 2]
        lots = int(round(hedge * p.hedge_action_lots))
        if mode == RESIDUAL:
            reach = p.residual_half_spreads * s.default_half_spread[i]
            round_quotes(s, p, i, s.default_price[i, BID] - bid * reach, s.default_price[i, ASK] + ask * reach)
            lots += s.default_hedge[i]
        else:
            reach = 0.5 * p.absolute_max_ticks
            round_quotes(s, p, i, s.seen_mid[i] - (bid + 1.0) * reach, s.seen_mid[i] + (ask + 1.0) * reach)
        if lots != 0:
            route_hedge(s, p, m, i, lots, scratch)
            s.hedged |= s.default_hedge[i] != 0
        route_quotes(s, p, m, i)
    s.hedges += s.hedged


def inverse_action(
    states: np.ndarray, params: np.ndarray, symbols: int, mode: int, bid: np.ndarray, ask: np.ndarray, hedge: np.ndarray
) -> np.ndarray:
    """(N, 3S) float32 action for which `apply_action` asks for given quotes and hedges, within the bounds of an action.

    states, params: (N,) records; bid, ask: (N, S) float64 [ticks] prices before the quoting grid;
    hedge: (N, S) [lots] signed, default hedge included
    """
    n = symbols
    if mode == RESIDUAL:
        reach = params["residual_half_spreads"][:, None] * states["default_half_spread"][:, :n]
        low = (states["default_price"][:, :n, BID] - bid) / reach
        high = (ask - states["default_price"][:, :n, ASK]) / reach
        hedge = hedge - states["default_hedge"][:, :n]
    else:
        reach = 0.5 * params["absolute_max_ticks"][:, None]
        low = (states["seen_mid"][:, :n] - bid) / reach - 1.0
        high = (ask - states["seen_mid"][:, :n]) / reach - 1.0
    lots = params["hedge_action_lots"][:, None]
    shares = np.divide(hedge, lots, out=np.zeros(hedge.shape), where=lots > 0)
    action = np.stack([low, high, shares], axis=-1).reshape(len(states), 3 * n)
    bounded: np.ndarray = np.clip(action, -1.0, 1.0).astype(np.float32)
    return bounded
