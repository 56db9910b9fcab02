"""Order flow of the others: Hawkes takers by exact thinning, parent orders, and queue-reactive makers.

Takers keep their own clock. Between events the intensity can only decay, and the tilt towards the efficient price is
bounded, so a dominating rate set at the last jump stays valid while makers come and go (Ogata 1981; Dassios & Zhao 2013).
The expectation of signed volume is taken at each candidate, which makes the surprise an exact martingale difference.
"""

import math

from mm_env.sim.book import (
    MASK,
    best_with_own,
    better,
    cancellable,
    cancellable_at,
    in_window,
    on_grid,
    own_at,
    remove_lots,
    sign_of,
    update_cancel_rate,
    update_side,
    update_touch_side,
)
from mm_env.sim.compiling import inlined, kernel
from mm_env.sim.laws import KNOTS
from mm_env.sim.ledger import OTHER
from mm_env.sim.matching import lots_at, match_venue, sweep, taker_limit
from mm_env.sim.refill import await_refill, rest
from mm_env.sim.rng import MAKERS, TAKERS, exponential, next_u64, uniform
from mm_env.sim.state import DEEPEST, PARENTS, WINDOW


@inlined
def decay_excitation(s, p):
    """Decay the takers' excitation to now."""
    dt = s.time - s.excitation_time
    if dt > 0.0:
        for k in range(p.exponentials):
            factor = math.exp(-p.hawkes_beta[k] * dt)
            for d in range(s.excitation.shape[1]):
                s.excitation[k, d] *= factor
    s.excitation_time = s.time


@inlined
def _excitation(s, d):
    """Excitation of one dimension [1/s]; unused exponentials stay at zero."""
    total = s.excitation[0, d]
    for k in range(1, s.excitation.shape[0]):
        total += s.excitation[k, d]
    return total


@inlined
def dominating_rate(s, p):
    """Rate [1/s] that the takers' intensity cannot pass before the next jump; the excitation is decayed to now."""
    bound = 0.0
    scale = p.regime_taker_rate_multiplier[s.regime]
    for i in range(p.symbols):
        buy, sell = p.hawkes_mu[2 * i] * scale, p.hawkes_mu[2 * i + 1] * scale
        bound += buy + sell + p.informed_share * abs(buy - sell) + p.parent_rate[i]
        bound += p.child_rate_per_second * (s.parents[i, 0] + s.parents[i, 1])
    for d in range(s.excitation.shape[1]):
        bound += _excitation(s, d)
    return bound


@kernel
def draw_taker(s, p):
    """Set the dominating rate from now on, and the next candidate."""
    decay_excitation(s, p)
    bound = dominating_rate(s, p)
    s.taker_bound = bound
    s.taker_next = s.time + exponential(s, TAKERS) / bound if bound > 0.0 else math.inf


@inlined
def _tilt(s, p, i):
    """Share by which mispricing raises the buying baseline and lowers the selling one."""
    x = (s.price[i] - 0.5 * s.mid2[i]) / p.mispricing_scale_ticks
    return p.informed_share * x / math.sqrt(1.0 + x * x)


