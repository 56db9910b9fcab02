"""A recording in place of the simulated flow: its books are imposed, its trades reach the agent's orders.

What is assumed of fills:

* The recording takes no notice of the agent. Each of its events sets a book to what was recorded after it; what the agent
  took is there again with the next event of that book, or when the price has moved by 16 ticks.
* A recorded trade first fills own orders at better prices than its own, then, at its own price, the lots queued before the
  own order, then the own order. A hidden execution counts as a trade: a visible order has priority over a hidden one.
* When fewer lots stand at the own order's price than before, those that did not trade were cancelled: all of one cancel
  before the own order, or behind it, drawn by where the lots were.
* Where the recording's other side reaches an own order's price, those lots meet the own order at its price.
* An order past the levels that the recording shows has all lots before it that are there when its level is shown.
* With impact, the agent's own taking moves all recorded prices of the symbol by `flow.impact_kappa`, with its decay.

Source: hftbacktest's page on order fills states its assumptions likewise; Huang, Lehalle & Rosenbaum 2015 (the queue).
"""

import math

import numpy as np

from mm_env.sim.book import ASK, BID, MASK, better, find_best, in_window, remove_lots, update_rates, update_touch
from mm_env.sim.compiling import kernel
from mm_env.sim.fundamental import DIFFUSION_PART, IMPACT_PART
from mm_env.sim.inputs import Replay
from mm_env.sim.ledger import MAKER, book_fill
from mm_env.sim.rng import MAKERS, NEWS, uniform
from mm_env.sim.state import WINDOW

REPLAY_DTYPE = np.dtype(
    [("time", "f8"), ("price", "i8"), ("lots", "i4"), ("symbol", "i2"), ("venue", "i2"), ("side", "i1"), ("imposes", "u1")],
    align=True,
)  # time [s] in the recording; lots traded of the resting side, 0 none, at a price in reference ticks; imposes: a book comes


_SLACK = 16  # [ticks] that the price may go before its window does, as books are then imposed again


@kernel
def start_replay(s, p, events, books):
    """Draw where in the recording the episode begins, and take its books over."""
    s.replay_time = math.inf
    if p.replay == 0:
        return
    s.replay_start = p.replay_earliest + uniform(s, NEWS) * (p.replay_latest - p.replay_earliest)
    s.replay_row = _first_after(events, s.replay_start + s.time)
    for i in range(p.symbols):
        for v in range(p.venues):
            s.replay_book_row[i, v] = -1
    missing = p.symbols * p.venues
    row = s.replay_row
    while row > 0 and missing > 0:
        row -= 1
        i, v = events[row].symbol, events[row].venue
        if events[row].imposes and s.replay_book_row[i, v] < 0:
            s.replay_book_row[i, v] = row
            missing -= 1
    for i in range(p.symbols):
        for v in range(p.venues):
            if s.replay_book_row[i, v] >= 0 and _has_mid(books, s.replay_book_row[i, v]):
                top = books[s.replay_book_row[i, v], :, 0, 0]
                s.price[i] = 0.5 * (top[BID] + top[ASK])
                break
        s.window_low[i] = int(math.floor(s.price[i])) - WINDOW // 2
        s.mid2[i] = 2 * int(round(s.price[i]))
        _impose_all(s, p, books, i)
        s.price[i] = 0.5 * s.mid2[i]
    _await_next(s, events)


@kernel
def _has_mid(books, row):
    return books[row, BID, 0, 1] > 0 and books[row, ASK, 0, 1] > 0


@kernel
def _first_after(events, time):
    """First row of the recording that is later than a time."""
    low, high = 0, events.shape[0]
    while low < high:
        middle = (low + high) // 2
        if events[middle].time <= time:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _await_next(s, events):
    s.replay_time = events[s.replay_row].time - s.replay_start if s.replay_row < events.shape[0] else math.inf


@kernel
def replay_event(s, p, fills, events, books):
    """The next row of the recording: its trade, then its book."""
    row = s.replay_row
    i, v = int(events[row].symbol), int(events[row].venue)
    if events[row].lots > 0:
        side = int(events[row].side)
        s.takers[2 * i + (0 if side == ASK else 1)] += 1
        _trade(s, p, fills, i, v, side, events[row].price + s.shift[i], int(events[row].lots))
    if events[row].imposes:
        s.replay_book_row[i, v] = row
        _impose(s, p, books, i, v)
        _meet(s, p, fills, i, v)
    update_rates(s, p, i, v)
    update_touch(s, p, i)
    s.events += 1
    s.replay_row = row + 1
    _await_next(s, events)


