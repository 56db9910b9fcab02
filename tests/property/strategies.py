"""Random valid markets: ordinary ones, and the ends of what the configuration allows, at a bounded number of events."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from mm_env.config import MarketConfig

EVENTS_A_STEP = 400  # of makers and takers each, about; a rate above it is lowered to it


def wide(low: float, high: float) -> st.SearchStrategy[float]:
    """Positive numbers over orders of magnitude, both ends included, simplest at the low end."""
    span = st.floats(math.log(low), math.log(high)).map(lambda x: min(high, max(low, math.exp(x))))
    return st.one_of(span, st.sampled_from([low, high]))


def flat(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of a range, its ends and 0 more often than by chance."""
    ends = [low, high] + [0.0] * (low <= 0.0 <= high)
    return st.one_of(st.floats(low, high), st.sampled_from(ends))


@st.composite
def episodes(draw: st.DrawFn) -> dict[str, Any]:
    """Episodes of 30 to 100 steps."""
    step = draw(st.one_of(wide(0.05, 10.0), st.sampled_from([0.05, 0.1, 0.3, 1.0])))
    return {
        "step_seconds": step,
        "microsteps": draw(st.integers(1, 20)),
        "steps": draw(st.integers(30, 100)),
        "burn_in_seconds": step * draw(st.integers(0, 5)),
        "liquidate_at_end": draw(st.booleans()),
    }


@st.composite
def symbols(draw: st.DrawFn, count: int, wildest: float, micro: float, length: float) -> list[dict[str, Any]]:
    """Symbols of up to a billion ticks. wildest: regime multiplier; micro, length: [s] of a microstep, an episode."""
    found = []
    # 10 % a microstep is the largest allowed; past 3 in an episode's log price, prices leave what books can hold
    most = min(20.0, 0.099 / (1e-4 * wildest * math.sqrt(micro)), 3.0 / (1e-4 * wildest * math.sqrt(length)))
    for k in range(count):
        tick = draw(st.one_of(st.just(0.01), wide(1e-6, 100.0)))
        size = draw(st.one_of(st.integers(1, 50), st.sampled_from([1, 100_000])))
        found.append(
            {
                "name": f"S{k}",
                "tick_size": tick,
                "start_price": tick * draw(st.one_of(wide(200.0, 5e8), st.just(5_000.0), st.just(120.0))),
                "lot_size": draw(st.one_of(st.just(100.0), wide(1e-3, 1e6))),
                "volatility_bps_per_sqrt_second": most * draw(st.one_of(st.just(0.05), flat(0.0, 1.0))),
                "activity": draw(st.one_of(st.just(1.0), wide(0.01, 100.0))),
                "quote_size": size,
                "inventory_limit": size * draw(st.sampled_from([1, 1, 2, 10])),
            }
        )
    return found


@st.composite
def venues(draw: st.DrawFn, count: int, step: float) -> list[dict[str, Any]]:
    """Venues with ticks, bases, fees, and latencies that include none, whole steps and the longest."""
    found = []
    for k in range(count):
        multiple = draw(st.sampled_from([1, 1, 2, 5, 16]))
        data = draw(st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0)))
        late = draw(st.one_of(st.sampled_from([0.0, 1.0 - data, 1.0, 2.5, 3.0]), st.floats(0.0, 3.0)))
        found.append(
            {
                "name": f"V{k}",
                "liquidity_share": draw(wide(1e-2, 1e2)),
                "maker_share": draw(st.one_of(st.none(), wide(1e-2, 1e2))),
                "tick_multiple": multiple,
                "price_basis_ticks": multiple * draw(st.sampled_from([0, 0, 1, -3, 40, -50, 1000])),
                "maker_fee_bps": draw(st.one_of(st.just(-0.2), flat(-100.0, 100.0))),
                "taker_fee_bps": draw(st.one_of(st.just(0.3), flat(-100.0, 100.0))),
                "latency_ms": 1000.0 * step * late,
                "data_latency_ms": 1000.0 * step * data,
            }
        )
    return found


@st.composite
def regimes(draw: st.DrawFn, count: int) -> list[dict[str, Any]]:
    """Regimes that last long or hardly at all."""
    multiplier = st.one_of(st.just(1.0), wide(0.05, 20.0))
    names = ("volatility", "taker_rate", "maker_rate", "depth", "distance")
    return [
        {"name": f"R{k}", "mean_duration_seconds": draw(wide(0.5, 1e4))}
        | {f"{name}_multiplier": draw(multiplier) for name in names}
        for k in range(count)
    ]


