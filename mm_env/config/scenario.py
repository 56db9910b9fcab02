"""What a file of scenarios may say: axes of a grid, axes swept one at a time, and named stresses of a market.

A change names keys of the market with dots (`policy.risk_aversion`); `*` stands for every entry of a list
(`regimes.*.depth_multiplier`). `mm_env.config.scenarios` turns a file and a market into the markets that are played.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from mm_env.config.keys import Problem, refuse
from mm_env.config.types import Name, NonNegative, Section

REGIME_AXIS = "regime"
"""The axis that may be empty: it then has a level for each regime of the market, and one for the chain itself."""
BASE = "base"
"""The scenario in which nothing is changed, and with which all others are compared."""


class Changes(Section):
    """What is different from the market; in the order of these fields, each on what those before it have made."""

    set: dict[str, Any] = Field(default_factory=dict, description="key -> new value")
    multiply: dict[str, Annotated[float, Field(ge=0.0, le=1e6)]] = Field(
        default_factory=dict, description="key -> factor of a number, or of all numbers in a list"
    )
    prefix: dict[str, str] = Field(default_factory=dict, description="key -> text put before its text, as flipped:")
    branching_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] | None = Field(
        None,
        description="of the takers: all jumps of the excitation are scaled to it, and what excites them from outside (the "
        "baseline, parent orders, news) so that their mean rate stays: it is clustering that changes and not volume",
    )
    venues_down: list[Name] = Field(
        default_factory=list,
        description="venues, by name or place from 0, that do not trade: books emptied, messages lost, takers at the others",
    )


class Level(Changes):
    """Changes of a whole episode, its burn-in included."""

    regime: str | None = Field(None, description="the market starts and stays in this regime")


class Window(Changes):
    """Changes of a part of the episode, from the first decision at or after its start."""

    from_seconds: NonNegative = 0.0
    to_seconds: NonNegative | None = Field(None, description="empty: to the episode's end")
    shock_bps: float = Field(
        0.0,
        ge=-5000.0,
        le=5000.0,
        description="log move of every efficient price, spread evenly over the window, by unexpected volume of others: "
        "flow.impact_permanent_share of it stays, the rest decays with flow.impact_half_life_seconds",
    )

    @model_validator(mode="after")
    def _lasts(self) -> Window:
        if self.to_seconds is not None and self.to_seconds <= self.from_seconds:
            refuse("Window", [Problem(("to_seconds",), self.to_seconds, f"above from_seconds, {self.from_seconds:g}")])
        if self.shock_bps and self.to_seconds is None:
            refuse("Window", [Problem(("to_seconds",), None, "a number, as shock_bps is spread over the window")])
        return self


class Stress(Level):
    """A named scenario: changes of the whole episode, of parts of it, or of both."""

    description: str = ""
    windows: list[Window] = Field(default_factory=list, description="where several hold at once, each upon those before it")


Axis = Annotated[dict[Name, Level], Field(description="level -> its changes; one of no changes is the market's own")]


class ScenarioFile(Section):
    """Scenarios of any market: the product of the axes of `grid`, each level of `sweeps` by itself, and `stresses`.

    Beside them there always is `base`, the market as it is.
    """

    grid: dict[Name, Axis] = Field(default_factory=dict, description="every combination of the levels of these axes")
    sweeps: dict[Name, Axis] = Field(default_factory=dict, description="axes of which one at a time is changed")
    stresses: dict[Name, Stress] = Field(default_factory=dict, description="name -> what happens")

    @model_validator(mode="after")
    def _names_and_levels(self) -> ScenarioFile:
        problems = []
        for group, axes in (("grid", self.grid), ("sweeps", self.sweeps)):
            problems += [
                Problem((group, name), {}, f"at least one level; only the axis {REGIME_AXIS!r} may be empty: each regime")
                for name, levels in axes.items()
                if not levels and name != REGIME_AXIS
            ]
        problems += [
            Problem(("sweeps", name), "an axis", "a name that no axis of grid has")
            for name in self.sweeps
            if name in self.grid
        ]
        if BASE in self.stresses:
            problems.append(Problem(("stresses", BASE), "a stress", f"another name: {BASE!r} is the market as it is"))
        refuse("ScenarioFile", problems)
        return self

    @property
    def axes(self) -> Mapping[str, Mapping[str, Level]]:
        """All axes by name, those of the grid first."""
        return {**self.grid, **self.sweeps}
