"""The classic market: one symbol, a random-walk mid, fills with intensity A exp(-k depth), step by step.

One decision step, in the order in which data flows:

| stage | reads | writes | source |
|---|---|---|---|
| `asked_depths` | action, default depths | depths of the quotes | |
| `classic_flow` (fills) | depths, its streams | fills | Avellaneda & Stoikov 2008; Hawkes 1971 |
| `settle` | fills, mid | cash, inventory | |
| `classic_flow` (mid) | its stream | mid | |
| `reward` | inventory, mid | named terms | Cartea, Jaimungal & Penalva 2015, chapter 10 |
| `classic_quoting` | inventory, time left | default depths | see `closed_forms` |
| `observe` | mid, inventory, time | observation row | |

What a step assumes: quotes stand at the mid of its beginning, are for one unit, and fill at most once; both may fill. What
they leave of inventory is exposed to the step's move, and to the running penalty. At the inventory limit the side that would
add is not quoted. The terminal penalty is a term of the reward: cash, inventory and profit are those before liquidation.
"""

from mm_env.sim.action import RESIDUAL
from mm_env.sim.classic.flow import hawkes_fills, mid_move, poisson_fills, reach_quotes, start_flow
from mm_env.sim.classic.quoting import default_depths
from mm_env.sim.compiling import entry_point, kernel
from mm_env.sim.observe import BOUND
from mm_env.sim.rng import seed_streams
from mm_env.sim.step import RESET, STEP

BID, ASK = 0, 1
BLOCK = 64  # envs whose exponentials are computed together
PROFIT, INVENTORY, TERMINAL = range(3)

# name, meaning; the first three are those of "closed_form"
COLUMNS = (
    ("time", "share of the episode that has passed"),
    ("inventory", "units over `inventory_scale`"),
    ("mid", "change of the mid since the beginning, in deviations of that of a whole episode"),
    ("mid_change", "last change of the mid, in deviations of a step"),
    ("default_bid_depth", "depth of the default policy's bid × fill decay"),
    ("default_ask_depth", "depth of the default policy's ask × fill decay"),
    ("sell_intensity", "intensity of sells at depth zero over its long-run mean; 1 for Poisson arrivals"),
    ("buy_intensity", "intensity of buys, likewise"),
)
CLOSED_FORM_COLUMNS = 3


@kernel
def asked_depths(s, p, action, mode):
    """(bid, ask) depth that an action (2,) asks for [currency]."""
    if mode == RESIDUAL:
        reach = 0.5 * (s.default_depth[BID] + s.default_depth[ASK]) * p.residual_half_spreads
        return s.default_depth[BID] + action[BID] * reach, s.default_depth[ASK] + action[ASK] * reach
    middle, half = 0.5 * (p.absolute_max_depth + p.absolute_min_depth), 0.5 * (p.absolute_max_depth - p.absolute_min_depth)
    return middle + action[BID] * half, middle + action[ASK] * half


@kernel
def settle(s, p, bid, ask, bought, sold):
    """(buys, sells) booked at the mid less or plus their depth; a side that would pass the inventory limit is not quoted."""
    q = s.inventory
    # sums and not branches: nobody can predict a fill, the processor least of all
    buys, sells = int(bought) & int(q < p.inventory_limit), int(sold) & int(q > -p.inventory_limit)
    s.cash += sells * (s.mid + ask) - buys * (s.mid - bid)
    s.spread_capture += sells * ask + buys * bid
    s.inventory = q + buys - sells
    s.fills[BID] += buys
    s.fills[ASK] += sells
    return buys, sells


@kernel
def profit(s, p):
    """Cash and inventory at the mid, less what the episode began with [currency]."""
    return s.cash + s.inventory * s.mid - p.initial_inventory * p.start_price


@kernel
def bounded(x):
    """`x` within what an observation can hold."""
    return min(BOUND, max(-BOUND, x))


@kernel
def observe(s, p, row, change):
    """Fill one row (columns,) float32. change: last move of the mid [currency]."""
    row[0] = s.step * p.per_step
    row[1] = bounded(s.inventory * p.per_unit)
    row[2] = bounded((s.mid - p.start_price) * p.per_currency)
    if p.full:
        row[3] = bounded(change / p.step_deviation) if p.step_deviation > 0.0 else 0.0
        row[4] = bounded(s.default_depth[BID] * p.fill_decay)
        row[5] = bounded(s.default_depth[ASK] * p.fill_decay)
        for side in range(2):
            row[6 + side] = (
                bounded((p.hawkes_mu + s.intensity[side]) / p.mean_rate) if p.hawkes and p.mean_rate > 0.0 else 1.0
            )


