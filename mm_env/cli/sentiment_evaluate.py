"""The command `mm-env sentiment-evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import Json, check_targets
from mm_env.errors import UsageError
from mm_env.sentiment.scorers import SCORER_NAMES


def main(
    data: Annotated[
        list[Path],
        typer.Argument(help="CSV of text and label (0, 1, 2 or negative, positive, neutral), or lines of sentence@label."),
    ],
    scorers: Annotated[
        str | None,
        typer.Option(help=f"Scorers with commas, transformer:PATH among them; {','.join(SCORER_NAMES)} if none."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV file of the figures.")] = None,
    json_file: Json = None,
) -> None:
    """Evaluate headline scorers on labelled headlines.

    Prints accuracy, macro F1, correlation, calibration, headlines a second and the confusion matrix of each scorer.

    Example: mm-env sentiment-evaluate labelled.csv --scorers tfidf,vader
    """
    from mm_env.files import write_csv, write_json
    from mm_env.reports.scorer_text import confusion_table, label_shares, scorecard_row, scorecard_table
    from mm_env.sentiment.evaluation import chosen, evaluate_scorer, read_labelled
    from mm_env.sentiment.scorers import get_scorer

    try:
        models = [get_scorer(name) for name in chosen(scorers, SCORER_NAMES)]
    except ValueError as error:
        raise UsageError(f"--scorers: {error}") from error
    check_targets(out=out, json=json_file)
    rows: list[dict[str, object]] = []
    for path, labelled in [(path, read_labelled(path)) for path in data]:
        cards = [evaluate_scorer(model, labelled) for model in models]
        typer.echo(f"\n{path.name}: {label_shares(labelled)}\n\n{scorecard_table(cards)}\n")
        for card in cards:
            typer.echo(f"{card.scorer}\n{confusion_table(card)}\n")
        rows += [scorecard_row(path, card) for card in cards]
    if out is not None:
        write_csv(out, list(rows[0]), rows)
    if json_file is not None:
        finite = [{key: None if value != value else value for key, value in row.items()} for row in rows]
        write_json(json_file, {"rows": finite})
