"""Train the scorers of headlines on labelled ones: the default (TF-IDF) and the optional one (MiniLM).

Writes the archives that the package ships, each whole or not at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.errors import check_target, user_errors
from mm_env.errors import UsageError
from mm_env.files import write_bytes
from mm_env.sentiment import minilm as optional
from mm_env.sentiment.evaluation import read_labelled
from mm_env.sentiment.linear import WEIGHTS
from mm_env.sentiment.training.fit import Fitted, fit_minilm, fit_tfidf, without_repeats

SHIPPED = Path(__file__).resolve().parents[1] / "sentiment"


@user_errors
def main(
    data: Annotated[Path, typer.Argument(help="CSV of `text,label`: 0 or negative, 1 or positive, 2 or neutral")],
    minilm: Annotated[
        bool, typer.Option(help="the scorer minilm too, twenty minutes; needs the extras [sentiment] and [transformer]")
    ] = True,
    out: Annotated[
        Path, typer.Option(help="folder that receives data/*.npz; the default is what the package ships")
    ] = SHIPPED,
) -> None:
    """Fit, choose the neutral band out of fold, and write the weights."""
    if minilm:
        try:
            optional.require_packages((*optional.PACKAGES, "torch", "transformers"))
        except ImportError as error:
            raise UsageError(f"--minilm: {error}") from error
    real = without_repeats(read_labelled(data))
    for path in (WEIGHTS, optional.WEIGHTS):
        check_target("--out", out / path)
    tfidf = fit_tfidf(real, _say)
    both = {WEIGHTS: tfidf} | ({optional.WEIGHTS: fit_minilm(real, tfidf, _say)} if minilm else {})
    for path, fitted in both.items():  # together, as one is averaged with the other
        _ship(out / path, fitted)


def _say(stage: str) -> None:
    print(stage, flush=True)


def _ship(path: Path, fitted: Fitted) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, fitted.archive)
    _say(f"{path}: {len(fitted.archive) / 1e6:.2f} MB")


if __name__ == "__main__":
    typer.run(main)
