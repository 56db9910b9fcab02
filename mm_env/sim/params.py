"""From the configuration to what kernels read: one record of numbers, constant within an episode.

The kernels know no YAML name: a parameter that is not read here is not read at all.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from mm_env.sim.laws import (
    KNOTS,
    SIZES,
    geometric_sizes,
    half_life_factor,
    lomax_mean,
    lomax_scale,
    normal_quantile,
    placement_quantiles,
    sizes_of_quantiles,
    stationary_law,
)
from mm_env.sim.state import EXPONENTIALS, REWARDS, WINDOW, Capacity, capacity_for, record_dtype

if TYPE_CHECKING:
    from mm_env.config import MarketConfig

REGIMES = 16
_COARSEST = 2.0**40  # [ticks] past any price that a book can hold
_FARTHEST = WINDOW / 2 - 4  # [ticks] from the efficient price at which a maker places
VAR_METHODS = ("parametric", "cornish_fisher", "historical")

# name, dtype, shape, [unit] meaning
FIELDS = (
    ("symbols", "i8", (), "number in use"),
    ("venues", "i8", (), "number in use"),
    ("exponentials", "i8", (), "of the Hawkes kernel, the news row included"),
    ("regimes", "i8", (), "number in use"),
    # symbols
    ("start_price", "f8", ("S",), "[ticks]"),
    ("lot_value", "f8", ("S",), "[currency] of one tick on one lot"),
    ("tick_size", "f8", ("S",), "[currency]"),
    ("volatility", "f8", ("S",), "[log/sqrt(s)]"),
    ("cholesky", "f8", ("S", "S"), "lower factor of the correlation"),
    ("symbol_distance", "f8", ("S",), "multiplier of placement distance"),
    ("quote_size", "i8", ("S",), "[lots]"),
    ("inventory_limit", "i8", ("S",), "[lots]"),
    # venues
    ("share", "f8", ("V",), "of the takers, sum 1"),
    ("multiple", "i8", ("V",), "[ticks] venue tick"),
    ("basis", "i8", ("V",), "[ticks] venue price minus reference price"),
    ("maker_fee", "f8", ("V",), "fraction of value, negative a rebate"),
    ("taker_fee", "f8", ("V",), "fraction of value"),
    ("latency", "f8", ("V",), "[s]"),
    ("data_latency", "f8", ("V",), "[s]"),
    # regimes
    ("regime_duration", "f8", ("G",), "[s] mean"),
    ("regime_next", "f8", ("G", "G"), "cumulative probabilities of the next regime"),
    ("regime_start", "f8", ("G",), "cumulative probabilities of the first regime"),
    ("regime_volatility", "f8", ("G",), "multiplier"),
    ("regime_taker", "f8", ("G",), "multiplier of the baseline"),
    ("regime_limit", "f8", ("G",), "multiplier of limit orders, with an empty queue"),
    ("regime_cancel", "f8", ("G",), "[1/s] cancel rate of a lot, or of an order, with an empty queue"),
    ("regime_depth", "f8", ("G",), "multiplier of resting quantity"),
    ("regime_distance", "f8", ("G",), "multiplier of placement distance"),
    # news
    ("news_source", "i8", (), "0 none, 1 Poisson, 2 tape"),
    ("tape_latest", "f8", (), "[s] latest start of an episode on the tape"),
    ("news_rate", "f8", ("S+1",), "[1/s] each symbol, last market-wide"),
    ("news_impact", "f8", (), "[log] at polarity 1"),
    ("news_immediate", "f8", (), "share at once"),
    ("news_absorb", "f8", (), "share of the rest that is followed in a microstep"),
    ("news_excitation", "f8", (), "[1/s] at |polarity| 1"),
    ("truth", "f8", (3, 3), "cumulative probabilities of the true class given the scored one"),
    ("truth_magnitude", "f8", (3,), "mean |polarity| of each true class"),
    # takers
    ("mu", "f8", ("2S",), "[1/s] baseline"),
    ("jump", "f8", ("K", "2S", "2S"), "[1/s] row excites column"),
    ("beta", "f8", ("K",), "[1/s] decay; the last used row is news"),
    ("taker_scale", "f8", (), "[lots] of the Lomax size"),
    ("taker_power", "f8", (), "-1 / tail exponent"),
    ("taker_max", "i8", (), "[lots]"),
    ("taker_mean", "f8", (), "[lots] of the law of sizes"),
    ("taker_table", "i8", (), "1: sizes are those of the table"),
    ("taker_sizes", "u2", ("Z",), "[lots] equally likely"),
    ("whole", "f8", (), "share of takers that take what stands at the best price, and just that"),
    ("within", "f8", (), "share of takers that go not past the best price, these included"),
    ("sweep", "f8", (), "share of takers over all venues"),
    ("reach", "i8", (), "[ticks] past the best of others at which a taker still trades"),
    ("informed", "f8", (), "largest tilt"),
    ("mispricing_scale", "f8", (), "[ticks]"),
    ("impact", "f8", ("S",), "[log/lot]"),
    ("transient_share", "f8", (), "of the impact, which decays"),
    ("impact_decay", "f8", (), "share of what has still to decay that does so in a microstep"),
    ("parent_rate", "f8", ("S",), "[1/s]"),
    ("child_rate", "f8", (), "[1/s] of one active parent"),
    ("children_power", "f8", (), "-1 / tail exponent of the number of children"),
    ("children_max", "i8", (), ""),
    ("child_size", "i8", (), "[lots]"),
    # makers
    ("limit_rate", "f8", ("S", "V"), "[1/s] a side"),
    ("maker_sizes", "u2", ("Z",), "[lots] equally likely"),
    ("round_lot", "i8", (), "[lots] in which makers' orders mostly come, 1: none"),
    ("by_order", "i8", (), "1: cancels go by order, 0: by lot"),
    ("refill_taken", "f8", (), "probability that a best price emptied by a taker is answered at once"),
    ("refill_cancelled", "f8", (), "likewise, emptied by a cancel"),
    ("refill_latency", "f8", (), "[s] mean"),
    ("distance", "f8", ("D",), "[ticks] quantiles of the placement distance at 0, 1/(D-1), ..., 1"),
    ("queue_slope", "f8", ("S", "V"), "[1/lot] queue reaction over the touch queue at which it is neutral"),
    ("queue_longest", "f8", (), "queue reaction past which cancels no longer rise"),
    ("imbalance_reaction", "f8", (), ""),
    ("bursts", "i8", (), "exponentials of the makers' excitation, 0: none"),
    ("burst_share", "f8", ("B",), "of makers' events that others bring about"),
    ("burst_decay", "f8", ("B",), "[1/s]"),
    ("burst_rest", "f8", (), "share of the rate that nothing excites"),
    ("stale_extra", "f8", (), "multiplier of the cancel rate of what is stale, minus 1"),
    ("arbitrage_latency", "f8", (), "[s]"),
    ("initial_orders", "f8", ("S", "V"), "expected orders a side at the start of the burn-in"),
    # replay
    ("replay", "i8", (), "1: a record drives the books, and there is no other flow"),
    ("feed_earliest", "f8", (), "[s] of the record, first at which an episode begins"),
    ("feed_latest", "f8", (), "[s] last"),
    # policy
    ("avellaneda", "i8", (), "0 fixed spread, 1 Avellaneda-Stoikov"),
    ("base_half_spread", "f8", (), "fraction of the mid"),
    ("gamma", "f8", (), "[1/currency a share, lots]"),
    ("fill_decay", "f8", (), "[1/currency a share]"),
    ("arrival_rate", "f8", (), "[lots/s] a side at depth zero, for policies of closed form"),
    ("cj_penalty", "f8", (2,), "phi [currency a share, lot² and second] and alpha [currency a share and lot²]"),
    ("horizon", "f8", (), "[s] of inventory risk"),
    ("rolling", "i8", (), "1: the horizon rolls, 0: it ends with the episode"),
    ("alpha_weight", "f8", (), "[bps] at sentiment 1"),
    ("obi_weight", "f8", (), "[bps] at imbalance 1"),
    ("alpha_smooth", "f8", (), "weight of the newest blend"),
    ("sentiment_decay", "f8", (), "factor a step"),
    ("fast_decay", "f8", (), "factor a step of the fast variance"),
    ("spread_volatility_weight", "f8", (), ""),
    ("adaptive_tick", "i8", (), ""),
    ("min_tick", "i8", ("S",), "[ticks]"),
    ("max_tick", "i8", ("S",), "[ticks]"),
    ("size_skew", "f8", (), ""),
    ("router_learns", "i8", (), ""),
    ("router_top", "i8", (), "venues quoted at a time"),
    ("router_exploration", "f8", (), ""),
    ("router_review", "f8", (), "[s]"),
    ("router_decay", "f8", (), "factor a step"),
    ("residual_half_spreads", "f8", (), ""),
    ("absolute_max", "f8", (), "[ticks]"),
    ("hedge_action", "f8", (), "[lots]"),
    # risk
    ("covariance_decay", "f8", (), "factor a step"),
    ("prior_volatility", "f8", (), "[log/sqrt(s)]"),
    ("horizon_moves", "i8", (), "steps of the moves behind the risk covariance; 0: it is that of steps"),
    ("horizon_decay", "f8", (), "factor a step"),
    ("var_method", "i8", (), "index in VAR_METHODS"),
    ("var_conf", "f8", (), ""),
    ("var_quantile", "f8", (), "of the standard normal at var_conf"),
    ("var_horizon", "f8", (), "[s]"),
    ("es_conf", "f8", (), ""),
    ("es_window", "i8", (), "[steps]"),
    ("var_limit", "f8", (), "[currency]"),
    ("hedging", "i8", (), ""),
    ("hedge_target", "f8", (), "share of the limit"),
    ("hedge_fraction", "f8", (), "share of the inventory"),
    ("hedge_limit", "i8", (), "[ticks] past the touch"),
    # reward
    ("weight", "f8", ("N",), "REWARDS"),
    ("utility_aversion", "f8", (), "[1/currency]"),
    # episode
    ("step_seconds", "f8", (), "[s]"),
    ("microsteps", "i8", (), ""),
    ("steps", "i8", (), "of an episode"),
    ("burn_in_steps", "i8", (), "decision steps without an agent"),
    ("liquidate", "i8", (), ""),
)


@cache
def params_dtype(capacity: Capacity) -> np.dtype:
    """Record of one configuration."""
    letters = capacity.letters | {"G": REGIMES, "Z": SIZES, "D": KNOTS}
    return record_dtype(FIELDS, letters)


def make_params(
    config: MarketConfig,
    confusion: tuple[np.ndarray, np.ndarray] | None = None,
    tape_latest: float = 0.0,
    feed_window: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Params record, shape () of `params_dtype`, of a configuration.

    confusion: (3, 3) and (3,) true class given the scored one, and mean |polarity|, for tapes without polarity.
    tape_latest: [s] latest start of an episode on the tape
    feed_window: [s] first and last start of an episode in the record that is replayed
    """
    capacity = capacity_for(len(config.symbols), len(config.venues))
    p = np.zeros((), params_dtype(capacity))
    p["symbols"], p["venues"] = len(config.symbols), len(config.venues)
    _symbols(p, config)
    _venues(p, config)
    _regimes(p, config)
    _news(p, config, confusion)
    p["tape_latest"] = tape_latest
    _takers(p, config)
    _makers(p, config)
    _policy(p, config)
    _risk(p, config)
    e = config.episode
    for index, name in enumerate(REWARDS):
        p["weight"][index] = getattr(config.reward, name)
    p["utility_aversion"] = config.reward.utility_risk_aversion
    p["step_seconds"], p["microsteps"], p["steps"] = e.step_seconds, e.microsteps, e.steps
    p["burn_in_steps"] = math.ceil(e.burn_in_seconds / e.step_seconds - 1e-9)
    p["liquidate"] = e.liquidate_at_end
    if config.replay is not None:
        _replay(p, config, feed_window)
    return p


