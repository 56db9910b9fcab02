"""Books of resting orders: levels, best prices, the consolidated touch, and how fast makers come and go.

A level's slot is price & (WINDOW - 1); the window follows the efficient price, and lots that fall out of it count as
cancelled. Depth holds the lots of others; the agent's one order a side is kept beside it with the lots queued ahead.

Source: Huang, Lehalle & Rosenbaum 2015 (queue-reactive rates).
"""

import math

from mm_env.sim.compiling import inlined, kernel
from mm_env.sim.rng import FAULT_BEST, FAULT_QUANTITY, MAKERS, uniform
from mm_env.sim.state import WINDOW

MASK = WINDOW - 1
BID, ASK = 0, 1
MOST_ORDERS = 255  # that are told apart at one price
_NOWHERE = -(2**62)  # below any price: what the maximum over no venue is


@inlined
def sign_of(side):
    """+1 for bids and buys, -1 for asks and sells: multiplied by it, a better price is a larger one on either side."""
    return 1 - 2 * side


@inlined
def better(side, a, b):
    """Whether price a has priority over price b on that side."""
    return (a - b) * sign_of(side) > 0


@inlined
def own_at(s, i, v, side, price):
    """Own lots resting at a price."""
    if s.own_quantity[i, v, side] > 0 and s.own_price[i, v, side] == price:
        return s.own_quantity[i, v, side]
    return 0


@inlined
def best_with_own(s, i, v, side):
    """(exists, price) of the best order on a venue's side, the agent's included."""
    exists = s.resting[i, v, side] > 0
    price = s.best[i, v, side]
    if s.own_quantity[i, v, side] > 0 and (not exists or better(side, s.own_price[i, v, side], price)):
        return True, s.own_price[i, v, side]
    return exists, price


@inlined
def on_grid(price, multiple, side):
    """The price rounded away from the market to a venue's tick."""
    if multiple == 1:
        return price
    sign = sign_of(side)
    return price - sign * ((sign * price) % multiple)


@inlined
def in_window(s, i, price):
    """Whether a book of symbol i has a slot for the price."""
    return s.window_low[i] <= price < s.window_low[i] + WINDOW


@inlined
def add_lots(s, p, i, v, side, price, lots):
    """Rest an order of others, the price being in the window; returns whether the best price changed."""
    first = s.resting[i, v, side] == 0 or better(side, price, s.best[i, v, side])
    if first:
        s.best[i, v, side] = price
    s.depth[i, v, side, price & MASK] += lots
    s.resting[i, v, side] += lots
    if p.cancel_by_order and s.orders[i, v, side, price & MASK] < MOST_ORDERS:
        s.orders[i, v, side, price & MASK] += 1
        s.order_count[i, v, side] += 1
    return first


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


@inlined
def remove_lots(s, p, i, v, side, price, lots, cancelled):
    """Take lots of others from a level, and find the new best when it empties; returns whether the best price changed.

    cancelled: they are one order's; else, of so many orders in a level, as large a part goes as of its lots, on the average.
    """
    k = price & MASK
    left = s.depth[i, v, side, k] - lots
    if left < 0:
        s.fault |= FAULT_QUANTITY
    s.depth[i, v, side, k] = left
    s.resting[i, v, side] -= lots
    if p.cancel_by_order:
        n = int(s.orders[i, v, side, k])
        gone = n
        if left > 0:
            gone = min(1, n - 1)
            if not cancelled and n > 1:
                part = n * lots / (left + lots)
                gone = min(int(part) + (uniform(s, MAKERS) < part - int(part)), n - 1)
        s.orders[i, v, side, k] = n - gone
        s.order_count[i, v, side] -= gone
    emptied = left == 0 and price == s.best[i, v, side]
    if emptied:
        find_best(s, i, v, side)
    return emptied


