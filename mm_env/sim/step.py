"""One decision step, stage by stage in the order in which data flows; and the loop over envs.

Every stage is a function of (state, params); `step_range` runs any range of envs, so that threads can share a batch.
"""

import math

import numpy as np

from mm_env.sim.book import follow_price, move_window, settle_touch, sum_rates, update_rates, update_touch
from mm_env.sim.compiling import entry_point, kernel, prefetch
from mm_env.sim.flow import draw_taker, excited_event, excited_rate, maker_event, place, taker_candidate
from mm_env.sim.fundamental import diffuse
from mm_env.sim.hedge import default_hedge, route_hedge
from mm_env.sim.ledger import LIQUIDATION, mark
from mm_env.sim.matching import arbitrage
from mm_env.sim.news import publish, start_news
from mm_env.sim.observe import observe
from mm_env.sim.orders import deliver, open_mailbox, schedule, snapshot, take
from mm_env.sim.quoting import default_quotes
from mm_env.sim.record import note_changes, remember
from mm_env.sim.refill import refill
from mm_env.sim.regime import start_regime, switch_regime
from mm_env.sim.replay import follow_record, replay_event, start_replay
from mm_env.sim.reward import booked, inventory_variance, reward_terms
from mm_env.sim.risk import current_var, update_risk
from mm_env.sim.rng import MAKERS, exponential, next_u64, seed_streams, uniform
from mm_env.sim.router import aim, learn, review, route_quotes
from mm_env.sim.signals import see, start_signals, update_signals
from mm_env.sim.state import MAILBOXES, REWARDS, TERMS, WINDOW, Capacity

RESIDUAL, ABSOLUTE = 0, 1  # readings of an action
SKIP, STEP, RESET, MARKET = 0, 1, 2, 3  # what to do with an env; MARKET: events and matching alone, for benchmarks
BID, ASK = 0, 1


def result_dtype(capacity: Capacity) -> np.dtype:
    """What a step reports of one env, contiguous; a fresh array a call."""
    n = capacity.symbols
    return np.dtype(
        [
            ("reward", "f8"), ("pnl", "f8"), ("cash", "f8"), ("value_at_risk", "f8"), ("expected_shortfall", "f8"),
            ("inventory", "i8", (n,)), ("mid", "f8", (n,)), ("terms", "f8", (len(REWARDS),)),
            ("attribution", "f8", (len(TERMS),)), ("fills", "i8"), ("regime", "i8"), ("fault", "i8"),
            ("hedged", "?"), ("truncated", "?"),
        ],
        align=True,
    )  # fmt: skip


@kernel
def apply_action(s, p, action, mode, scratch):
    """Turn an action into messages: quotes of every symbol, and hedges. action: (3S,) bid, ask, hedge of each symbol."""
    m = open_mailbox(s, p)
    review(s, p)
    s.hedged = 0
    for i in range(p.symbols):
        bid, ask, hedge = action[3 * i], action[3 * i + 1], action[3 * i + 2]
        lots = int(round(hedge * p.hedge_action))
        if mode == RESIDUAL:
            reach = p.residual_half_spreads * s.default_half_spread[i]
            aim(s, p, i, s.default_price[i, BID] - bid * reach, s.default_price[i, ASK] + ask * reach)
            lots += s.default_hedge[i]
        else:
            reach = 0.5 * p.absolute_max
            aim(s, p, i, s.seen_mid[i] - (bid + 1.0) * reach, s.seen_mid[i] + (ask + 1.0) * reach)
        if lots != 0:
            route_hedge(s, p, m, i, lots, scratch)
            s.hedged |= s.default_hedge[i] != 0
        route_quotes(s, p, m, i)
    s.hedges += s.hedged


@kernel
def run_market(s, p, tape, first, feed, ladders, fills, wire, shadow, log, normals, following):
    """The market for one decision step: slow quantities on the grid of microsteps, events in continuous time between.

    following: record of the env that is next, which comes into the cache meanwhile
    """
    start = s.time
    dt = p.step_seconds / p.microsteps
    if shadow.shape[0]:
        shadow[0].count = 0
    for v in range(p.venues):
        s.snapshot_time[v] = start + p.step_seconds - p.data_latency[v]
    schedule(s)
    for k in range(1, p.microsteps + 1):
        prefetch(following, k - 1, p.microsteps)
        begin_microstep(s, p, tape, first, ladders, wire, dt, normals)
        if shadow.shape[0]:
            note_changes(s, p, shadow, log)
        advance(s, p, feed, ladders, fills, shadow, log, start + p.step_seconds if k == p.microsteps else start + k * dt)


