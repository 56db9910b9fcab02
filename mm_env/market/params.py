"""From a configuration to the params that kernels read, shape () of `params_dtype`."""

from __future__ import annotations

import math

import numpy as np

from mm_env.config import MarketConfig
from mm_env.sim.laws import (
    KNOTS,
    geometric_sizes,
    half_life_factor,
    lomax_mean,
    lomax_scale,
    normal_quantile,
    placement_quantiles,
    sizes_of_quantiles,
    stationary_law,
)
from mm_env.sim.params import VAR_METHODS, params_dtype
from mm_env.sim.state import REWARDS, WINDOW, capacity_for

_COARSEST = 2.0**40  # [ticks] past any price that a book can hold
_FARTHEST = WINDOW / 2 - 4  # [ticks] from the efficient price at which a maker places
_FLOW = (
    "volatility_per_sqrt_second", "hawkes_mu", "hawkes_alpha", "parent_rate", "limit_rate", "initial_orders",
    "regime_cancel", "bursts", "cancel_by_order", "refill_after_takers",
)  # fmt: skip
"""What a replay sets to zero."""


def make_params(
    config: MarketConfig,
    confusion: tuple[np.ndarray, np.ndarray] | None = None,
    tape_latest: float = 0.0,
    replay_window: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Params record, shape () of `params_dtype`, of a configuration.

    confusion: (3, 3) and (3,) true class given the scored one, and mean |polarity|, for tapes without polarity.
    tape_latest: [s] latest start of an episode on the tape
    replay_window: [s] first and last start of an episode in the recording that is replayed
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
    p["utility_risk_aversion"] = config.reward.utility_risk_aversion
    p["step_seconds"], p["microsteps"], p["steps"] = e.step_seconds, e.microsteps, e.steps
    p["burn_in_steps"] = math.ceil(e.burn_in_seconds / e.step_seconds - 1e-9)
    p["liquidate_at_end"] = e.liquidate_at_end
    if config.replay is not None:
        _replay(p, config, replay_window)
    return p


def _replay(p: np.ndarray, config: MarketConfig, window: tuple[float, float]) -> None:
    """No flow but the recording's, no diffusion of its own, one regime, and nobody who trades crossed venues back."""
    assert config.replay is not None
    p["replay"], (p["replay_earliest"], p["replay_latest"]) = 1, window
    for name in _FLOW:
        p[name] = 0.0
    p["regimes"], p["arbitrage_latency_seconds"] = 1, math.inf
    if not config.replay.impact:
        p["impact_per_lot"] = 0.0


def _symbols(p: np.ndarray, config: MarketConfig) -> None:
    for i, s in enumerate(config.symbols):
        p["start_price_ticks"][i] = s.start_price / s.tick_size
        p["lot_value"][i] = s.tick_size * s.lot_size
        p["tick_size"][i] = s.tick_size
        p["volatility_per_sqrt_second"][i] = s.volatility_bps_per_sqrt_second * 1e-4
        p["symbol_distance_multiplier"][i] = s.distance_multiplier
        p["quote_size"][i], p["inventory_limit"][i] = s.quote_size, s.inventory_limit
    n = len(config.symbols)
    p["correlation_cholesky"][:n, :n] = np.linalg.cholesky(config.correlation_matrix())


def _venues(p: np.ndarray, config: MarketConfig) -> None:
    total = sum(v.liquidity_share for v in config.venues)
    for i, v in enumerate(config.venues):
        p["liquidity_share"][i] = v.liquidity_share / total
        p["tick_multiple"][i], p["price_basis_ticks"][i] = v.tick_multiple, v.price_basis_ticks
        p["maker_fee"][i], p["taker_fee"][i] = v.maker_fee_bps * 1e-4, v.taker_fee_bps * 1e-4
        p["latency_seconds"][i], p["data_latency_seconds"][i] = v.latency_ms * 1e-3, v.data_latency_ms * 1e-3


def _regimes(p: np.ndarray, config: MarketConfig) -> None:
    names = [r.name for r in config.regimes]
    n = len(names)
    p["regimes"] = n
    next_regime = np.zeros((n, n))
    for i, r in enumerate(config.regimes):
        p["regime_mean_duration_seconds"][i] = r.mean_duration_seconds
        p["regime_volatility_multiplier"][i], p["regime_taker_rate_multiplier"][i] = (
            r.volatility_multiplier,
            r.taker_rate_multiplier,
        )
        p["regime_depth_multiplier"][i], p["regime_distance_multiplier"][i] = r.depth_multiplier, r.distance_multiplier
        weights = np.array([r.transitions.get(name, 0.0) if r.transitions else float(name != r.name) for name in names])
        next_regime[i] = weights / weights.sum() if weights.sum() > 0 else np.eye(n)[i]
    p["regime_next"][:n, :n] = np.cumsum(next_regime, axis=1)
    first = config.episode.initial_regime
    law = (
        stationary_law(next_regime, p["regime_mean_duration_seconds"][:n])
        if first is None
        else np.eye(n)[names.index(first)]
    )
    p["regime_start"][:n] = np.cumsum(law)


def _news(p: np.ndarray, config: MarketConfig, confusion: tuple[np.ndarray, np.ndarray] | None) -> None:
    news, n = config.news, len(config.symbols)
    micro = config.episode.step_seconds / config.episode.microsteps
    p["news_source"] = ("none", "poisson", "tape").index(news.source)
    if news.source == "poisson":
        p["news_rate_per_second"][:n], p["news_rate_per_second"][-1] = (
            news.rate_per_hour / 3600.0,
            news.macro_rate_per_hour / 3600.0,
        )
    p["news_impact"], p["news_immediate_share"] = news.impact_bps * 1e-4, news.immediate_share
    p["news_absorb"] = 1.0 - half_life_factor(micro, news.drift_half_life_seconds)
    p["news_excitation_per_second"] = news.excitation_per_second
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
    p["hawkes_mu"][: 2 * n] = mu
    p["hawkes_alpha"][:rows, : 2 * n, : 2 * n] = jump.transpose(0, 2, 1)
    p["hawkes_beta"][:rows], p["hawkes_beta"][rows] = beta[:rows], math.log(2.0) / config.news.excitation_half_life_seconds
    p["exponentials"] = rows + 1
    if flow.taker_size_quantiles_lots is None:
        p["taker_size_scale"] = lomax_scale(flow.taker_size_mean_lots, flow.taker_size_exponent, flow.taker_size_max_lots)
        p["taker_size_mean"] = lomax_mean(float(p["taker_size_scale"]), flow.taker_size_exponent, flow.taker_size_max_lots)
    else:
        p["taker_size_table"], p["taker_sizes"] = 1, sizes_of_quantiles(flow.taker_size_quantiles_lots)
        p["taker_size_mean"] = p["taker_sizes"].mean()
    p["taker_touch_share"] = flow.taker_touch_share
    p["touch_limited_share"] = flow.taker_touch_share + (1.0 - flow.taker_touch_share) * (1.0 - flow.taker_through_share)
    p["taker_size_power"], p["taker_size_max_lots"] = -1.0 / flow.taker_size_exponent, flow.taker_size_max_lots
    p["taker_reach_ticks"] = flow.taker_reach_ticks
    p["sweep_share"], p["informed_share"] = flow.sweep_share, flow.informed_share
    p["mispricing_scale_ticks"] = flow.mispricing_scale_ticks
    p["impact_per_lot"][:n] = [flow.impact_kappa * 1e-4 * s.impact_multiplier for s in config.symbols]
    p["impact_transient_share"] = 1.0 - flow.impact_permanent_share
    micro = config.episode.step_seconds / config.episode.microsteps
    p["impact_decay"] = 1.0 - half_life_factor(micro, flow.impact_half_life_seconds)
    parents = flow.parents
    p["parent_rate"][:n] = [parents.rate_per_second * s.activity for s in config.symbols]
    p["child_rate_per_second"], p["child_size_lots"] = parents.child_rate_per_second, parents.child_size_lots
    p["children_power"], p["children_max"] = -1.0 / parents.children_exponent, parents.children_max


def _makers(p: np.ndarray, config: MarketConfig) -> None:
    m, n, v = config.flow.makers, len(config.symbols), len(config.venues)
    activity = np.array([s.activity for s in config.symbols])
    made = np.array([one.liquidity_share if one.maker_share is None else one.maker_share for one in config.venues])
    p["limit_rate"][:n, :v] = m.limit_rate_per_second * activity[:, None] * (made / made.sum())
    p["maker_sizes"] = (
        geometric_sizes(m.size_mean_lots) if m.size_quantiles_lots is None else sizes_of_quantiles(m.size_quantiles_lots)
    )
    p["round_lot_lots"], p["cancel_by_order"] = m.round_lot_lots, m.cancel_unit == "order"
    p["refill_after_takers"], p["refill_after_cancels"] = m.refill_after_takers, m.refill_after_cancels
    p["refill_latency_seconds"] = m.refill_latency_ms * 1e-3
    mean_size = float(p["maker_sizes"].mean())
    p["placement_quantiles_ticks"] = placement_quantiles(m.placement_offset_ticks, m.placement_exponent, _FARTHEST)
    if m.placement_quantiles_ticks is not None:
        grid = np.linspace(0.0, 1.0, len(m.placement_quantiles_ticks))
        p["placement_quantiles_ticks"] = np.interp(np.linspace(0.0, 1.0, KNOTS), grid, m.placement_quantiles_ticks)
    p["bursts"], p["burst_rest"] = len(m.burst_shares), 1.0 - sum(m.burst_shares)
    p["burst_shares"][: len(m.burst_shares)] = m.burst_shares
    p["burst_decays_per_second"][: len(m.burst_shares)] = m.burst_decays_per_second
    p["imbalance_reaction"] = m.imbalance_reaction
    p["initial_orders"] = p["limit_rate"] / m.cancel_rate_per_second
    # the neutral queue is what stands within one tick of the touch when nothing reacts, and a mean order at least
    near = 1.0 - (1.0 + 1.0 / m.placement_offset_ticks) ** -m.placement_exponent
    if m.placement_quantiles_ticks is not None:
        near = float(np.mean(p["placement_quantiles_ticks"] <= p["placement_quantiles_ticks"][0] + 1.0))
    p["queue_slope"] = m.queue_reaction / np.maximum(p["initial_orders"] * mean_size * near, mean_size)
    p["queue_longest"] = 4.0 * m.queue_reaction
    for i, r in enumerate(config.regimes):
        p["regime_limit"][i] = r.maker_rate_multiplier * (1.0 + m.queue_reaction)
        leave = (
            m.cancel_rate_per_second
            / (1.0 if p["cancel_by_order"] else mean_size)
            * r.maker_rate_multiplier
            / r.depth_multiplier
        )
        p["regime_cancel"][i] = leave / (1.0 + m.queue_reaction)
    p["stale_extra"], p["arbitrage_latency_seconds"] = m.stale_cancel_multiplier - 1.0, m.arbitrage_latency_ms * 1e-3


def _policy(p: np.ndarray, config: MarketConfig) -> None:
    c, dt = config.policy, config.episode.step_seconds
    p["use_avellaneda_stoikov"], p["base_half_spread"] = c.use_avellaneda_stoikov, c.base_spread_bps * 0.5e-4
    p["risk_aversion"], p["fill_decay"], p["horizon_seconds"] = c.risk_aversion, c.fill_decay, c.horizon_seconds
    p["arrival_rate"] = c.arrival_rate
    p["inventory_penalty"], p["terminal_penalty"] = c.inventory_penalty, c.terminal_penalty
    p["rolling_horizon"] = c.horizon_mode == "rolling"
    p["alpha_weight"], p["obi_weight"], p["alpha_smooth"] = c.alpha_weight, c.obi_weight, c.alpha_smooth
    p["sentiment_decay"] = half_life_factor(dt, c.sentiment_half_life_seconds)
    p["volatility_decay"] = half_life_factor(dt, c.volatility_half_life_seconds)
    p["spread_volatility_weight"], p["adaptive_tick"] = c.spread_volatility_weight, c.adaptive_tick
    for i, s in enumerate(config.symbols):
        for name, grid in (("min_tick_ticks", c.min_tick), ("max_tick_ticks", c.max_tick)):
            p[name][i] = max(1, math.ceil(min(grid / s.tick_size, _COARSEST) - 1e-9))
    p["size_skew"], p["router_learns"], p["router_top_k"] = c.size_skew, c.router == "learning", c.router_top_k
    p["router_exploration"], p["router_review_seconds"] = c.router_exploration, c.router_review_seconds
    p["router_decay"] = half_life_factor(dt, c.router_memory_seconds)
    p["residual_half_spreads"], p["absolute_max_ticks"] = c.residual_half_spreads, c.absolute_max_ticks
    p["hedge_action_lots"] = c.hedge_action_lots


def _risk(p: np.ndarray, config: MarketConfig) -> None:
    r, dt = config.risk, config.episode.step_seconds
    p["covariance_decay"] = half_life_factor(dt, r.covariance_half_life_seconds)
    p["horizon_moves"] = round(r.var_horizon_seconds / dt) if r.var_covariance == "horizon" else 0
    p["horizon_decay"] = half_life_factor(dt, r.horizon_half_life_seconds)
    p["prior_volatility_per_sqrt_second"] = r.prior_volatility_bps_per_sqrt_second * 1e-4
    p["var_method"] = VAR_METHODS.index(r.var_method)
    p["var_conf"], p["var_quantile"], p["var_horizon_seconds"] = (
        r.var_conf,
        normal_quantile(r.var_conf),
        r.var_horizon_seconds,
    )
    p["es_conf"], p["es_window"] = r.es_conf, r.es_window
    p["portfolio_var_limit"], p["hedge_portfolio_on_breach"] = r.portfolio_var_limit, r.hedge_portfolio_on_breach
    p["hedge_target"], p["hedge_fraction_portfolio"] = r.hedge_target, r.hedge_fraction_portfolio
    p["hedge_limit_ticks"] = r.hedge_limit_ticks