def _replay(p: np.ndarray, config: MarketConfig, window: tuple[float, float]) -> None:
    """No flow but the record's, no diffusion of its own, one regime, and nobody who trades crossed venues back."""
    assert config.replay is not None
    p["replay"], (p["feed_earliest"], p["feed_latest"]) = 1, window
    flow = ("mu", "jump", "parent_rate", "limit_rate", "initial_orders", "regime_cancel", "bursts", "by_order")
    for name in ("volatility", *flow, "refill_taken"):
        p[name] = 0.0
    p["regimes"], p["arbitrage_latency"] = 1, math.inf
    if not config.replay.impact:
        p["impact"] = 0.0


def _symbols(p: np.ndarray, config: MarketConfig) -> None:
    for i, s in enumerate(config.symbols):
        p["start_price"][i] = s.start_price / s.tick_size
        p["lot_value"][i] = s.tick_size * s.lot_size
        p["tick_size"][i] = s.tick_size
        p["volatility"][i] = s.volatility_bps_per_sqrt_second * 1e-4
        p["symbol_distance"][i] = s.distance_multiplier
        p["quote_size"][i], p["inventory_limit"][i] = s.quote_size, s.inventory_limit
    n = len(config.symbols)
    p["cholesky"][:n, :n] = np.linalg.cholesky(config.correlation_matrix())


