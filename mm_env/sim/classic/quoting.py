"""The default policy of the classic market: depths of an env's next quotes, and what can be computed before it begins."""

import math

from mm_env.sim.classic.state import AS, CJ, FIRST_TABLE, FIXED, GLFT, SYMMETRIC
from mm_env.sim.closed_forms import (
    avellaneda_stoikov,
    cj_matrix,
    glft_depths,
    glft_matrix,
    glft_slope,
    log_weights,
    mean_time_left,
    start_weights,
    weight_depths,
)
from mm_env.sim.compiling import entry_point, kernel
from mm_env.sim.quoting import half_spread_arrival, half_spread_risk


@kernel
def time_left(s, p):
    """Time over which the policy takes inventory to be at risk: what is left of the episode, or a rolling horizon."""
    return p.horizon if p.rolling_horizon else (p.steps - s.step) * p.step


@kernel
def default_depths(s, p, table):
    """(bid, ask) depth of the default policy for the next step. table: (rows, 2Q+1, 2), as `prepare` fills it."""
    q = s.inventory
    if p.quoting == AS:
        return avellaneda_stoikov(float(q), p.risk_aversion, p.policy_variance, time_left(s, p), p.half_arrival)
    if p.quoting == SYMMETRIC:
        half = half_spread_risk(p.risk_aversion, p.policy_variance, p.mean_left) + p.half_arrival
        return half, half
    if p.quoting == GLFT:
        return glft_depths(float(q), p.half_arrival, p.glft_slope)
    if p.quoting == FIXED:
        return p.half_spread, p.half_spread
    row = 0 if p.rolling_horizon else p.steps - s.step
    column = q + p.inventory_limit
    return table[row, column, 0], table[row, column, 1]


@kernel
def fill_table(p, table, log_w, term, next_term):
    """Depths of a policy of finite horizon, for every time left on the grid (row: steps left), or for the rolling one."""
    if p.quoting == CJ:
        least = 1.0 / p.policy_fill_decay
        curvature, off = cj_matrix(p.policy_inventory_penalty, p.policy_fill_decay, p.policy_arrival_rate)
        terminal = p.policy_terminal_penalty * p.policy_fill_decay
    else:
        least = p.half_arrival
        curvature, off = glft_matrix(p.risk_aversion, p.policy_fill_decay, p.policy_arrival_rate, p.policy_variance)
        terminal = 0.0
    start_weights(log_w, terminal)
    for row in range(table.shape[0]):
        if p.rolling_horizon:
            log_weights(log_w, curvature, math.log(off), p.horizon, term, next_term)
        elif row > 0:
            log_weights(log_w, curvature, math.log(off), p.step, term, next_term)
        weight_depths(log_w, p.policy_fill_decay, least, table[row])


@entry_point
def prepare(params, table, log_w, term, next_term):
    """Derive what the policy of params (1,) needs before an episode.

    table: (rows, 2Q+1, 2), rows 0 for a policy without one, 1 with a rolling horizon, steps + 1 otherwise;
    log_w, term, next_term: (2Q+1,) scratch
    """
    p = params[0]
    p.half_arrival = half_spread_arrival(p.risk_aversion, p.policy_fill_decay)
    p.mean_left = p.horizon if p.rolling_horizon else mean_time_left(p.step, p.steps)
    if p.quoting == GLFT:
        p.glft_slope = glft_slope(p.risk_aversion, p.policy_fill_decay, p.policy_arrival_rate, p.policy_variance)
    if p.quoting >= FIRST_TABLE:
        fill_table(p, table, log_w, term, next_term)


@entry_point
def quote_range(states, params, table, envs, out):
    """Depths that the policy of params (1,) would quote in the envs of envs (n,) int64. out: (N, 2) bid and ask depth."""
    for k in range(envs.shape[0]):
        i = envs[k]
        out[i, 0], out[i, 1] = default_depths(states[i], params[0], table)
