"""The command `mm-env backtest-var`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import POLICY_HELP, Config, Json, Out, Seed, Settings, check_targets, market_of
from mm_env.cli.progress import progress_of
from mm_env.errors import UsageError
from mm_env.interrupt import StopRequest

FILES = ("var_backtest.json", "var_backtest.csv", "var_backtest.png")
VARIANTS = "parametric,cornish_fisher,historical,parametric:30,parametric:600,moves:120,moves:600,fhs:30,fhs:120,fhs:20+600"
SLACK = 1.02  # of an episode's length over that of its block, for positions that are zero


def main(
    config: Config = None,
    setting: Settings = None,
    agent: Annotated[str, typer.Option(help=POLICY_HELP)] = "as",
    variants: Annotated[
        str, typer.Option(help="With commas: parametric, cornish_fisher, historical, parametric:H, moves:H, fhs:H, fhs:H+G.")
    ] = VARIANTS,
    blocks: Annotated[int, typer.Option(min=2, help="Independent blocks, each one long episode.")] = 200,
    periods: Annotated[int, typer.Option(min=100, help="Horizons of a block that do not overlap.")] = 1000,
    window: Annotated[float, typer.Option(min=1.0, help="History that a simulation draws from [s].")] = 2400.0,
    seed: Seed = 0,
    out: Out = Path("runs/var"),
    json_file: Json = None,
) -> None:
    """Backtest value at risk and expected shortfall.

    Holds a policy's positions over many horizons and tests each method on them, block by block and by regime.

    Example: mm-env backtest-var --config crisis --variants parametric,fhs:30 --blocks 50
    """
    import numpy as np

    from mm_env.config.io import config_hash, override
    from mm_env.files import write_bytes, write_json
    from mm_env.policies.registry import get_policy
    from mm_env.reports.style import png
    from mm_env.reports.var_figure import var_figure
    from mm_env.reports.var_text import backtest_table, regime_table, write_backtest_csv
    from mm_env.risk.backtests import acceptance_region
    from mm_env.risk.var_backtest import LARGEST_SHARE, Levels, backtest, false_alarms, nominal_band, passed_curve
    from mm_env.risk.var_samples import horizon_steps, sample_positions
    from mm_env.risk.var_variants import spellings

    check_targets(out=out / FILES[0], json=json_file)
    policy = get_policy(agent, seed)
    market = policy.configure(market_of(config, setting))
    try:
        chosen, horizon = spellings([name for name in variants.split(",") if name.strip()]), horizon_steps(market)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if market.randomize:
        raise UsageError(f"randomize: {', '.join(market.randomize)}: a backtest needs one market; expected none")
    if not math.isfinite(window):
        raise UsageError(f"--window {window:g}: expected a finite number of seconds")
    steps = math.ceil(window / market.episode.step_seconds)
    if steps < max(market.risk.es_window, horizon):
        needed = max(market.risk.es_window, horizon) * market.episode.step_seconds
        raise UsageError(f"--window {window:g}: expected {needed:g} or more, the market's own history and horizon")
    length = steps + math.ceil(SLACK * periods) * horizon + 1
    market = override(market, {"episode.steps": length, "episode.liquidate_at_end": False})
    with StopRequest() as stop, progress_of("env steps", blocks * market.episode.steps) as advance:
        samples = sample_positions(
            policy, market, chosen, blocks, seed, periods=periods, window_steps=steps, on_progress=advance, stop=stop
        )
    if samples is None:
        print("stopped before a block was played: nothing to test")
        raise typer.Exit(128 + (stop.signal or 2))
    done = samples.profit.shape[1]
    levels = Levels(market.risk.var_conf, market.risk.es_conf)
    try:
        rows = backtest(samples, levels, [regime.name for regime in market.regimes])
    except ValueError as error:
        raise UsageError(str(error)) from error
    typical = round(rows[0]["periods"])
    alarms = false_alarms(typical, levels)
    title = (
        f"{config or 'two_symbols'}, positions of {agent}: {done} blocks of {typical} horizons of "
        f"{market.risk.var_horizon_seconds:g} s, VaR {100 * levels.conf:g} %, ES {100 * levels.es_conf:g} %, seed {seed}"
    )
    print(f"\n{title}\n\n{backtest_table(rows, alarms)}\n\n{regime_table(rows)}")
    about = {
        "config": config, "config_hash": config_hash(market), "agent": agent, "seed": seed, "blocks": done,
        "periods": periods, "window_seconds": window, "horizon_seconds": market.risk.var_horizon_seconds,
        "conf": levels.conf, "es_conf": levels.es_conf, "confidence": levels.confidence, "false_alarms": alarms,
        "share_with_unseen_fills": samples.unseen_share, "rows": rows,
    }  # fmt: skip
    for path in [out / FILES[0]] + ([] if json_file is None else [json_file]):
        write_json(path, about)
    write_backtest_csv(out / FILES[1], rows)
    curves = np.linspace(0.5, 3.0, 51)
    drawn = {row["variant"]: (curves, passed_curve(samples, row["variant"], curves)) for row in rows}
    accepted = acceptance_region(typical, 1.0 - levels.conf, levels.confidence)
    band = nominal_band(alarms["kupiec"], done)
    write_bytes(out / FILES[2], png(var_figure(rows, band, accepted, drawn, title, LARGEST_SHARE)))
    print(f"\nfolder: {out}")
    if done < blocks:
        print(f"stopped: {done} of {blocks} blocks played")
        raise typer.Exit(128 + (stop.signal or 2))
