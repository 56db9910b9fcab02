"""Orders behind a simulated book: the market holds queues, and a recording gives their lots to orders with an identity.

What is placed is an order, last in its queue. A taker takes the first in the queue first. What is cancelled comes from the
part of the queue that the market says, before or behind the agent's order: the youngest order of that size, so that orders
are deleted whole; else part of the youngest larger one; else the youngest orders until it is enough.
"""

from __future__ import annotations

import numpy as np

from mm_env.sim.book import MASK, sign_of
from mm_env.sim.book_log import PLACED, TAKEN
from mm_env.sim.compiling import entry_point, kernel
from mm_env.sim.state import WINDOW

LONGEST = 1024  # orders at a price
LIMIT, REDUCE, DELETE, TRADE = range(4)  # kinds of messages

MESSAGE_DTYPE = np.dtype(
    [("time", "f8"), ("price", "i8"), ("order", "i8"), ("lots", "i8"), ("kind", "i1"), ("side", "i1"), ("own", "u1")]
)  # price in reference ticks
QUEUES_DTYPE = np.dtype(
    [
        ("order", "i8", (2, WINDOW, LONGEST)),
        ("lots", "i8", (2, WINDOW, LONGEST)),
        ("orders", "i8", (2, WINDOW)),
        ("price", "i8", (2, WINDOW)),
        ("total", "i8", (2, WINDOW)),
        ("own_order", "i8", (2,)),
        ("own_price", "i8", (2,)),
        ("own_lots", "i8", (2,)),
        ("before", "i8", (2,)),
        ("next", "i8"),
        ("written", "i8"),
        ("failed", "i8"),
    ]
)  # of one book; before: orders before the own one at its price


@entry_point
def follow(q, log, symbol, venue, messages, books):
    """Apply rows of a log to the queues of one book, and write what each does within the levels of its book.

    q: (1,) QUEUES_DTYPE; log: (n,) BOOK_LOG_DTYPE; messages: (m,) MESSAGE_DTYPE; books: (m, 2, L, 2) int64 [ticks], lots
    of each level after it, side 0 the bids, lots 0 where there is none. Returns the number of messages; failed is set where
    the log does not fit the queues or the messages their room.
    """
    b = q[0]
    b.written = 0
    for k in range(len(log)):
        row = log[k]
        if row.symbol != symbol or row.venue != venue:
            continue
        if row.own:
            _own(b, row, messages, books)
        elif row.kind == PLACED:
            _place(b, row, messages, books)
        elif row.kind == TAKEN:
            _take(b, row, messages, books)
        else:
            _cancel(b, row, messages, books)
        if b.failed:
            break
    return b.written


@kernel
def _tell(b, row, kind, order, lots, messages, books):
    """One message, and the book after it."""
    if b.written >= len(messages):
        b.failed = 1
        return
    m = messages[b.written]
    m.time, m.price, m.order, m.lots = row.time, row.price, order, lots
    m.kind, m.side, m.own = kind, row.side, row.own
    levels = books.shape[2]
    for side in range(2):
        _levels(b, side, books[b.written, side], levels)
    better, sign = 0, sign_of(row.side)
    for level in range(levels):
        out = books[b.written, row.side, level]
        better += out[1] > 0 and sign * (out[0] - row.price) > 0
    b.written += better < levels  # what is past the levels is not reported


