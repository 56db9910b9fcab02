"""How an episode begins: the books of the other traders, and counters after the burn-in."""

import math

from mm_env.sim.book import update_rates, update_touch
from mm_env.sim.compiling import kernel
from mm_env.sim.flow import place
from mm_env.sim.rng import MAKERS, next_u64, uniform
from mm_env.sim.state import WINDOW

_MOST_ORDERS = 2000  # a side of a book at the start


@kernel
def start_books(s, p, fills):
    """Books near their stationary shape: the expected number of orders at drawn distances, nothing crossing."""
    s.box_time[:] = math.inf
    s.box_arrival[:] = -math.inf
    s.intent_time[:] = -math.inf
    s.arbitrage_time[:] = math.inf
    s.snapshot_time[:] = math.inf
    s.touch_venue[:] = -1
    s.refill_time[:] = math.inf
    s.scheduled_next = s.refill_next = math.inf
    for i in range(p.symbols):
        s.price[i] = p.start_price_ticks[i]
        s.window_low[i] = int(math.floor(s.price[i])) - WINDOW // 2
        s.mid2[i] = 2 * int(round(s.price[i]))
        for v in range(p.venues):
            for side in range(2):
                expected = p.initial_orders[i, v] * p.regime_depth_multiplier[s.regime]
                orders = int(expected + uniform(s, MAKERS))
                for _ in range(min(orders, _MOST_ORDERS)):
                    place(s, p, fills, i, v, side, int(p.maker_sizes[next_u64(s, MAKERS) & 255]))
            update_rates(s, p, i, v)
        update_touch(s, p, i)


@kernel
def start_counters(s):
    """Counters and moves of the price from zero: the burn-in is no part of the episode."""
    s.events = s.taker_volume = s.maker_volume = s.withheld = 0
    s.takers[:] = 0
    s.price_moves[:] = 0.0
