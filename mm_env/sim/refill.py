"""Makers who answer at once to a best price that was emptied.

The limit orders of a queue-reactive market come at rates, and let a gap stand until one of them happens to come; in real
markets a part of the gaps is filled within milliseconds, by those who compete for the place. flow.py has what they do.

Source: Large 2007, Measuring the resiliency of an electronic limit order book.
"""

import math

from mm_env.sim.book import better
from mm_env.sim.compiling import inlined
from mm_env.sim.rng import MAKERS, exponential, uniform


@inlined
def await_refill(s, p, i, v, side, price, share):
    """With that probability an answer is on its way; of several prices of a side that were emptied the best is filled."""
    if share > 0.0 and uniform(s, MAKERS) < share:
        if s.refill_time[i, v, side] == math.inf:
            s.refill_time[i, v, side] = s.time + exponential(s, MAKERS) * p.refill_latency
            s.refill_price[i, v, side] = price
            s.refill_next = min(s.refill_next, s.refill_time[i, v, side])
        elif better(side, price, s.refill_price[i, v, side]):
            s.refill_price[i, v, side] = price
