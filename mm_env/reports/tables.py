"""The statistics of a run as plain text, the same on a terminal and in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 120  # characters; what is wider continues in a table below

_SYMBOL_ROWS = (
    ("profit of the first episode", "profit_first", 2),
    ("profit, mean", "profit", 2),
    ("  99 % interval", "profit", 2),
    ("Sharpe ratio over episodes", "sharpe", 3),
    ("maximum drawdown, mean", "drawdown", 2),
    ("maximum drawdown, worst", "drawdown_worst", 2),
    ("fills", "fills", 1),
    ("filled / posted lots", "fill_ratio", 4),
    ("inventory, mean of |lots|", "inventory_absolute_lots", 2),
    ("inventory, sd [lots]", "inventory_sd_lots", 2),
    ("inventory, root mean square of the value", "inventory_sd", 2),
    ("inventory at the first's end, before liquidation [lots]", "inventory_end_lots_first", 0),
    ("VaR over its limit [share of steps]", "over_limit", 4),
    ("hedges", "hedges", 2),
    ("lots traded by hedges", "hedged_lots", 1),
    ("lots that hedges could not trade", "hedge_unfilled_lots", 1),
    ("cost of hedges", "hedge_cost", 2),
)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under their names: the first to the left, all others to the right.

    rows: each as long as the header
    """
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        left = cells[0].ljust(widths[0])
        return "  ".join([left, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def plus_minus(estimate: Mapping[str, Any], digits: int) -> str:
    """An estimate with its standard error, as far as they are known."""
    if estimate["value"] is None:
        return "n/a"
    value = f"{estimate['value']:.{digits}f}"
    return value if estimate["error"] is None else f"{value} ± {estimate['error']:.{digits}f}"


def interval(estimate: Mapping[str, Any], digits: int) -> str:
    """The interval of an estimate."""
    if estimate["low"] is None:
        return "n/a"
    return f"{estimate['low']:.{digits}f} to {estimate['high']:.{digits}f}"


def run_report(summary: Mapping[str, Any]) -> str:
    """The tables of a run: basic stats, attribution, mark-outs.

    summary: as `mm_env.runs.baseline.run_baseline` returns it, of at least one episode
    """
    return "\n\n".join([_basic_stats(summary), _attribution(summary["attribution"]), _markouts(summary["markouts"])])


def _basic_stats(summary: Mapping[str, Any]) -> str:
    figures = {**summary["symbols"], "portfolio": summary["portfolio"]}
    count = summary["episodes"]
    kept = "" if summary["complete_episodes"] else ", cut short"
    title = (
        f"basic stats: {count} episode{'s' if count != 1 else ''}{kept}, {summary['steps']} steps, "
        f"policy {summary['policy']}, seed {summary['seed']}\n"
        "currency and lots an episode; ± one standard error over episodes\n"
    )
    rows = [
        (label, [_cell(part, key, digits, interval if label.startswith(" ") else plus_minus) for part in figures.values()])
        for label, key, digits in _SYMBOL_ROWS
    ]
    return title + _blocks(list(figures), rows)


def _cell(part: Mapping[str, Any], key: str, digits: int, form: Any) -> str:
    value = part.get(key, "")
    if isinstance(value, Mapping):
        return str(form(value, digits))
    return value if isinstance(value, str) else f"{value:.{digits}f}"


def _attribution(margins: Mapping[str, Any]) -> str:
    columns = {**margins["symbols"], **margins["venues"], **margins["all"]}
    names = [*margins["symbols"], *margins["venues"], "all"]
    parts = [*margins["symbols"].values(), *margins["venues"].values(), *margins["all"].values()]
    rows = [(term.replace("_", " "), [f"{part[term]:.2f}" for part in parts]) for term in next(iter(columns.values()))]
    title = "attribution of profit by symbol and by venue: currency, mean over episodes (both in attribution.csv)\n"
    return title + _blocks(names, rows)


def _markouts(rows: Sequence[Mapping[str, Any]]) -> str:
    horizons = list(dict.fromkeys(row["horizon_seconds"] for row in rows))
    names = list(dict.fromkeys(row["venue"] for row in rows))
    found = {(row["venue"], row["horizon_seconds"]): row for row in rows}
    cells = [
        (name, [str(found[name, horizons[0]]["fills"]), *(plus_minus(found[name, h]["bps"], 3) for h in horizons)])
        for name in names
    ]
    header = ["fills", *("at the fill" if h == 0 else f"after {h:g} s" for h in horizons)]
    return "mark-outs of own quotes' fills: bps of the traded value, before fees\n" + _blocks(header, cells)


def _blocks(names: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """One table, or several below each other where one would be too wide."""
    labels = max(len(label) for label, _ in rows)
    widths = [2 + max(len(name), *(len(cells[k]) for _, cells in rows)) for k, name in enumerate(names)]
    tables, low = [], 0
    while low < len(names):
        high = low + 1
        while high < len(names) and labels + sum(widths[low : high + 1]) <= _WIDTH:
            high += 1
        tables.append(text_table(["", *names[low:high]], [[label, *cells[low:high]] for label, cells in rows]))
        low = high
    return "\n\n".join(tables)
