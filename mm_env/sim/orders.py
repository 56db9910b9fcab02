"""The agent's messages: sent at a decision, in force after the venue's latency, seen with the age of the venue's data.

One order a side, symbol and venue. A message replaces it: kept at the same price and not larger it keeps its place, else
it goes to the back. Post-only: one that would cross is repriced a tick away from the venue's opposite best.
"""

import math

from mm_env.sim.book import ASK, BID, MASK, best_with_own, in_window, settle_touch, sign_of, update_rates, update_touch
from mm_env.sim.compiling import kernel
from mm_env.sim.ledger import HEDGE, LIQUIDATION
from mm_env.sim.matching import match_venue
from mm_env.sim.replay import past_record
from mm_env.sim.rng import FAULT_SELF
from mm_env.sim.state import DEEPEST, MAILBOXES

REPLACE, SHRINK = 1, 2  # what a message does to the order on its side; a shrink never makes a new order


@kernel
def schedule(s):
    """Earliest of arrivals, snapshots and arbitrage; what is unused of the compiled size stands at inf."""
    earliest = math.inf
    for v in range(s.snapshot_time.shape[0]):
        earliest = min(earliest, s.snapshot_time[v])
    for m in range(MAILBOXES):
        for v in range(s.box_time.shape[1]):
            earliest = min(earliest, s.box_time[m, v])
    for i in range(s.arbitrage_time.shape[0]):
        earliest = min(earliest, s.arbitrage_time[i])
    s.scheduled_next = earliest


@kernel
def open_mailbox(s, p):
    """Clear the mailbox of this decision; returns its index."""
    m = s.step % MAILBOXES
    for v in range(p.venues):
        s.box_time[m, v], s.box_arrival[m, v] = math.inf, -math.inf
        for i in range(p.symbols):
            s.box_hedge[m, i, v] = 0
            for side in range(2):
                s.box_quote[m, i, v, side] = 0
                s.box_quantity[m, i, v, side] = 0
    return m


@kernel
def post(s, p, m, v):
    """Send what stands in the mailbox for a venue."""
    s.box_time[m, v] = s.box_arrival[m, v] = s.time + p.latency_seconds[v]
    s.scheduled_next = min(s.scheduled_next, s.box_time[m, v])


@kernel
def send_quote(s, p, m, i, v, side, price, lots, what):
    """REPLACE or SHRINK the order on a side of a venue."""
    s.box_quote[m, i, v, side] = what
    s.box_price[m, i, v, side], s.box_quantity[m, i, v, side] = price, lots
    s.intent_price[i, v, side], s.intent_quantity[i, v, side] = price, lots
    s.intent_time[i, v, side] = s.time + p.latency_seconds[v]
    post(s, p, m, v)


@kernel
def send_hedge(s, p, m, i, v, lots, limit):
    """Send an immediate-or-cancel order of signed lots."""
    s.box_hedge[m, i, v], s.box_limit[m, i, v] = lots, limit
    post(s, p, m, v)


@kernel
def known_order(s, p, i, v, side):
    """(price, lots) of the order as the agent knows it: its last message until the data can show it, then the data."""
    if s.intent_time[i, v, side] > -math.inf:
        return s.intent_price[i, v, side], s.intent_quantity[i, v, side]
    return s.seen_own_price[i, v, side], s.seen_own_quantity[i, v, side]


@kernel
def exposure(s, p, i, side):
    """Lots by which the inventory may still grow on a side: position, resting, cancel-pending and in flight."""
    sign = sign_of(side)
    lots = 0
    for v in range(p.venues):
        lots += sign * s.seen_position[i, v] + s.seen_own_quantity[i, v, side]
        for m in range(MAILBOXES):
            if s.box_arrival[m, v] > -math.inf:
                lots += max(0, sign * s.box_hedge[m, i, v])
                if s.box_quote[m, i, v, side] == REPLACE:
                    lots += s.box_quantity[m, i, v, side]
    return lots


@kernel
def hedge_in_flight(s, p, i):
    """Signed lots of hedges whose outcome is not yet seen."""
    lots = 0
    for v in range(p.venues):
        for m in range(MAILBOXES):
            if s.box_arrival[m, v] > -math.inf:
                lots += s.box_hedge[m, i, v]
    return lots


@kernel
def deliver(s, p, fills, m, v):
    """All messages of one decision reach a venue: cancels, then hedges, then new quotes."""
    s.box_time[m, v] = math.inf
    for i in range(p.symbols):
        touched = False
        for side in range(2):
            if s.box_quote[m, i, v, side]:
                touched = True
                s.events += 1
                _shrink_or_cancel(s, m, i, v, side)
        if touched:
            update_touch(s, p, i)
            update_rates(s, p, i, v)
        if s.box_hedge[m, i, v] != 0:
            s.events += 1
            _hedge(s, p, fills, i, v, s.box_hedge[m, i, v], s.box_limit[m, i, v])
        for side in range(2):
            replace = s.box_quote[m, i, v, side] == REPLACE and s.box_quantity[m, i, v, side] > 0
            if replace and s.own_quantity[i, v, side] == 0:
                _rest(s, p, i, v, side, s.box_price[m, i, v, side], s.box_quantity[m, i, v, side])


