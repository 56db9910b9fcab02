"""How well does each scorer tell the sign of headlines that people have labelled?

python scripts/evaluate_sentiment.py labelled.csv --scorers tfidf,minilm,vader
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from mm_env.cli.errors import check_target, user_errors
from mm_env.errors import UsageError
from mm_env.files import write_csv, write_json
from mm_env.sentiment.evaluation import CLASSES, Scorecard, chosen, evaluate_scorer, read_labelled
from mm_env.sentiment.scorers import SCORER_NAMES, get_scorer


@user_errors
def main(
    data: Annotated[
        list[Path],
        typer.Argument(help="CSV of text and label (0, 1, 2 or negative, positive, neutral), or lines of sentence@label"),
    ],
    scorers: Annotated[
        str | None,
        typer.Option(help=f"separated by commas, transformer:PATH among them; {','.join(SCORER_NAMES)} if none are named"),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV file of the figures")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="the figures as JSON")] = None,
) -> None:
    """Print accuracy, macro F1, correlation, calibration, headlines a second and the confusion matrix of each scorer."""
    try:
        models = [get_scorer(name) for name in chosen(scorers, SCORER_NAMES)]
    except ValueError as error:
        raise UsageError(f"--scorers: {error}") from error
    for option, target in {"--out": out, "--json": json_file}.items():
        if target is not None:
            check_target(option, target)
    rows: list[dict[str, object]] = []
    for path, labelled in [(path, read_labelled(path)) for path in data]:
        cards = [evaluate_scorer(model, labelled) for model in models]
        print(f"\n{path.name}: {shares(labelled)}\n\n{figures(cards)}\n")
        for card in cards:
            print(f"{card.scorer}\n{matrix(card)}\n")
        rows += [_row(path, card) for card in cards]
    if out is not None:
        write_csv(out, list(rows[0]), rows)
    if json_file is not None:
        finite = [{key: None if value != value else value for key, value in row.items()} for row in rows]
        write_json(json_file, {"rows": finite})


def _row(path: Path, card: Scorecard) -> dict[str, object]:
    cells = {
        f"{true}_as_{told}": int(card.confusion[i, j]) for i, true in enumerate(CLASSES) for j, told in enumerate(CLASSES)
    }
    return {
        "data": path.name, "scorer": card.scorer, "headlines": card.headlines, "accuracy": card.accuracy,
        "macro_f1": card.macro_f1, "correlation": card.correlation, "calibration_error": card.calibration_error,
        "headlines_per_second": card.headlines_per_second, **cells,
    }  # fmt: skip


def shares(labelled: pd.DataFrame) -> str:
    """How many headlines of which class, in words."""
    count = labelled["label"].value_counts()
    parts = (
        f"{count.get(label, 0) / len(labelled):.0%} {name}"
        for label, name in ((0, "negative"), (2, "neutral"), (1, "positive"))
    )
    return f"{len(labelled)} headlines, {', '.join(parts)}"


def figures(cards: Sequence[Scorecard]) -> str:
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


def matrix(card: Scorecard) -> str:
    """Markdown table of the confusion matrix, true classes down."""
    lines = ["| true \\ told | " + " | ".join(CLASSES) + " |", "|---|---|---|---|"]
    lines += [
        f"| {name} | " + " | ".join(str(n) for n in row) + " |" for name, row in zip(CLASSES, card.confusion, strict=True)
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
