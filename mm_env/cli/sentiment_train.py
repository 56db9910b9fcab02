"""The command `mm-env sentiment-train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mm_env.cli.options import check_targets
from mm_env.extras import require

if TYPE_CHECKING:
    from mm_env.sentiment.training.fit import Fitted


SHIPPED = Path(__file__).resolve().parents[1] / "sentiment"


def main(
    data: Annotated[Path, typer.Argument(help="CSV of `text,label`: 0 or negative, 1 or positive, 2 or neutral")],
    minilm: Annotated[
        bool, typer.Option(help="the scorer minilm too, twenty minutes; needs the extras [sentiment] and [transformer]")
    ] = True,
    out: Annotated[
        Path, typer.Option(help="folder that receives data/*.npz; the default is what the package ships")
    ] = SHIPPED,
) -> None:
    """Train the headline scorers on labelled headlines.

    Fits TF-IDF, and MiniLM unless --no-minilm, chooses the neutral band out of fold, and writes the weights.

    Example: mm-env sentiment-train labelled.csv --no-minilm --out runs/scorers
    """
    from mm_env.sentiment import minilm as optional
    from mm_env.sentiment.evaluation import read_labelled
    from mm_env.sentiment.linear import WEIGHTS
    from mm_env.sentiment.training.fit import fit_minilm, fit_tfidf, without_repeats

    if minilm:
        require(*optional.PACKAGES, "torch", "transformers", extra="sentiment,transformer")
    real = without_repeats(read_labelled(data))
    for path in (WEIGHTS, optional.WEIGHTS):
        check_targets(out=out / path)
    tfidf = fit_tfidf(real, _say)
    both = {WEIGHTS: tfidf} | ({optional.WEIGHTS: fit_minilm(real, tfidf, _say)} if minilm else {})
    for path, fitted in both.items():  # together, as one is averaged with the other
        _ship(out / path, fitted)


def _say(stage: str) -> None:
    typer.echo(stage)


def _ship(path: Path, fitted: Fitted) -> None:
    from mm_env.files import write_bytes

    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, fitted.archive)
    _say(f"{path}: {len(fitted.archive) / 1e6:.2f} MB")