def _venues(p: np.ndarray, config: MarketConfig) -> None:
    total = sum(v.liquidity_share for v in config.venues)
    for i, v in enumerate(config.venues):
        p["share"][i] = v.liquidity_share / total
        p["multiple"][i], p["basis"][i] = v.tick_multiple, v.price_basis_ticks
        p["maker_fee"][i], p["taker_fee"][i] = v.maker_fee_bps * 1e-4, v.taker_fee_bps * 1e-4
        p["latency"][i], p["data_latency"][i] = v.latency_ms * 1e-3, v.data_latency_ms * 1e-3


def _regimes(p: np.ndarray, config: MarketConfig) -> None:
    names = [r.name for r in config.regimes]
    n = len(names)
    p["regimes"] = n
    following = np.zeros((n, n))
    for i, r in enumerate(config.regimes):
        p["regime_duration"][i] = r.mean_duration_seconds
        p["regime_volatility"][i], p["regime_taker"][i] = r.volatility_multiplier, r.taker_rate_multiplier
        p["regime_depth"][i], p["regime_distance"][i] = r.depth_multiplier, r.distance_multiplier
        weights = np.array([r.transitions.get(name, 0.0) if r.transitions else float(name != r.name) for name in names])
        following[i] = weights / weights.sum() if weights.sum() > 0 else np.eye(n)[i]
    p["regime_next"][:n, :n] = np.cumsum(following, axis=1)
    first = config.episode.initial_regime
    law = stationary_law(following, p["regime_duration"][:n]) if first is None else np.eye(n)[names.index(first)]
    p["regime_start"][:n] = np.cumsum(law)


