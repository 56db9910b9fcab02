"""What the agent makes of what it sees: consolidated touch, imbalance, sentiment, alpha, volatility, covariance.

Reads only the snapshots (each venue as old as its data) and the scores of headlines, never the market's hidden state.
Source: Cont, Kukanov & Stoikov 2014 (order-book imbalance); RiskMetrics 1996 (EWMA covariance).
"""

import math

from mm_env.sim.book import ASK, BID
from mm_env.sim.compiling import kernel
from mm_env.sim.state import HISTORY

_PRIOR_HORIZONS = 4  # how many horizons of data the prior volatility counts for


@kernel
def see(s, p):
    """Consolidate the snapshots: touch, mid, imbalance of the sizes at the touch."""
    for i in range(p.symbols):
        bid_lots, ask_lots = 0, 0
        bid, ask = s.seen_touch[i, BID], s.seen_touch[i, ASK]
        for v in range(p.venues):
            lots, price = s.seen_quantity[i, v, BID], s.seen_price[i, v, BID]
            if lots > 0:
                if bid_lots == 0 or price > bid:
                    bid, bid_lots = price, lots
                elif price == bid:
                    bid_lots += lots
            lots, price = s.seen_quantity[i, v, ASK], s.seen_price[i, v, ASK]
            if lots > 0:
                if ask_lots == 0 or price < ask:
                    ask, ask_lots = price, lots
                elif price == ask:
                    ask_lots += lots
        s.seen_touch[i, BID], s.seen_touch[i, ASK] = bid, ask
        s.seen_valid[i] = bid_lots > 0 and ask_lots > 0
        s.imbalance[i] = (bid_lots - ask_lots) / (bid_lots + ask_lots) if s.seen_valid[i] else 0.0


@kernel
def start_signals(s, p):
    """Before any data: mids at the start price, variances from the prior."""
    for i in range(p.symbols):
        s.seen_mid[i] = p.start_price_ticks[i]
        variance = (p.prior_volatility_per_sqrt_second * p.start_price_ticks[i]) ** 2
        s.covariance[i, i] = s.horizon_covariance[i, i] = variance
        s.variance_fast[i] = variance


@kernel
def update_signals(s, p, change):
    """One decision step: mids, covariance, alpha. change: (S,) scratch, the mid changes [ticks]."""
    dt, h = p.step_seconds, p.horizon_moves
    for i in range(p.symbols):
        mid = 0.5 * (s.seen_touch[i, BID] + s.seen_touch[i, ASK]) if s.seen_valid[i] else s.seen_mid[i]
        change[i] = mid - s.seen_mid[i]
        s.seen_mid[i] = mid
        s.variance_fast[i] += (1.0 - p.volatility_decay) * (change[i] * change[i] / dt - s.variance_fast[i])
        s.changes[i, s.change_count % HISTORY] = change[i]
        if h > 0:
            s.horizon_move[i] += s.changes[i, s.change_count % HISTORY]
            if s.change_count >= h:
                s.horizon_move[i] -= s.changes[i, (s.change_count - h) % HISTORY]
    s.change_count += 1
    if h > 0 and s.change_count >= h:
        update_horizon_covariance(s, p, h)
    for i in range(p.symbols):
        for j in range(i + 1):
            c = s.covariance[i, j] + (1.0 - p.covariance_decay) * (change[i] * change[j] / dt - s.covariance[i, j])
            s.covariance[i, j] = s.covariance[j, i] = c
        s.sentiment[i] *= p.sentiment_decay
        blend = p.alpha_weight * s.sentiment[i] + p.obi_weight * s.imbalance[i]
        s.alpha[i] += p.alpha_smooth * (blend - s.alpha[i])


@kernel
def update_horizon_covariance(s, p, h):
    """Take the move over the last h steps into its covariance: a mean at first, the prior in it, and then an EWMA."""
    weight = max(1.0 - p.horizon_decay, 1.0 / (s.change_count + _PRIOR_HORIZONS * h))
    for i in range(p.symbols):
        for j in range(i + 1):
            product = s.horizon_move[i] * s.horizon_move[j] / (h * p.step_seconds)
            c = s.horizon_covariance[i, j] + weight * (product - s.horizon_covariance[i, j])
            s.horizon_covariance[i, j] = s.horizon_covariance[j, i] = c


@kernel
def seen_inventory(s, p, i):
    """Position as reported so far, over venues [lots]."""
    lots = 0
    for v in range(p.venues):
        lots += s.seen_position[i, v]
    return lots


@kernel
def volatility(s, i):
    """Slow volatility of a symbol [ticks/sqrt(s)]."""
    return math.sqrt(s.covariance[i, i])
