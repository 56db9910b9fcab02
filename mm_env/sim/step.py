"""One decision step, stage by stage in the order in which data flows; and the loop over envs.

Every stage is a function of (state, params) in a module of its own; here stands when each of them happens. `step_range` runs
any range of envs, so that threads can share a batch.
"""

import math

from mm_env.sim.action import apply_action
from mm_env.sim.book import follow_price, move_window, publish_touch, sum_rates, update_rates, update_touch
from mm_env.sim.book_log import log_book_changes, snapshot_books
from mm_env.sim.compiling import entry_point, kernel, prefetch
from mm_env.sim.flow import decay_bursts, draw_taker, excited_event, excited_rate, maker_event, taker_candidate
from mm_env.sim.fundamental import diffuse
from mm_env.sim.hedge import default_hedge
from mm_env.sim.inputs import Logs
from mm_env.sim.ledger import mark
from mm_env.sim.matching import arbitrage
from mm_env.sim.news import publish, start_news
from mm_env.sim.observe import observe
from mm_env.sim.orders import await_snapshots, deliver, liquidate, schedule, snapshot
from mm_env.sim.quoting import default_quotes
from mm_env.sim.refill import refill
from mm_env.sim.regime import start_regime, switch_regime
from mm_env.sim.replay import follow_record, replay_event, start_replay
from mm_env.sim.report import report
from mm_env.sim.reward import booked, inventory_variance, reward_terms, track_profit
from mm_env.sim.risk import current_var, update_risk
from mm_env.sim.rng import MAKERS, exponential, seed_streams
from mm_env.sim.router import learn
from mm_env.sim.signals import see, start_signals, update_signals
from mm_env.sim.start import start_books, start_counters
from mm_env.sim.state import MAILBOXES

SKIP, STEP, RESET, MARKET = 0, 1, 2, 3  # what to do with an env; MARKET: events and matching alone, for benchmarks


@kernel
def run_market(s, p, headlines, replay, logs, normals, next_env):
    """The market for one decision step: slow quantities on the grid of microsteps, events in continuous time between.

    next_env: record of the env that is next, which comes into the cache meanwhile
    """
    start = s.time
    dt = p.step_seconds / p.microsteps
    if logs.previous_books.shape[0]:
        logs.previous_books[0].count = 0
    await_snapshots(s, p)
    schedule(s)
    for k in range(1, p.microsteps + 1):
        prefetch(next_env, k - 1, p.microsteps)
        begin_microstep(s, p, headlines, replay, logs, dt, normals)
        if logs.previous_books.shape[0]:
            log_book_changes(s, p, logs.previous_books, logs.book_changes)
        advance(s, p, replay, logs, start + p.step_seconds if k == p.microsteps else start + k * dt)


@kernel
def begin_microstep(s, p, headlines, replay, logs, dt, normals):
    """Regime, news and efficient price move; books follow the price; makers look at the other venues."""
    switched = switch_regime(s, p)
    published = publish(s, p, headlines.tape, headlines.offsets, logs.headlines)
    diffuse(s, p, dt, normals)
    for i in range(p.symbols):
        lost = False
        if p.replay:
            follow_record(s, p, replay.books, i)
        else:
            lost = move_window(s, p, i)
        if lost:
            update_touch(s, p, i)
        for v in range(p.venues):
            if lost or switched:
                update_rates(s, p, i, v)
            else:
                follow_price(s, p, i, v)
        publish_touch(s, i)
    sum_rates(s)
    if switched or published:
        draw_taker(s, p)