@inlined
def find_touch(s, i, side):
    """Best price of a side over venues, of others alone and with own orders (touch)."""
    sign = sign_of(side)
    others, top, venue = _NOWHERE, _NOWHERE, -1
    for v in range(s.best.shape[1]):
        q = sign * s.best[i, v, side] if s.resting[i, v, side] > 0 else _NOWHERE
        others = max(others, q)
        own = sign * s.own_price[i, v, side] if s.own_quantity[i, v, side] > 0 else _NOWHERE
        q = max(q, own)
        venue = v if q > top else venue
        top = max(top, q)
    s.best_of_others_valid[i, side] = others > _NOWHERE
    if others > _NOWHERE:
        s.best_of_others[i, side] = sign * others
    s.touch_venue[i, side] = venue
    if venue >= 0:
        s.touch[i, side] = sign * top


@inlined
def settle_touch(s, p, i):
    """Mid after the touch changed; crossed venues schedule an arbitrage.

    The mid is that of the other traders: the agent's own quotes do not move the price at which it is marked.
    """
    valid = s.best_of_others_valid[i, BID] and s.best_of_others_valid[i, ASK]
    s.mid_valid[i] = valid
    if valid:
        s.mid2[i] = s.best_of_others[i, BID] + s.best_of_others[i, ASK]
    if is_crossed(s, i) and s.arbitrage_time[i] == math.inf:
        s.arbitrage_time[i] = s.time + p.arbitrage_latency_seconds
        s.scheduled_next = min(s.scheduled_next, s.arbitrage_time[i])


@inlined
def is_crossed(s, i):
    """Whether one venue bids more than another asks, own orders included."""
    return s.touch_venue[i, BID] >= 0 and s.touch_venue[i, ASK] >= 0 and s.touch[i, BID] > s.touch[i, ASK]


@kernel
def publish_touch(s, i):
    """The touch becomes what makers on other venues know of it."""
    for side in range(2):
        s.known[i, side], s.known_valid[i, side] = s.touch[i, side], s.touch_venue[i, side] >= 0


@kernel
def update_touch(s, p, i):
    """Consolidated touch and mid of a symbol, both sides."""
    find_touch(s, i, BID)
    find_touch(s, i, ASK)
    settle_touch(s, p, i)


@inlined
def cancellable(s, p, i, v, side):
    """What cancels are drawn from on a side: its lots, or its orders."""
    return s.order_count[i, v, side] if p.cancel_by_order else s.resting[i, v, side]


@inlined
def cancellable_at(s, p, i, v, side, price):
    """Those at one price."""
    return int(s.orders[i, v, side, price & MASK]) if p.cancel_by_order else int(s.depth[i, v, side, price & MASK])


@inlined
def _stale(s, p, i, v, side):
    """Those whose price the efficient price has passed."""
    if s.resting[i, v, side] == 0:
        return 0
    sign = sign_of(side)
    fair = sign * s.price[i]
    price = s.best[i, v, side]
    stale = 0
    while sign * price > fair and in_window(s, i, price):
        stale += cancellable_at(s, p, i, v, side, price)
        price -= sign
    return stale


@inlined
def _touch_queue(s, i, v, side):
    """Lots at the venue's best price, the agent's included."""
    price, own = s.best[i, v, side], s.own_quantity[i, v, side]
    others = s.depth[i, v, side, price & MASK] if s.resting[i, v, side] > 0 else 0
    if own == 0:
        return float(others)
    ahead = (s.own_price[i, v, side] - price) * sign_of(side)  # ticks by which the own order is the better one
    if others == 0 or ahead > 0:
        return float(own)
    return float(others + own) if ahead == 0 else float(others)


@inlined
def _limit_rates(s, p, i, v):
    """Rates of limit orders: fewer where the queue is long, more where the imbalance leans."""
    bid, ask = s.queue[i, v, BID], s.queue[i, v, ASK]
    lean = (bid - ask) / (bid + ask) * p.imbalance_reaction if bid + ask > 0.0 else 0.0
    slope = p.queue_slope[i, v]
    come = p.limit_rate[i, v] * p.regime_limit[s.regime]
    s.rate[i, v, BID] = come / (1.0 + slope * bid) * (1.0 + lean)
    s.rate[i, v, ASK] = come / (1.0 + slope * ask) * (1.0 - lean)


