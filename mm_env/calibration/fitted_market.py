"""Configuration of a market from measurements of recordings and from tuned values, and the ranges of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.calibration.fitting import Measurements
from mm_env.calibration.prices import Mids
from mm_env.config import MarketConfig
from mm_env.config.agent import Policy, Risk
from mm_env.config.io import load_config

_LEVELS_OF_SIZES = 101
_NEAREST, _FARTHEST = -5.0, 60.0  # [ticks] from the efficient price
_UNIT = 100  # lots of the median limit order
_LIMIT = 10 * _UNIT  # lots of the position's limit
_UNUSUAL = 0.995  # share of sizes past which they are cut
_MOST_LOTS = 65_535
_MULTIPLIERS = (0.05, 20.0)  # of a symbol's impact
_MOST_CORRELATED = 0.95  # or, against each other, that share of what so many symbols can be


# what is tuned for the market: start, low, high; and for each symbol, as multiples of what was measured (of impact: in
# bps a lot)
SHARED = {
    "informed_share": (0.21, 0.05, 1.0), "mispricing_scale_ticks": (1.4, 0.3, 40.0),
    "impact_permanent_share": (0.2, 0.02, 1.0),
    "cancel_rate_per_second": (0.13, 0.02, 20.0), "queue_reaction": (0.057, 0.01, 2.0),
    "imbalance_reaction": (0.71, 0.05, 1.0), "stale_cancel_multiplier": (1.6, 1.0, 300.0),
    "taker_reach_ticks": (8.5, 1.0, 60.0), "burst_fast": (0.57, 0.05, 0.6), "burst_slow": (0.344, 0.05, 0.38),
    "burst_fast_decay": (2500.0, 50.0, 20_000.0), "burst_slow_decay": (1.0, 0.3, 50.0), "size_tilt": (0.54, 0.15, 2.0),
    "distance_stretch": (0.89, 0.03, 2.0), "distance_shift_ticks": (6.4, 0.05, 12.0),
    "refill_after_takers": (0.043, 0.01, 1.3), "refill_after_cancels": (0.19, 0.01, 1.3),  # 1 at most, but not at the edge
    "refill_latency_ms": (10.0, 0.2, 300.0),
}  # fmt: skip
OWN = {
    "volatility": (0.45, 0.02, 3.0), "taker_rate": (1.05, 0.4, 1.5), "limit_rate": (0.92, 0.3, 10.0),
    "distance": (0.67, 0.2, 6.0), "impact": (0.0054, 1e-5, 3e-2),
}  # fmt: skip
# of recordings without individual orders, whose spread is a tick
STARTS_OF_BOOKS = {
    "informed_share": 0.13, "mispricing_scale_ticks": 5.9, "impact_permanent_share": 0.13, "cancel_rate_per_second": 0.48,
    "queue_reaction": 0.72, "imbalance_reaction": 0.27, "stale_cancel_multiplier": 4.3, "taker_reach_ticks": 5.9,
    "burst_fast": 0.32, "burst_slow": 0.32, "burst_fast_decay": 620.0, "burst_slow_decay": 0.83, "size_tilt": 0.39,
    "distance_stretch": 0.94, "distance_shift_ticks": 0.098, "refill_after_takers": 1.07, "refill_after_cancels": 1.12,
    "refill_latency_ms": 0.7, "volatility": 0.48, "taker_rate": 0.7, "limit_rate": 1.93, "distance": 0.75, "impact": 0.00054,
    "size": 0.97,
}  # fmt: skip
OWN_SIZE = {"size": (1.0, 0.2, 6.0)}  # of symbols whose sizes come in no round lots, which scaling would blur


def market_of(measured: Measurements, x: Mapping[str, float]) -> MarketConfig:
    """Market of measurements and of tuned values, `x` by name (NAME, or NAME.i of symbol i).

    Raises ConfigError where they do not make one.
    """
    m = measured
    count = range(len(m.symbols))
    rate = [0.5 * m.limit_rate[i] * x[f"limit_rate.{i}"] for i in count]
    activity = [one / rate[0] for one in rate]
    process = m.hawkes.process
    symbols = [
        {
            "name": name,
            "start_price": float(Mids.of(m.first(name).pieces[0]).price[0]),
            "tick_size": m.first(name).tick,
            "lot_size": _short(m.median_size[i] / _UNIT * x.get(f"size.{i}", 1.0) / x.get("size.0", 1.0)),
            "volatility_bps_per_sqrt_second": m.moments[name]["volatility_bps"] * x[f"volatility.{i}"],
            "activity": activity[i],
            "distance_multiplier": x[f"distance.{i}"] * m.mean_distance[i] / (x["distance.0"] * m.mean_distance[0]),
            "impact_multiplier": float(np.clip(x[f"impact.{i}"] / x["impact.0"], *_MULTIPLIERS)),
            "quote_size": _UNIT,
            "inventory_limit": _LIMIT,
        }
        for i, name in enumerate(m.symbols)
    ]
    scale = m.taker_scale * np.repeat([x[f"taker_rate.{i}"] / activity[i] for i in count], 2)
    baseline = np.asarray(process.baseline) * scale
    return load_config(
        {
            "symbols": symbols,
            "correlation": min(_MOST_CORRELATED, max(-_MOST_CORRELATED / max(1, len(m.symbols) - 1), m.correlation)),
            "venues": _venues_of(m),
            "news": {"source": "none"},
            "regimes": [{"name": "day"}],
            "flow": {
                "hawkes_mu": [_short(value) for value in baseline],
                "hawkes_alpha": [[[_short(value) for value in row] for row in jump] for jump in process.jump],
                "hawkes_beta": [_short(value) for value in process.decay],
                "taker_size_mean_lots": max(1.0, m.taker_size * _UNIT),
                "taker_size_exponent": 2.0,
                "taker_size_max_lots": max(2, round(50 * _UNIT * m.taker_size)),
                "taker_size_quantiles_lots": _sizes_of(m.touch.sizes, 1.0),
                "taker_touch_share": _short(m.touch.whole),
                "taker_through_share": _short(m.touch.through),
                "taker_reach_ticks": round(x["taker_reach_ticks"]),
                "informed_share": x["informed_share"],
                "mispricing_scale_ticks": x["mispricing_scale_ticks"],
                "impact_kappa": x["impact.0"],
                "impact_permanent_share": x["impact_permanent_share"],
                "parents": {"rate_per_second": 0.0},
                "makers": _makers_of(m, x, rate[0]),
            },
            **_desk_of(m, [float(str(one["lot_size"])) for one in symbols]),
        }
    )


def _desk_of(m: Measurements, lots: Sequence[float]) -> dict[str, dict[str, object]]:
    """The market maker, in proportion to the market: a position at its limit moves quotes by a spread, and the VaR limit is
    that of half the limits of all symbols.

    lots: [units of the data] of each symbol
    """
    horizon, risk = Policy().horizon_seconds, Risk()
    names, ticks = m.symbols, [m.first(name).tick for name in m.symbols]
    spread = np.array([m.moments[name]["spread_ticks"] for name in names]) * ticks
    bps = np.array([m.moments[name]["volatility_bps"] for name in names])
    sigma = 1e-4 * bps * [float(Mids.of(m.first(name).pieces[0]).price[0]) for name in names]  # currency a share, sqrt(s)
    held = 0.5 * _LIMIT * np.array(lots) * sigma
    variance = float((1.0 - m.correlation) * (held**2).sum() + m.correlation * held.sum() ** 2) * risk.var_horizon_seconds
    return {
        "policy": {
            "risk_aversion": _short(_middle(spread / (_LIMIT * sigma**2 * horizon))),
            "fill_decay": _short(m.fill_decay),
            "arrival_rate": _short(m.fill_rate * max(1.0, m.taker_size * _UNIT)),
            "min_tick": ticks[0],
            "max_tick": ticks[0] * max(1, 2 ** int(np.log2(max(1.0, 0.5 * spread[0] / ticks[0])))),
            "hedge_action_lots": _UNIT,
            "absolute_max_ticks": max(10.0, _short(2.0 * float(spread[0]) / ticks[0])),
        },
        "risk": {
            "portfolio_var_limit": _short(NormalDist().inv_cdf(risk.var_conf) * variance**0.5),
            "prior_volatility_bps_per_sqrt_second": _short(float(bps.mean())),
        },
    }


def _venues_of(m: Measurements) -> list[dict[str, object]]:
    ticks = {
        venue: float(np.mean([b.median / m.first(name).tick for b, name in zip(found, m.symbols, strict=True)]))
        for venue, found in m.basis.items()
    }
    return [
        {"name": venue or "venue", "liquidity_share": _short(share), "maker_share": _short(m.maker_shares[venue]),
         "price_basis_ticks": round(ticks.get(venue, 0.0)),
         "maker_fee_bps": 0.0, "taker_fee_bps": 0.0}
        for venue, share in m.venue_shares.items()
    ]  # fmt: skip


def _makers_of(m: Measurements, x: Mapping[str, float], rate: float) -> dict[str, object]:
    far = (m.distances * x["distance_stretch"] * m.mean_distance[0] + x["distance_shift_ticks"]) * x["distance.0"]
    return {
        "limit_rate_per_second": rate,
        "cancel_rate_per_second": x["cancel_rate_per_second"],
        "size_quantiles_lots": _sizes_of(m.sizes * x.get("size.0", 1.0), x["size_tilt"]),
        "placement_quantiles_ticks": [_short(value) for value in np.clip(far, _NEAREST, _FARTHEST)],
        "round_lot_lots": _UNIT if m.round_lots else 1,
        "burst_shares": [x["burst_fast"], x["burst_slow"]],
        "burst_decays_per_second": [x["burst_fast_decay"], x["burst_slow_decay"]],
        "queue_reaction": x["queue_reaction"],
        "imbalance_reaction": x["imbalance_reaction"],
        "stale_cancel_multiplier": x["stale_cancel_multiplier"],
        "cancel_unit": "order" if m.orders else "lot",
        "refill_after_takers": min(1.0, x["refill_after_takers"]),
        "refill_after_cancels": min(1.0, x["refill_after_cancels"]),
        "refill_latency_ms": x["refill_latency_ms"],
    }


def _sizes_of(quantiles: NDArray[np.float64], tilt: float) -> list[int]:
    """Sizes [lots] at shares u^tilt of quantiles in multiples of the median one."""
    u = np.linspace(0.0, 1.0, _LEVELS_OF_SIZES) ** tilt * _UNUSUAL
    sizes = np.interp(u, np.linspace(0.0, 1.0, len(quantiles)), quantiles) * _UNIT
    return [int(value) for value in np.clip(np.rint(sizes), 1, _MOST_LOTS)]


def _middle(values: ArrayLike) -> float:
    """Geometric mean, of what differs between symbols by their prices."""
    return float(np.exp(np.mean(np.log(values))))


def _short(value: float) -> float:
    return float(f"{value:.5g}")