def _news(p: np.ndarray, config: MarketConfig, confusion: tuple[np.ndarray, np.ndarray] | None) -> None:
    news, n = config.news, len(config.symbols)
    micro = config.episode.step_seconds / config.episode.microsteps
    p["news_source"] = ("none", "poisson", "tape").index(news.source)
    if news.source == "poisson":
        p["news_rate"][:n], p["news_rate"][-1] = news.rate_per_hour / 3600.0, news.macro_rate_per_hour / 3600.0
    p["news_impact"], p["news_immediate"] = news.impact_bps * 1e-4, news.immediate_share
    p["news_absorb"] = 1.0 - half_life_factor(micro, news.drift_half_life_seconds)
    p["news_excitation"] = news.excitation_per_second
    truth, magnitude = confusion if confusion is not None else (np.eye(3), np.ones(3))
    p["truth"], p["truth_magnitude"] = np.cumsum(truth, axis=1), magnitude


def _takers(p: np.ndarray, config: MarketConfig) -> None:
    flow, n = config.flow, len(config.symbols)
    jump, beta = flow.hawkes_matrices(n), flow.hawkes_decays()
    mu = flow.hawkes_baseline(n) * np.repeat([s.activity for s in config.symbols], 2)
    if not flow.use_hawkes:
        norm = (jump / beta[:, None, None]).sum(axis=0)
        mu, jump = np.linalg.solve(np.eye(2 * n) - norm, mu), jump[:0]
    rows = len(jump)
    p["mu"][: 2 * n] = mu
    p["jump"][:rows, : 2 * n, : 2 * n] = jump.transpose(0, 2, 1)
    p["beta"][:rows], p["beta"][rows] = beta[:rows], math.log(2.0) / config.news.excitation_half_life_seconds
    p["exponentials"] = rows + 1
    if rows + 1 > EXPONENTIALS:
        raise ValueError(f"hawkes_beta has {rows} exponentials; at most {EXPONENTIALS - 1} are allowed")
    if flow.taker_size_quantiles_lots is None:
        p["taker_scale"] = lomax_scale(flow.taker_size_mean_lots, flow.taker_size_exponent, flow.taker_size_max_lots)
        p["taker_mean"] = lomax_mean(float(p["taker_scale"]), flow.taker_size_exponent, flow.taker_size_max_lots)
    else:
        p["taker_table"], p["taker_sizes"] = 1, sizes_of_quantiles(flow.taker_size_quantiles_lots)
        p["taker_mean"] = p["taker_sizes"].mean()
    p["whole"] = flow.taker_touch_share
    p["within"] = flow.taker_touch_share + (1.0 - flow.taker_touch_share) * (1.0 - flow.taker_through_share)
    p["taker_power"], p["taker_max"] = -1.0 / flow.taker_size_exponent, flow.taker_size_max_lots
    p["reach"] = flow.taker_reach_ticks
    p["sweep"], p["informed"] = flow.sweep_share, flow.informed_share
    p["mispricing_scale"] = flow.mispricing_scale_ticks
    p["impact"][:n] = [flow.impact_kappa * 1e-4 * s.impact_multiplier for s in config.symbols]
    p["transient_share"] = 1.0 - flow.impact_permanent_share
    micro = config.episode.step_seconds / config.episode.microsteps
    p["impact_decay"] = 1.0 - half_life_factor(micro, flow.impact_half_life_seconds)
    parents = flow.parents
    p["parent_rate"][:n] = [parents.rate_per_second * s.activity for s in config.symbols]
    p["child_rate"], p["child_size"] = parents.child_rate_per_second, parents.child_size_lots
    p["children_power"], p["children_max"] = -1.0 / parents.children_exponent, parents.children_max