@inlined
def _cancel_rate(s, p, i, v, side):
    s.rate[i, v, 2 + side] = s.unit_cancel_rate[i, v, side] * (
        cancellable(s, p, i, v, side) + p.stale_extra * s.stale[i, v, side]
    )


@inlined
def _update_side(s, p, i, v, side):
    """Touch queue, what is stale, and cancel rate of one side."""
    queue = _touch_queue(s, i, v, side)
    s.queue[i, v, side] = queue
    s.unit_cancel_rate[i, v, side] = p.regime_cancel[s.regime] * (1.0 + min(p.queue_slope[i, v] * queue, p.queue_longest))
    s.stale[i, v, side] = _stale(s, p, i, v, side)
    _cancel_rate(s, p, i, v, side)


@inlined
def _add_up(s, i, v):
    """Sum of a book's rates; the sums over books follow by the difference, as the next event waits for them."""
    rate = (s.rate[i, v, 0] + s.rate[i, v, 1]) + (s.rate[i, v, 2] + s.rate[i, v, 3])
    change = rate - s.venue_rate[i, v]
    s.venue_rate[i, v] = rate
    s.symbol_rate[i] += change
    s.maker_rate += change


@inlined
def sum_rates(s):
    """Sums over books again, so that rounding does not add up over more than a microstep."""
    s.maker_rate = 0.0
    for i in range(s.venue_rate.shape[0]):
        total = 0.0
        for v in range(s.venue_rate.shape[1]):
            total += s.venue_rate[i, v]
        s.symbol_rate[i] = total
        s.maker_rate += total


@kernel
def update_rates(s, p, i, v):
    """Rates of limit orders and cancels of one book, both sides."""
    _update_side(s, p, i, v, BID)
    _update_side(s, p, i, v, ASK)
    _limit_rates(s, p, i, v)
    _add_up(s, i, v)


@inlined
def update_side(s, p, i, v, side):
    """Rates of a book after the touch queue or the stale lots of one side changed."""
    _update_side(s, p, i, v, side)
    _limit_rates(s, p, i, v)
    _add_up(s, i, v)


@inlined
def follow_price(s, p, i, v):
    """Stale lots and cancel rates of a book after the efficient price moved."""
    moved = False
    for side in range(2):
        sign = sign_of(side)
        if s.stale[i, v, side] > 0 or sign * s.best[i, v, side] > sign * s.price[i]:
            s.stale[i, v, side] = _stale(s, p, i, v, side)
            _cancel_rate(s, p, i, v, side)
            moved = True
    if moved:
        _add_up(s, i, v)


@inlined
def update_cancel_rate(s, p, i, v, side):
    """Cancel rate of one side after lots came or left behind its touch."""
    _cancel_rate(s, p, i, v, side)
    _add_up(s, i, v)


@inlined
def update_touch_side(s, p, i, side):
    """Consolidated touch and mid of a symbol after the best price of one venue's side changed."""
    find_touch(s, i, side)
    settle_touch(s, p, i)


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
                lots = s.depth[i, v, side, price & MASK]
                if lots > 0:
                    gone += lots
                    s.depth[i, v, side, price & MASK] = 0
                    if p.cancel_by_order:
                        s.order_count[i, v, side] -= s.orders[i, v, side, price & MASK]
                        s.orders[i, v, side, price & MASK] = 0
            if gone > 0:
                lost = True
                s.resting[i, v, side] -= gone
                if first <= s.best[i, v, side] < last:
                    s.best[i, v, side] = low + MASK if side == BID else low
                    find_best(s, i, v, side)
            if first <= s.own_price[i, v, side] < last:
                s.own_ahead[i, v, side] = 0
    return lost
