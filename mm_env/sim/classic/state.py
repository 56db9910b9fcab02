"""Every field of the classic market's arrays: state and params of an env, and what a step reports of it.

Money in currency, inventory in units, time as `episode.horizon` counts it; depths are distances from the mid [currency].
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mm_env.sim.state import record_dtype

if TYPE_CHECKING:
    from mm_env.config import ClassicConfig

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
    ("steps", "i8", (), "decisions of an episode"),
    ("dt", "f8", (), "[time] of a step"),
    ("start", "f8", (), "[currency] first mid"),
    ("move", "f8", (), "[currency] deviation of a step's mid change"),
    ("brownian", "i8", (), "0: ±move; 1: a normal"),
    ("hawkes", "i8", (), "0: Poisson arrivals; 1: Hawkes"),
    ("linear", "i8", (), "fill probability: 1: λ dt; 0: 1 - exp(-λ dt)"),
    ("rate", "f8", (), "[1/time] arrivals a side at depth zero, Poisson"),
    ("fill_decay", "f8", (), "[1/currency]"),
    ("mu", "f8", (), "[1/time] Hawkes baseline a side"),
    ("jump", "f8", (2,), "[1/time] of a side's own intensity, and of the other side's"),
    ("beta", "f8", (), "[1/time]"),
    ("mean_rate", "f8", (), "[1/time] arrivals a side at depth zero, in the long run"),
    ("warm_up", "f8", (), "[time] of Hawkes arrivals before an episode"),
    ("full", "i8", (), "1: the observation holds all columns"),
    ("quoting", "i8", (), "index into POLICIES"),
    ("risk_aversion", "f8", (), "[1/currency]"),
    ("variance", "f8", (), "[currency²/time] what the policy takes for it"),
    ("policy_rate", "f8", (), "[1/time] what the policy takes for the arrival rate"),
    ("policy_decay", "f8", (), "[1/currency] what the policy takes for the fill decay"),
    ("policy_penalty", "f8", (2,), "phi and alpha of CJ"),
    ("rolling", "i8", (), "1: `horizon` is what the policy takes for the time left"),
    ("horizon", "f8", (), "[time]"),
    ("half_spread", "f8", (), "[currency] of FIXED"),
    ("half_arrival", "f8", (), "[currency] ln(1 + γ/k) / γ, set by `prepare`"),
    ("slope", "f8", (), "[currency a unit] of GLFT, set by `prepare`"),
    ("mean_left", "f8", (), "[time] left on average over the quotes of an episode, set by `prepare`"),
    ("residual_half_spreads", "f8", (), "move of a quote at action 1 in residual mode"),
    ("depth_low", "f8", (), "[currency] at action -1 in absolute mode"),
    ("depth_high", "f8", (), "[currency] at action 1 in absolute mode"),
    ("initial_inventory", "i8", (), "[units]"),
    ("inventory_limit", "i8", (), "[units]"),
    ("per_step", "f8", (), "1 / steps"),
    ("per_unit", "f8", (), "[1/units] one over what reads 1 in an observation of the inventory"),
    ("per_currency", "f8", (), "[1/currency] one over what reads 1 of the mid, the deviation of the last mid"),
    ("weight", "f8", (len(REWARDS),), "of REWARDS"),
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


def make_params(config: ClassicConfig) -> np.ndarray:
    """Params record, shape () of PARAMS_DTYPE, of a configuration, less what `classic_quoting.prepare` derives."""
    mid, flow, policy, episode = config.mid, config.flow, config.policy, config.episode
    p = np.zeros((), PARAMS_DTYPE)
    dt = episode.horizon / episode.steps
    p["steps"], p["dt"], p["start"] = episode.steps, dt, mid.start_price
    p["move"], p["brownian"] = mid.volatility * math.sqrt(dt), mid.move == "brownian"
    p["hawkes"], p["linear"] = flow.arrivals == "hawkes", flow.fill_rule == "linear"
    p["rate"], p["fill_decay"], p["mean_rate"] = flow.arrival_rate, flow.fill_decay, flow.mean_rate
    p["mu"], p["beta"] = flow.hawkes_mu, flow.hawkes_beta
    p["jump"] = flow.hawkes_alpha, flow.hawkes_alpha * flow.hawkes_cross_side
    p["warm_up"] = WARM_UP / (flow.hawkes_beta * (1.0 - flow.branching_ratio))
    p["full"] = episode.observations == "full"
    finite = policy.name == "glft" and policy.glft_horizon == "finite"
    p["quoting"] = POLICIES.index("glft_finite" if finite else policy.name)
    p["risk_aversion"], p["variance"] = policy.risk_aversion, config.believed_volatility**2
    p["policy_rate"], p["policy_decay"] = config.believed_rate, config.believed_decay
    p["policy_penalty"], p["half_spread"] = config.cj_penalties, policy.half_spread
    p["rolling"], p["horizon"] = policy.horizon is not None, policy.horizon or episode.horizon
    p["residual_half_spreads"] = policy.residual_half_spreads
    p["depth_low"], p["depth_high"] = policy.absolute_min_depth, policy.absolute_max_depth
    p["initial_inventory"], p["inventory_limit"] = episode.initial_inventory, episode.inventory_limit
    p["per_step"], p["per_unit"] = 1.0 / episode.steps, 1.0 / episode.inventory_scale
    p["per_currency"] = 1.0 / (mid.volatility * math.sqrt(episode.horizon) or 1.0)
    p["weight"] = [getattr(config.reward, name) for name in REWARDS]
    return p