@kernel
def taker_candidate(s, p, fills):
    """One candidate of the thinning: a new parent order, a taker of one dimension, or nothing."""
    decay_excitation(s, p)
    left = uniform(s, TAKERS) * s.taker_bound
    chosen, child = -1, False
    for i in range(p.symbols):
        scale = p.regime_taker_rate_multiplier[s.regime]
        tilt = _tilt(s, p, i)
        expected = 0.0
        for side in range(2):
            d = 2 * i + side
            rate = p.hawkes_mu[d] * scale * (1.0 + tilt if side == 0 else 1.0 - tilt) + _excitation(s, d)
            children = p.child_rate_per_second * s.parents[i, side]
            sign = 1.0 - 2.0 * side
            expected += sign * (rate * p.taker_size_mean + children * p.child_size_lots)
            if chosen < 0 and left < rate + children:
                chosen, child = d, left < children
            left -= rate + children
            if chosen < 0 and side == 1 and left < p.parent_rate[i]:
                chosen = 2 * p.symbols + i
        left -= p.parent_rate[i]
        s.surprise[i] -= expected / s.taker_bound
    if chosen >= 2 * p.symbols:
        _start_parent(s, p, chosen - 2 * p.symbols)
    elif chosen >= 0:
        _take(s, p, fills, chosen // 2, chosen % 2, child)
    draw_taker(s, p)


@inlined
def _pareto(s, power, most):
    """Integer ceil(u^power), power = -1 / exponent, at most `most`; -ln(u) is an exponential."""
    size = math.exp(-power * exponential(s, TAKERS))
    return most if size >= most else int(math.ceil(size))


@kernel
def _start_parent(s, p, i):
    """A parent order on a random side; with every place taken it lengthens the shortest one."""
    side = 0 if uniform(s, TAKERS) < 0.5 else 1
    children = _pareto(s, p.children_power, p.children_max)
    n = s.parents[i, side]
    if n < PARENTS:
        s.children[i, side, n] = children
        s.parents[i, side] = n + 1
        return
    shortest = 0
    for k in range(1, PARENTS):
        if s.children[i, side, k] < s.children[i, side, shortest]:
            shortest = k
    s.children[i, side, shortest] += children


@kernel
def _child_size(s, p, i, side):
    """Execute one child of a random active parent."""
    n = s.parents[i, side]
    k = min(int(uniform(s, TAKERS) * n), n - 1)
    s.children[i, side, k] -= 1
    if s.children[i, side, k] == 0:
        s.children[i, side, k] = s.children[i, side, n - 1]
        s.parents[i, side] = n - 1
    return p.child_size_lots


@inlined
def _taker_size(s, p):
    """A drawn one of the table, or Lomax, whole lots, capped."""
    if p.taker_size_table:
        return int(p.taker_sizes[next_u64(s, TAKERS) & 255])
    size = 1.0 + math.floor(p.taker_size_scale * (math.exp(-p.taker_size_power * exponential(s, TAKERS)) - 1.0))
    return int(min(size, float(p.taker_size_max_lots)))


@kernel
def _take(s, p, fills, i, side, child):
    """A taker buys (side 0) or sells: it excites, surprises, and trades.

    Takers of real markets look at what stands at the best price before they choose a size (Farmer et al. 2004): a share
    takes just that, others no more. What they would have taken surprises: what is expected does not depend on the book.
    """
    d = 2 * i + side
    lots = _child_size(s, p, i, side) if child else _taker_size(s, p)
    for k in range(p.exponentials - 1):
        for other in range(s.excitation.shape[1]):
            s.excitation[k, other] += p.hawkes_alpha[k, d, other]
    s.surprise[i] += sign_of(side) * lots
    s.takers[d] += 1
    if p.bursts > 0:
        decay_bursts(s, p)
        excite(s, p, i)
    s.events += 1
    resting = 1 - side
    takes_touch, stops_at_touch = False, False
    if p.touch_limited_share > 0.0 and not child:
        u = uniform(s, TAKERS)
        takes_touch, stops_at_touch = u < p.taker_touch_share, u < p.touch_limited_share
    limit = taker_limit(s, i, resting, 0 if stops_at_touch else p.taker_reach_ticks)
    if p.venues > 1 and not takes_touch and uniform(s, TAKERS) < p.sweep_share:
        sweep(s, p, fills, i, resting, lots, limit)
        return
    u, v = uniform(s, TAKERS), 0
    while v < p.venues - 1 and u >= p.liquidity_share[v]:
        u -= p.liquidity_share[v]
        v += 1
    if stops_at_touch:
        exists, best = best_with_own(s, i, v, resting)
        if exists and not better(resting, taker_limit(s, i, resting, p.taker_reach_ticks), best):
            lots = lots_at(s, i, v, resting, best) if takes_touch else lots
            match_venue(s, p, fills, i, v, resting, lots, best, OTHER)
            return
    done = match_venue(s, p, fills, i, v, resting, lots, limit, OTHER)
    if done < lots:
        sweep(s, p, fills, i, resting, lots - done, limit)


@kernel
def decay_bursts(s, p):
    """Decay the makers' excitation to now."""
    dt = s.time - s.burst_time
    if dt > 0.0:
        for k in range(p.bursts):
            factor = math.exp(-p.burst_decays_per_second[k] * dt)
            for i in range(p.symbols):
                s.burst[i, k] *= factor
    s.burst_time = s.time


@kernel
def excited_rate(s, p):
    """Total rate of makers [1/s] where each event excites those that follow; between events it can only fall.

    The rate of a symbol is its own times m = (1 - Σ n_k) + Σ B_k, where B_k decays at β_k and an event adds n_k β_k over the
    symbol's rate: it brings about n_k others, and m is 1 on the average. The excitation is decayed to now.
    Source: Hawkes 1971, in the time of the queues.
    """
    total = 0.0
    for i in range(p.symbols):
        total += s.symbol_rate[i] * _excited(s, p, i)
    return total


@inlined
def _excited(s, p, i):
    m = p.burst_rest
    for k in range(p.bursts):
        m += s.burst[i, k]
    return m


@kernel
def excite(s, p, i):
    """What an event of symbol i adds to the rate of those that follow."""
    if s.symbol_rate[i] > 0.0:
        for k in range(p.bursts):
            s.burst[i, k] += p.burst_shares[k] * p.burst_decays_per_second[k] / s.symbol_rate[i]


@kernel
def excited_event(s, p, fills, bound):
    """A candidate of the thinning with the dominating rate `bound`: an event of the symbol that the rates pick, or none."""
    u = uniform(s, MAKERS) * bound
    decay_bursts(s, p)
    if u >= excited_rate(s, p):
        return
    i = 0
    while i < p.symbols - 1 and u >= s.symbol_rate[i] * _excited(s, p, i):
        u -= s.symbol_rate[i] * _excited(s, p, i)
        i += 1
    excite(s, p, i)
    bits = next_u64(s, MAKERS)
    _book_event(s, p, fills, i, float(bits >> 11) * 2.0**-53 * s.symbol_rate[i], int(p.maker_sizes[bits & 255]))


@inlined
def maker_event(s, p, fills, total):
    """One limit order or cancel, of the book and side that the rates pick.

    Comparisons are added up, not branched on: the outcome is random, and a branch would be mispredicted.
    """
    bits = next_u64(s, MAKERS)
    u = float(bits >> 11) * 2.0**-53 * total
    lots = int(p.maker_sizes[bits & 255])  # low bits, which u does not use
    i = 0
    passed, edge = 0.0, 0.0
    for k in range(s.symbol_rate.shape[0] - 1):
        edge += s.symbol_rate[k]
        i += u >= edge
        passed = edge if u >= edge else passed
    i = min(i, p.symbols - 1)
    _book_event(s, p, fills, i, u - passed, lots)


@inlined
def _book_event(s, p, fills, i, u, lots):
    """The event of a symbol's books in which u falls."""
    v, kind = 0, 0
    passed, edge = 0.0, 0.0
    for k in range(s.venue_rate.shape[1] - 1):
        edge += s.venue_rate[i, k]
        v += u >= edge
        passed = edge if u >= edge else passed
    v = min(v, p.venues - 1)
    u -= passed
    edge = 0.0
    for k in range(3):
        edge += s.rate[i, v, k]
        kind += u >= edge
    s.events += 1
    if kind < 2:
        place(s, p, fills, i, v, kind, lots)
    elif cancellable(s, p, i, v, kind - 2) > 0:
        cancel(s, p, i, v, kind - 2, lots)


@inlined
def place(s, p, fills, i, v, side, lots):
    """A maker's limit order at a drawn distance from the efficient price."""
    where = float(next_u64(s, MAKERS) >> 11) * 2.0**-53 * (KNOTS - 1)
    knot = int(where)
    quantiles = p.placement_quantiles_ticks
    distance = quantiles[knot] + (where - knot) * (quantiles[knot + 1] - quantiles[knot])
    distance *= p.regime_distance_multiplier[s.regime] * p.symbol_distance_multiplier[i]
    sign = sign_of(side)
    price = on_grid(sign * int(math.floor(sign * s.price[i] - distance)), p.tick_multiple[v], side)
    if not in_window(s, i, price) or price + p.price_basis_ticks[v] < 1:
        s.withheld += 1
        return
    arrive(s, p, fills, i, v, side, price, lots)


@inlined
def arrive(s, p, fills, i, v, side, price, lots):
    """A maker's limit order reaches its venue.

    Marketable there it executes; what it knows to lock or cross another venue does not rest, nor what joins a full level.
    """
    sign = sign_of(side)
    done = 0
    exists, opposite = best_with_own(s, i, v, 1 - side)
    if exists and sign * (price - opposite) >= 0:
        done = match_venue(s, p, fills, i, v, 1 - side, lots, price, OTHER)
    full = s.depth[i, v, side, price & MASK] > DEEPEST
    if full or (s.known_valid[i, 1 - side] and sign * (price - s.known[i, 1 - side]) >= 0):
        s.withheld += done == 0
    elif done < lots:
        rest(s, p, i, v, side, price, lots - done)


@inlined
def cancel(s, p, i, v, side, size):
    """Cancel up to `size` lots at a random resting lot or order, those that the efficient price has passed being likelier.

    With a round lot what is odd in a level counts as one order, which goes as a whole, and the rest goes in round lots.
    Where cancels go by order the only order of a level goes as a whole; else each other one keeps a round lot (or the odd
    lots), or a lot at least.
    """
    stale, everything = s.stale[i, v, side], cancellable(s, p, i, v, side)
    u = uniform(s, MAKERS) * (everything + p.stale_extra * stale)
    at = int(u)
    if at >= everything:  # the extra weight of what is stale, which lies first
        at = min(int((u - everything) / p.stale_extra), stale - 1)
    step = 2 * side - 1
    price = s.best[i, v, side]
    here = cancellable_at(s, p, i, v, side, price)
    for _ in range(WINDOW):
        if at < here:
            break
        at -= here
        price += step
        here = cancellable_at(s, p, i, v, side, price)
    lots = s.depth[i, v, side, price & MASK]
    odd = lots % p.round_lot_lots
    odd_one = at < (min(odd, 1) if p.cancel_by_order else odd)
    if p.round_lot_lots > 1:
        size = odd if odd_one else max(1, size // p.round_lot_lots) * p.round_lot_lots
    if p.cancel_by_order:
        kept = (here - 1) * p.round_lot_lots if odd == 0 or odd_one else (here - 2) * p.round_lot_lots + odd
        size = lots if here <= 1 else min(size, lots - (kept if kept < lots else here - 1))
        at = at * lots // max(1, here)
    cancel_lots(s, p, i, v, side, price, min(size, lots), at < s.own_ahead[i, v, side])


@inlined
def cancel_lots(s, p, i, v, side, price, lots, ahead_first):
    """Cancel lots of a level, those queued before the agent's order there first, or those behind it first."""
    if own_at(s, i, v, side, price) > 0:
        ahead = s.own_ahead[i, v, side]
        behind = s.depth[i, v, side, price & MASK] - ahead
        s.own_ahead[i, v, side] -= min(lots, ahead) if ahead_first else max(0, lots - behind)
    at_touch = price == s.best[i, v, side]
    if remove_lots(s, p, i, v, side, price, lots, True):
        update_touch_side(s, p, i, side)
        await_refill(s, p, i, v, side, price, p.refill_after_cancels)
    if at_touch or s.stale[i, v, side] > 0:
        update_side(s, p, i, v, side)
    else:
        update_cancel_rate(s, p, i, v, side)
