"""Books of resting orders: levels, best prices, the consolidated touch, and how fast makers come and go.

A level's slot is price & (WINDOW - 1); the window follows the efficient price, and lots that fall out of it count as
cancelled. Depth holds the lots of others; the agent's one order a side is kept beside it with the lots queued ahead.

Source: Huang, Lehalle & Rosenbaum 2015 (queue-reactive rates).
"""

import math

from mm_env.sim.compiling import kernel
from mm_env.sim.rng import FAULT_BEST, FAULT_QUANTITY
from mm_env.sim.state import WINDOW

MASK = WINDOW - 1
BID, ASK = 0, 1


@kernel
def sign_of(side):
    """+1 for bids and buys, -1 for asks and sells: multiplied by it, a better price is a larger one on either side."""
    return 1 - 2 * side


@kernel
def better(side, a, b):
    """Whether price a has priority over price b on that side."""
    return (a - b) * (1 - 2 * side) > 0


@kernel
def own_at(s, i, v, side, price):
    """Own lots resting at a price."""
    if s.own_quantity[i, v, side] > 0 and s.own_price[i, v, side] == price:
        return s.own_quantity[i, v, side]
    return 0


@kernel
def best_with_own(s, i, v, side):
    """(exists, price) of the best order on a venue's side, the agent's included."""
    exists = s.resting[i, v, side] > 0
    price = s.best[i, v, side]
    if s.own_quantity[i, v, side] > 0 and (not exists or better(side, s.own_price[i, v, side], price)):
        return True, s.own_price[i, v, side]
    return exists, price


@kernel
def on_grid(price, multiple, side):
    """The price rounded away from the market to a venue's tick."""
    if multiple == 1:
        return price
    sign = 1 - 2 * side
    return price - sign * ((sign * price) % multiple)


@kernel
def in_window(s, i, price):
    """Whether a book of symbol i has a slot for the price."""
    return s.window_low[i] <= price < s.window_low[i] + WINDOW


@kernel
def add_lots(s, i, v, side, price, lots):
    """Rest lots of others; the price must be in the window."""
    if s.resting[i, v, side] == 0 or better(side, price, s.best[i, v, side]):
        s.best[i, v, side] = price
    s.depth[i, v, side, price & MASK] += lots
    s.resting[i, v, side] += lots


@kernel
def find_best(s, i, v, side):
    """Move the best price outwards to the next level that holds lots."""
    if s.resting[i, v, side] <= 0:
        return
    step = 2 * side - 1
    price = s.best[i, v, side]
    for _ in range(WINDOW):
        if s.depth[i, v, side, price & MASK] > 0:
            s.best[i, v, side] = price
            return
        price += step
    s.fault |= FAULT_BEST


@kernel
def remove_lots(s, i, v, side, price, lots):
    """Take lots of others from a level, and find the new best when it empties."""
    k = price & MASK
    left = s.depth[i, v, side, k] - lots
    if left < 0:
        s.fault |= FAULT_QUANTITY
    s.depth[i, v, side, k] = left
    s.resting[i, v, side] -= lots
    if left == 0 and price == s.best[i, v, side]:
        find_best(s, i, v, side)


@kernel
def update_touch(s, p, i):
    """Consolidated touch and mid of a symbol; crossed venues schedule an arbitrage.

    The mid is that of the other traders: the agent's own quotes do not move the price at which it is marked.
    """
    valid, mid2 = False, 0
    for side in range(2):
        sign = 1 - 2 * side
        venue, price, found, others = -1, s.touch[i, side], False, 0
        for v in range(p.venues):
            if s.resting[i, v, side] > 0:
                q = s.best[i, v, side]
                if not found or sign * (q - others) > 0:
                    found, others = True, q
                if venue < 0 or sign * (q - price) > 0:
                    venue, price = v, q
            if s.own_quantity[i, v, side] > 0:
                q = s.own_price[i, v, side]
                if venue < 0 or sign * (q - price) > 0:
                    venue, price = v, q
        s.touch[i, side], s.touch_venue[i, side] = price, venue
        if side == BID:
            valid, mid2 = found, others
        else:
            valid, mid2 = valid and found, mid2 + others
    s.mid_valid[i] = valid
    if valid:
        s.mid2[i] = mid2
    crossed = s.touch_venue[i, BID] >= 0 and s.touch_venue[i, ASK] >= 0 and s.touch[i, BID] > s.touch[i, ASK]
    if crossed and s.arbitrage_time[i] == math.inf:
        s.arbitrage_time[i] = s.time + p.arbitrage_latency
        s.scheduled_next = min(s.scheduled_next, s.arbitrage_time[i])


