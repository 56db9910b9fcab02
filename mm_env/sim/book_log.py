"""What happened to the books, event by event, for those who record: found by comparing them with how they were before.

Recording is off in training: then no previous books are kept, and each event pays one comparison with zero. An event touches
a few levels: what grew was placed, what shrank was taken or cancelled, which the lots taken since then decide. Of an event
takers come first, and the best prices first, as they trade.
"""

import numpy as np

from mm_env.sim.book import MASK
from mm_env.sim.compiling import kernel
from mm_env.sim.state import WINDOW, Capacity, record_dtype

PLACED, CANCELLED, TAKEN = 0, 1, 2

BOOK_LOG_DTYPE = np.dtype(
    [
        ("time", "f8"),
        ("price", "i8"),
        ("lots", "i4"),
        ("ahead", "i4"),
        ("event", "i4"),
        ("symbol", "i2"),
        ("venue", "i2"),
        ("side", "i1"),
        ("kind", "i1"),
        ("own", "u1"),
    ],
    align=True,
)  # price in reference ticks; ahead: lots before an own order, of others' lots that left those that were; event: number

_FIELDS = (
    ("depth", "i4", ("S", "V", 2, "W"), "[lots] as in the state, after the last event"),
    ("window_low", "i8", ("S",), "[ticks]"),
    ("own_price", "i8", ("S", "V", 2), "[ticks]"),
    ("own_quantity", "i4", ("S", "V", 2), "[lots]"),
    ("own_ahead", "i4", ("S", "V", 2), "[lots]"),
    ("filled", "i8", ("S", "V", 2), "[lots]"),
    ("taker_volume", "i8", (), "[lots]"),
    ("event", "i8", (), "events so far"),
    ("count", "i8", (), "rows of this step; the log holds the first of them"),
)


def previous_books_dtype(capacity: Capacity) -> np.dtype:
    """Record of the books of one env as they were."""
    return record_dtype(_FIELDS, capacity.letters)


@kernel
def _write(s, previous, log, i, v, side, kind, price, lots, ahead, own):
    """One row, if the log has room."""
    w = previous[0]
    w.count += 1
    if w.count > log.shape[0]:
        return
    row = log[w.count - 1]
    row.time, row.price, row.lots, row.ahead, row.event = s.time, price, lots, ahead, w.event
    row.symbol, row.venue, row.side, row.kind, row.own = i, v, side, kind, own


@kernel
def snapshot_books(s, previous):
    """Keep the books as they are, to compare the next event with."""
    w = previous[0]
    for i in range(s.window_low.shape[0]):
        w.window_low[i] = s.window_low[i]
        for v in range(s.best.shape[1]):
            for side in range(2):
                for k in range(WINDOW):
                    w.depth[i, v, side, k] = s.depth[i, v, side, k]
                w.own_price[i, v, side], w.own_quantity[i, v, side] = s.own_price[i, v, side], s.own_quantity[i, v, side]
                w.own_ahead[i, v, side], w.filled[i, v, side] = s.own_ahead[i, v, side], s.filled[i, v, side]
    w.taker_volume = s.taker_volume


@kernel
def log_book_changes(s, p, previous, log):
    """Log what the last event did to the books. previous: (1,) record of `previous_books_dtype`; log: BOOK_LOG_DTYPE."""
    w = previous[0]
    traded = s.taker_volume != w.taker_volume
    before = w.count
    for i in range(p.symbols):
        for v in range(p.venues):
            for side in range(2):
                _log_taken(s, previous, log, i, v, side, traded)
    for i in range(p.symbols):
        for v in range(p.venues):
            for side in range(2):
                _log_placed(s, previous, log, i, v, side)
        w.window_low[i] = s.window_low[i]
    w.taker_volume = s.taker_volume
    w.event += w.count > before


@kernel
def _log_taken(s, previous, log, i, v, side, traded):
    """Lots of one side that left, others' and own, from its best price on."""
    w = previous[0]
    low = w.window_low[i]
    step, price = 2 * side - 1, low + (WINDOW - 1 if side == 0 else 0)
    kind = TAKEN if traded else CANCELLED
    filled = s.filled[i, v, side] - w.filled[i, v, side]
    own_price, own_before = w.own_price[i, v, side], w.own_quantity[i, v, side]
    left = own_before
    if filled > 0 and not low <= own_price < low + WINDOW:
        _write(s, previous, log, i, v, side, TAKEN, own_price, filled, 0, 1)
    for _ in range(WINDOW):
        k = price & MASK
        here = own_before > 0 and price == own_price
        stays = s.window_low[i] <= price < s.window_low[i] + WINDOW  # else the slot is another price's by now
        gone = w.depth[i, v, side, k] - (s.depth[i, v, side, k] if stays else 0)
        if gone > 0:
            ahead = min(gone, max(0, w.own_ahead[i, v, side] - s.own_ahead[i, v, side])) if here else 0
            if here and kind == TAKEN:
                ahead = min(gone, w.own_ahead[i, v, side])
            if ahead > 0 or not here:
                _write(s, previous, log, i, v, side, kind, price, ahead if here else gone, ahead, 0)
            if here and filled > 0:
                _write(s, previous, log, i, v, side, TAKEN, price, filled, 0, 1)
            if here and gone > ahead:
                _write(s, previous, log, i, v, side, kind, price, gone - ahead, 0, 0)
        elif here and filled > 0:
            _write(s, previous, log, i, v, side, TAKEN, price, filled, 0, 1)
        if not stays:
            w.depth[i, v, side, k] = 0
        elif gone > 0:
            w.depth[i, v, side, k] -= gone
        price += step
    left -= filled
    # an order that grew, or has more lots before it, was sent again
    kept = s.own_quantity[i, v, side] if s.own_price[i, v, side] == own_price else 0
    if kept > left or s.own_ahead[i, v, side] > w.own_ahead[i, v, side]:
        kept = 0
    if left > kept:
        _write(s, previous, log, i, v, side, CANCELLED, own_price, left - kept, 0, 1)
    w.filled[i, v, side] = s.filled[i, v, side]
    w.own_quantity[i, v, side] = kept
    w.own_ahead[i, v, side] = s.own_ahead[i, v, side]


@kernel
def _log_placed(s, previous, log, i, v, side):
    """Lots of one side that came, others' and own."""
    w = previous[0]
    for k in range(WINDOW):
        more = s.depth[i, v, side, k] - w.depth[i, v, side, k]
        if more > 0:
            price = s.window_low[i] + ((k - s.window_low[i]) & MASK)
            _write(s, previous, log, i, v, side, PLACED, price, more, 0, 0)
            w.depth[i, v, side, k] += more
    more = s.own_quantity[i, v, side] - w.own_quantity[i, v, side]
    if more > 0:
        price = s.own_price[i, v, side]
        _write(s, previous, log, i, v, side, PLACED, price, more, s.own_ahead[i, v, side], 1)
    w.own_price[i, v, side] = s.own_price[i, v, side]
    w.own_quantity[i, v, side] = s.own_quantity[i, v, side]