@kernel
def begin_microstep(s, p, tape, first, ladders, wire, dt, normals):
    """Regime, news and efficient price move; books follow the price; makers look at the other venues."""
    switched = switch_regime(s, p)
    published = publish(s, p, tape, first, wire)
    diffuse(s, p, dt, normals)
    for i in range(p.symbols):
        lost = False
        if p.replay:
            follow_record(s, p, ladders, i)
        else:
            lost = move_window(s, p, i)
        if lost:
            update_touch(s, p, i)
        for v in range(p.venues):
            if lost or switched:
                update_rates(s, p, i, v)
            else:
                follow_price(s, p, i, v)
        for side in range(2):
            s.known[i, side], s.known_valid[i, side] = s.touch[i, side], s.touch_venue[i, side] >= 0
    sum_rates(s)
    if switched or published:
        draw_taker(s, p)


@kernel
def advance(s, p, feed, ladders, fills, shadow, log, end):
    """Events in continuous time until `end`: makers, takers, refills, what is scheduled, and what is recorded."""
    while True:
        total = s.maker_rate if p.bursts == 0 else excited_rate(s, p)
        maker = s.time + exponential(s, MAKERS) / total if total > 0.0 else math.inf
        following = min(maker, s.taker_next, s.scheduled_next, s.feed_time, s.refill_next)
        if following > end:
            s.time = end
            return
        s.time = following
        if s.scheduled_next <= following:
            run_scheduled(s, p, fills)
        elif s.taker_next <= following:
            taker_candidate(s, p, fills)
        elif s.feed_time <= following:
            replay_event(s, p, fills, feed, ladders)
        elif s.refill_next <= following:
            refill(s, p)
        elif p.bursts == 0:
            maker_event(s, p, fills, total)
        else:
            excited_event(s, p, fills, total)
        if shadow.shape[0]:
            note_changes(s, p, shadow, log)


@kernel
def run_scheduled(s, p, fills):
    """Deliver messages, trade crossed venues back, take snapshots: all that is due."""
    for v in range(p.venues):
        for age in range(MAILBOXES - 1, -1, -1):
            m = (s.step - age) % MAILBOXES
            if s.box_time[m, v] <= s.time:
                deliver(s, p, fills, m, v)
    for i in range(p.symbols):
        if s.arbitrage_time[i] <= s.time:
            arbitrage(s, p, fills, i)
            s.arbitrage_time[i] = math.inf
    for v in range(p.venues):
        if s.snapshot_time[v] <= s.time:
            snapshot(s, p, v)
    schedule(s)


@kernel
def look(s, p, change):
    """Signals from what is seen, and what the router learns."""
    see(s, p)
    update_signals(s, p, change)
    learn(s, p, change)


@kernel
def decide(s, p, value, slope, losses):
    """Risk, and the default policy's quotes and hedge for the next decision."""
    update_risk(s, p, value, slope, losses)
    default_quotes(s, p)
    default_hedge(s, p, value, slope)


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
def step_env(
    s, p, tape, first, feed, ladders, action, mode, fills, wire, shadow, log, row, result, scratch, losses, following
):
    """One decision of one env: action, market, ledger, signals, risk, default policy, reward, observation."""
    n = p.lot_value.shape[0]
    change, value, slope = scratch[:n], scratch[n : 2 * n], scratch[2 * n : 3 * n]
    before = s.pnl
    cost_before, revaluation_before = booked(s, p)
    s.fill_count = s.wire_count = 0
    apply_action(s, p, action, mode, scratch[3 * n :])
    run_market(s, p, tape, first, feed, ladders, fills, wire, shadow, log, change, following)
    s.step += 1
    s.time = s.step * p.step_seconds
    profit = mark(s, p)
    look(s, p, change)
    cost, revaluation = booked(s, p)
    variance = inventory_variance(s, p)
    last = s.step >= p.steps
    if last and p.liquidate:
        liquidate(s, p, fills)
        profit = mark(s, p)
        if shadow.shape[0]:
            note_changes(s, p, shadow, log)
    s.pnl = profit
    s.equity_high = max(s.equity_high, profit)
    s.drawdown = max(s.drawdown, s.equity_high - profit)
    decide(s, p, value, slope, losses)
    s.breaches += current_var(s, p) > p.var_limit
    cost, revaluation = cost - cost_before, revaluation - revaluation_before
    result.reward = reward_terms(s, p, result.terms, profit, before, variance, cost, revaluation, last)
    s.ended = last
    observe(s, p, row, change)
    report(s, p, result)


@kernel
def report(s, p, result):
    """Copy what info shows into the result record."""
    result.pnl, result.cash = s.pnl, s.cash
    result.value_at_risk, result.expected_shortfall = current_var(s, p), s.expected_shortfall
    result.regime, result.fault = s.regime, s.fault
    result.hedged, result.truncated = s.hedged != 0, s.ended != 0
    result.fills = 0
    for i in range(p.symbols):
        result.inventory[i] = s.inventory[i]
        result.mid[i] = 0.5 * s.mid2[i] * p.tick_size[i]
        for v in range(p.venues):
            result.fills += s.fills[i, v, BID] + s.fills[i, v, ASK]
    for k in range(len(TERMS)):
        total = 0.0
        for i in range(p.symbols):
            for v in range(p.venues):
                total += s.attribution[i, v, k]
        result.attribution[k] = total


