"""What a file of the classic market may say: every parameter with its unit, range and default.

Time has no unit of its own here: `episode.horizon` counts it, and rates are per that unit, as in the papers. Inventory is
counted in units of the one asset, and an order is for one unit. The default is the market of Avellaneda & Stoikov 2008.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from mm_env.config.keys import Problem, refuse
from mm_env.config.types import Decay, NonNegative, Positive, Rate, Section

MOST_STEPS = 10_000_000
_WHOLE = 1e-6  # by how much the number of steps may miss a whole number


class ClassicMid(Section):
    """The mid price: a driftless random walk that nobody's trading moves."""

    start_price: float = Field(100.0, ge=-1e12, le=1e12, description="mid when the episode begins [currency]")
    volatility: NonNegative = Field(2.0, description="sigma [currency per square root of time]")
    move: Literal["lattice", "brownian"] = Field(
        "lattice", description="lattice: up or down by volatility × √step; brownian: a normal of that deviation"
    )


class ClassicFlow(Section):
    """Who trades with the quotes: arrivals on either side, and how likely they reach a depth."""

    arrivals: Literal["poisson", "hawkes"] = Field("poisson", description="hawkes: in continuous time, self-exciting")
    arrival_rate: Rate = Field(140.0, description="A: arrivals a side at depth zero; poisson only [1/time]")
    fill_decay: Decay = Field(1.5, description="k: decay of the fill intensity with depth [1/currency]")
    fill_rule: Literal["linear", "exponential"] = Field(
        "linear",
        description="fill probability of a step; poisson only. linear: λ × step, at most 1; exponential: 1 - exp(-λ × step)",
    )
    hawkes_mu: Rate = Field(35.0, description="baseline of arrivals a side [1/time]")
    hawkes_alpha: Rate = Field(40.0, description="jump of a side's intensity at an arrival of its own [1/time]")
    hawkes_beta: Decay = Field(60.0, description="decay of the excitation [1/time]")
    hawkes_cross_side: float = Field(0.125, ge=0.0, le=10.0, description="jump of the other side, relative to alpha")

    @property
    def branching_ratio(self) -> float:
        """Spectral radius of the kernel's integral: mean number of direct offspring of an arrival."""
        return self.hawkes_alpha * (1.0 + self.hawkes_cross_side) / self.hawkes_beta

    @property
    def mean_rate(self) -> float:
        """Arrivals a side at depth zero, in the long run [1/time]."""
        return self.arrival_rate if self.arrivals == "poisson" else self.hawkes_mu / (1.0 - self.branching_ratio)

    @model_validator(mode="after")
    def _stationary(self) -> ClassicFlow:
        if self.branching_ratio >= 1.0:
            allowed = f"alpha × (1 + cross) / beta below 1, so that the flow is stationary; here {self.branching_ratio:g}"
            refuse("ClassicFlow", [Problem(("hawkes_alpha",), self.hawkes_alpha, allowed)])
        return self


class ClassicPolicy(Section):
    """The default policy, and how actions are read."""

    name: Literal["as", "as_symmetric", "glft", "cj", "fixed"] = Field("as", description="policy name, as in `get_policy`")
    risk_aversion: float = Field(0.1, ge=0.0, le=1e4, description="gamma of as, as_symmetric and glft [1/currency]")
    volatility: NonNegative | None = Field(None, description="what the policy takes for it; null: the market's")
    arrival_rate: Positive | None = Field(None, description="what glft and cj take for it; null: the market's mean")
    fill_decay: Decay | None = Field(None, description="what the policy takes for it; null: the market's")
    horizon: Positive | None = Field(None, description="a rolling one [time]; null: what is left of the episode")
    glft_horizon: Literal["asymptotic", "finite"] = Field("asymptotic", description="finite: exact for the horizon")
    inventory_penalty: NonNegative | None = Field(None, description="phi of cj; null: reward.inventory_penalty")
    terminal_penalty: NonNegative | None = Field(None, description="alpha of cj; null: reward.terminal_penalty")
    half_spread: NonNegative = Field(0.75, description="depth of fixed, on either side [currency]")
    residual_half_spreads: float = Field(
        5.0,
        gt=0.0,
        le=20.0,
        description="move of a quote at action 1 in residual mode; far enough for any policy of the papers",
    )
    absolute_min_depth: float = Field(
        -1.0,
        ge=-1e6,
        le=1e6,
        description="depth at action -1 in absolute mode; below zero a quote is past the mid [currency]",
    )
    absolute_max_depth: float = Field(3.0, ge=-1e6, le=1e6, description="depth at action 1 in absolute mode [currency]")

    @model_validator(mode="after")
    def _depths_ordered(self) -> ClassicPolicy:
        if self.absolute_min_depth >= self.absolute_max_depth:
            allowed = f"below absolute_max_depth, {self.absolute_max_depth:g}"
            refuse("ClassicPolicy", [Problem(("absolute_min_depth",), self.absolute_min_depth, allowed)])
        return self


