"""Parameters of the market: symbols, venues, regimes, news, and the flow of the other traders."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from mm_env.config import checks
from mm_env.config.keys import Problem, refuse
from mm_env.config.types import (
    Decay,
    Exponentials,
    Multiplier,
    Name,
    NonNegative,
    Positive,
    Rate,
    Section,
    Share,
)


class Symbol(Section):
    """One traded symbol."""

    name: Name
    start_price: Positive = Field(100.0, description="efficient price when the burn-in starts [currency]")
    tick_size: Positive = Field(0.01, description="base tick [currency]")
    lot_size: Positive = Field(100.0, description="shares in a lot; sizes are counted in lots")
    volatility_bps_per_sqrt_second: float = Field(1.0, ge=0.0, le=20.0, description="of the diffusion, in a regime of 1")
    activity: float = Field(1.0, ge=0.01, le=100.0, description="multiplies maker and baseline taker rates")
    distance_multiplier: Multiplier = Field(1.0, description="of the distance at which makers place")
    impact_multiplier: Multiplier = Field(1.0, description="of flow.impact_kappa")
    quote_size: int = Field(20, ge=1, le=100_000, description="default policy's size a side, over all venues [lots]")
    inventory_limit: int = Field(
        200, ge=1, le=1_000_000, description="absolute position that is never passed by quotes [lots]"
    )

    @model_validator(mode="after")
    def _price_in_ticks(self) -> Symbol:
        ticks = self.start_price / self.tick_size
        problems = []
        if not 100 <= ticks <= 1e9:
            problems.append(
                Problem(
                    ("start_price",),
                    self.start_price,
                    f"100 to 1e9 times tick_size; here it is {ticks:g} times",
                )
            )
        if self.quote_size > self.inventory_limit:
            allowed = f"at most inventory_limit, {self.inventory_limit}"
            problems.append(Problem(("quote_size",), self.quote_size, allowed))
        refuse("Symbol", problems)
        return self


class Venue(Section):
    """One trading venue; every symbol is listed on every venue."""

    name: Name
    liquidity_share: float = Field(
        1.0, ge=1e-6, le=1e6, description="share of makers and takers, relative to the other venues"
    )
    maker_share: Annotated[float, Field(ge=1e-6, le=1e6)] | None = Field(
        None, description="of makers alone, relative to the other venues' (their liquidity_share where they have none)"
    )
    tick_multiple: int = Field(1, ge=1, le=16, description="venue tick as a multiple of the symbol's base tick")
    price_basis_ticks: int = Field(0, ge=-1_000_000, le=1_000_000, description="venue price minus the reference price")
    maker_fee_bps: float = Field(-0.2, ge=-100.0, le=100.0, description="of the traded value; negative is a rebate")
    taker_fee_bps: float = Field(0.3, ge=-100.0, le=100.0, description="of the traded value; negative is a rebate")
    latency_ms: NonNegative = Field(5.0, description="from the agent's decision to its effect at the venue")
    data_latency_ms: NonNegative = Field(5.0, description="age of the venue's data when the agent sees it")

    @model_validator(mode="after")
    def _basis_on_grid(self) -> Venue:
        if self.price_basis_ticks % self.tick_multiple:
            allowed = f"a multiple of tick_multiple, {self.tick_multiple}"
            refuse("Venue", [Problem(("price_basis_ticks",), self.price_basis_ticks, allowed)])
        return self


class Regime(Section):
    """One state of the market-wide Markov chain."""

    name: Name
    mean_duration_seconds: Positive = 600.0
    volatility_multiplier: Multiplier = 1.0
    taker_rate_multiplier: Multiplier = Field(1.0, description="of the baseline, never of the excitation")
    maker_rate_multiplier: Multiplier = Field(1.0, description="of limit orders and cancels alike")
    depth_multiplier: Multiplier = Field(1.0, description="of the resting quantity (divides the cancel rate)")
    distance_multiplier: Multiplier = Field(1.0, description="of the distance at which makers place")
    transitions: dict[str, NonNegative] = Field(
        default_factory=dict, description="weights of the next regime; empty: all alike"
    )


class News(Section):
    """Headlines: where they come from, what they do to the market, how they are scored."""

    source: Literal["poisson", "tape", "none"] = Field(
        "poisson", description="bundled headlines at random times, a file, or none"
    )
    tape: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="CSV or Parquet file of headlines, for source: tape"
    )
    tape_seconds_per_second: Positive | None = Field(
        None,
        description="real seconds in one of the episode; empty: fit the span, but no more densely than the two rates below; "
        "of a longer tape each episode plays a part from a random place",
    )
    tape_session: str | None = Field(
        None,
        description="hours of a tape, Monday to Friday, as 09:30-16:00 America/New_York; headlines outside are dropped, and "
        "the time between is left out; empty: all hours count",
    )
    scorer: str = Field(
        "tfidf",
        description="what the agent sees of a headline: tfidf, minilm, vader, none, transformer:PATH, flipped:SCORER or "
        "perfect, the true polarity",
    )
    rate_per_hour: float = Field(100.0, ge=0.0, le=36_000.0, description="of each symbol; with a tape, how dense it may be")
    macro_rate_per_hour: float = Field(20.0, ge=0.0, le=36_000.0, description="of market-wide headlines")
    impact_bps: float = Field(24.0, ge=0.0, le=500.0, description="move of the efficient price at polarity 1")
    immediate_share: Share = Field(0.3, description="of the move at once; the rest is a drift that decays")
    drift_half_life_seconds: Positive = 10.0
    excitation_per_second: float = Field(
        0.3,
        ge=0.0,
        le=1000.0,
        description="takers added on the headline's side at |polarity| 1; those whom they excite come on top",
    )
    excitation_half_life_seconds: Positive = 10.0

    @model_validator(mode="after")
    def _tape_named(self) -> News:
        if (self.source == "tape") != (self.tape is not None):
            allowed = f"a file for source: tape, and empty for any other; source is {self.source!r}"
            refuse("News", [Problem(("tape",), self.tape, allowed)])
        if self.tape_session is not None:
            from mm_env.sentiment.session import Session  # which needs the package that needs this module

            try:
                Session.parse(self.tape_session)
            except ValueError as error:
                refuse("News", [Problem(("tape_session",), self.tape_session, str(error).partition("expected ")[2])])
        return self


Sizes = Annotated[list[Annotated[int, Field(ge=1, le=65_535)]], Field(min_length=2, max_length=256)]


class Makers(Section):
    """Queue-reactive limit order flow of the other market makers (Huang, Lehalle & Rosenbaum 2015)."""

    limit_rate_per_second: float = Field(
        7.0, ge=1e-6, le=10_000.0, description="limit orders a side of a symbol, all venues"
    )
    cancel_rate_per_second: float = Field(0.25, ge=1e-6, le=1000.0, description="of each resting order (1 / mean life)")
    size_mean_lots: float = Field(4.0, ge=1.0, le=1000.0, description="of a limit order; geometric")
    placement_offset_ticks: float = Field(
        4.0, ge=1e-3, le=100.0, description="scale of the distance law, from the efficient price"
    )
    placement_exponent: float = Field(1.6, ge=0.1, le=20.0, description="tail of the distance law (Bouchaud et al. 2002)")
    size_quantiles_lots: Sizes | None = Field(
        None, description="of a limit order, at shares 0, 1/(n-1), …, 1: a measured law in place of size_mean_lots"
    )
    round_lot_lots: int = Field(
        1, ge=1, le=65_535, description="in which orders mostly come: what is odd in a level is cancelled as one order"
    )
    placement_quantiles_ticks: (
        Annotated[list[Annotated[float, Field(ge=-60.0, le=60.0)]], Field(min_length=2, max_length=256)] | None
    ) = Field(None, description="of the distance from the efficient price, likewise, in place of the law of two parameters")
    burst_shares: Annotated[list[Share], Field(max_length=3)] = Field(
        default_factory=list, description="of limit orders and cancels that events before them bring about, by exponential"
    )
    burst_decays_per_second: Annotated[list[Decay], Field(max_length=3)] = Field(
        default_factory=list, description="how soon they come, one for each share"
    )
    queue_reaction: float = Field(
        0.5, ge=0.0, le=5.0, description="how strongly a long queue slows joining and speeds leaving"
    )
    imbalance_reaction: Share = Field(0.3, description="how strongly limit orders follow the touch imbalance")
    stale_cancel_multiplier: float = Field(
        20.0, ge=1.0, le=1000.0, description="of the cancel rate where the efficient price passed"
    )
    cancel_unit: Literal["lot", "order"] = Field(
        "lot",
        description="what is as likely to be cancelled as any other: a lot, so that large orders go in parts, or an order",
    )
    refill_after_takers: Share = Field(
        0.0, description="probability that a maker answers at once when a trade has emptied a venue's best price"
    )
    refill_after_cancels: Share = Field(0.0, description="likewise when a cancel has")
    refill_latency_ms: Positive = Field(1.0, description="mean time until such an answer; exponential")
    arbitrage_latency_ms: Positive = Field(20.0, description="after which crossed venues are traded back")

    @model_validator(mode="after")
    def _laws_agree(self) -> Makers:
        refuse("Makers", list(checks.maker_problems(self)))
        return self


class Parents(Section):
    """Large orders split into children (Lillo, Mike & Farmer 2005): long memory of trade signs."""

    rate_per_second: float = Field(0.15, ge=0.0, le=10.0, description="new parent orders a symbol")
    child_rate_per_second: float = Field(0.5, ge=1e-6, le=100.0, description="of one active parent")
    children_exponent: float = Field(1.4, gt=1.0, le=10.0, description="tail exponent of the number of children")
    children_max: int = Field(1000, ge=1, le=100_000)
    child_size_lots: int = Field(3, ge=1, le=10_000)


class Flow(Section):
    """Takers (Hawkes and parent orders) and makers."""

    use_hawkes: bool = Field(True, description="false: Poisson takers of the mean rate that the baseline alone gives")
    hawkes_mu: Rate | list[Rate] = Field(
        0.2, description="baseline of a side of a symbol [1/s]; or 2S numbers: buy, sell a symbol"
    )
    hawkes_alpha: Rate | Annotated[list[Rate], Exponentials] | Annotated[list[list[list[Rate]]], Exponentials] = Field(
        default_factory=lambda: [0.12, 6.0],
        description="jump of a side's own intensity, one an exponential [1/s]; "
        "or K matrices (2S, 2S), row excited by column",
    )
    hawkes_beta: Decay | Annotated[list[Decay], Exponentials] = Field(
        default_factory=lambda: [0.4, 20.0], description="decay of each exponential [1/s]"
    )
    hawkes_cross_side: float = Field(
        0.1, ge=0.0, le=1.0, description="excitation of the other side, as a share of hawkes_alpha"
    )
    hawkes_cross_symbol: float = Field(0.05, ge=0.0, le=1.0, description="of the same side of each other symbol, as a share")
    taker_size_mean_lots: float = Field(4.0, ge=1.0, le=10_000.0)
    taker_size_exponent: float = Field(2.2, gt=1.05, le=20.0, description="tail exponent of the size")
    taker_size_max_lots: int = Field(200, ge=1, le=1_000_000)
    taker_size_quantiles_lots: Sizes | None = Field(
        None, description="at shares 0, 1/(n-1), …, 1: a measured law in place of the mean, exponent and max above"
    )
    taker_touch_share: Share = Field(
        0.0, description="of takers that take what stands at the best price, and just that (Farmer et al. 2004)"
    )
    taker_through_share: Share = Field(1.0, description="of the other takers that go past the best price where it has less")
    taker_reach_ticks: int = Field(
        3, ge=0, le=10_000, description="past the best price of others at which a taker still trades; its rest is cancelled"
    )
    sweep_share: Share = Field(
        0.4, description="of takers that take the best prices over all venues; others go on to these from their own venue"
    )
    informed_share: Share = Field(0.9, description="largest tilt of the baseline towards the efficient price")
    mispricing_scale_ticks: Positive = Field(1.5, description="mispricing at which the tilt is 0.71 of its largest")
    impact_kappa: float = Field(0.02, ge=0.0, le=10.0, description="impact of surprising volume [bps a lot]")
    impact_permanent_share: Share = Field(0.2, description="of the impact that stays; the rest decays")
    impact_half_life_seconds: Positive = Field(30.0, description="of the impact that decays")
    makers: Makers = Field(default_factory=Makers)
    parents: Parents = Field(default_factory=Parents)

    @model_validator(mode="after")
    def _exponentials_agree(self) -> Flow:
        refuse("Flow", list(checks.flow_problems(self)))
        return self

    def hawkes_matrices(self, n_symbols: int) -> np.ndarray:
        """Hawkes kernel: (K, 2S, 2S) float64 [1/s] jump of row at an event of column; buy_0, sell_0, buy_1, …

        Raises `ValueError` when the configured matrices are of another size.
        """
        return checks.expand_hawkes_alpha(self, n_symbols)

    def hawkes_decays(self) -> np.ndarray:
        """(K,) float64 [1/s] decay of each exponential."""
        return np.array(checks.as_list(self.hawkes_beta), dtype=np.float64)

    def hawkes_baseline(self, n_symbols: int) -> np.ndarray:
        """(2S,) float64 [1/s] baseline rates, before any symbol's activity: buy_0, sell_0, buy_1, …

        Raises `ValueError` when a list of another length is configured.
        """
        return checks.expand_hawkes_mu(self, n_symbols)

    def branching_ratio(self, n_symbols: int) -> float:
        """Spectral radius of Σ_k alpha_k / beta_k, below 1 in any valid market."""
        return checks.branching_ratio(self, n_symbols)
