"""Parameters of the market maker and its episode: policy, signals, router, risk, reward, time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from mm_env.config.keys import Problem, refuse
from mm_env.config.types import NonNegative, Positive, Section, Share


class Policy(Section):
    """The default policy, its signals and its router."""

    use_avellaneda_stoikov: bool = Field(True, description="false: fixed spread of base_spread_bps")
    base_spread_bps: Positive = Field(5.0, description="full spread of the fixed-spread policy")
    risk_aversion: float = Field(0.035, ge=1e-9, le=1e4, description="risk aversion [1/currency a share, inventory in lots]")
    fill_decay: float = Field(55.0, ge=1e-6, le=1e6, description="decay of the fill rate with depth [1/currency a share]")
    arrival_rate: float = Field(
        3.0, ge=1e-9, le=1e9, description="lots filled a side at depth zero, what glft and cj take for it [1/s]"
    )
    horizon_seconds: float = Field(60.0, ge=1e-6, le=1e6, description="horizon of the inventory risk [s]")
    horizon_mode: Literal["rolling", "episode"] = Field(
        "rolling", description="horizon_seconds ahead of now, or what is left of the episode"
    )
    inventory_penalty: float = Field(
        1.5e-6, ge=0.0, le=1e6, description="running penalty of cj [currency a share, lot² and second]"
    )
    terminal_penalty: float = Field(1e-5, ge=0.0, le=1e6, description="terminal penalty of cj [currency a share and lot²]")
    alpha_weight: float = Field(3.0, ge=-1000.0, le=1000.0, description="expected move at sentiment 1 [bps]")
    obi_weight: float = Field(0.8, ge=-1000.0, le=1000.0, description="expected move at order-book imbalance 1 [bps]")
    alpha_smooth: float = Field(0.5, gt=0.0, le=1.0, description="weight of the newest blend in its moving average")
    sentiment_half_life_seconds: Positive = 10.0
    volatility_half_life_seconds: Positive = Field(20.0, description="of the fast volatility that widens the spread")
    spread_volatility_weight: float = Field(
        0.5, ge=0.0, le=10.0, description="of fast over slow volatility in the half spread"
    )
    adaptive_tick: bool = Field(True, description="quote on a coarser grid when volatility is high")
    min_tick: Positive = Field(0.01, description="finest quoting grid [currency]")
    max_tick: Positive = Field(0.04, description="coarsest quoting grid [currency]")
    size_skew: float = Field(1.0, ge=0.0, le=10.0, description="how fast the adding side shrinks with inventory")
    router: Literal["learning", "random"] = "learning"
    router_top_k: int = Field(2, ge=1, le=64, description="venues quoted at a time")
    router_exploration: Share = Field(0.1, description="share of reviews that pick venues at random")
    router_review_seconds: Positive = 10.0
    router_memory_seconds: Positive = Field(300.0, description="half-life of what the router has seen")
    residual_half_spreads: float = Field(1.0, gt=0.0, le=20.0, description="move of a quote at action 1 in residual mode")
    absolute_max_ticks: float = Field(
        10.0, gt=0.0, le=1000.0, description="distance from the mid at action 1 in absolute mode"
    )
    hedge_action_lots: int = Field(
        20, ge=0, le=1_000_000, description="lots a symbol at hedge action 1, besides the default hedge"
    )

    @property
    def name(self) -> str:
        """Name of the default policy, as in `get_policy`."""
        return "as" if self.use_avellaneda_stoikov else "fixed"

    @model_validator(mode="after")
    def _ticks_ordered(self) -> Policy:
        if self.min_tick > self.max_tick:
            refuse("Policy", [Problem(("min_tick",), self.min_tick, f"at most max_tick, {self.max_tick:g}")])
        return self


class Risk(Section):
    """Covariance, value at risk, expected shortfall and the portfolio hedge."""

    covariance_half_life_seconds: Positive = 120.0
    prior_volatility_bps_per_sqrt_second: float = Field(
        1.0, ge=1e-6, le=100.0, description="of the estimate before any data"
    )
    var_method: Literal["parametric", "cornish_fisher", "historical"] = "parametric"
    var_conf: float = Field(0.99, gt=0.5, lt=1.0)
    var_horizon_seconds: Positive = 10.0
    var_covariance: Literal["steps", "horizon"] = Field(
        "steps",
        description="behind VaR and hedges: of moves over a step, scaled by the square root of time, or of overlapping "
        "moves over the horizon itself, which know of trends and bounces",
    )
    horizon_half_life_seconds: Positive = Field(600.0, description="of the covariance of moves over the horizon")
    es_conf: float = Field(0.975, gt=0.5, lt=1.0)
    es_window: int = Field(
        128,
        ge=16,
        le=256,
        description="decision steps of history behind historical and higher-moment figures",
    )
    portfolio_var_limit: Positive = Field(280.0, description="[currency]")
    hedge_portfolio_on_breach: bool = True
    hedge_target: float = Field(0.8, gt=0.0, le=1.0, description="VaR after a hedge, as a share of the limit")
    hedge_fraction_portfolio: float = Field(
        0.5, gt=0.0, le=1.0, description="largest share of the inventory traded in one hedge"
    )
    hedge_limit_ticks: int = Field(5, ge=0, le=10_000, description="past the touch at which a hedge may still fill")


class Reward(Section):
    """Weights of the named reward terms; every term is in currency."""

    profit: float = Field(1.0, ge=-1e6, le=1e6)
    inventory_penalty: NonNegative = Field(0.002, description="of q'Σq·Δt, Σ in currency² a second")
    terminal_penalty: NonNegative = Field(0.0, description="of q'Σq at the end, before liquidation")
    hedging_cost: NonNegative = Field(0.0, description="of crossing cost and taker fees of hedges")
    exponential_utility: NonNegative = Field(0.0, description="of U(W_t) - U(W_t-1), U(w) = (1 - exp(-a·w)) / a")
    utility_risk_aversion: float = Field(1e-4, ge=1e-12, le=1.0, description="a of the exponential utility [1/currency]")
    asymmetric_dampening: NonNegative = Field(0.0, description="of gains from inventory, taken off (Spooner et al. 2018)")


class Episode(Section):
    """Time: the decision step, its grid, the length, and the start."""

    step_seconds: float = Field(1.0, ge=1e-4, le=600.0)
    microsteps: int = Field(10, ge=1, le=1000, description="grid of the slow quantities inside a step")
    steps: int = Field(1000, ge=1, le=10_000_000)
    burn_in_seconds: float = Field(20.0, ge=0.0, le=3600.0, description="market time before the first observation")
    initial_regime: str | None = Field(None, description="name; empty: drawn from the stationary law")
    liquidate_at_end: bool = Field(True, description="sell the terminal inventory into the books")