def _makers(p: np.ndarray, config: MarketConfig) -> None:
    m, n, v = config.flow.makers, len(config.symbols), len(config.venues)
    activity = np.array([s.activity for s in config.symbols])
    made = np.array([one.liquidity_share if one.maker_share is None else one.maker_share for one in config.venues])
    p["limit_rate"][:n, :v] = m.limit_rate_per_second * activity[:, None] * (made / made.sum())
    p["maker_sizes"] = (
        geometric_sizes(m.size_mean_lots) if m.size_quantiles_lots is None else sizes_of_quantiles(m.size_quantiles_lots)
    )
    p["round_lot"], p["by_order"] = m.round_lot_lots, m.cancel_unit == "order"
    p["refill_taken"], p["refill_cancelled"] = m.refill_after_takers, m.refill_after_cancels
    p["refill_latency"] = m.refill_latency_ms * 1e-3
    mean_size = float(p["maker_sizes"].mean())
    p["distance"] = placement_quantiles(m.placement_offset_ticks, m.placement_exponent, _FARTHEST)
    if m.placement_quantiles_ticks is not None:
        grid = np.linspace(0.0, 1.0, len(m.placement_quantiles_ticks))
        p["distance"] = np.interp(np.linspace(0.0, 1.0, KNOTS), grid, m.placement_quantiles_ticks)
    p["bursts"], p["burst_rest"] = len(m.burst_shares), 1.0 - sum(m.burst_shares)
    p["burst_share"][: len(m.burst_shares)] = m.burst_shares
    p["burst_decay"][: len(m.burst_shares)] = m.burst_decays_per_second
    p["imbalance_reaction"] = m.imbalance_reaction
    p["initial_orders"] = p["limit_rate"] / m.cancel_rate_per_second
    # the neutral queue is what stands within one tick of the touch when nothing reacts, and a mean order at least
    near = 1.0 - (1.0 + 1.0 / m.placement_offset_ticks) ** -m.placement_exponent
    if m.placement_quantiles_ticks is not None:
        near = float(np.mean(p["distance"] <= p["distance"][0] + 1.0))
    p["queue_slope"] = m.queue_reaction / np.maximum(p["initial_orders"] * mean_size * near, mean_size)
    p["queue_longest"] = 4.0 * m.queue_reaction
    for i, r in enumerate(config.regimes):
        p["regime_limit"][i] = r.maker_rate_multiplier * (1.0 + m.queue_reaction)
        leave = (
            m.cancel_rate_per_second / (1.0 if p["by_order"] else mean_size) * r.maker_rate_multiplier / r.depth_multiplier
        )
        p["regime_cancel"][i] = leave / (1.0 + m.queue_reaction)
    p["stale_extra"], p["arbitrage_latency"] = m.stale_cancel_multiplier - 1.0, m.arbitrage_latency_ms * 1e-3