@kernel
def _trade(s, p, fills, i, v, side, price, lots):
    """Lots that a recorded taker took at a price of a side: own orders come where they would have stood."""
    filled = 0
    own = s.own_quantity[i, v, side]
    if own > 0 and not better(side, price, s.own_price[i, v, side]):
        ahead = 0
        if s.own_price[i, v, side] == price:
            ahead = min(lots, s.own_ahead[i, v, side])
            s.own_ahead[i, v, side] -= ahead
        filled = min(lots - ahead, own)
    here = s.depth[i, v, side, price & MASK] if in_window(s, i, price) and s.resting[i, v, side] > 0 else 0
    gone = min(here, lots - filled)
    if gone > 0:
        remove_lots(s, p, i, v, side, price, gone, False)
    if filled > 0:
        _fill(s, p, fills, i, v, side, filled)
    s.taker_volume += gone
    s.maker_volume += gone


@kernel
def _fill(s, p, fills, i, v, side, lots):
    s.own_quantity[i, v, side] -= lots
    book_fill(s, p, fills, i, v, side, s.own_price[i, v, side], lots, MAKER)
    s.taker_volume += lots
    s.own_maker_volume += lots


@kernel
def _impose(s, p, books, i, v):
    """Set a book to the recorded one; lots that left the own order's level were before it or behind it."""
    row = s.replay_book_row[i, v]
    for side in range(2):
        price, own = s.own_price[i, v, side], s.own_quantity[i, v, side] > 0
        shown = own and in_window(s, i, price)
        before = s.depth[i, v, side, price & MASK] if shown else 0
        for k in range(WINDOW):
            s.depth[i, v, side, k] = 0
        total, found = 0, False
        for level in range(books.shape[2] if row >= 0 else 0):
            lots = books[row, side, level, 1]
            here = books[row, side, level, 0] + s.shift[i]
            if lots <= 0:
                continue
            s.worst_recorded_price[i, v, side] = here
            if in_window(s, i, here):
                s.depth[i, v, side, here & MASK] += lots
                total += lots
                if not found:
                    s.best[i, v, side], found = here, True
        s.resting[i, v, side] = total
        if shown and not better(side, s.worst_recorded_price[i, v, side], price):
            _pass_cancels(s, i, v, side, before, s.depth[i, v, side, price & MASK])


@kernel
def _pass_cancels(s, i, v, side, before, after):
    """The place in the queue after a level went from `before` to `after` lots without a trade."""
    ahead = s.own_ahead[i, v, side]
    if after < before:
        gone = before - after
        first = uniform(s, MAKERS) * before < ahead
        ahead -= min(gone, ahead) if first else max(0, gone - max(0, before - ahead))
    s.own_ahead[i, v, side] = min(ahead, after)


@kernel
def past_record(s, p, i, v, side, price):
    """Whether a price is past the levels that the recording shows."""
    return p.replay != 0 and s.resting[i, v, side] > 0 and better(side, s.worst_recorded_price[i, v, side], price)


@kernel
def _meet(s, p, fills, i, v):
    """Recorded lots that reach an own order's price meet it there."""
    for side in range(2):
        other = 1 - side
        while s.own_quantity[i, v, side] > 0 and s.resting[i, v, other] > 0:
            best = s.best[i, v, other]
            if better(side, best, s.own_price[i, v, side]):  # the other side is not as far
                break
            lots = min(s.own_quantity[i, v, side], s.depth[i, v, other, best & MASK])
            if lots <= 0:
                find_best(s, i, v, other)
                continue
            remove_lots(s, p, i, v, other, best, lots, False)
            _fill(s, p, fills, i, v, side, lots)


@kernel
def _impose_all(s, p, books, i):
    for v in range(p.venues):
        _impose(s, p, books, i, v)
        update_rates(s, p, i, v)
    update_touch(s, p, i)


@kernel
def follow_record(s, p, books, i):
    """The efficient price is the recorded mid and the impact; books follow where the window or the impact moved."""
    change = 0.5 * s.mid2[i] - s.shift[i] + s.price_moves[i, IMPACT_PART] - s.price[i]
    s.price[i] += change
    s.price_moves[i, DIFFUSION_PART] += change
    shift = int(round(s.price_moves[i, IMPACT_PART]))
    low = int(math.floor(s.price[i])) - WINDOW // 2
    if shift != s.shift[i] or abs(low - s.window_low[i]) > _SLACK:
        s.shift[i], s.window_low[i] = shift, low
        _impose_all(s, p, books, i)


NO_REPLAY = Replay(np.zeros(0, REPLAY_DTYPE), np.zeros((0, 2, 1, 2), np.int64))
