"""Replay: a recorded day in place of the simulated flow."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mm_env.config.types import Name, NonNegative, Section

File = Annotated[str, Field(min_length=1)]


class Replay(Section):
    """Recorded events that drive the books; what is assumed of fills stands in `mm_env.sim.replay`."""

    files: dict[Name, dict[Name, File]] = Field(
        description="symbol -> venue -> Parquet file of events, as mm-env convert writes them"
    )
    start_seconds: NonNegative | None = Field(
        None,
        description="where an episode begins, counted from the first time at which all books are known and the burn-in is "
        "behind; empty: at a random place, another in each episode",
    )
    impact: bool = Field(
        False, description="whether the agent's own taking moves the recorded prices, by flow.impact_kappa and its decay"
    )