class ClassicReward(Section):
    """Weights of the named reward terms.

    Source: Cartea, Jaimungal & Penalva 2015, chapter 10: profit, less phi × q² × time, less alpha × q² at the end.
    """

    profit: float = Field(1.0, ge=-1e6, le=1e6, description="of the change in cash + inventory × mid")
    inventory_penalty: NonNegative = Field(0.0, description="phi, of q² × step [currency a unit² and time]")
    terminal_penalty: NonNegative = Field(0.0, description="alpha, of q² at the end [currency a unit²]")


class ClassicEpisode(Section):
    """Time, inventory, and what is observed."""

    horizon: Positive = Field(1.0, description="T, length of an episode [time]")
    step: Positive = Field(0.005, description="dt, time between decisions; a whole number of them is the horizon [time]")
    initial_inventory: int = Field(0, ge=-1_000_000, le=1_000_000, description="[units]")
    inventory_limit: int = Field(200, ge=1, le=1_000_000, description="at it the side that would add is not quoted [units]")
    inventory_scale: Positive = Field(10.0, description="inventory that reads 1 in an observation [units]")
    observations: Literal["closed_form", "full"] = Field(
        "closed_form", description="closed_form: time, inventory, mid; full: the default quotes and intensities as well"
    )

    @property
    def steps(self) -> int:
        """Decisions of an episode."""
        return round(self.horizon / self.step)

    @model_validator(mode="after")
    def _whole_steps(self) -> ClassicEpisode:
        problems = []
        count = self.horizon / self.step
        if count > MOST_STEPS or abs(count - self.steps) > _WHOLE * max(1.0, count) or self.steps < 1:
            allowed = f"horizon, {self.horizon:g}, divided by a whole number from 1 to {MOST_STEPS}; here by {count:.6g}"
            problems.append(Problem(("step",), self.step, allowed))
        if abs(self.initial_inventory) > self.inventory_limit:
            allowed = f"within inventory_limit, ±{self.inventory_limit}"
            problems.append(Problem(("initial_inventory",), self.initial_inventory, allowed))
        refuse("ClassicEpisode", problems)
        return self


class ClassicConfig(Section):
    """A whole classic market: mid, flow, policy, reward, episode."""

    mid: ClassicMid = Field(default_factory=ClassicMid)
    flow: ClassicFlow = Field(default_factory=ClassicFlow)
    policy: ClassicPolicy = Field(default_factory=ClassicPolicy)
    reward: ClassicReward = Field(default_factory=ClassicReward)
    episode: ClassicEpisode = Field(default_factory=ClassicEpisode)

    @property
    def believed_volatility(self) -> float:
        """What the default policy takes for the volatility [currency per square root of time]."""
        return self.mid.volatility if self.policy.volatility is None else self.policy.volatility

    @property
    def believed_rate(self) -> float:
        """What the default policy takes for the arrival rate [1/time]."""
        return self.flow.mean_rate if self.policy.arrival_rate is None else self.policy.arrival_rate

    @property
    def believed_decay(self) -> float:
        """What the default policy takes for the fill decay [1/currency]."""
        return self.flow.fill_decay if self.policy.fill_decay is None else self.policy.fill_decay

    @property
    def cj_penalties(self) -> tuple[float, float]:
        """phi and alpha of the policy cj."""
        own, reward = self.policy, self.reward
        return (
            reward.inventory_penalty if own.inventory_penalty is None else own.inventory_penalty,
            reward.terminal_penalty if own.terminal_penalty is None else own.terminal_penalty,
        )

    @model_validator(mode="after")
    def _arrivals_for_policy(self) -> ClassicConfig:
        if self.policy.name in ("glft", "cj") and self.believed_rate <= 0.0:
            allowed = f"a number above 0 for the policy {self.policy.name!r}, or a policy.arrival_rate of its own"
            refuse("ClassicConfig", [Problem(("flow", "arrival_rate"), self.believed_rate, allowed)])
        return self
