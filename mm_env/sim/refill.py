"""Makers who answer at once to a best price that was emptied.

The limit orders of a queue-reactive market come at rates, and let a gap stand until one of them happens to come; in real
markets a part of the gaps is filled within milliseconds, by those who compete for the place.

Source: Large 2007, Measuring the resiliency of an electronic limit order book.
"""

import math

from mm_env.sim.book import (
    ASK,
    BID,
    add_lots,
    best_with_own,
    better,
    in_window,
    update_cancel_rate,
    update_side,
    update_touch_side,
)
from mm_env.sim.compiling import inlined, kernel
from mm_env.sim.rng import MAKERS, exponential, next_u64, uniform


@inlined
def await_refill(s, p, i, v, side, price, share):
    """With that probability an answer is on its way; of several prices of a side that were emptied the best is filled."""
    if share > 0.0 and uniform(s, MAKERS) < share:
        if s.refill_time[i, v, side] == math.inf:
            s.refill_time[i, v, side] = s.time + exponential(s, MAKERS) * p.refill_latency_seconds
            s.refill_price[i, v, side] = price
            s.refill_next = min(s.refill_next, s.refill_time[i, v, side])
        elif better(side, price, s.refill_price[i, v, side]):
            s.refill_price[i, v, side] = price


@inlined
def rest(s, p, i, v, side, price, lots):
    """Rest a maker's order that trades with nobody."""
    first = add_lots(s, p, i, v, side, price, lots)
    if first:
        update_touch_side(s, p, i, side)
    if first or price == s.best[i, v, side]:
        update_side(s, p, i, v, side)
    else:
        update_cancel_rate(s, p, i, v, side)


@kernel
def refill(s, p):
    """Makers' answers to emptied best prices that are due."""
    s.refill_next = math.inf
    for i in range(p.symbols):
        for v in range(p.venues):
            for side in range(2):
                if s.refill_time[i, v, side] <= s.time:
                    s.refill_time[i, v, side] = math.inf
                    _answer(s, p, i, v, s.refill_price[i, v, side])
                s.refill_next = min(s.refill_next, s.refill_time[i, v, side])


@kernel
def _answer(s, p, i, v, price):
    """An order at a price that was emptied, of the side on which the efficient price lets it rest.

    None where another maker was as good already, or where it would trade, or cross another venue as it stands now. It may
    lock one, as venues with a basis between them do on coarse ticks for much of the time.
    """
    side = BID if price <= s.price[i] else ASK
    taken = s.resting[i, v, side] > 0 and not better(side, price, s.best[i, v, side])
    exists, opposite = best_with_own(s, i, v, 1 - side)
    trades = exists and not better(side, opposite, price)
    crosses = s.touch_venue[i, 1 - side] >= 0 and better(side, price, s.touch[i, 1 - side])
    if in_window(s, i, price) and not (taken or trades or crosses):
        s.events += 1
        rest(s, p, i, v, side, price, int(p.maker_sizes[next_u64(s, MAKERS) & 255]))
