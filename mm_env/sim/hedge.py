"""The default hedge: when VaR passes its limit, trade the symbols that lower it most for the cost, until it is on target.

Correlation-aware: one symbol may be hedged with another. The whole is capped by a share of the inventory, and split over
venues by price after fee and by seen depth.
"""

import math

from mm_env.sim.book import ASK, BID, sign_of
from mm_env.sim.compiling import kernel
from mm_env.sim.orders import exposure, hedge_in_flight, send_hedge
from mm_env.sim.risk import current_var, portfolio_variance, risk_covariance
from mm_env.sim.signals import seen_inventory


@kernel
def _step_to(variance, slope, own, target):
    """Change of one exposure that brings the variance nearest to `target` from above: the smaller root, or the minimum."""
    if own <= 0.0:
        return 0.0
    discriminant = slope * slope - own * (variance - target)
    if discriminant <= 0.0:
        return -slope / own
    root = math.sqrt(discriminant)
    return (-slope + root) / own if slope > 0.0 else (-slope - root) / own


@kernel
def default_hedge(s, p, value, slope):
    """Signed lots (s.default_hedge) that bring VaR to its target; zeros when it is within the limit."""
    gross = 0
    for i in range(p.symbols):
        s.default_hedge[i] = 0
        inventory = seen_inventory(s, p, i) + hedge_in_flight(s, p, i)
        value[i] = inventory * p.lot_value[i]
        gross += abs(inventory)
    var = current_var(s, p)
    if not p.hedge_portfolio_on_breach or var <= p.portfolio_var_limit:
        return
    variance = portfolio_variance(s, p, value, slope)
    reported = (s.value_at_risk[0] / p.var_quantile) ** 2 / p.var_horizon_seconds
    target = reported * (p.hedge_target * p.portfolio_var_limit / var) ** 2
    budget = int(math.ceil(p.hedge_fraction_portfolio * gross))
    for _ in range(p.symbols):
        if variance <= target or budget <= 0:
            return
        chosen, lots = _best_leg(s, p, value, slope, variance, target, budget)
        if lots == 0:
            return
        s.default_hedge[chosen] += lots
        budget -= abs(lots)
        value[chosen] += lots * p.lot_value[chosen]
        variance = portfolio_variance(s, p, value, slope)


@kernel
def _best_leg(s, p, value, slope, variance, target, budget):
    """(symbol, signed lots) with the largest fall of the sd for its cost."""
    chosen, chosen_lots, best = -1, 0, 0.0
    for i in range(p.symbols):
        if s.default_hedge[i] != 0 or not s.seen_valid[i]:
            continue
        change = _step_to(variance, slope[i], risk_covariance(s, p, i, i), target)
        lots = int(min(math.ceil(abs(change) / p.lot_value[i]), float(budget)))
        if change < 0.0:
            lots = -lots
        if lots == 0:
            continue
        moved = lots * p.lot_value[i]
        after = variance + 2.0 * slope[i] * moved + risk_covariance(s, p, i, i) * moved * moved
        fall = math.sqrt(variance) - math.sqrt(max(after, 0.0))
        cost = abs(moved) * (0.5 * max(1, s.seen_touch[i, ASK] - s.seen_touch[i, BID]) + _cheapest_fee(s, p, i))
        score = fall / max(cost, 1e-12)
        if fall > 0.0 and score > best:
            chosen, chosen_lots, best = i, lots, score
    return chosen, chosen_lots


@kernel
def _cheapest_fee(s, p, i):
    """Lowest taker fee over venues [ticks], rebates counted as none."""
    fee = math.inf
    for v in range(p.venues):
        fee = min(fee, p.taker_fee[v])
    return max(fee, 0.0) * s.seen_mid[i]


@kernel
def route_hedge(s, p, m, i, lots, done):
    """Send signed lots to the venues with the best price after fee, each for what it shows; the last rest to the best.

    What would pass the inventory limit, or finds nothing to trade against, is not sent and reported as unfilled.
    done: (V,) scratch.
    """
    side = 0 if lots > 0 else 1
    left = min(abs(lots), max(0, p.inventory_limit[i] - exposure(s, p, i, side)))
    s.hedge_unfilled[i] += abs(lots) - left
    resting = 1 - side
    sign = sign_of(side)
    first = -1
    for v in range(p.venues):
        done[v] = 0.0
    while left > 0:
        v = _best_venue(s, p, i, resting, done)
        if v < 0:
            break
        first = v if first < 0 else first
        done[v] = 1.0
        size = min(left, s.seen_quantity[i, v, resting])
        left -= size
        _send_leg(s, p, m, i, v, sign * size, resting)
    if left > 0 and first >= 0:
        _send_leg(s, p, m, i, first, s.box_hedge[m, i, first] + sign * left, resting)
    elif left > 0:
        s.hedge_unfilled[i] += left


@kernel
def _send_leg(s, p, m, i, v, lots, resting):
    reach = p.hedge_limit_ticks if resting == ASK else -p.hedge_limit_ticks
    send_hedge(s, p, m, i, v, lots, s.seen_touch[i, resting] + reach)


@kernel
def _best_venue(s, p, i, resting, done):
    """Venue with the best seen price after taker fee, within the limit and not yet used; -1 none."""
    best, venue = math.inf, -1
    sign = 1.0 if resting == ASK else -1.0
    for v in range(p.venues):
        if done[v] > 0.0 or s.seen_quantity[i, v, resting] == 0:
            continue
        price = float(s.seen_price[i, v, resting])
        if sign * (price - s.seen_touch[i, resting]) > p.hedge_limit_ticks:
            continue
        cost = sign * price + p.taker_fee[v] * (price + p.price_basis_ticks[v])
        if cost < best:
            best, venue = cost, v
    return venue
