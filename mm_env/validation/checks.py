"""A check of one figure, its verdict, and tables of checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mm_env.reports.tables import text_table

ERRORS = 4.0  # standard errors that a sampled figure may miss by: 6e-5 of all checks of a normal figure
RARE = 1e-4  # p-value below which a test of fit is a miss
_ROUNDING = 1e-9  # relative, where what is sampled has no variance

HEADER = ("check", "published", "exact", "ours", "standard error", "verdict")


@dataclass(frozen=True)
class Check:
    """One figure of ours beside what it should be.

    ours: as the software has it; exact: by theory, None where the publication is all there is
    error: standard error of a sampled figure; tolerance: by how much one that is not sampled may miss `exact`
    published: as printed, a number; None for other parameters than the publication's
    noisy: the publication sampled too, and is shown only; else what is exact (or ours) must round to it
    least: what ours must at least be, of a p-value
    decimals: shown
    """

    name: str
    ours: float
    exact: float | None = None
    error: float | None = None
    tolerance: float | None = None
    published: str | None = None
    noisy: bool = False
    least: float | None = None
    decimals: int = 3

    def __post_init__(self) -> None:
        """Raise ValueError for a figure that nothing is compared with: it would be no check."""
        against = self.exact is not None and (self.error is not None or self.tolerance is not None)
        if not (against or self.least is not None or (self.published is not None and not self.noisy)):
            raise ValueError(f"check {self.name!r}: nothing to compare with; expected exact with an error, published, least")

    @property
    def passed(self) -> bool:
        """Whether ours agrees with what is exact, what is exact with what is published, and ours is not too small."""
        near = True
        if self.exact is not None:
            allowed = self.tolerance if self.error is None else ERRORS * self.error + _ROUNDING * (1.0 + abs(self.exact))
            # written so that a figure that is no number is a miss
            near = allowed is not None and abs(self.ours - self.exact) <= allowed
        if self.published is not None and not self.noisy:
            figure = self.ours if self.exact is None else self.exact
            near = near and abs(figure - float(self.published)) <= _half_unit(self.published) * (1.0 + 1e-6)
        return bool(near and (self.least is None or self.ours >= self.least))

    @property
    def verdict(self) -> str:
        """The outcome in a word."""
        return "ok" if self.passed else "MISS"

    def cells(self) -> list[str]:
        """The check as a row under HEADER."""

        def number(x: float | None) -> str:
            return "" if x is None else f"{round(x, self.decimals) + 0.0:.{self.decimals}f}"  # no zero with a sign

        exact = number(self.exact) if self.least is None else f"≥ {self.least:g}"
        return [self.name, self.published or "", exact, number(self.ours), number(self.error), self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, and `passed`."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True, eq=False)
class Report:
    """What a section found.

    section: its name; title: in words; parameters: with which it was run; checks: in the order of the table
    figures: under stable names, of this section alone; notes: lines below the table
    """

    section: str
    title: str
    parameters: Mapping[str, Any]
    checks: Sequence[Check]
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether every check did."""
        return all(check.passed for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """Return figures first, then section, parameters, checks, passed; None for what is no finite number."""
        content = {
            **self.figures,
            "section": self.section,
            "parameters": dict(self.parameters),
            "checks": [check.as_dict() for check in self.checks],
            "passed": self.passed,
        }
        return {key: _finite(value) for key, value in content.items()}

    def text(self, markdown: bool = False, published: bool = False) -> str:
        """Title, table and notes, plain or as markdown. published: only the rows of what was published."""
        rows = [check.cells() for check in self.checks if check.published is not None or not published]
        given = ", ".join(f"{name} {_shown(value)}" for name, value in self.parameters.items())
        if markdown:
            lines = ["| " + " | ".join(cells) + " |" for cells in (HEADER, ["---"] * len(HEADER), *rows)]
            return "\n".join([f"**{self.title}** ({given})", "", *lines, *(f"\n{note}" for note in self.notes)])
        return "\n".join([self.title, given, "", text_table(HEADER, rows), *self.notes])


def inside(q: Sequence[int], limit: int, default: Sequence[int]) -> list[int]:
    """Inventories at which both sides are quoted; raises ValueError for others, unless they are the default ones."""
    beyond = [value for value in q if abs(value) >= limit]
    if beyond and tuple(q) != tuple(default):
        raise ValueError(f"q {beyond[0]}; expected a number from {1 - limit} to {limit - 1}, where both sides are quoted")
    return [value for value in q if value not in beyond]


def check_positive(hawkes_mu: float, tau: Sequence[float]) -> None:
    """Raise ValueError for a flow in which nothing comes, or a window that holds nothing."""
    for name, values in (("hawkes_mu", [hawkes_mu]), ("tau", tau)):
        wrong = [value for value in values if not value > 0.0]
        if wrong:
            raise ValueError(f"{name} {wrong[0]:g}; expected a number above 0")


def _finite(value: Any) -> Any:
    """A value for JSON, which has no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _half_unit(printed: str) -> float:
    """Half a unit of the last digit of a number as printed."""
    return 0.5 * 10.0 ** -len(printed.partition(".")[2])
