"""Numbers as a report writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "–"
"""Where there is no figure, as an error of a single episode."""


def number(value: float | None, digits: int = 0, sign: bool = False) -> str:
    """Digits after the point, groups of thousands, a true minus."""
    if value is None or value != value:
        return UNKNOWN
    text = f"{value:{'+' if sign else ''},.{digits}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def with_error(estimate: Mapping[str, Any], digits: int = 0, factor: float = 1.0) -> str:
    """An estimate ± its standard error, as far as they are known. factor: 100 for per cent"""
    value, error = (None if estimate[key] is None else factor * estimate[key] for key in ("value", "error"))
    return number(value, digits) + ("" if value is None or error is None else f" ± {number(error, digits)}")


def between(low: float | None, high: float | None, digits: int = 0) -> str:
    """The ends of an interval."""
    return UNKNOWN if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"
