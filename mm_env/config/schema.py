"""The whole configuration: its sections, what they must agree on, and domain randomisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from mm_env.config import checks
from mm_env.config.agent import Episode, Policy, Reward, Risk
from mm_env.config.flow import Flow, hawkes_problems
from mm_env.config.keys import Problem, get, locate, put, refuse
from mm_env.config.market import News, Regime, Symbol, Venue
from mm_env.config.randomize import randomize_problems
from mm_env.config.replay import Replay
from mm_env.config.types import Coefficient, Section

Bounds = Annotated[list[float], Field(min_length=2, max_length=2)]

_DRAWS = 100


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class MarketConfig(Section):
    """A whole market: symbols, venues, news, regimes, flow, policy, risk, reward, episode."""

    symbols: Annotated[
        list[Annotated[Symbol, BeforeValidator(_named, json_schema_input_type=str | Symbol)]],
        Field(min_length=1, max_length=64),
    ] = Field(
        default_factory=lambda: [
            Symbol(name="XYZ"),
            Symbol(name="ABC", start_price=50.0, volatility_bps_per_sqrt_second=1.5),
        ],
        description="a plain name stands for a symbol with all defaults",
    )
    correlation: Coefficient | list[list[Coefficient]] = Field(
        0.5, description="of the efficient prices: one number for all pairs, or the matrix"
    )
    venues: Annotated[list[Venue], Field(min_length=1, max_length=64)] = Field(
        default_factory=lambda: [
            Venue(
                name="ALPHA",
                liquidity_share=0.5,
                maker_fee_bps=-0.2,
                taker_fee_bps=0.3,
                latency_ms=2.0,
                data_latency_ms=2.0,
            ),
            Venue(
                name="BETA",
                liquidity_share=0.3,
                maker_fee_bps=-0.1,
                taker_fee_bps=0.2,
                latency_ms=5.0,
                data_latency_ms=5.0,
            ),
            Venue(
                name="GAMMA",
                liquidity_share=0.2,
                maker_fee_bps=0.1,
                taker_fee_bps=-0.05,
                latency_ms=10.0,
                data_latency_ms=15.0,
            ),
        ]
    )
    news: News = Field(default_factory=News)
    regimes: Annotated[list[Regime], Field(min_length=1, max_length=16)] = Field(
        default_factory=lambda: [
            Regime(name="calm", mean_duration_seconds=600.0),
            Regime(
                name="stress",
                mean_duration_seconds=120.0,
                volatility_multiplier=2.5,
                taker_rate_multiplier=1.8,
                maker_rate_multiplier=1.2,
                depth_multiplier=0.6,
                distance_multiplier=1.6,
            ),
        ]
    )
    flow: Flow = Field(default_factory=Flow)
    replay: Replay | None = Field(
        None, description="a recorded day in place of news, regimes and flow, which then say nothing of the market"
    )
    policy: Policy = Field(default_factory=Policy)
    risk: Risk = Field(default_factory=Risk)
    reward: Reward = Field(default_factory=Reward)
    episode: Episode = Field(default_factory=Episode)
    randomize: dict[str, Bounds] = Field(
        default_factory=dict,
        description="dotted key -> [low, high], drawn uniformly at each reset (domain randomisation)",
    )

    @model_validator(mode="after")
    def _keys_agree(self) -> MarketConfig:
        refuse("MarketConfig", list(self._problems()))
        if self.randomize:
            refuse("MarketConfig", list(randomize_problems(self, self.randomize, self.news.source == "tape")))
        return self

    def _problems(self) -> Iterator[Problem]:
        """Disagreements between keys of different sections, in the order of the file."""
        symbols, venues, regimes = ([one.name for one in group] for group in (self.symbols, self.venues, self.regimes))
        for group, names in (("symbols", symbols), ("venues", venues), ("regimes", regimes)):
            yield from checks.name_problems(group, names)
        episode = self.episode
        yield from checks.correlation_problems(self.correlation, len(symbols))
        yield from checks.regime_problems(self.regimes, episode.initial_regime)
        yield from hawkes_problems(self.flow, len(symbols))
        yield from checks.latency_problems(self.venues, episode.step_seconds)
        yield from checks.risk_problems(self.risk, episode.step_seconds)
        yield from checks.volatility_problems(self.symbols, self.regimes, episode.step_seconds / episode.microsteps)
        if self.replay is not None:
            yield from checks.replay_problems(self.replay, symbols, venues, self.news.source)

    def correlation_matrix(self) -> np.ndarray:
        """(S, S) float64 correlation of the efficient prices; symmetric, positive definite."""
        return checks.expand_correlation(self.correlation, len(self.symbols))


def sample_randomized(config: MarketConfig, rng: np.random.Generator) -> MarketConfig:
    """Draw every parameter under `randomize` uniformly (whole numbers with both ends), and empty `randomize`.

    config: market whose ranges are drawn
    rng: moved by one draw a range; a market that the draws make invalid together is drawn again

    Raises `ValueError` when 100 draws in a row are invalid.
    """
    if not config.randomize:
        return config
    raw = config.model_dump(exclude={"randomize"})
    places = [(locate(config, key), low, high) for key, (low, high) in config.randomize.items()]
    reasons = ""
    for _ in range(_DRAWS):
        for place, low, high in places:
            if isinstance(get(raw, place), int):
                put(raw, place, int(rng.integers(int(low), int(high), endpoint=True)))
            else:
                put(raw, place, float(rng.uniform(low, high)))
        try:
            return MarketConfig.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False)
            reasons = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
    raise ValueError(f"randomize: {_DRAWS} draws in a row gave an invalid market, the last as {reasons}")