@kernel
def report(s, p, result, now):
    """What a step and a reset say alike. now: profit so far [currency]."""
    result.pnl = now
    result.attribution[0] = s.spread_capture
    result.attribution[1] = now - s.spread_capture
    result.cash, result.mid, result.inventory = s.cash, s.mid, s.inventory


@kernel
def step_env(s, p, table, reach_bid, reach_ask, row, result):
    """One decision step of one env, whose depths stand in `result` and reach so many of the arrivals."""
    before = profit(s, p)
    bid, ask = result.depth[BID], result.depth[ASK]
    if p.hawkes:
        bought, sold = hawkes_fills(s, p, reach_bid, reach_ask, p.step)
    else:
        bought, sold = poisson_fills(s, p, reach_bid, reach_ask)
    buys, sells = settle(s, p, bid, ask, bought, sold)
    change = mid_move(s, p)
    s.mid += change
    s.step += 1
    now = profit(s, p)
    square = float(s.inventory * s.inventory)
    result.terms[PROFIT] = p.weight[PROFIT] * (now - before)
    result.terms[INVENTORY] = -p.weight[INVENTORY] * square * p.step
    result.terms[TERMINAL] = -p.weight[TERMINAL] * square if s.step == p.steps else 0.0
    result.reward = result.terms[PROFIT] + result.terms[INVENTORY] + result.terms[TERMINAL]
    result.bid_filled, result.ask_filled = buys == 1, sells == 1
    result.truncated = s.step == p.steps
    s.default_depth[BID], s.default_depth[ASK] = default_depths(s, p, table)
    observe(s, p, row, change)
    report(s, p, result, now)


@kernel
def reset_env(s, p, table, row, result):
    """Begin the next episode of one env."""
    seed_streams(s)
    s.episode += 1
    s.step = 0
    s.inventory, s.mid, s.cash, s.spread_capture = p.initial_inventory, p.start_price, 0.0, 0.0
    start_flow(s, p)
    s.default_depth[BID], s.default_depth[ASK] = default_depths(s, p, table)
    result.terms[:] = 0.0
    result.reward = 0.0
    result.depth[:] = 0.0
    result.bid_filled, result.ask_filled = False, False
    result.truncated = False
    observe(s, p, row, 0.0)
    report(s, p, result, profit(s, p))


@kernel
def quote_block(states, params, params_index, actions, mode, commands, results, exponents, low, high):
    """Depths that the actions ask for, into results; exponents: (2 × BLOCK,) -k δ of the bids and asks."""
    exponents[:] = 0.0
    for i in range(low, high):
        if commands[i] == STEP:
            p, result, j = params[params_index[i]], results[i], 2 * (i - low)
            bid, ask = asked_depths(states[i], p, actions[i], mode)
            result.depth[BID], result.depth[ASK] = bid, ask
            exponents[j], exponents[j + 1] = -p.fill_decay * bid, -p.fill_decay * ask


@entry_point
def step_range(
    states,
    params,
    params_index,
    table,
    actions,
    mode,
    commands,
    last_rows,
    last_results,
    rows,
    results,
    rewards,
    ends,
    reach,
    low,
    high,
):
    """Step, reset or skip the envs low..high-1, a block at a time, so that exponentials are computed many at once.

    states: (N,) records; params: (P,) records; params_index: (N,) int64 row of each env; table: (rows, 2Q+1, 2) depths;
    actions: (N, 2) float32; commands: (N,) uint8; last_rows, last_results: what a skipped env said before;
    rows: (N, columns) float32; results: (N,) records; rewards (N,) float64 and ends (N,) bool say again, side by side, what
    results do; reach: (2 × BLOCK,) scratch.
    """
    for first in range(low, high, BLOCK):
        last = min(high, first + BLOCK)
        quote_block(states, params, params_index, actions, mode, commands, results, reach, first, last)
        reach_quotes(reach)
        for i in range(first, last):
            if commands[i] == STEP:
                j = 2 * (i - first)
                step_env(states[i], params[params_index[i]], table, reach[j], reach[j + 1], rows[i], results[i])
            elif commands[i] == RESET:
                reset_env(states[i], params[params_index[i]], table, rows[i], results[i])
            else:
                for k in range(rows.shape[1]):
                    rows[i, k] = last_rows[i, k]
                results[i] = last_results[i]
            rewards[i], ends[i] = results[i].reward, results[i].truncated
