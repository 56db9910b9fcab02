"""The default policy: Avellaneda-Stoikov around an alpha-shifted mid, or a fixed spread, for one env's row.

Prices in the formulas are currency a share, inventory is in lots, and risk aversion is per currency a share and lot.
Source: Avellaneda & Stoikov 2008, equations 29-30; log1p keeps the limit of small risk aversion.
"""

import math

from mm_env.sim.book import ASK, BID
from mm_env.sim.compiling import kernel
from mm_env.sim.orders import hedge_in_flight
from mm_env.sim.signals import seen_inventory

_NO_VARIANCE = 1e-18  # [ticks²/s] below it a slow variance has died out, and a ratio to it says nothing


@kernel
def reservation_price(mid, inventory, risk_aversion, variance, horizon):
    """Mid minus inventory x risk aversion x variance x horizon [currency a share]."""
    return mid - inventory * risk_aversion * variance * horizon


@kernel
def half_spread_risk(risk_aversion, variance, horizon):
    """Half of the spread's inventory part [currency a share]."""
    return 0.5 * risk_aversion * variance * horizon


@kernel
def half_spread_arrival(risk_aversion, fill_decay):
    """Half of the spread's monopoly part, ln(1 + γ/k) / γ [currency a share]."""
    ratio = risk_aversion / fill_decay
    return math.log1p(ratio) / risk_aversion if ratio > 1e-12 else 1.0 / fill_decay


@kernel
def volatility_widening(variance_fast, variance, weight):
    """Factor of the half spread when recent volatility exceeds the slow one."""
    if variance <= _NO_VARIANCE:
        return 1.0
    return 1.0 + weight * max(0.0, math.sqrt(variance_fast / variance) - 1.0)


@kernel
def quoting_tick(half_spread_ticks, finest, coarsest):
    """Finest grid doubled while it stays within the half spread and the coarsest grid [ticks]."""
    grid = finest
    while 2 * grid <= coarsest and 2 * grid <= half_spread_ticks:
        grid *= 2
    return grid


@kernel
def skewed_size(size, inventory, limit, skew):
    """Lots to quote on the side that adds to `inventory` (signed towards that side); the other side keeps its size."""
    if inventory <= 0:
        return size
    return int(math.ceil(size * max(0.0, 1.0 - inventory / limit) ** skew))


@kernel
def remaining_horizon(s, p):
    """Time over which inventory is at risk [s]."""
    if p.rolling_horizon:
        return p.horizon_seconds
    return max(0.0, min(p.horizon_seconds, p.steps * p.step_seconds - s.time))


@kernel
def default_quotes(s, p):
    """The default policy's bid and ask [ticks], half spread, grid and sizes of every symbol."""
    horizon = remaining_horizon(s, p)
    for i in range(p.symbols):
        tick = p.tick_size[i]
        mid = s.seen_mid[i] * tick
        inventory = seen_inventory(s, p, i) + hedge_in_flight(s, p, i)
        shifted = mid * (1.0 + 1e-4 * s.alpha[i])
        if p.use_avellaneda_stoikov:
            variance = s.covariance[i, i] * tick * tick
            centre = reservation_price(shifted, inventory, p.risk_aversion, variance, horizon)
            half = half_spread_risk(p.risk_aversion, variance, horizon) + half_spread_arrival(p.risk_aversion, p.fill_decay)
            half *= volatility_widening(s.variance_fast[i], s.covariance[i, i], p.spread_volatility_weight)
        else:
            centre, half = mid, mid * p.base_half_spread
        s.default_half_spread[i] = half / tick
        s.default_price[i, BID], s.default_price[i, ASK] = (centre - half) / tick, (centre + half) / tick
        s.quote_tick[i] = (
            quoting_tick(half / tick, p.min_tick_ticks[i], p.max_tick_ticks[i]) if p.adaptive_tick else p.min_tick_ticks[i]
        )
        for side in range(2):
            towards = inventory if side == BID else -inventory
            s.default_size[i, side] = skewed_size(p.quote_size[i], towards, p.inventory_limit[i], p.size_skew)
