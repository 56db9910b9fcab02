"""Every field of the classic market's arrays: state and params of an env, and what a step reports of it.

Money in currency, inventory in units, time as `episode.horizon` counts it; depths are distances from the mid [currency].
"""

import numpy as np

from mm_env.sim.state import record_dtype

WARM_UP = 20.0  # relaxation times of the intensity before an episode; e^-20 of the start is left
STREAMS = 3  # random streams: what moves the mid, whether an arrival fills, and who arrives (Hawkes only)
MID, FILLS, ARRIVALS = range(STREAMS)
REWARDS = ("profit", "inventory_penalty", "terminal_penalty")  # terms of the reward
TERMS = ("spread_capture", "revaluation")  # terms of the profit

POLICIES = ("as", "as_symmetric", "fixed", "glft", "glft_finite", "cj")
AS, SYMMETRIC, FIXED, GLFT, GLFT_FINITE, CJ = range(len(POLICIES))
FIRST_TABLE = GLFT_FINITE  # from here on depths stand in a table

# What every step of the default market touches stands first, in as few cache lines as may be.
STATE_FIELDS = (
    ("step", "i8", (), "decisions of this episode so far"),
    ("inventory", "i8", (), "[units]"),
    ("mid", "f8", (), "[currency]"),
    ("cash", "f8", (), "[currency]"),
    ("spread_capture", "f8", (), "[currency] depths earned by all fills"),
    ("default_depth", "f8", (2,), "[currency] default policy's bid and ask depth for the next step"),
    ("fills", "i8", (2,), "fills of the bid and of the ask in the episode"),
    ("signs", "u8", (), "one bit for each of 64 moves of the mid; lattice only"),
    ("rng", "u8", (STREAMS, 4), "xoshiro256++ streams, see rng.py"),
    ("intensity", "f8", (2,), "[1/time] excited part of that of sells, which meet the bid, and of buys; Hawkes only"),
    ("arrivals", "i8", (2,), "sells and buys of the episode; Hawkes only"),
    ("key", "u8", (2,), "of the env's random numbers"),
    ("episode", "i8", (), "episodes begun"),
)

PARAM_FIELDS = (
    ("steps", "i8", (), "decisions of an episode; from episode.horizon / step"),
    ("step", "f8", (), "[time] between decisions"),
    ("start_price", "f8", (), "[currency] first mid"),
    ("step_deviation", "f8", (), "[currency] of a step's mid change; from mid.volatility × √step"),
    ("brownian", "i8", (), "0: ±step_deviation; 1: a normal; from mid.move"),
    ("hawkes", "i8", (), "0: Poisson arrivals; 1: Hawkes; from flow.arrivals"),
    ("linear", "i8", (), "fill probability: 1: λ × step; 0: 1 - exp(-λ × step); from flow.fill_rule"),
    ("arrival_rate", "f8", (), "[1/time] arrivals a side at depth zero, Poisson"),
    ("fill_decay", "f8", (), "[1/currency]"),
    ("hawkes_mu", "f8", (), "[1/time] Hawkes baseline a side"),
    (
        "hawkes_alpha",
        "f8",
        (2,),
        "[1/time] jump of a side's own intensity, and of the other side's (× flow.hawkes_cross_side)",
    ),
    ("hawkes_beta", "f8", (), "[1/time]"),
    ("mean_rate", "f8", (), "[1/time] arrivals a side at depth zero, in the long run; from flow"),
    ("warm_up", "f8", (), "[time] of Hawkes arrivals before an episode; from flow"),
    ("full", "i8", (), "1: the observation holds all columns; from episode.observations"),
    ("quoting", "i8", (), "index into POLICIES; from policy.name and glft_horizon"),
    ("risk_aversion", "f8", (), "[1/currency]"),
    ("policy_variance", "f8", (), "[currency²/time] what the policy takes for it; from policy.volatility²"),
    ("policy_arrival_rate", "f8", (), "[1/time] what the policy takes for the arrival rate"),
    ("policy_fill_decay", "f8", (), "[1/currency] what the policy takes for the fill decay"),
    ("policy_inventory_penalty", "f8", (), "phi of CJ"),
    ("policy_terminal_penalty", "f8", (), "alpha of CJ"),
    ("rolling_horizon", "i8", (), "1: `horizon` is what the policy takes for the time left; from policy.horizon"),
    ("horizon", "f8", (), "[time] policy.horizon, or episode.horizon"),
    ("half_spread", "f8", (), "[currency] of FIXED"),
    ("half_arrival", "f8", (), "[currency] ln(1 + γ/k) / γ, set by `prepare`"),
    ("glft_slope", "f8", (), "[currency a unit] of GLFT, set by `prepare`"),
    ("mean_left", "f8", (), "[time] left on average over the quotes of an episode, set by `prepare`"),
    ("residual_half_spreads", "f8", (), "move of a quote at action 1 in residual mode"),
    ("absolute_min_depth", "f8", (), "[currency] at action -1 in absolute mode"),
    ("absolute_max_depth", "f8", (), "[currency] at action 1 in absolute mode"),
    ("initial_inventory", "i8", (), "[units]"),
    ("inventory_limit", "i8", (), "[units]"),
    ("per_step", "f8", (), "from 1 / steps"),
    ("per_unit", "f8", (), "[1/units] one over what reads 1 in an observation; from episode.inventory_scale"),
    (
        "per_currency",
        "f8",
        (),
        "[1/currency] one over the last mid's deviation; from mid.volatility and episode.horizon",
    ),
    ("weight", "f8", (len(REWARDS),), "of REWARDS; from the keys of these names in reward"),
)

STATE_DTYPE = record_dtype(STATE_FIELDS, {})
PARAMS_DTYPE = record_dtype(PARAM_FIELDS, {})

# What a step reports of one env; a fresh array a call.
RESULT_DTYPE = np.dtype(
    [
        ("reward", "f8"), ("terms", "f8", (len(REWARDS),)), ("pnl", "f8"), ("attribution", "f8", (len(TERMS),)),
        ("cash", "f8"), ("mid", "f8"), ("inventory", "i8"), ("depth", "f8", (2,)), ("bid_filled", "?"), ("ask_filled", "?"),
        ("truncated", "?"),
    ],
    align=True,
)  # fmt: skip
