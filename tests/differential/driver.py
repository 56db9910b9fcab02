"""The kernels, one event at a time, called from Python."""

from __future__ import annotations

from mm_env.sim.book import move_window, publish_touch, update_rates, update_touch
from mm_env.sim.compiling import entry_point
from mm_env.sim.flow import arrive, cancel_lots
from mm_env.sim.ledger import OTHER
from mm_env.sim.matching import arbitrage, match_venue, sweep, taker_limit
from mm_env.sim.orders import deliver, liquidate

ARRIVE, CANCEL, TAKE, SWEEP, DELIVER, ARBITRAGE, WINDOW, LOOK, LIQUIDATE, RATES = range(10)


@entry_point
def happen(states, params, fills, kind, i, v, side, price, lots, ahead_first):
    """One event of the first env. side: of the order that comes (ARRIVE), else of the book that is hit."""
    s, p, log = states[0], params[0], fills[0]
    s.fill_count = 0
    if kind == ARRIVE:
        arrive(s, p, log, i, v, side, price, lots)
    elif kind == CANCEL:
        cancel_lots(s, p, i, v, side, price, lots, ahead_first)
    elif kind == TAKE:
        match_venue(s, p, log, i, v, side, lots, price, OTHER)
    elif kind == SWEEP:
        sweep(s, p, log, i, side, lots, taker_limit(s, i, side, p.taker_reach_ticks))
    elif kind == DELIVER:
        deliver(s, p, log, 0, v)
    elif kind == ARBITRAGE:
        arbitrage(s, p, log, i)
    elif kind == WINDOW:
        if move_window(s, p, i):
            update_touch(s, p, i)
    elif kind == LOOK:
        publish_touch(s, i)
    elif kind == LIQUIDATE:
        liquidate(s, p, log)
    if kind in (WINDOW, RATES):
        for j in range(p.symbols):
            for w in range(p.venues):
                update_rates(s, p, j, w)
