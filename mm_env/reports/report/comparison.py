"""The report of a comparison: who is better on the same held-out episodes, by how much, and at which risk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.errors import RunError
from mm_env.reports import charts
from mm_env.reports.report import paper
from mm_env.reports.report.content import Block, Chart, Code, Report, ReportSection, Table, Text, split_columns
from mm_env.reports.report.numbers import UNKNOWN, number

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
_NEEDED = ("baseline", "seed", "episodes", "resamples", "config_hash", "rows", "training_seeds")


def comparison_report(folder: Path) -> Report:
    """Read a folder of `mm-env compare` into its report; raises `RunError` for a folder that cannot be read."""
    about, episodes = _read(folder)
    rows, baseline, count = about["rows"], about["baseline"], about["episodes"]
    classic = bool(about.get("classic", False))
    market = (folder / "config.yaml").read_text("utf-8") if (folder / "config.yaml").is_file() else None
    summary: list[Block] = [Text(_reading(rows, baseline)), *_tables(rows, baseline, classic)]
    figures = [
        Chart("differences", f"Reward of an episode less that of {baseline} on the same episodes, 95 % interval.",
              lambda: charts.differences_chart(rows, baseline), lambda: paper.differences_paper(rows, baseline)),
        Chart("profits", "How the profits of the episodes lie: median, middle half, 5 to 95 %.",
              lambda: charts.profits_chart(episodes), lambda: paper.profits_paper(episodes)),
    ]  # fmt: skip
    sections = [
        ReportSection("summary", "Summary", tuple(summary)),
        ReportSection("differences", "Differences and distributions", tuple(figures)),
        ReportSection("rewards", "What the reward is made of", tuple(_rewards(episodes))),
    ]
    if about["training_seeds"]:
        own = about["training_seeds"]
        sections.append(
            ReportSection(
                "seeds", "Each training seed by itself", tuple(_tables([_of(rows, baseline), *own], baseline, classic))
            )
        )
    sections.append(ReportSection("configuration", "Configuration and seeds", tuple(_configuration(about, market))))
    best = max(rows, key=lambda row: row["reward"])
    low = min(rows, key=lambda row: row["drawdown"])
    first_figures = (
        ("Best mean reward", number(best["reward"]), str(best["agent"])),
        ("Its profit", number(best["profit"]), f"95 %: {_ends(best, 'profit')}"),
        ("Smallest drawdown", number(low["drawdown"]), str(low["agent"])),
        ("Agents", number(len(rows)), f"{number(count)} episodes each"),
    )
    subtitle = f"{number(count)} held-out episodes, baseline {baseline}, seed {about['seed']}"
    version = f"mm_env {about['version']}, " if "version" in about else ""
    facts = f"{version}configuration {about['config_hash']}, seed {about['seed']}"
    return Report("Comparison of agents", subtitle, first_figures, tuple(sections), facts)


def _read(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    import pandas as pd
    import pyarrow as pa

    try:
        about: dict[str, Any] = json.loads((folder / "comparison.json").read_text("utf-8"))
        episodes = pd.read_parquet(folder / "episodes.parquet")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunError(f"{folder}: cannot read the comparison: {error}") from error
    missing = [key for key in _NEEDED if key not in about]
    if missing:
        raise RunError(f"{folder}: cannot read the comparison: comparison.json has no {', '.join(missing)}")
    return about, episodes


def _of(rows: Sequence[Row], agent: str) -> Row:
    return next(row for row in rows if row["agent"] == agent)


def _reading(rows: Sequence[Row], baseline: str) -> str:
    """Which agents are better and which are worse than the baseline, by the intervals."""
    others = [row for row in rows if row["agent"] != baseline]
    if not others:
        return f"{baseline} was played alone."
    better = [row["agent"] for row in others if row["reward_difference_low"] > 0.0]
    worse = [row["agent"] for row in others if row["reward_difference_high"] < 0.0]
    unclear = [row["agent"] for row in others if row["agent"] not in (*better, *worse)]
    parts = [
        f"{', '.join(names)}: {verb}"
        for names, verb in (
            (better, f"a higher reward than {baseline}"),
            (worse, f"a lower reward than {baseline}"),
            (unclear, f"does not differ significantly from {baseline}"),
        )
        if names
    ]
    return f"On the same episodes, with 95 % confidence: {'; '.join(parts)}."


def _ends(row: Row, name: str, factor: float = 1.0, digits: int = 0, sign: bool = False) -> str:
    low, high = (None if row[f"{name}{end}"] is None else factor * row[f"{name}{end}"] for end in ("_low", "_high"))
    return UNKNOWN if low is None else f"{number(low, digits, sign)} to {number(high, digits, sign)}"


def _tables(rows: Sequence[Row], baseline: str, classic: bool) -> list[Table]:
    digits = 0 if max(abs(row["reward"]) for row in rows) >= 100.0 else 2
    first, second = [], []
    for row in rows:
        paired = row["agent"] != baseline
        first.append((
            row["agent"], str(row["seeds"]), number(row["reward"], digits), _ends(row, "reward", digits=digits),
            number(row["reward_difference"], digits, sign=True) if paired else "",
            _ends(row, "reward_difference", digits=digits, sign=True) if paired else "",
            number(100.0 * row["improvement"]) if paired else "",
            number(row["correlation"], 2) if paired else "",
        ))  # fmt: skip
        second.append((
            row["agent"], number(row["profit"], digits), number(row["sharpe"], 2), number(row["cvar"], digits),
            number(row["drawdown"], digits), number(row["inventory_sd"], 2 if classic else 0),
            number(100.0 * row["over_limit"], 2), number(row["fills"]), number(row["hedge_cost"], digits),
        ))  # fmt: skip
    header = (
        "agent",
        "seeds",
        "reward",
        "95 % interval",
        f"less {baseline}",
        "95 % interval",
        "better in [%]",
        "correlation",
    )
    inventory = "sd of inventory [units]" if classic else "sd of inventory"
    risk = (
        "agent", "profit", "Sharpe", "CVaR 5 %", "drawdown", inventory, "over VaR limit [% of steps]", "fills",
        "hedge cost",
    )  # fmt: skip
    return [
        Table("Reward of an episode [currency], and its difference on the same episodes", header, tuple(first),
              widths=(2.4, 0.7, 1.0, 1.9, 1.1, 1.9, 1.0, 1.2)),
        Table("Profit and risk, mean of an episode [currency where no other unit stands]", risk, tuple(second),
              widths=(2.4, 1.0, 0.9, 1.0, 1.1, 1.2, 1.3, 0.9, 1.1)),
    ]  # fmt: skip


def _rewards(episodes: pd.DataFrame) -> list[Block]:
    terms = [name for name in episodes.columns if name.startswith("reward.")]
    used = [name for name in terms if (episodes[name] != 0.0).any()]
    means = episodes.groupby("agent", sort=False)[[*used, "reward"]].mean()
    header = ["agent", *(name.removeprefix("reward.").replace("_", " ") for name in used), "reward, the sum"]
    rows = [[str(agent), *(number(value, 1) for value in values)] for agent, *values in means.itertuples()]
    return list(split_columns("Weighted terms, mean of an episode [currency]", header, rows))


def _configuration(about: Mapping[str, Any], market: str | None) -> list[Block]:
    rows = (
        *(
            (("market", about["config"] or "the default one"), ("version of mm_env", about["version"]))
            if "version" in about
            else ()
        ),
        ("configuration hash", about["config_hash"]),
        ("baseline", about["baseline"]),
        ("agents", ", ".join(row["agent"] for row in about["rows"])),
        ("seed of the held-out episodes", str(about["seed"])),
        ("episodes", number(about["episodes"])),
        ("resamples of the bootstrap", number(about["resamples"])),
    )
    blocks: list[Block] = [Table("What was compared", ("", "value"), rows, left=(0, 1), widths=(1.0, 3.0))]
    if market is not None:
        blocks.append(Code("Configuration of the market, every parameter (YAML)", market, folded=True))
    return blocks
