"""The classic market's random parts: the move of the mid, and who trades with a quote.

Poisson arrivals are drawn a step at a time: in each step a quote at depth δ fills with probability λ(δ) dt (`linear`, the
rule of the published tables) or 1 - exp(-λ(δ) dt) (`exponential`), λ(δ) = A exp(-k δ). Hawkes arrivals are simulated
exactly in continuous time: each side's takers excite themselves and the other side; an arrival fills the quote with
probability exp(-k δ), and a quote that has filled is gone until the next decision.

Source: Avellaneda & Stoikov 2008, section 3; Cartea, Jaimungal & Ricci 2014 (self-exciting orders); Ogata 1981 (thinning).
"""

import math

import numpy as np

from mm_env.sim.classic.state import ARRIVALS, FILLS, MID
from mm_env.sim.compiling import kernel
from mm_env.sim.elementary import exponential_of
from mm_env.sim.rng import exponential, next_u64, normal, uniform

_HALF_UNIT = 2.0**-32


@kernel
def mid_move(s, p):
    """Change of the mid in one step [currency]: plus or minus a deviation (64 steps share a draw), or a normal."""
    if not p.brownian:
        left = s.step & 63
        if left == 0:
            s.signs = next_u64(s, MID)
        return p.step_deviation * (2.0 * float((s.signs >> np.uint64(left)) & np.uint64(1)) - 1.0)
    return p.step_deviation * normal(s, MID)


@kernel
def reach_quotes(exponents):
    """Replace -k δ of many quotes, (n,), by exp(-k δ): in a loop of its own, which the compiler turns into vector code."""
    for j in range(exponents.shape[0]):
        exponents[j] = exponential_of(exponents[j])


@kernel
def fill_probability(rate, reach, dt, linear):
    """Probability that a quote fills within a step of Poisson arrivals. reach: exp(-k δ) of its depth."""
    expected = rate * dt * reach
    return min(1.0, expected) if linear else -math.expm1(-expected)


@kernel
def poisson_fills(s, p, reach_bid, reach_ask):
    """(bid fills, ask fills) in one step, independent; both uniforms come from one draw, 32 bits each."""
    bits = next_u64(s, FILLS)
    low, high = float(bits & 0xFFFFFFFF), float(bits >> 32)
    bought = (high + 0.5) * _HALF_UNIT < fill_probability(p.arrival_rate, reach_bid, p.step, p.linear)
    sold = (low + 0.5) * _HALF_UNIT < fill_probability(p.arrival_rate, reach_ask, p.step, p.linear)
    return bought, sold


@kernel
def hawkes_fills(s, p, reach_bid, reach_ask, left):
    """(bid fills, ask fills) in a time `left` of Hawkes arrivals, whose intensities and counts it moves on.

    Draws of arrivals and of fills are separate, one of the latter an arrival: what is quoted changes neither.
    """
    bought, sold = False, False
    while True:
        bound = 2.0 * p.hawkes_mu + s.intensity[0] + s.intensity[1]
        wait = exponential(s, ARRIVALS) / bound if bound > 0.0 else math.inf
        decay = math.exp(-p.hawkes_beta * min(wait, left))
        s.intensity[0] *= decay
        s.intensity[1] *= decay
        if wait >= left:
            return bought, sold
        left -= wait
        u = uniform(s, ARRIVALS) * bound
        sells = p.hawkes_mu + s.intensity[0]
        if u >= sells + p.hawkes_mu + s.intensity[1]:
            continue  # thinned: the intensity has decayed below the bound
        side = 0 if u < sells else 1
        s.arrivals[side] += 1
        s.intensity[side] += p.hawkes_alpha[0]
        s.intensity[1 - side] += p.hawkes_alpha[1]
        filled = uniform(s, FILLS) < (reach_bid if side == 0 else reach_ask)
        bought |= filled and side == 0
        sold |= filled and side == 1


@kernel
def start_flow(s, p):
    """Intensities from their stationary law (simulated from their mean until that is forgotten), counts at zero."""
    s.intensity[:] = 0.0
    if p.hawkes:
        s.intensity[:] = p.mean_rate - p.hawkes_mu
        hawkes_fills(s, p, 0.0, 0.0, p.warm_up)
    s.arrivals[:] = 0
    s.fills[:] = 0
