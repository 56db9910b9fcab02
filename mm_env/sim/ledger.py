"""One ledger: cash, positions, and an attribution of profit that sums to it.

Profit = cash + sum of position x (mid + venue basis). The mid of a symbol is P0 + news + diffusion + impact + mispricing,
the first three being the moves of the efficient price by cause and the last the mid's own distance from it, so that
revaluing a position by the change of each part is exact to rounding.
"""

import numpy as np

from mm_env.sim.book import sign_of
from mm_env.sim.compiling import kernel

FILL_DTYPE = np.dtype(
    [
        ("time", "f8"),
        ("price", "i8"),
        ("mid", "f8"),
        ("fee", "f8"),
        ("symbol", "i4"),
        ("venue", "i4"),
        ("quantity", "i4"),
        ("side", "i1"),
        ("role", "i1"),
    ],
    align=True,
)  # price and mid in the venue's ticks, fee in currency (negative a rebate), side 0 buy, 1 sell, role as below; fmt: skip

MAKER, HEDGE, LIQUIDATION = 0, 1, 2  # role of the agent in a fill
OTHER = -1  # of an aggressor that is not the agent
SPREAD, REBATES, MAKER_FEES, TAKER_FEES, HEDGE_COST, LIQUIDATION_COST, REVALUATION = 0, 1, 2, 3, 4, 5, 6


@kernel
def settle(s, p, i, v):
    """Book the revaluation of one position since its last settlement, by cause."""
    mispricing = 0.5 * s.mid2[i] - s.price[i]
    value = s.position[i, v] * p.lot_value[i]
    for part in range(4):
        now = s.price_moves[i, part] if part < 3 else mispricing
        if value != 0.0:
            s.attribution[i, v, REVALUATION + part] += value * (now - s.marked[i, v, part])
        s.marked[i, v, part] = now


@kernel
def book_fill(s, p, fills, i, v, side, price, lots, role):
    """Settle one own fill: side 0 buys, 1 sells; price in reference ticks; role MAKER, HEDGE or LIQUIDATION."""
    settle(s, p, i, v)
    sign = sign_of(side)
    value = float(price + p.price_basis_ticks[v]) * lots * p.lot_value[i]  # an integer product could overflow
    fee = (p.maker_fee[v] if role == MAKER else p.taker_fee[v]) * value
    edge = sign * (0.5 * s.mid2[i] - price) * lots * p.lot_value[i]
    s.cash -= sign * value + fee
    s.position[i, v] += sign * lots
    s.inventory[i] += sign * lots
    terms = s.attribution
    if role == MAKER:
        terms[i, v, SPREAD] += edge
        terms[i, v, REBATES if fee < 0.0 else MAKER_FEES] -= fee
        s.filled[i, v, side] += lots
        s.fills[i, v, side] += 1
    else:
        terms[i, v, HEDGE_COST if role == HEDGE else LIQUIDATION_COST] += edge
        terms[i, v, TAKER_FEES] -= fee
        if role == HEDGE:
            s.hedged_lots[i, v] += lots
    if fills.shape[0] > 0:
        s.fill_count += 1
        if s.fill_count > fills.shape[0]:
            return
        row = fills[s.fill_count - 1]
        row.time, row.symbol, row.venue, row.side, row.role = s.time, i, v, side, role
        basis = p.price_basis_ticks[v]
        row.price, row.quantity, row.mid, row.fee = price + basis, lots, 0.5 * s.mid2[i] + basis, fee


@kernel
def mark(s, p):
    """Settle every position at the current mids and return the profit [currency]."""
    profit = s.cash
    for i in range(p.symbols):
        for v in range(p.venues):
            settle(s, p, i, v)
            profit += s.position[i, v] * (0.5 * s.mid2[i] + p.price_basis_ticks[v]) * p.lot_value[i]
    return profit