@kernel
def _levels(b, side, out, levels):
    """The best prices of a side with their lots, the agent's included."""
    sign = sign_of(side)
    found, any_level = 0, False
    best = 0
    for k in range(WINDOW):
        if b.total[side, k] > 0 and (not any_level or sign * (b.price[side, k] - best) > 0):
            best, any_level = b.price[side, k], True
    out[:] = 0
    own = b.own_lots[side] > 0
    price = best
    for _ in range(WINDOW):
        if found >= levels or not any_level:
            break
        k = price & MASK
        here = b.total[side, k] if b.price[side, k] == price else 0
        if own and sign * (b.own_price[side] - price) > 0:  # better than what comes next
            out[found, 0], out[found, 1] = b.own_price[side], b.own_lots[side]
            found += 1
            own = False
            continue
        if here > 0:
            out[found, 0], out[found, 1] = price, here
            if own and b.own_price[side] == price:
                out[found, 1] += b.own_lots[side]
                own = False
            found += 1
        price -= sign
    if own and found < levels:
        out[found, 0], out[found, 1] = b.own_price[side], b.own_lots[side]


@kernel
def _place(b, row, messages, books):
    side, k = row.side, row.price & MASK
    n = b.orders[side, k]
    if n == LONGEST or (n > 0 and b.price[side, k] != row.price):
        b.failed = 1
        return
    b.price[side, k] = row.price
    b.order[side, k, n], b.lots[side, k, n] = b.next, row.lots
    b.orders[side, k] = n + 1
    b.total[side, k] += row.lots
    b.next += 1
    _tell(b, row, LIMIT, b.next - 1, row.lots, messages, books)


@kernel
def _remove(b, side, k, at, lots):
    """Take lots from the order at a place of a queue; one without lots leaves."""
    b.lots[side, k, at] -= lots
    b.total[side, k] -= lots
    if b.lots[side, k, at] > 0:
        return
    for j in range(at, b.orders[side, k] - 1):
        b.order[side, k, j], b.lots[side, k, j] = b.order[side, k, j + 1], b.lots[side, k, j + 1]
    b.orders[side, k] -= 1
    if b.own_lots[side] > 0 and b.own_price[side] == b.price[side, k] and at < b.before[side]:
        b.before[side] -= 1


@kernel
def _take(b, row, messages, books):
    side, k, left = row.side, row.price & MASK, row.lots
    while left > 0:
        if b.orders[side, k] == 0 or b.price[side, k] != row.price:
            b.failed = 1
            return
        order, lots = b.order[side, k, 0], min(left, b.lots[side, k, 0])
        _remove(b, side, k, 0, lots)
        left -= lots
        _tell(b, row, TRADE, order, lots, messages, books)


@kernel
def _cancel(b, row, messages, books):
    side, k, left = row.side, row.price & MASK, row.lots
    while left > 0:
        first, last = 0, b.orders[side, k]
        if b.own_lots[side] > 0 and b.own_price[side] == row.price:
            first, last = (0, b.before[side]) if row.ahead > 0 else (b.before[side], last)
        if last <= first or b.price[side, k] != row.price:
            b.failed = 1
            return
        at = -1
        for j in range(last - 1, first - 1, -1):
            if b.lots[side, k, j] == left:
                at = j
                break
            if at < 0 and b.lots[side, k, j] > left:
                at = j
        at = last - 1 if at < 0 else at
        order, lots = b.order[side, k, at], min(left, b.lots[side, k, at])
        whole = lots == b.lots[side, k, at]
        _remove(b, side, k, at, lots)
        left -= lots
        _tell(b, row, DELETE if whole else REDUCE, order, lots, messages, books)


@kernel
def _own(b, row, messages, books):
    """The agent's order comes, trades, or leaves."""
    side, k = row.side, row.price & MASK
    if row.kind == PLACED:
        b.own_order[side], b.own_price[side], b.own_lots[side] = b.next, row.price, row.lots
        b.before[side] = b.orders[side, k] if b.price[side, k] == row.price else 0
        b.next += 1
        _tell(b, row, LIMIT, b.next - 1, row.lots, messages, books)
        return
    if row.lots > b.own_lots[side]:
        b.failed = 1
        return
    b.own_lots[side] -= row.lots
    kind = TRADE if row.kind == TAKEN else (DELETE if b.own_lots[side] == 0 else REDUCE)
    _tell(b, row, kind, b.own_order[side], row.lots, messages, books)
