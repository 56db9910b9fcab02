"""Params: what kernels read of a configuration, one record of numbers, constant within an episode.

`mm_env.market.params` fills it. A parameter that no kernel reads is not here.
"""

from functools import cache

import numpy as np

from mm_env.sim.laws import KNOTS, SIZES
from mm_env.sim.state import Capacity, record_dtype

REGIMES = 16
VAR_METHODS = ("parametric", "cornish_fisher", "historical")

# name, dtype, shape, [unit] meaning; a field that holds what the configuration says has the key's name, with the kernel's
# unit where that is another one, and any other field says what it is from
FIELDS = (
    ("symbols", "i8", (), "number in use"),
    ("venues", "i8", (), "number in use"),
    ("exponentials", "i8", (), "of the Hawkes kernel, the news row included; from flow.hawkes_beta"),
    ("regimes", "i8", (), "number in use"),
    # symbols
    ("start_price_ticks", "f8", ("S",), "[ticks]"),
    ("lot_value", "f8", ("S",), "[currency] of one tick on one lot; from symbol.tick_size × lot_size"),
    ("tick_size", "f8", ("S",), "[currency]"),
    ("volatility_per_sqrt_second", "f8", ("S",), "[log/sqrt(s)]"),
    ("correlation_cholesky", "f8", ("S", "S"), "lower factor; from correlation"),
    ("symbol_distance_multiplier", "f8", ("S",), "of placement distance"),
    ("quote_size", "i8", ("S",), "[lots]"),
    ("inventory_limit", "i8", ("S",), "[lots]"),
    # venues
    ("liquidity_share", "f8", ("V",), "of the takers, sum 1"),
    ("tick_multiple", "i8", ("V",), "[ticks] venue tick"),
    ("price_basis_ticks", "i8", ("V",), "[ticks] venue price minus reference price"),
    ("maker_fee", "f8", ("V",), "fraction of value, negative a rebate"),
    ("taker_fee", "f8", ("V",), "fraction of value"),
    ("latency_seconds", "f8", ("V",), "[s]"),
    ("data_latency_seconds", "f8", ("V",), "[s]"),
    # regimes
    ("regime_mean_duration_seconds", "f8", ("G",), "[s]"),
    ("regime_next", "f8", ("G", "G"), "cumulative probabilities of the next regime; from regime.transitions"),
    ("regime_start", "f8", ("G",), "cumulative probabilities of the first regime; from episode.initial_regime"),
    ("regime_volatility_multiplier", "f8", ("G",), ""),
    ("regime_taker_rate_multiplier", "f8", ("G",), "of the baseline"),
    (
        "regime_limit",
        "f8",
        ("G",),
        "multiplier of limit orders, with an empty queue; from regime.maker_rate_multiplier and makers.queue_reaction",
    ),
    (
        "regime_cancel",
        "f8",
        ("G",),
        "[1/s] cancel rate of a lot, or of an order, with an empty queue; from makers.cancel_rate_per_second, queue_reaction"
        " and regime.maker_rate_multiplier / depth_multiplier",
    ),
    ("regime_depth_multiplier", "f8", ("G",), "of resting quantity"),
    ("regime_distance_multiplier", "f8", ("G",), "of placement distance"),
    # news
    ("news_source", "i8", (), "0 none, 1 Poisson, 2 tape"),
    ("tape_latest", "f8", (), "[s] latest start of an episode on the tape; from the tape"),
    ("news_rate_per_second", "f8", ("S+1",), "[1/s] each symbol, last market-wide"),
    ("news_impact", "f8", (), "[log] at polarity 1"),
    ("news_immediate_share", "f8", (), "of the move"),
    ("news_absorb", "f8", (), "share of the rest that is followed in a microstep; from news.drift_half_life_seconds"),
    ("news_excitation_per_second", "f8", (), "[1/s] at |polarity| 1"),
    ("truth", "f8", (3, 3), "cumulative probabilities of the true class given the scored one; from news.scorer"),
    ("truth_magnitude", "f8", (3,), "mean |polarity| of each true class; from the bundled headlines"),
    # takers
    ("hawkes_mu", "f8", ("2S",), "[1/s] baseline, times symbol.activity"),
    ("hawkes_alpha", "f8", ("K", "2S", "2S"), "[1/s] jump: row excites column"),
    ("hawkes_beta", "f8", ("K",), "[1/s] decay; the last used row is from news.excitation_half_life_seconds"),
    ("taker_size_scale", "f8", (), "[lots] of the Lomax size; from flow.taker_size_mean_lots, _exponent and _max_lots"),
    ("taker_size_power", "f8", (), "from -1 / flow.taker_size_exponent"),
    ("taker_size_max_lots", "i8", (), "[lots]"),
    ("taker_size_mean", "f8", (), "[lots] of the law of sizes; from that law"),
    ("taker_size_table", "i8", (), "1: sizes are those of the table; from flow.taker_size_quantiles_lots"),
    ("taker_sizes", "u2", ("Z",), "[lots] equally likely; from flow.taker_size_quantiles_lots"),
    ("taker_touch_share", "f8", (), "of takers that take what stands at the best price, and just that"),
    (
        "touch_limited_share",
        "f8",
        (),
        "of takers that go not past the best price, these included; from flow.taker_touch_share and taker_through_share",
    ),
    ("sweep_share", "f8", (), "of takers, over all venues"),
    ("taker_reach_ticks", "i8", (), "[ticks] past the best of others at which a taker still trades"),
    ("informed_share", "f8", (), "largest tilt"),
    ("mispricing_scale_ticks", "f8", (), "[ticks]"),
    ("impact_per_lot", "f8", ("S",), "[log/lot] from flow.impact_kappa × symbol.impact_multiplier"),
    ("impact_transient_share", "f8", (), "of the impact, which decays; from 1 - flow.impact_permanent_share"),
    (
        "impact_decay",
        "f8",
        (),
        "share of what has still to decay that does so in a microstep; from flow.impact_half_life_seconds",
    ),
    ("parent_rate", "f8", ("S",), "[1/s] from parents.rate_per_second × symbol.activity"),
    ("child_rate_per_second", "f8", (), "[1/s] of one active parent"),
    ("children_power", "f8", (), "from -1 / parents.children_exponent"),
    ("children_max", "i8", (), ""),
    ("child_size_lots", "i8", (), "[lots]"),
    # makers
    (
        "limit_rate",
        "f8",
        ("S", "V"),
        "[1/s] a side; from makers.limit_rate_per_second × symbol.activity × venue.maker_share",
    ),
    ("maker_sizes", "u2", ("Z",), "[lots] equally likely; from makers.size_mean_lots or size_quantiles_lots"),
    ("round_lot_lots", "i8", (), "[lots] in which makers' orders mostly come, 1: none"),
    ("cancel_by_order", "i8", (), "1: cancels go by order, 0: by lot; from makers.cancel_unit"),
    ("refill_after_takers", "f8", (), "probability that a best price emptied by a taker is answered at once"),
    ("refill_after_cancels", "f8", (), "likewise, emptied by a cancel"),
    ("refill_latency_seconds", "f8", (), "[s] mean"),
    ("placement_quantiles_ticks", "f8", ("D",), "[ticks] of the placement distance, at 0, 1/(D-1), ..., 1"),
    (
        "queue_slope",
        "f8",
        ("S", "V"),
        "[1/lot] from makers.queue_reaction over the touch queue at which it is neutral",
    ),
    ("queue_longest", "f8", (), "queue reaction past which cancels no longer rise; from makers.queue_reaction"),
    ("imbalance_reaction", "f8", (), ""),
    ("bursts", "i8", (), "exponentials of the makers' excitation, 0: none; from makers.burst_shares"),
    ("burst_shares", "f8", ("B",), "of makers' events that others bring about"),
    ("burst_decays_per_second", "f8", ("B",), "[1/s]"),
    ("burst_rest", "f8", (), "share of the rate that nothing excites; from makers.burst_shares"),
    ("stale_extra", "f8", (), "from makers.stale_cancel_multiplier - 1"),
    ("arbitrage_latency_seconds", "f8", (), "[s]"),
    (
        "initial_orders",
        "f8",
        ("S", "V"),
        "expected orders a side at the start of the burn-in; from limit_rate / makers.cancel_rate_per_second",
    ),
    # replay
    ("replay", "i8", (), "1: a recording drives the books, and there is no other flow"),
    (
        "replay_earliest",
        "f8",
        (),
        "[s] of the recording, first at which an episode begins; from it and replay.start_seconds",
    ),
    ("replay_latest", "f8", (), "[s] last"),
    # policy
    ("use_avellaneda_stoikov", "i8", (), "0 fixed spread, 1 Avellaneda-Stoikov"),
    ("base_half_spread", "f8", (), "fraction of the mid; from policy.base_spread_bps"),
    ("risk_aversion", "f8", (), "[1/currency a share, lots]"),
    ("fill_decay", "f8", (), "[1/currency a share]"),
    ("arrival_rate", "f8", (), "[lots/s] a side at depth zero, for policies of closed form"),
    ("inventory_penalty", "f8", (), "phi of cj [currency a share, lot² and second]"),
    ("terminal_penalty", "f8", (), "alpha of cj [currency a share and lot²]"),
    ("horizon_seconds", "f8", (), "[s] of inventory risk"),
    ("rolling_horizon", "i8", (), "1: the horizon rolls, 0: it ends with the episode; from policy.horizon_mode"),
    ("alpha_weight", "f8", (), "[bps] at sentiment 1"),
    ("obi_weight", "f8", (), "[bps] at imbalance 1"),
    ("alpha_smooth", "f8", (), "weight of the newest blend"),
    ("sentiment_decay", "f8", (), "factor a step; from policy.sentiment_half_life_seconds"),
    ("volatility_decay", "f8", (), "factor a step of the fast variance; from policy.volatility_half_life_seconds"),
    ("spread_volatility_weight", "f8", (), ""),
    ("adaptive_tick", "i8", (), ""),
    ("min_tick_ticks", "i8", ("S",), "[ticks]"),
    ("max_tick_ticks", "i8", ("S",), "[ticks]"),
    ("size_skew", "f8", (), ""),
    ("router_learns", "i8", (), "from policy.router"),
    ("router_top_k", "i8", (), "venues quoted at a time"),
    ("router_exploration", "f8", (), ""),
    ("router_review_seconds", "f8", (), "[s]"),
    ("router_decay", "f8", (), "factor a step; from policy.router_memory_seconds"),
    ("residual_half_spreads", "f8", (), ""),
    ("absolute_max_ticks", "f8", (), "[ticks]"),
    ("hedge_action_lots", "f8", (), "[lots]"),
    # risk
    ("covariance_decay", "f8", (), "factor a step; from risk.covariance_half_life_seconds"),
    ("prior_volatility_per_sqrt_second", "f8", (), "[log/sqrt(s)]"),
    (
        "horizon_moves",
        "i8",
        (),
        "steps of the moves behind the risk covariance, 0: those of steps; from risk.var_covariance, var_horizon_seconds",
    ),
    ("horizon_decay", "f8", (), "factor a step; from risk.horizon_half_life_seconds"),
    ("var_method", "i8", (), "index in VAR_METHODS"),
    ("var_conf", "f8", (), ""),
    ("var_quantile", "f8", (), "of the standard normal; from risk.var_conf"),
    ("var_horizon_seconds", "f8", (), "[s]"),
    ("es_conf", "f8", (), ""),
    ("es_window", "i8", (), "[steps]"),
    ("portfolio_var_limit", "f8", (), "[currency]"),
    ("hedge_portfolio_on_breach", "i8", (), ""),
    ("hedge_target", "f8", (), "share of the limit"),
    ("hedge_fraction_portfolio", "f8", (), "share of the inventory"),
    ("hedge_limit_ticks", "i8", (), "[ticks] past the touch"),
    # reward
    ("weight", "f8", ("N",), "of REWARDS; from the keys of these names in reward"),
    ("utility_risk_aversion", "f8", (), "[1/currency]"),
    # episode
    ("step_seconds", "f8", (), "[s]"),
    ("microsteps", "i8", (), ""),
    ("steps", "i8", (), "of an episode"),
    ("burn_in_steps", "i8", (), "decision steps without an agent; from episode.burn_in_seconds"),
    ("liquidate_at_end", "i8", (), ""),
)


@cache
def params_dtype(capacity: Capacity) -> np.dtype:
    """Record of one configuration."""
    letters = capacity.letters | {"G": REGIMES, "Z": SIZES, "D": KNOTS}
    return record_dtype(FIELDS, letters)