@st.composite
def flows(draw: st.DrawFn, count: int, activity: float, busiest: float, seconds: float) -> dict[str, Any]:
    """Takers and makers. activity: sum over symbols; busiest: largest regime multiplier; seconds: of a step."""
    most = EVENTS_A_STEP / (2.0 * seconds * activity * busiest)
    beta = draw(st.lists(wide(0.05, 200.0), min_size=1, max_size=3))
    cross_side, cross_symbol = draw(flat(0.0, 1.0)), draw(flat(0.0, 1.0))
    branching = draw(flat(0.0, 0.95))
    part = branching / len(beta) / (1.0 + cross_side + (count - 1) * cross_symbol)
    mu = min(draw(wide(1e-6, 1e4)), most * (1.0 - branching))
    exponent = draw(st.floats(1.2, 5.0))
    mean = draw(st.one_of(st.just(4.0), wide(1.0, 50.0)))
    table = draw(st.sampled_from([None, [1, 1, 30], [2, 65_535]]))
    child = draw(st.sampled_from([1, 3, 10_000]))
    largest = max(child, 30.0 * mean, table[-1] if table else 0)
    return {
        "use_hawkes": draw(st.booleans()),
        "hawkes_mu": mu,
        "hawkes_alpha": [part * b for b in beta],
        "hawkes_beta": beta,
        "hawkes_cross_side": cross_side,
        "hawkes_cross_symbol": cross_symbol,
        "taker_size_mean_lots": mean,
        "taker_size_exponent": exponent,
        "taker_size_max_lots": draw(st.sampled_from([200, 1_000_000])) if mean > 1.0 else 1,
        "taker_reach_ticks": draw(st.integers(0, 200)),
        "taker_size_quantiles_lots": table,
        "taker_touch_share": draw(flat(0.0, 1.0)),
        "taker_through_share": draw(flat(0.0, 1.0)),
        "sweep_share": draw(flat(0.0, 1.0)),
        "informed_share": draw(flat(0.0, 1.0)),
        "mispricing_scale_ticks": draw(wide(1e-3, 1e3)),
        "impact_kappa": min(draw(st.one_of(st.just(0.01), flat(0.0, 10.0))), 150.0 / largest),
        "parents": {
            "rate_per_second": min(draw(flat(0.0, 10.0)), most),
            "child_rate_per_second": min(draw(wide(1e-3, 100.0)), EVENTS_A_STEP / (16.0 * count * seconds)),
            "children_exponent": draw(st.floats(1.05, 10.0)),
            "child_size_lots": child,
        },
        "makers": {
            "limit_rate_per_second": max(1e-6, min(draw(st.one_of(st.just(9.0), wide(1e-4, 1e4))), most)),
            "cancel_rate_per_second": draw(st.one_of(st.just(0.25), wide(1e-3, 1e2))),
            "size_mean_lots": draw(st.one_of(st.just(4.0), wide(1.0, 1000.0))),
            "placement_offset_ticks": draw(wide(1e-3, 100.0)),
            "placement_exponent": draw(wide(0.1, 20.0)),
            "queue_reaction": draw(flat(0.0, 5.0)),
            "imbalance_reaction": draw(flat(0.0, 1.0)),
            "stale_cancel_multiplier": draw(wide(1.0, 1000.0)),
            "cancel_unit": draw(st.sampled_from(["lot", "order"])),
            "refill_after_takers": draw(flat(0.0, 1.0)),
            "refill_after_cancels": draw(flat(0.0, 1.0)),
            "refill_latency_ms": draw(wide(1e-3, 1e4)),
            "arbitrage_latency_ms": draw(wide(0.01, 5000.0)),
        },
    }


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """The default policy, from reckless to frozen."""
    usual = st.just
    return {
        "use_avellaneda_stoikov": draw(st.booleans()),
        "base_spread_bps": draw(wide(1e-3, 1e3)),
        "risk_aversion": draw(st.one_of(usual(0.002), wide(1e-9, 1e4))),
        "fill_decay": draw(st.one_of(usual(90.0), wide(1e-6, 1e6))),
        "horizon_seconds": draw(st.one_of(usual(60.0), wide(1e-6, 1e6))),
        "horizon_mode": draw(st.sampled_from(["rolling", "episode"])),
        "alpha_weight": draw(flat(-1000.0, 1000.0)),
        "obi_weight": draw(flat(-1000.0, 1000.0)),
        "alpha_smooth": draw(st.floats(0.01, 1.0)),
        "volatility_half_life_seconds": draw(wide(1e-3, 1e4)),
        "spread_volatility_weight": draw(flat(0.0, 10.0)),
        "adaptive_tick": draw(st.booleans()),
        "size_skew": draw(flat(0.0, 10.0)),
        "router": draw(st.sampled_from(["learning", "random"])),
        "router_top_k": draw(st.integers(1, 4)),
        "router_exploration": draw(flat(0.0, 1.0)),
        "router_review_seconds": draw(wide(1e-3, 100.0)),
        "residual_half_spreads": draw(wide(0.01, 20.0)),
        "absolute_max_ticks": draw(wide(0.1, 1000.0)),
        "hedge_action_lots": draw(st.sampled_from([0, 1, 20, 1000, 1_000_000])),
    }


