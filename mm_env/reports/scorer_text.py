"""Tables of how well headline scorers find the sign."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mm_env.sentiment.evaluation import CLASSES, Scorecard


def scorecard_row(path: Path, card: Scorecard) -> dict[str, object]:
    """Figures of one scorer on one file, under stable names."""
    cells = {
        f"{true}_as_{predicted}": int(card.confusion[i, j])
        for i, true in enumerate(CLASSES)
        for j, predicted in enumerate(CLASSES)
    }
    return {
        "data": path.name, "scorer": card.scorer, "headlines": card.headlines, "accuracy": card.accuracy,
        "macro_f1": card.macro_f1, "correlation": card.correlation, "calibration_error": card.calibration_error,
        "headlines_per_second": card.headlines_per_second, **cells,
    }  # fmt: skip


def label_shares(labelled: pd.DataFrame) -> str:
    """How many headlines of which class, in words."""
    count = labelled["label"].value_counts()
    parts = (
        f"{count.get(label, 0) / len(labelled):.0%} {name}"
        for label, name in ((0, "negative"), (2, "neutral"), (1, "positive"))
    )
    return f"{len(labelled)} headlines, {', '.join(parts)}"


def scorecard_table(cards: Sequence[Scorecard]) -> str:
    """Markdown table of the scorers' figures."""
    lines = [
        "| scorer | macro F1 | accuracy | rank correlation | calibration error | headlines/s |",
        "|---|---|---|---|---|---|",
    ]
    for c in cards:
        error = "" if c.calibration_error != c.calibration_error else f"{c.calibration_error:.3f}"
        correlation = "" if c.correlation != c.correlation else f"{c.correlation:.2f}"
        speed = f"{c.headlines_per_second:,.0f}" if c.headlines_per_second < 1e6 else "over a million"
        lines.append(f"| {c.scorer} | {c.macro_f1:.3f} | {c.accuracy:.3f} | {correlation} | {error} | {speed} |")
    return "\n".join(lines)


def confusion_table(card: Scorecard) -> str:
    """Markdown table of the confusion matrix, true classes down."""
    lines = ["| true \\ predicted | " + " | ".join(CLASSES) + " |", "|---|---|---|---|"]
    lines += [
        f"| {name} | " + " | ".join(str(n) for n in row) + " |" for name, row in zip(CLASSES, card.confusion, strict=True)
    ]
    return "\n".join(lines)
