"""The command `mm-env fit-alpha`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.cli.options import (
    Config,
    Episodes,
    Json,
    Out,
    PolicyName,
    Seed,
    Settings,
    check_targets,
    command_line,
    market_of,
)
from mm_env.cli.progress import progress_of
from mm_env.errors import UsageError
from mm_env.interrupt import Stopped, StopRequest

if TYPE_CHECKING:
    from mm_env.evaluation.alpha import Blend

FILES = ("alpha.yaml", "alpha.json", "alpha.png")


def main(
    config: Config = None,
    setting: Settings = None,
    policy: PolicyName = "as",
    horizon: Annotated[
        float, typer.Option(min=1e-6, help="Horizon of the price moves that the weights are fitted to [s].")
    ] = 10.0,
    episodes: Episodes = 256,
    seed: Seed = 1,
    out: Out = Path("runs/alpha"),
    json_file: Json = None,
) -> None:
    """Fit the weights of sentiment and order-book imbalance.

    Regresses moves of the mid on both signals in training episodes, and reports on held-out episodes how well predictions
    hold and what the weights earn. Writes a file of policy parameters.

    Example: mm-env fit-alpha --horizon 10 --set news.scorer=vader --out runs/alpha
    """
    from mm_env.config.io import config_hash, override
    from mm_env.evaluation.ablation import interval
    from mm_env.evaluation.alpha import fit_blend, forecasts, record_signals
    from mm_env.evaluation.evaluation import evaluate
    from mm_env.files import write_bytes, write_json
    from mm_env.policies.registry import get_policy
    from mm_env.reports.alpha_figure import alpha_figure
    from mm_env.reports.alpha_text import alpha_yaml, horizons_table, weights_table
    from mm_env.reports.style import png

    check_targets(out=out / FILES[0], json=json_file)
    market = market_of(config, setting)
    step = market.episode.step_seconds
    ahead = round(horizon / step)
    if not 1 <= ahead <= market.episode.steps - 2 or abs(ahead * step - horizon) > 1e-9 * horizon:
        allowed = f"whole steps, from {step:g} to {(market.episode.steps - 2) * step:g} s"
        raise UsageError(f"--horizon {horizon:g}: expected {allowed}")
    player, stop = get_policy(policy, seed), StopRequest()
    try:
        with stop, progress_of("env steps", 2 * episodes * market.episode.steps) as advance:
            fitted_to, held_out = (
                record_signals(player, market, episodes, seed, evaluation=apart, on_progress=advance, stop=stop)
                for apart in (False, True)
            )
    except Stopped as stopped:
        typer.echo("stopped before the signals were recorded: nothing to fit")
        raise typer.Exit(128 + (stop.signal or 2)) from stopped
    blend = fit_blend(fitted_to, horizon)
    predicted = forecasts(held_out, blend)
    title = f"fitted to moves of {horizon:g} s in {episodes} training episodes, evaluated on {episodes} others, seed {seed}"
    typer.echo(f"\n{title}\n\n{weights_table(blend, market)}\n\n{horizons_table(predicted)}\n")
    command = command_line()
    about = {
        "command": command, "config_hash": config_hash(market), "scorer": market.news.scorer, "episodes": episodes,
        "seed": seed, "blend": asdict(blend), "forecasts": [asdict(one) for one in predicted],
    }  # fmt: skip
    write_bytes(out / FILES[0], alpha_yaml(blend, about).encode())
    for path in [out / FILES[1]] + ([] if json_file is None else [json_file]):
        write_json(path, about)
    write_bytes(out / FILES[2], png(alpha_figure(blend, predicted, title)))
    profits = [
        evaluate(get_policy("as"), used, episodes, seed).profit for used in (market, override(market, _changes(blend)))
    ]
    gain, width = interval(profits[1] - profits[0], 0.95)
    typer.echo(f"profit of the default policy on the others: fitted weights less the market's own {gain:+.0f} ± {width:.0f}")
    typer.echo(f"\nuse it as as:{out / FILES[0]}; folder: {out}")


def _changes(blend: Blend) -> dict[str, Any]:
    from mm_env.reports.alpha_text import PARAMETERS

    return {f"policy.{name}": getattr(blend, name) for name in PARAMETERS}
