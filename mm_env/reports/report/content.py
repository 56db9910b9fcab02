"""What a report says, before anybody draws it: sections of text, tables, figures and code, shared by HTML and PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

MOST_COLUMNS = 8
"""Of a table beside its first: a page of A4 holds no more; wider ones go on in a table below."""


@dataclass(frozen=True)
class Text:
    """A paragraph. notice: it stands out, as of a run that was interrupted"""

    text: str
    notice: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under a header, which states units; the first column to the left, numbers to the right.

    rows: each as long as the header; caption: above the table
    total: the last row is the sum of the others, and stands out
    left: columns, counted from 0, that hold text
    widths: relative widths of the columns on paper; none: by what they hold
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool = False
    left: tuple[int, ...] = (0,)
    widths: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse a row of another length with a ValueError."""
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"{self.caption}: a row of {len(row)} cells under {len(self.header)} names")


@dataclass(frozen=True)
class Chart:
    """A figure, as it is drawn for a screen and for paper. name: distinct in the report"""

    name: str
    caption: str
    screen: Callable[[], go.Figure]
    paper: Callable[[], Figure]


@dataclass(frozen=True)
class Code:
    """Text that is shown letter by letter. summary: what it is; folded: not shown until asked for, where that can be"""

    summary: str
    text: str
    folded: bool = False


Block = Text | Table | Chart | Code


@dataclass(frozen=True)
class ReportSection:
    """A heading and what stands under it. name: distinct in the report"""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A whole report.

    title, subtitle: what was run
    figures: the few that are read first: label, value, and a remark that may be empty
    sections: in their order
    facts: of the footer: version, configuration, seed
    """

    title: str
    subtitle: str
    figures: tuple[tuple[str, str, str], ...]
    sections: tuple[ReportSection, ...]
    facts: str = field(default="")

    def blocks(self) -> Iterator[tuple[ReportSection, Block]]:
        """Every block with its section."""
        for section in self.sections:
            for block in section.blocks:
                yield section, block


def split_columns(
    caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], total: bool = False
) -> tuple[Table, ...]:
    """Return one table, or several below each other where it has more than `MOST_COLUMNS` columns beside its first."""
    width = len(header) - 1
    count = max(1, -(-width // MOST_COLUMNS))
    each = -(-width // count) if width else 0
    tables = []
    for k in range(count):
        low, high = 1 + k * each, 1 + min((k + 1) * each, width)
        cells = tuple((row[0], *row[low:high]) for row in rows)
        tables.append(Table(caption if k == 0 else f"{caption}, continued", (header[0], *header[low:high]), cells, total))
    return tuple(tables)