@kernel
def advance(s, p, replay, logs, end):
    """Events in continuous time until `end`: makers, takers, refills, what is scheduled, and what is recorded."""
    while True:
        total = s.maker_rate
        if p.bursts > 0:
            decay_bursts(s, p)
            total = excited_rate(s, p)
        maker = s.time + exponential(s, MAKERS) / total if total > 0.0 else math.inf
        next_event = min(maker, s.taker_next, s.scheduled_next, s.replay_time, s.refill_next)
        if next_event > end:
            s.time = end
            return
        s.time = next_event
        if s.scheduled_next <= next_event:
            run_scheduled(s, p, logs.fills)
        elif s.taker_next <= next_event:
            taker_candidate(s, p, logs.fills)
        elif s.replay_time <= next_event:
            replay_event(s, p, logs.fills, replay.events, replay.books)
        elif s.refill_next <= next_event:
            refill(s, p)
        elif p.bursts == 0:
            maker_event(s, p, logs.fills, total)
        else:
            excited_event(s, p, logs.fills, total)
        if logs.previous_books.shape[0]:
            log_book_changes(s, p, logs.previous_books, logs.book_changes)


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
def update_agent_view(s, p, change):
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
def step_env(s, p, headlines, replay, logs, action, mode, row, result, scratch, losses, next_env):
    """One decision of one env: action, market, ledger, signals, risk, default policy, reward, observation."""
    n = p.lot_value.shape[0]
    change, value, slope = scratch[:n], scratch[n : 2 * n], scratch[2 * n : 3 * n]
    before = s.pnl
    cost_before, revaluation_before = booked(s, p)
    s.fill_count = s.headline_count = 0
    apply_action(s, p, action, mode, scratch[3 * n :])
    run_market(s, p, headlines, replay, logs, change, next_env)
    s.step += 1
    s.time = s.step * p.step_seconds
    profit = mark(s, p)
    update_agent_view(s, p, change)
    cost, revaluation = booked(s, p)
    variance = inventory_variance(s, p)
    last = s.step >= p.steps
    if last and p.liquidate_at_end:
        liquidate(s, p, logs.fills)
        profit = mark(s, p)
        if logs.previous_books.shape[0]:
            log_book_changes(s, p, logs.previous_books, logs.book_changes)
    track_profit(s, profit)
    decide(s, p, value, slope, losses)
    s.breaches += current_var(s, p) > p.portfolio_var_limit
    cost, revaluation = cost - cost_before, revaluation - revaluation_before
    result.reward = reward_terms(s, p, result.terms, profit, before, variance, cost, revaluation, last)
    s.ended = last
    observe(s, p, row, change)
    report(s, p, result)


@kernel
def reset_env(s, p, raw, headlines, replay, logs, row, result, scratch, losses):
    """Begin the next episode: streams from (key, episode), an initial book, and a burn-in without an agent."""
    key0, key1, episode = s.key[0], s.key[1], s.episode
    raw[:] = 0
    s.key[0], s.key[1], s.episode = key0, key1, episode
    seed_streams(s)
    s.episode += 1
    n = p.lot_value.shape[0]
    change, value, slope = scratch[:n], scratch[n : 2 * n], scratch[2 * n : 3 * n]
    unlogged = Logs(logs.fills[:0], logs.headlines[:0], logs.previous_books[:0], logs.book_changes[:0])
    s.time = -p.burn_in_steps * p.step_seconds
    s.excitation_time = s.burst_time = s.time
    start_regime(s, p)
    start_news(s, p, headlines.tape)
    start_books(s, p, unlogged.fills)
    start_replay(s, p, replay.events, replay.books)
    start_signals(s, p)
    draw_taker(s, p)
    for k in range(p.burn_in_steps):
        run_market(s, p, headlines, replay, unlogged, change, s)
        s.time = (k + 1 - p.burn_in_steps) * p.step_seconds
        update_agent_view(s, p, change)
    if p.burn_in_steps == 0:
        for v in range(p.venues):
            snapshot(s, p, v)
        update_agent_view(s, p, change)
    start_counters(s)
    decide(s, p, value, slope, losses)
    if logs.previous_books.shape[0]:
        snapshot_books(s, logs.previous_books)
    result.reward = 0.0
    result.terms[:] = 0.0
    observe(s, p, row, change)
    report(s, p, result)


@entry_point
def step_range(
    states,
    raw,
    params,
    params_index,
    headlines,
    replay,
    actions,
    mode,
    commands,
    logs,
    rows,
    results,
    scratch,
    losses,
    low,
    high,
):
    """Step, reset or skip the envs low..high-1.

    states: (N,) records; raw: (N, bytes) uint8 view of them; params: (P,) records; params_index: (N,) int64 row of params of
    each env; headlines, replay, logs: as `inputs` describes them; actions: (N, 3S) float32; commands: (N,) uint8;
    rows: (N, columns) float32; results: (N,) records; scratch: (3S + V,) and losses: (H,) float64 of this thread alone.
    """
    for i in range(low, high):
        s, p, result = states[i], params[params_index[i]], results[i]
        next_env = states[min(i + 1, high - 1)]
        log = Logs(logs.fills[i], logs.headlines[i], logs.previous_books[i], logs.book_changes[i])
        if commands[i] == STEP:
            step_env(s, p, headlines, replay, log, actions[i], mode, rows[i], result, scratch, losses, next_env)
        elif commands[i] == RESET:
            reset_env(s, p, raw[i], headlines, replay, log, rows[i], result, scratch, losses)
        elif commands[i] == MARKET:
            run_market(s, p, headlines, replay, log, scratch, next_env)
