"""Matching: aggressors against resting orders by price, then time.

Every trade of the simulated flow happens here. In a replay, recorded trades reach own orders in `replay`."""

from mm_env.sim.book import (
    ASK,
    BID,
    MASK,
    best_with_own,
    better,
    find_touch,
    is_crossed,
    own_at,
    remove_lots,
    settle_touch,
    sign_of,
    update_side,
    update_touch,
)
from mm_env.sim.compiling import inlined, kernel
from mm_env.sim.ledger import MAKER, OTHER, book_fill
from mm_env.sim.refill import await_refill
from mm_env.sim.state import WINDOW


@kernel
def hit_level(s, p, fills, i, v, side, price, lots, role):
    """Trade up to `lots` at one price of a venue's resting side: those ahead of the agent, the agent, those behind.

    role: OTHER when another trader takes, HEDGE or LIQUIDATION when the agent does and pays.
    """
    others = s.depth[i, v, side, price & MASK] if s.resting[i, v, side] > 0 and s.best[i, v, side] == price else 0
    own = own_at(s, i, v, side, price)
    taken = 0
    if own > 0:
        ahead = min(lots, s.own_ahead[i, v, side])
        own = min(lots - ahead, own)
        taken = ahead + min(lots - ahead - own, others - s.own_ahead[i, v, side])
        s.own_ahead[i, v, side] -= ahead
        s.own_quantity[i, v, side] -= own
    else:
        taken = min(lots, others)
    if taken > 0 and remove_lots(s, p, i, v, side, price, taken, False):
        await_refill(s, p, i, v, side, price, p.refill_after_takers)
    if own > 0:
        book_fill(s, p, fills, i, v, side, price, own, MAKER)
    if role != OTHER and taken > 0:
        book_fill(s, p, fills, i, v, 1 - side, price, taken, role)
    s.maker_volume += taken
    s.own_maker_volume += own
    s.taker_volume += taken + own
    return taken + own


@kernel
def match_venue(s, p, fills, i, v, side, lots, limit, role):
    """An aggressor of `lots` against a venue's resting side, no worse than `limit`. Returns the lots traded."""
    done = 0
    while done < lots:
        exists, price = best_with_own(s, i, v, side)
        if not exists or better(side, limit, price):
            break
        done += hit_level(s, p, fills, i, v, side, price, lots - done, role)
    if done > 0:
        find_touch(s, i, side)
        settle_touch(s, p, i)
        update_side(s, p, i, v, side)
    return done


@kernel
def sweep(s, p, fills, i, side, lots, limit):
    """An aggressor that takes the best price over all venues, level by level, no worse than `limit`. Returns lots traded.

    The mid stays where it was until the order is done: its fills are marked against the mid that it found, and a side that
    it empties leaves that mid as the last valid one, not the price of its last level.
    """
    done = 0
    while done < lots:
        v = s.touch_venue[i, side]
        if v < 0 or better(side, limit, s.touch[i, side]):
            break
        done += hit_level(s, p, fills, i, v, side, s.touch[i, side], lots - done, OTHER)
        find_touch(s, i, side)
        update_side(s, p, i, v, side)
    settle_touch(s, p, i)
    return done


@inlined
def taker_limit(s, i, side, reach):
    """Worst price that a taker accepts from that resting side: `reach` ticks past the best of the other traders.

    Where they offer none it counts from the last valid mid: nobody pays any price because the agent is alone.
    """
    sign = sign_of(side)
    best = s.best_of_others[i, side] if s.best_of_others_valid[i, side] else (s.mid2[i] + side) // 2
    edge = s.window_low[i] + WINDOW - 1 if side == ASK else s.window_low[i]
    return sign * max(sign * best - reach, sign * edge)


@kernel
def arbitrage(s, p, fills, i):
    """Trade crossed venues back: buy at the lower ask, sell at the higher bid, until nothing crosses."""
    while is_crossed(s, i):
        bid_venue, ask_venue = s.touch_venue[i, BID], s.touch_venue[i, ASK]
        bid, ask = s.touch[i, BID], s.touch[i, ASK]
        lots = min(lots_at(s, i, bid_venue, BID, bid), lots_at(s, i, ask_venue, ASK, ask))
        hit_level(s, p, fills, i, bid_venue, BID, bid, lots, OTHER)
        hit_level(s, p, fills, i, ask_venue, ASK, ask, lots, OTHER)
        s.events += 2
        update_touch(s, p, i)
        update_side(s, p, i, bid_venue, BID)
        update_side(s, p, i, ask_venue, ASK)


@inlined
def lots_at(s, i, v, side, price):
    """Lots that a taker finds at a price of a venue's side, own ones included, if no others rest at a better one."""
    lots = own_at(s, i, v, side, price)
    if s.resting[i, v, side] > 0 and s.best[i, v, side] == price:
        lots += s.depth[i, v, side, price & MASK]
    return lots
