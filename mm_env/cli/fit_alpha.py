"""Which weights of sentiment and order-book imbalance foretell the mid best?

Plays training episodes, regresses the moves of the mid on both signals, and says on other episodes how far predictions held
and what the fitted weights earn. They are written as a file of policy parameters.

    python scripts/fit_alpha.py --horizon 10 && python scripts/compare.py --agents as,as:runs/alpha/alpha.yaml
"""

from __future__ import annotations

import logging
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.cli.progress import progress_of
from mm_env.config import MarketConfig
from mm_env.config.io import config_hash, load_config, override
from mm_env.config.yaml_reader import format_yaml
from mm_env.errors import UsageError
from mm_env.evaluation.ablation import interval
from mm_env.evaluation.alpha import Blend, Forecast, fit_blend, forecasts, record_signals
from mm_env.evaluation.evaluation import evaluate
from mm_env.files import write_bytes, write_json
from mm_env.interrupt import Stopped, StopRequest
from mm_env.policies.registry import get_policy
from mm_env.reports.alpha_figure import alpha_figure
from mm_env.reports.style import png
from mm_env.reports.tables import text_table

PARAMETERS = ("alpha_weight", "obi_weight", "alpha_smooth", "sentiment_half_life_seconds")
FILES = ("alpha.yaml", "alpha.json", "alpha.png")


@user_errors
def main(
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market; the default one if none.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the market; repeatable.")
    ] = None,
    policy: Annotated[str, typer.Option(help="Who quotes meanwhile, as run_baseline.py spells policies.")] = "as",
    horizon: Annotated[float, typer.Option(min=1e-6, help="Of the moves that the weights are fitted to [s].")] = 10.0,
    episodes: Annotated[int, typer.Option(min=2, help="Training episodes to fit to, and held-out ones to judge by.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Of the episodes.")] = 1,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help=f"Holds {', '.join(FILES)}.")] = Path("runs/alpha"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Fit the weights of the default policy's alpha, and show predicted against realised moves by horizon.

    Example: python scripts/fit_alpha.py --set news.scorer=vader --out runs/alpha_vader
    """
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    for option, path in {"--out": out / FILES[0], "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    market = override(load_config(config), parse_overrides(setting or []))
    step = market.episode.step_seconds
    ahead = round(horizon / step)
    if not 1 <= ahead <= market.episode.steps - 2 or abs(ahead * step - horizon) > 1e-9 * horizon:
        allowed = f"whole steps, from {step:g} to {(market.episode.steps - 2) * step:g} s"
        raise UsageError(f"--horizon {horizon:g}: expected {allowed}")
    player = get_policy(policy, seed)
    try:
        with StopRequest() as stop, progress_of("env steps", 2 * episodes * market.episode.steps) as advance:
            fitted_to, held_out = (
                record_signals(player, market, episodes, seed, evaluation=apart, on_progress=advance, stop=stop)
                for apart in (False, True)
            )
    except Stopped as stopped:
        print("stopped before the signals were recorded: nothing to fit")
        raise typer.Exit(130) from stopped
    blend = fit_blend(fitted_to, horizon)
    told = forecasts(held_out, blend)
    title = f"fitted to moves of {horizon:g} s in {episodes} training episodes, judged by {episodes} others, seed {seed}"
    print(f"\n{title}\n\n{weights_table(blend, market)}\n\n{horizons_table(told)}\n")
    command = shlex.join(["python", "scripts/fit_alpha.py", *sys.argv[1:]])
    about = {
        "command": command, "config_hash": config_hash(market), "scorer": market.news.scorer, "episodes": episodes,
        "seed": seed, "blend": asdict(blend), "forecasts": [asdict(one) for one in told],
    }  # fmt: skip
    write_bytes(out / FILES[0], _yaml(blend, about).encode())
    for path in [out / FILES[1]] + ([] if json_file is None else [json_file]):
        write_json(path, about)
    write_bytes(out / FILES[2], png(alpha_figure(blend, told, title)))
    profits = [
        evaluate(get_policy("as"), used, episodes, seed).profit for used in (market, override(market, _changes(blend)))
    ]
    gain, width = interval(profits[1] - profits[0], 0.95)
    print(f"profit of the default policy on the others: fitted weights less the market's own {gain:+.0f} ± {width:.0f}")
    print(f"\nuse it as as:{out / FILES[0]}; folder: {out}")


def _changes(blend: Blend) -> dict[str, Any]:
    return {f"policy.{name}": getattr(blend, name) for name in PARAMETERS}


def weights_table(blend: Blend, market: MarketConfig) -> str:
    """The fitted parameters beside the market's own."""
    rows = []
    for name in PARAMETERS:
        error = getattr(blend, f"{name}_error", None)
        rows.append(
            [
                name,
                f"{getattr(blend, name):.4g}",
                "" if error is None else f"{error:.2g}",
                f"{getattr(market.policy, name):.4g}",
            ]
        )
    return text_table(["parameter", "fitted", "standard error", "the market's own"], rows)


def horizons_table(told: list[Forecast]) -> str:
    """What predictions were worth at each horizon, with 95 % intervals."""
    return text_table(
        ["horizon", "R²", "realised for 1 bps predicted", "bps at sentiment 1", "bps at imbalance 1"],
        [
            [
                f"{one.horizon_seconds:g} s",
                f"{100 * one.r_squared:.2f} %",
                f"{one.slope:.2f} ± {one.slope_95:.2f}",
                f"{one.alpha_weight:.2f} ± {one.alpha_weight_95:.2f}",
                f"{one.obi_weight:.2f} ± {one.obi_weight_95:.2f}",
            ]
            for one in told
        ],
    )


def _yaml(blend: Blend, about: dict[str, Any]) -> str:
    lines = [
        f"# alpha of market {about['config_hash']} (headlines scored by {about['scorer']}), by regression:",
        f"#   {about['command']}",
        f"# moves of {blend.horizon_seconds:g} s in {about['episodes']} training episodes of seed {about['seed']};",
        f"# standard errors of the weights {blend.alpha_weight_error:.2g} and {blend.obi_weight_error:.2g}.",
    ]
    values = {name: float(f"{getattr(blend, name):.4g}") for name in PARAMETERS}
    return "\n".join(lines) + "\n" + format_yaml({"policy": values})


if __name__ == "__main__":
    typer.run(main)
