"""The command `mm-env stylised-facts`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import Config, Json, Out, Seed, Settings, check_targets, market_of
from mm_env.errors import UsageError
from mm_env.realism.facts import LAGS, Effort

logger = logging.getLogger(__name__)
QUICK = Effort(envs=16, seconds=1200.0, pairs=256)
FILE = "stylised_facts.json"


def main(
    config: Config = None,
    setting: Settings = None,
    envs: Annotated[int | None, typer.Option(min=2, help=f"Independent markets; {Effort.envs} if none.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help=f"Simulated time of each, at least {LAGS[-1] + 10} [s]; {Effort.seconds:g} if none.")
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(min=2, help=f"Markets with and without a parent order; {Effort.pairs} if none.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A twentieth of the work, for a look: errors four times as wide.")
    ] = False,
    seed: Seed = 0,
    out: Out = Path("runs/stylised_facts"),
    json_file: Json = None,
) -> None:
    """Check the stylised facts of simulated markets.

    Measures the market of --config beside a large-tick and a small-tick one, with nobody quoting; a figure a fact.

    Example: mm-env stylised-facts --config crisis --quick --out runs/crisis_facts
    """
    from mm_env.config.io import DEFAULT_PRESET, load_config
    from mm_env.files import write_bytes, write_json
    from mm_env.realism.facts import LARGE, SMALL, markdown, study

    check_targets(out=out / FILE, json=json_file)
    base = QUICK if quick else Effort()
    effort = Effort(envs or base.envs, seconds or base.seconds, pairs or base.pairs)
    if effort.seconds < LAGS[-1] + 10.0:
        raise UsageError(
            f"--seconds {effort.seconds:g}: expected {LAGS[-1] + 10} or more, as the longest lag is {LAGS[-1]} s"
        )
    name = config or DEFAULT_PRESET
    markets = {one: load_config(one) for one in (LARGE, SMALL) if one != name}
    markets = {name: market_of(config, setting), **markets}
    studies = []
    for name, market in markets.items():
        logger.info("playing %s: %d envs of %g s, and %d pairs", name, effort.envs, effort.seconds, effort.pairs)
        studies.append(study(name, market, effort, seed))
        typer.echo(f"\n{name}, seed {seed}\n\n{markdown(studies[-1].facts)}\n")
    results = {
        "envs": effort.envs, "seconds": effort.seconds, "pairs": effort.pairs, "seed": seed,
        "markets": {one.name: one.as_dict() for one in studies},
    }  # fmt: skip
    write_json(out / FILE, results)
    if json_file is not None:
        write_json(json_file, results)
    from mm_env.reports import stylised_figures  # matplotlib is slow to import, and a mistake needs none of it
    from mm_env.reports.style import png

    for name, figure in stylised_figures.figures(studies).items():
        write_bytes(out / f"{name}.png", png(figure))
    missed = [f"{one.name}: {fact.name}" for one in studies for fact in one.facts if fact.holds is False]
    ruled = sum(fact.holds is not None for one in studies for fact in one.facts)
    typer.echo(f"{ruled - len(missed)} of {ruled} hold; pictures in {out}")
    if missed:
        typer.echo("missed:\n" + "\n".join(missed))
