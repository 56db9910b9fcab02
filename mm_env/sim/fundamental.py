"""The efficient price: correlated geometric Brownian motion, news, and impact; hidden from the agent.

Each move is booked by its cause. Impact follows the *surprise* in signed volume, so that persistent order signs do not
make returns predictable (Lillo & Farmer 2004); a share of it decays, so that the impact of an order that is worked for
longer grows more slowly than its size (Bouchaud, Gefen, Potters & Wyart 2004).
"""

import math

from mm_env.sim.compiling import kernel
from mm_env.sim.rng import DIFFUSION, FAULT_PRICE, normal

NEWS_PART, DIFFUSION_PART, IMPACT_PART = 0, 1, 2
_HIGHEST = 2.0**52  # [ticks] past which a float no longer holds half ticks


@kernel
def move_price(s, i, part, log_move):
    """Multiply the price by exp(log_move) and book the move under its cause."""
    if abs(log_move) < 1e-3:  # the series is exact to 4e-14 here, and cheaper
        growth = log_move * (1.0 + log_move * (0.5 + log_move * (1.0 / 6.0)))
    else:
        growth = math.expm1(log_move)
    change = s.price[i] * growth
    s.price[i] += change
    s.price_moves[i, part] += change


@kernel
def diffuse(s, p, dt, normals):
    """One microstep: diffusion, what is left of past news, and the impact of surprising volume.

    normals: (S,) scratch.
    """
    n = p.symbols
    for k in range(n):
        normals[k] = normal(s, DIFFUSION)
    for i in range(n):
        z = 0.0
        for j in range(i + 1):
            z += p.correlation_cholesky[i, j] * normals[j]
        scale = p.volatility_per_sqrt_second[i] * p.regime_volatility_multiplier[s.regime] * math.sqrt(dt)
        move_price(s, i, DIFFUSION_PART, scale * z - 0.5 * scale * scale)
        if s.news_drift[i] != 0.0:
            step = s.news_drift[i] * p.news_absorb
            s.news_drift[i] -= step
            move_price(s, i, NEWS_PART, step)
        if s.surprise[i] != 0.0 or s.transient[i] != 0.0:
            move, back = p.impact_per_lot[i] * s.surprise[i], s.transient[i] * p.impact_decay
            s.transient[i] += p.impact_transient_share * move - back
            s.surprise[i] = 0.0
            move_price(s, i, IMPACT_PART, move - back)
        if not 0.0 < s.price[i] < _HIGHEST:
            s.fault |= FAULT_PRICE
