"""Smart routing of quotes: which venues, how much on each, learnt online from the agent's own fills.

The value of a venue is fill rate x (half spread + rebate - adverse move), all from what the agent has seen; fill rates of
little evidence shrink to the pooled one. Reviews happen every `router_review_seconds`, a share of them at random;
everything is forgotten at reset.
Source: Almgren & Harts 2008 (dynamic smart order routing); Ganchev et al. 2010 (learning fill rates of venues).
"""

import math

from mm_env.sim.book import ASK, BID, on_grid
from mm_env.sim.compiling import kernel
from mm_env.sim.orders import REPLACE, SHRINK, exposure, known_order, send_quote
from mm_env.sim.rng import AGENT, uniform

_FARTHEST = 2.0**52  # [ticks] past any price that a book can hold; an integer must hold what is aimed at


@kernel
def learn(s, p, change):
    """Update fill rates and adverse moves from what was seen in the step. change: (S,) mid changes [ticks]."""
    dt = p.step_seconds
    for i in range(p.symbols):
        for v in range(p.venues):
            s.route_adverse[i, v] = s.route_adverse[i, v] * p.router_decay - s.route_pending[i, v] * change[i]
            bought = s.seen_filled[i, v, BID] - s.route_counted[i, v, BID]
            sold = s.seen_filled[i, v, ASK] - s.route_counted[i, v, ASK]
            s.route_counted[i, v, BID] += bought
            s.route_counted[i, v, ASK] += sold
            s.route_pending[i, v] = bought - sold
            resting = s.seen_own_quantity[i, v, BID] + s.seen_own_quantity[i, v, ASK]
            s.route_exposure[i, v] = s.route_exposure[i, v] * p.router_decay + (resting + bought + sold) * dt
            s.route_filled[i, v] = s.route_filled[i, v] * p.router_decay + bought + sold


@kernel
def _score(s, p, i):
    """Expected value of a lot posted for a second, by venue."""
    exposures, fills = 0.0, 0.0
    for v in range(p.venues):
        exposures += s.route_exposure[i, v]
        fills += s.route_filled[i, v]
    prior = p.quote_size[i] * p.router_review_seconds
    pooled = (fills + 1.0) / (exposures + prior)
    for v in range(p.venues):
        rate = (s.route_filled[i, v] + pooled * prior) / (s.route_exposure[i, v] + prior)
        adverse = s.route_adverse[i, v] / (s.route_filled[i, v] + p.quote_size[i])
        rebate = -p.maker_fee[v] * (s.seen_mid[i] + p.price_basis_ticks[v])
        s.route_score[i, v] = rate * (s.default_half_spread[i] + rebate - adverse)


@kernel
def select_venues(s, p):
    """Choose the venues of every symbol, when it is time."""
    if s.time < s.route_review:
        return
    s.route_review = s.time + p.router_review_seconds
    top = min(p.router_top_k, p.venues)
    for i in range(p.symbols):
        _score(s, p, i)
        explore = uniform(s, AGENT) < p.router_exploration
        for v in range(p.venues):
            s.route[i, v] = 0
        for k in range(top):
            if explore or not p.router_learns:
                v = _random_rest(s, p, i, p.venues - k)
            else:
                v = _best_rest(s, p, i)
            s.route[i, v] = 1


@kernel
def _random_rest(s, p, i, left):
    """A random venue among the `left` not yet chosen."""
    skip = min(int(uniform(s, AGENT) * left), left - 1)
    for v in range(p.venues):
        if s.route[i, v] == 0:
            if skip == 0:
                return v
            skip -= 1
    return 0


@kernel
def _best_rest(s, p, i):
    best, venue = -math.inf, 0
    for v in range(p.venues):
        if s.route[i, v] == 0 and s.route_score[i, v] > best:
            best, venue = s.route_score[i, v], v
    return venue


@kernel
def round_quotes(s, p, i, bid, ask):
    """Round wanted prices [ticks] outwards to the quoting grid, apart and not through the touch that is seen."""
    grid = s.quote_tick[i]
    bid, ask = min(max(bid, -_FARTHEST), _FARTHEST), min(max(ask, -_FARTHEST), _FARTHEST)
    low, high = int(math.floor(bid / grid)) * grid, int(math.ceil(ask / grid)) * grid
    if low >= high:
        low = high - grid
    for v in range(p.venues):
        if s.seen_quantity[i, v, ASK] > 0:
            low = min(low, s.seen_price[i, v, ASK] - 1)
        if s.seen_quantity[i, v, BID] > 0:
            high = max(high, s.seen_price[i, v, BID] + 1)
    s.quote[i, BID], s.quote[i, ASK] = low, high


@kernel
def route_quotes(s, p, m, i):
    """Send the orders that turn what stands into what is wanted, within the inventory limit."""
    venues = 0
    for v in range(p.venues):
        venues += s.route[i, v]
    for side in range(2):
        room = p.inventory_limit[i] - exposure(s, p, i, side)
        left, shares = s.default_size[i, side], venues
        for v in range(p.venues):
            wanted = 0
            if s.route[i, v]:
                wanted = -(-left // shares)  # ceiling: the first venues take the odd lots
                shares -= 1
                left -= wanted
            hedge = s.box_hedge[m, i, v]
            if (hedge > 0 and side == ASK) or (hedge < 0 and side == BID):
                wanted = 0
            price = on_grid(s.quote[i, side], p.tick_multiple[v], side)
            room -= _requote(s, p, m, i, v, side, price, wanted, room)


@kernel
def _requote(s, p, m, i, v, side, price, wanted, room):
    """Keep, shrink, replace or cancel the order on a side; returns the exposure added.

    An order that still has half of the wanted size keeps its place in the queue.
    """
    old_price, old_lots = known_order(s, p, i, v, side)
    if old_lots > 0 and old_price == price and wanted > 0 and 2 * old_lots >= wanted:
        if old_lots > wanted:
            send_quote(s, p, m, i, v, side, price, wanted, SHRINK)
        return 0
    new = min(wanted, max(0, room))
    if new > 0 or old_lots > 0:
        send_quote(s, p, m, i, v, side, price, new, REPLACE)
    return new