@kernel
def _stale_lots(s, i, v, side):
    """Lots whose price the efficient price has passed."""
    if s.resting[i, v, side] == 0:
        return 0
    sign = 1 - 2 * side
    fair = sign * s.price[i]
    price = s.best[i, v, side]
    lots = 0
    while sign * price > fair and in_window(s, i, price):
        lots += s.depth[i, v, side, price & MASK]
        price -= sign
    return lots


@kernel
def _touch_queue(s, i, v, side):
    """Lots at the venue's best price, the agent's included."""
    exists, price = best_with_own(s, i, v, side)
    if not exists:
        return 0.0
    lots = own_at(s, i, v, side, price)
    if s.resting[i, v, side] > 0 and s.best[i, v, side] == price:
        lots += s.depth[i, v, side, price & MASK]
    return float(lots)


@kernel
def update_rates(s, p, i, v):
    """Rates of limit orders and cancels of one book after its touch or its stale lots changed."""
    bid, ask = _touch_queue(s, i, v, BID), _touch_queue(s, i, v, ASK)
    lean = p.imbalance_reaction * (bid - ask) / (bid + ask) if bid + ask > 0.0 else 0.0
    slope = p.queue_slope[i, v]
    come, go = p.limit_rate[i, v] * p.regime_limit[s.regime], p.regime_cancel[s.regime]
    s.rate[i, v, BID] = come * (1.0 + lean) / (1.0 + slope * bid)
    s.rate[i, v, ASK] = come * (1.0 - lean) / (1.0 + slope * ask)
    s.leave[i, v, BID] = go * (1.0 + min(slope * bid, p.queue_longest))
    s.leave[i, v, ASK] = go * (1.0 + min(slope * ask, p.queue_longest))
    for side in range(2):
        s.stale[i, v, side] = _stale_lots(s, i, v, side)
        s.rate[i, v, 2 + side] = s.leave[i, v, side] * (s.resting[i, v, side] + p.stale_extra * s.stale[i, v, side])
    _sum_rates(s, p, i, v)


@kernel
def update_cancel_rate(s, p, i, v, side):
    """Cancel rate of one side after lots came or left behind its touch."""
    s.rate[i, v, 2 + side] = s.leave[i, v, side] * (s.resting[i, v, side] + p.stale_extra * s.stale[i, v, side])
    _sum_rates(s, p, i, v)


@kernel
def _sum_rates(s, p, i, v):
    s.venue_rate[i, v] = s.rate[i, v, 0] + s.rate[i, v, 1] + s.rate[i, v, 2] + s.rate[i, v, 3]
    total = 0.0
    for w in range(p.venues):
        total += s.venue_rate[i, w]
    s.symbol_rate[i] = total


@kernel
def move_window(s, p, i):
    """Centre the window on the efficient price; lots that fall out of it are cancelled. Returns whether any did."""
    low = int(math.floor(s.price[i])) - WINDOW // 2
    old = s.window_low[i]
    if low == old:
        return False
    s.window_low[i] = low
    # slots that leave the window, and through the mask the slots that enter it
    first, last = (old, min(low, old + WINDOW)) if low > old else (max(low + WINDOW, old), old + WINDOW)
    lost = False
    for v in range(p.venues):
        for side in range(2):
            gone = 0
            for price in range(first, last):
                gone += s.depth[i, v, side, price & MASK]
                s.depth[i, v, side, price & MASK] = 0
            if gone > 0:
                lost = True
                s.resting[i, v, side] -= gone
                if first <= s.best[i, v, side] < last:
                    s.best[i, v, side] = low + MASK if side == BID else low
                    find_best(s, i, v, side)
            if first <= s.own_price[i, v, side] < last:
                s.own_ahead[i, v, side] = 0
    return lost
