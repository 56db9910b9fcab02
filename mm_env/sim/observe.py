"""What the agent is shown: float32 columns of order one, from the snapshots, its own book-keeping and the default policy.

Columns saturate at ±BOUND, which is the bound of the observation space.
"""

import math

from mm_env.sim.book import ASK, BID
from mm_env.sim.compiling import kernel
from mm_env.sim.quoting import remaining_horizon
from mm_env.sim.risk import current_var
from mm_env.sim.signals import seen_inventory, volatility

BOUND = 10.0
# name, meaning; one set a symbol
SYMBOL_COLUMNS = (
    ("mid_change", "last change of the seen mid, in slow volatilities of a step"),
    ("spread", "log of the seen consolidated spread in ticks (1 at a locked or crossed market's 0)"),
    ("imbalance", "order-book imbalance at the seen touch"),
    ("sentiment", "decayed sum of headline scores"),
    ("alpha", "expected move of the default policy's blend, in bps"),
    ("volatility", "log of slow volatility over its prior"),
    ("volatility_ratio", "log of fast over slow volatility"),
    ("inventory", "seen position over the inventory limit"),
    ("default_bid_distance", "seen mid minus the default bid, in slow volatilities of ten steps"),
    ("default_ask_distance", "default ask minus the seen mid, likewise"),
    ("own_bid", "own resting bids over the quote size"),
    ("own_ask", "own resting asks over the quote size"),
    ("bid_queue", "share of own bids' levels queued ahead, over venues"),
    ("ask_queue", "share of own asks' levels queued ahead, over venues"),
    ("default_hedge", "signed lots of the default hedge over the quote size"),
    ("marginal_var", "marginal VaR of the quote size over the VaR limit"),
)
GLOBAL_COLUMNS = (
    ("value_at_risk", "VaR over its limit"),
    ("time_left", "share of the episode that is left"),
    ("horizon_left", "default policy's risk horizon over horizon_seconds"),
    ("hedged", "1 when the last decision hedged"),
)


@kernel
def _put(row, k, value):
    row[k] = min(BOUND, max(-BOUND, value))
    return k + 1


@kernel
def _queue(s, p, i, side):
    """(own lots over the quote size, share queued ahead) on a side, over venues, as seen."""
    own, ahead = 0, 0
    for v in range(p.venues):
        if s.seen_own_quantity[i, v, side] > 0:
            own += s.seen_own_quantity[i, v, side]
            ahead += s.seen_own_ahead[i, v, side]
    return own / p.quote_size[i], ahead / (ahead + own) if own > 0 else 0.0


@kernel
def observe(s, p, row, change):
    """Fill one row (columns,) float32. change: (S,) last mid changes [ticks]."""
    k = 0
    for i in range(p.symbols):
        slow = max(volatility(s, i), 1e-9)
        step = slow * math.sqrt(p.step_seconds)
        prior = p.prior_volatility_per_sqrt_second * p.start_price_ticks[i]
        scale = math.sqrt(10.0) * step
        k = _put(row, k, change[i] / step)
        k = _put(row, k, math.log(max(1.0, s.seen_touch[i, ASK] - s.seen_touch[i, BID])) if s.seen_valid[i] else BOUND)
        k = _put(row, k, s.imbalance[i])
        k = _put(row, k, s.sentiment[i])
        k = _put(row, k, s.alpha[i])
        k = _put(row, k, math.log(slow / prior))
        k = _put(row, k, 0.5 * math.log(max(s.variance_fast[i], 1e-18) / (slow * slow)))
        k = _put(row, k, seen_inventory(s, p, i) / p.inventory_limit[i])
        k = _put(row, k, (s.seen_mid[i] - s.default_price[i, BID]) / scale)
        k = _put(row, k, (s.default_price[i, ASK] - s.seen_mid[i]) / scale)
        bid_own, bid_ahead = _queue(s, p, i, BID)
        ask_own, ask_ahead = _queue(s, p, i, ASK)
        k = _put(row, k, bid_own)
        k = _put(row, k, ask_own)
        k = _put(row, k, bid_ahead)
        k = _put(row, k, ask_ahead)
        k = _put(row, k, s.default_hedge[i] / p.quote_size[i])
        k = _put(row, k, s.marginal_var[i] * p.quote_size[i] / p.portfolio_var_limit)
    k = _put(row, k, current_var(s, p) / p.portfolio_var_limit)
    k = _put(row, k, 1.0 - s.step / p.steps)
    k = _put(row, k, remaining_horizon(s, p) / p.horizon_seconds)
    _put(row, k, float(s.hedged))
