"""Parameters of the market: symbols, venues, regimes and news."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mm_env.config.keys import Problem, refuse
from mm_env.config.session import Session
from mm_env.config.types import Multiplier, Name, NonNegative, Positive, Section, Share


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
            try:
                Session.parse(self.tape_session)
            except ValueError as error:
                refuse("News", [Problem(("tape_session",), self.tape_session, str(error).partition("expected ")[2])])
        return self
