"""The command `mm-env backtest-var`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mm_env.cli.options import Config, Json, Out, PolicyName, Seed, Settings, check_targets, market_of
from mm_env.cli.progress import progress_of
from mm_env.errors import UsageError
from mm_env.interrupt import StopRequest

if TYPE_CHECKING:
    from mm_env.config import MarketConfig

VARIANTS = "parametric,cornish_fisher,historical,parametric:30,parametric:600,moves:120,moves:600,fhs:30,fhs:120,fhs:20+600"
SLACK = 1.02  # of an episode's length over that of its block, for positions that are zero


def main(
    config: Config = None,
    setting: Settings = None,
    policy_name: PolicyName = "as",
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
    from mm_env.config.io import DEFAULT_PRESET, config_hash, override
    from mm_env.files import write_json
    from mm_env.policies.registry import get_policy
    from mm_env.reports.var_text import BACKTEST_FILES, backtest_table, regime_table, write_backtest
    from mm_env.risk.var_backtest import Levels, backtest, false_alarms
    from mm_env.risk.var_samples import horizon_steps, sample_positions
    from mm_env.risk.var_variants import parse_variants

    check_targets(out=out / BACKTEST_FILES[0], json=json_file)
    policy = get_policy(policy_name, seed)
    market = policy.configure(market_of(config, setting))
    chosen, horizon = parse_variants([name for name in variants.split(",") if name.strip()]), horizon_steps(market)
    steps = _window_steps(market, window, horizon)
    length = steps + math.ceil(SLACK * periods) * horizon + 1
    market = override(market, {"episode.steps": length, "episode.liquidate_at_end": False})
    with StopRequest() as stop, progress_of("env steps", blocks * market.episode.steps) as advance:
        samples = sample_positions(
            policy, market, chosen, blocks, seed, periods=periods, window_steps=steps, on_progress=advance, stop=stop
        )
    if samples is None:
        typer.echo("stopped before a block was played: nothing to test")
        raise typer.Exit(128 + (stop.signal or 2))
    done, levels = samples.profit.shape[1], Levels(market.risk.var_conf, market.risk.es_conf)
    rows = backtest(samples, levels, [regime.name for regime in market.regimes])
    alarms = false_alarms(round(rows[0]["periods"]), levels)
    title = (
        f"{config or DEFAULT_PRESET}, positions of {policy_name}: {done} blocks of {rows[0]['periods']:.0f} horizons of "
        f"{market.risk.var_horizon_seconds:g} s, VaR {100 * levels.conf:g} %, ES {100 * levels.es_conf:g} %, seed {seed}"
    )
    typer.echo(f"\n{title}\n\n{backtest_table(rows, alarms)}\n\n{regime_table(rows)}")
    about = {
        "config": config, "config_hash": config_hash(market), "agent": policy_name, "seed": seed, "blocks": done,
        "periods": periods, "window_seconds": window, "horizon_seconds": market.risk.var_horizon_seconds,
        "conf": levels.conf, "es_conf": levels.es_conf, "confidence": levels.confidence, "false_alarms": alarms,
        "share_with_unseen_fills": samples.unseen_share, "rows": rows,
    }  # fmt: skip
    write_backtest(out, about, samples, title)
    if json_file is not None:
        write_json(json_file, about)
    typer.echo(f"\nfolder: {out}")
    if done < blocks:
        typer.echo(f"stopped: {done} of {blocks} blocks played")
        raise typer.Exit(128 + (stop.signal or 2))


def _window_steps(market: MarketConfig, window: float, horizon: int) -> int:
    """Decision steps of `--window`; raises `UsageError` for one that the market cannot be tested with."""
    if market.randomize:
        raise UsageError(f"randomize: {', '.join(market.randomize)}: a backtest needs one market; expected none")
    if not math.isfinite(window):
        raise UsageError(f"--window {window:g}: expected a finite number of seconds")
    steps = math.ceil(window / market.episode.step_seconds)
    if steps < max(market.risk.es_window, horizon):
        needed = max(market.risk.es_window, horizon) * market.episode.step_seconds
        raise UsageError(f"--window {window:g}: expected {needed:g} or more, the market's own history and horizon")
    return steps