@st.composite
def risks(draw: st.DrawFn) -> dict[str, Any]:
    """Risk limits, from always binding to never."""
    return {
        "covariance_half_life_seconds": draw(wide(1e-2, 1e4)),
        "prior_volatility_bps_per_sqrt_second": draw(wide(1e-3, 100.0)),
        "var_method": draw(st.sampled_from(["parametric", "cornish_fisher", "historical"])),
        "var_conf": draw(st.floats(0.51, 0.9999)),
        "var_horizon_seconds": draw(wide(1e-2, 1e5)),
        "es_conf": draw(st.floats(0.51, 0.9999)),
        "es_window": draw(st.sampled_from([16, 128, 256])),
        "portfolio_var_limit": draw(wide(1e-3, 1e9)),
        "hedge_portfolio_on_breach": draw(st.booleans()),
        "hedge_target": draw(st.floats(0.01, 1.0)),
        "hedge_fraction_portfolio": draw(st.floats(0.01, 1.0)),
        "hedge_limit_ticks": draw(st.sampled_from([0, 5, 10_000])),
    }


@st.composite
def rewards(draw: st.DrawFn) -> dict[str, Any]:
    """Profit alone, or all terms."""
    if draw(st.booleans()):
        return {"profit": 1.0}
    names = ("inventory_penalty", "terminal_penalty", "hedging_cost", "exponential_utility", "asymmetric_dampening")
    weights: dict[str, Any] = {name: draw(flat(0.0, 10.0)) for name in names}
    return weights | {"profit": draw(st.sampled_from([1.0, 0.5, -2.0])), "utility_risk_aversion": draw(wide(1e-12, 1.0))}


@st.composite
def news(draw: st.DrawFn, length: float) -> dict[str, Any]:
    """No headlines, a few, or a storm of jumps that add up to no more than e^5. length: [s] of an episode."""
    rate, macro = draw(wide(1.0, 36_000.0)), draw(wide(1.0, 36_000.0))
    expected = (rate + macro) * length / 3600.0
    return {
        "source": draw(st.sampled_from(["none", "poisson", "poisson"])),
        "rate_per_hour": rate,
        "macro_rate_per_hour": macro,
        "impact_bps": min(draw(st.one_of(st.just(6.0), flat(0.0, 500.0))), 5e4 / (10.0 + 1.5 * expected)),
        "immediate_share": draw(flat(0.0, 1.0)),
        "drift_half_life_seconds": draw(wide(0.01, 1e4)),
        "excitation_per_second": draw(flat(0.0, 1.0)) * min(1000.0, 1000.0 / (1.0 + expected)),
        "excitation_half_life_seconds": draw(wide(0.1, 10.0)),
    }


@st.composite
def configs(draw: st.DrawFn, most_symbols: int = 2, most_venues: int = 3) -> MarketConfig:
    """A whole market."""
    episode = draw(episodes())
    seconds, micro = episode["step_seconds"], episode["step_seconds"] / episode["microsteps"]
    regime = draw(regimes(draw(st.integers(1, 3))))
    count = draw(st.integers(1, most_symbols))
    length = seconds * (episode["steps"] + 5)
    symbol = draw(symbols(count, max(r["volatility_multiplier"] for r in regime), micro, length))
    busiest = max(max(r["taker_rate_multiplier"], r["maker_rate_multiplier"]) for r in regime)
    correlation = draw(st.floats(-0.45, 0.95)) if count > 1 else 0.5
    return MarketConfig.model_validate(
        {
            "symbols": symbol,
            "correlation": correlation,
            "venues": draw(venues(draw(st.integers(1, most_venues)), seconds)),
            "regimes": regime,
            "news": draw(news(length)),
            "flow": draw(flows(count, sum(s["activity"] for s in symbol), busiest, seconds)),
            "policy": draw(policies()),
            "risk": draw(risks()),
            "reward": draw(rewards()),
            "episode": episode,
        }
    )
