"""Does the book market look like a market? Measures the stylised facts with nobody quoting, and says which hold.

Plays the market of --config beside a large-tick and a small-tick one, prints a table of each, and draws a figure a fact.

    python scripts/stylised_facts.py --out runs/stylised_facts --json facts.json
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.baseline import check_log_level
from mm_env.cli.errors import check_target, user_errors
from mm_env.config.io import load_config
from mm_env.errors import UsageError
from mm_env.files import write_bytes, write_json
from mm_env.realism.facts import LAGS, LARGE, SMALL, Effort, markdown, study

logger = logging.getLogger("stylised_facts")
QUICK = Effort(envs=16, seconds=1200.0, pairs=256)
FILE = "stylised_facts.json"


@user_errors
def main(
    config: Annotated[
        str | None, typer.Option(metavar="PRESET|FILE", help="Market to measure; two_symbols if none.")
    ] = None,
    envs: Annotated[int | None, typer.Option(min=2, help=f"Independent markets; {Effort.envs} if none.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help=f"Played in each, at least {LAGS[-1] + 10}; {Effort.seconds:g} if none.")
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(min=2, help=f"Markets with and without a parent order; {Effort.pairs} if none.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A twentieth of the work, for a look: errors four times as wide.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Holds a picture a fact afterwards.")] = Path(
        "runs/stylised_facts"
    ),
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there as well.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Print which stylised facts hold in the market, a large-tick and a small-tick one, and draw each.

    Example: python scripts/stylised_facts.py --config crisis --quick --out runs/crisis_facts
    """
    check_log_level(log_level)
    for option, path in {"--out": out / FILE, "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    base = QUICK if quick else Effort()
    effort = Effort(envs or base.envs, seconds or base.seconds, pairs or base.pairs)
    if effort.seconds < LAGS[-1] + 10.0:
        raise UsageError(
            f"--seconds {effort.seconds:g}: allowed: {LAGS[-1] + 10} or more, as the longest lag is {LAGS[-1]} s"
        )
    markets = {name: load_config(name) for name in dict.fromkeys([config or "two_symbols", LARGE, SMALL])}
    studies = []
    for name, market in markets.items():
        logger.info("playing %s: %d envs of %g s, and %d pairs", name, effort.envs, effort.seconds, effort.pairs)
        studies.append(study(name, market, effort, seed))
        print(f"\n{name}, seed {seed}\n\n{markdown(studies[-1].facts)}\n", flush=True)
    results = {
        "envs": effort.envs, "seconds": effort.seconds, "pairs": effort.pairs, "seed": seed,
        "markets": {one.name: one.as_dict() for one in studies},
    }  # fmt: skip
    write_json(out / FILE, results)
    if json_file is not None:
        write_json(json_file, results)
    from mm_env.reports import stylised_figures  # matplotlib is slow to import, and a mistake is told without it
    from mm_env.reports.style import png

    for name, figure in stylised_figures.figures(studies).items():
        write_bytes(out / f"{name}.png", png(figure))
    missed = [f"{one.name}: {fact.name}" for one in studies for fact in one.facts if fact.holds is False]
    ruled = sum(fact.holds is not None for one in studies for fact in one.facts)
    print(f"{ruled - len(missed)} of {ruled} hold; pictures in {out}")
    if missed:
        print("missed:\n" + "\n".join(missed))


if __name__ == "__main__":
    typer.run(main)