@kernel
def reset_env(s, p, raw, tape, first, feed, ladders, fills, wire, shadow, log, row, result, scratch, losses):
    """Begin the next episode: streams from (key, episode), an initial book, and a burn-in without an agent."""
    key0, key1, episode = s.key[0], s.key[1], s.episode
    raw[:] = 0
    s.key[0], s.key[1], s.episode = key0, key1, episode
    seed_streams(s)
    s.episode += 1
    n = p.lot_value.shape[0]
    change, value, slope = scratch[:n], scratch[n : 2 * n], scratch[2 * n : 3 * n]
    s.time = -p.burn_in_steps * p.step_seconds
    s.excitation_time = s.burst_time = s.time
    start_regime(s, p)
    start_news(s, p, tape)
    start_books(s, p, fills[:0])
    start_replay(s, p, feed, ladders)
    start_signals(s, p)
    draw_taker(s, p)
    for k in range(p.burn_in_steps):
        run_market(s, p, tape, first, feed, ladders, fills[:0], wire[:0], shadow[:0], log[:0], change, s)
        s.time = (k + 1 - p.burn_in_steps) * p.step_seconds
        look(s, p, change)
    if p.burn_in_steps == 0:
        for v in range(p.venues):
            snapshot(s, p, v)
        look(s, p, change)
    s.events = s.taken = s.given = s.withheld = 0
    s.takers[:] = 0
    s.moved[:] = 0.0
    decide(s, p, value, slope, losses)
    if shadow.shape[0]:
        remember(s, shadow)
    result.reward = 0.0
    result.terms[:] = 0.0
    observe(s, p, row, change)
    report(s, p, result)


@kernel
def start_books(s, p, fills):
    """Books near their stationary shape: the expected number of orders at drawn distances, nothing crossing."""
    s.box_time[:] = math.inf
    s.box_arrival[:] = -math.inf
    s.intent_time[:] = -math.inf
    s.arbitrage_time[:] = math.inf
    s.snapshot_time[:] = math.inf
    s.touch_venue[:] = -1
    s.refill_time[:] = math.inf
    s.scheduled_next = s.refill_next = math.inf
    for i in range(p.symbols):
        s.price[i] = p.start_price[i]
        s.window_low[i] = int(math.floor(s.price[i])) - WINDOW // 2
        s.mid2[i] = 2 * int(round(s.price[i]))
        for v in range(p.venues):
            for side in range(2):
                expected = p.initial_orders[i, v] * p.regime_depth[s.regime]
                orders = int(expected + uniform(s, MAKERS))
                for _ in range(min(orders, 2000)):
                    place(s, p, fills, i, v, side, int(p.maker_sizes[next_u64(s, MAKERS) & 255]))
            update_rates(s, p, i, v)
        update_touch(s, p, i)


@entry_point
def step_range(
    states,
    raw,
    params,
    which,
    tape,
    first,
    feed,
    ladders,
    actions,
    mode,
    commands,
    fills,
    wire,
    shadows,
    logs,
    rows,
    results,
    scratch,
    losses,
    low,
    high,
):
    """Step, reset or skip the envs low..high-1.

    states: (N,) records; raw: (N, bytes) uint8 view of them; params: (P,) records; which: (N,) int64 index into params;
    tape: (H,) TAPE_DTYPE; first: (S+2,) int64 first bundled headline of each symbol; feed: (E,) FEED_DTYPE and ladders:
    (E, 2, L, 2) int64, the record that is replayed and its books, best first, price [ticks] and lots; actions: (N, 3S)
    float32; commands: (N,) uint8; fills, wire: (N, F) logs, F = 0 keeps none; shadows: (N, 0 or 1) records, logs: (N, L) of
    what happened to the books; rows: (N, columns) float32; results: (N,) records.
    """
    for i in range(low, high):
        s, p, result = states[i], params[which[i]], results[i]
        following = states[min(i + 1, high - 1)]
        if commands[i] == STEP:
            step_env(
                s, p, tape, first, feed, ladders, actions[i], mode, fills[i], wire[i], shadows[i], logs[i], rows[i], result,
                scratch, losses, following,
            )  # fmt: skip
        elif commands[i] == RESET:
            reset_env(
                s, p, raw[i], tape, first, feed, ladders, fills[i], wire[i], shadows[i], logs[i], rows[i], result, scratch,
                losses,
            )  # fmt: skip
        elif commands[i] == MARKET:
            run_market(s, p, tape, first, feed, ladders, fills[i], wire[i], shadows[i], logs[i], scratch, following)