@kernel
def _shrink_or_cancel(s, m, i, v, side):
    """Keep the place of an order that shrinks, or stays at its price and does not grow; take any other off."""
    wanted = s.box_quantity[m, i, v, side]
    if s.box_quote[m, i, v, side] == SHRINK:
        s.own_quantity[i, v, side] = min(s.own_quantity[i, v, side], wanted)
    elif s.own_price[i, v, side] == s.box_price[m, i, v, side] and 0 < wanted <= s.own_quantity[i, v, side]:
        s.own_quantity[i, v, side] = wanted
    else:
        s.own_quantity[i, v, side] = 0


@kernel
def _rest(s, p, i, v, side, price, lots):
    """Rest a new quote at the back of its level, post-only."""
    exists, opposite = best_with_own(s, i, v, 1 - side)
    if exists and (price >= opposite if side == BID else price <= opposite):
        price = opposite - p.tick_multiple[v] if side == BID else opposite + p.tick_multiple[v]
    if price + p.price_basis_ticks[v] < 1:
        return
    s.own_price[i, v, side], s.own_quantity[i, v, side] = price, lots
    s.own_ahead[i, v, side] = s.depth[i, v, side, price & MASK] if in_window(s, i, price) else 0
    if past_record(s, p, i, v, side, price):
        s.own_ahead[i, v, side] = DEEPEST  # what stands there is not known yet
    s.posted[i, v, side] += lots
    update_touch(s, p, i)
    update_rates(s, p, i, v)


@kernel
def _hedge(s, p, fills, i, v, lots, limit):
    """Take from the venue up to the limit, own quotes on that side cancelled first; the rest is reported."""
    resting = ASK if lots > 0 else BID
    size = abs(lots)
    if s.own_quantity[i, v, resting] > 0:
        s.own_quantity[i, v, resting] = 0
        update_touch(s, p, i)
        update_rates(s, p, i, v)
    done = take(s, p, fills, i, v, resting, size, limit, HEDGE)
    s.hedge_unfilled[i] += size - done


@kernel
def take(s, p, fills, i, v, resting, size, limit, role):
    """The agent takes: match, pay, and move the price by the whole volume, since none of it was expected."""
    given_own = s.own_maker_volume
    done = match_venue(s, p, fills, i, v, resting, size, limit, role)
    if s.own_maker_volume != given_own:
        s.fault |= FAULT_SELF
    s.surprise[i] += done if resting == ASK else -done
    return done


@kernel
def liquidate(s, p, fills):
    """Cancel own quotes and close the inventory against the books, the best price first; what is left is reported."""
    for i in range(p.symbols):
        for v in range(p.venues):
            for side in range(2):
                s.own_quantity[i, v, side] = 0
            update_rates(s, p, i, v)
        update_touch(s, p, i)
        s.liquidated[i], mid2 = s.inventory[i], s.mid2[i]
        resting = BID if s.inventory[i] > 0 else ASK
        left = abs(s.inventory[i])
        while left > 0 and s.touch_venue[i, resting] >= 0:
            left -= take(s, p, fills, i, s.touch_venue[i, resting], resting, left, s.touch[i, resting], LIQUIDATION)
            s.mid2[i] = mid2  # its cost is against the mid that it found, as that of a sweep
        settle_touch(s, p, i)
        s.unliquidated[i] = left
        for v in range(p.venues):  # the agent learns of this at once, as there is no later decision
            s.seen_position[i, v] = s.position[i, v]


@kernel
def await_snapshots(s, p):
    """When each venue takes the snapshot that the agent sees at the end of this step."""
    for v in range(p.venues):
        s.snapshot_time[v] = s.time + p.step_seconds - p.data_latency_seconds[v]


@kernel
def snapshot(s, p, v):
    """What the venue publishes now is what the agent will see at the end of this step."""
    s.snapshot_time[v] = math.inf
    for m in range(MAILBOXES):
        if s.box_time[m, v] == math.inf:
            s.box_arrival[m, v] = -math.inf
    for i in range(p.symbols):
        s.seen_position[i, v] = s.position[i, v]
        for side in range(2):
            price = s.best[i, v, side]
            s.seen_price[i, v, side] = price
            s.seen_quantity[i, v, side] = s.depth[i, v, side, price & MASK] if s.resting[i, v, side] > 0 else 0
            s.seen_own_quantity[i, v, side] = s.own_quantity[i, v, side]
            s.seen_own_price[i, v, side] = s.own_price[i, v, side]
            s.seen_own_ahead[i, v, side] = s.own_ahead[i, v, side]
            s.seen_filled[i, v, side] = s.filled[i, v, side]
            if s.intent_time[i, v, side] <= s.time:
                s.intent_time[i, v, side] = -math.inf