def _policy(p: np.ndarray, config: MarketConfig) -> None:
    c, dt = config.policy, config.episode.step_seconds
    p["avellaneda"], p["base_half_spread"] = c.use_avellaneda, c.base_spread_bps * 0.5e-4
    p["gamma"], p["fill_decay"], p["horizon"] = c.as_gamma, c.as_k, c.as_T
    p["arrival_rate"], p["cj_penalty"] = c.as_A, (c.cj_phi, c.cj_alpha)
    p["rolling"] = c.as_horizon == "rolling"
    p["alpha_weight"], p["obi_weight"], p["alpha_smooth"] = c.alpha_weight, c.obi_weight, c.alpha_smooth
    p["sentiment_decay"] = half_life_factor(dt, c.sentiment_half_life_seconds)
    p["fast_decay"] = half_life_factor(dt, c.volatility_half_life_seconds)
    p["spread_volatility_weight"], p["adaptive_tick"] = c.spread_volatility_weight, c.adaptive_tick
    for i, s in enumerate(config.symbols):
        for name, grid in (("min_tick", c.min_tick), ("max_tick", c.max_tick)):
            p[name][i] = max(1, math.ceil(min(grid / s.tick_size, _COARSEST) - 1e-9))
    p["size_skew"], p["router_learns"], p["router_top"] = c.size_skew, c.router == "learning", c.router_top_k
    p["router_exploration"], p["router_review"] = c.router_exploration, c.router_review_seconds
    p["router_decay"] = half_life_factor(dt, c.router_memory_seconds)
    p["residual_half_spreads"], p["absolute_max"] = c.residual_half_spreads, c.absolute_max_ticks
    p["hedge_action"] = c.hedge_action_lots


def _risk(p: np.ndarray, config: MarketConfig) -> None:
    r, dt = config.risk, config.episode.step_seconds
    p["covariance_decay"] = half_life_factor(dt, r.covariance_half_life_seconds)
    p["horizon_moves"] = round(r.var_horizon_seconds / dt) if r.var_covariance == "horizon" else 0
    p["horizon_decay"] = half_life_factor(dt, r.horizon_half_life_seconds)
    p["prior_volatility"] = r.prior_volatility_bps_per_sqrt_second * 1e-4
    p["var_method"] = VAR_METHODS.index(r.var_method)
    p["var_conf"], p["var_quantile"], p["var_horizon"] = r.var_conf, normal_quantile(r.var_conf), r.var_horizon_seconds
    p["es_conf"], p["es_window"] = r.es_conf, r.es_window
    p["var_limit"], p["hedging"] = r.portfolio_var_limit, r.hedge_portfolio_on_breach
    p["hedge_target"], p["hedge_fraction"] = r.hedge_target, r.hedge_fraction_portfolio
    p["hedge_limit"] = r.hedge_limit_ticks
