"""What the sections of a market configuration are made of: their base class, and ranges of their values."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Bounds keep reciprocals, squares and products of valid values finite.
Positive = Annotated[float, Field(ge=1e-9, le=1e12)]
NonNegative = Annotated[float, Field(ge=0.0, le=1e12)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Multiplier = Annotated[float, Field(ge=0.05, le=20.0)]
Coefficient = Annotated[float, Field(ge=-1.0, le=1.0)]
Rate = Annotated[float, Field(ge=0.0, le=1e6)]
Decay = Annotated[float, Field(ge=1e-6, le=1e6)]
Exponentials = Field(min_length=1, max_length=4)
TOLERANCE = 1e-9  # of checks on sums, matrices and ratios


def _printable(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("printable characters, with no space at either end")
    return name


Name = Annotated[str, Field(min_length=1, max_length=32), AfterValidator(_printable)]


class Section(BaseModel):
    """A group of parameters: unknown keys are errors, numbers are not made from text, values never change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
