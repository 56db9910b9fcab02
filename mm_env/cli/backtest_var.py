"""Is the value at risk right? Freezes an agent's positions over many horizons and tests every way to state their risk.

python scripts/backtest_var.py --config calm --blocks 200 --periods 1000
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.cli.progress import progress_of
from mm_env.config.io import config_hash, load_config, override
from mm_env.errors import UsageError
from mm_env.files import write_bytes, write_csv, write_json
from mm_env.interrupt import StopRequest
from mm_env.policies.registry import get_policy
from mm_env.reports.style import png
from mm_env.reports.tables import text_table
from mm_env.reports.var_figure import var_figure
from mm_env.risk.backtests import acceptance_region
from mm_env.risk.var_backtest import LARGEST_SHARE, TESTS, Levels, backtest, false_alarms, nominal_band, passed_curve
from mm_env.risk.var_samples import horizon_steps, sample_positions
from mm_env.risk.var_variants import spellings

FILES = ("var_backtest.json", "var_backtest.csv", "var_backtest.png")
VARIANTS = "parametric,cornish_fisher,historical,parametric:30,parametric:600,moves:120,moves:600,fhs:30,fhs:120,fhs:20+600"
SLACK = 1.02  # of an episode's length over that of its block, for positions that are zero


@user_errors
def main(
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market; the default one if none.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the market; repeatable.")
    ] = None,
    agent: Annotated[str, typer.Option(help="Whose positions: as, fixed, glft, as:FILE.yaml, ppo:PATH.")] = "as",
    variants: Annotated[
        str, typer.Option(help="With commas: parametric, cornish_fisher, historical, parametric:H, moves:H, fhs:H, fhs:H+G.")
    ] = VARIANTS,
    blocks: Annotated[int, typer.Option(min=2, help="Independent blocks, each one long episode.")] = 200,
    periods: Annotated[int, typer.Option(min=100, help="Horizons of a block that do not overlap.")] = 1000,
    window: Annotated[float, typer.Option(min=1.0, help="Past that a simulation draws from [s].")] = 2400.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the episodes.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Holds table, CSV and figure.")] = Path("runs/var"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Test value at risk and expected shortfall on an agent's own positions, block by block and by regime.

    Example: python scripts/backtest_var.py --config crisis --variants parametric,fhs:30 --blocks 50
    """
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    for option, path in {"--out": out / FILES[0], "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    policy = get_policy(agent, seed)
    market = policy.configure(override(load_config(config), parse_overrides(setting or [])))
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
        raise typer.Exit(130)
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
    print(f"\n{title}\n\n{_table(rows, alarms)}\n\n{_regime_table(rows)}")
    about = {
        "config": config, "config_hash": config_hash(market), "agent": agent, "seed": seed, "blocks": done,
        "periods": periods, "window_seconds": window, "horizon_seconds": market.risk.var_horizon_seconds,
        "conf": levels.conf, "es_conf": levels.es_conf, "confidence": levels.confidence, "false_alarms": alarms,
        "share_with_unseen_fills": samples.unseen_share, "rows": rows,
    }  # fmt: skip
    for path in [out / FILES[0]] + ([] if json_file is None else [json_file]):
        write_json(path, about)
    _write_csv(out / FILES[1], rows)
    curves = np.linspace(0.5, 3.0, 51)
    drawn = {row["variant"]: (curves, passed_curve(samples, row["variant"], curves)) for row in rows}
    accepted = acceptance_region(typical, 1.0 - levels.conf, levels.confidence)
    band = nominal_band(alarms["kupiec"], done)
    write_bytes(out / FILES[2], png(var_figure(rows, band, accepted, drawn, title, LARGEST_SHARE)))
    print(f"\nfolder: {out}")
    if done < blocks:
        print(f"stopped: {done} of {blocks} blocks played")
        raise typer.Exit(130)


def _percent(value: float | None, digits: int = 1) -> str:
    return "n/a" if value is None else f"{100.0 * value:.{digits}f}"


def _table(rows: Sequence[Mapping[str, Any]], alarms: Mapping[str, float]) -> str:
    header = ["variant", "exceptions [%]", *TESTS, "green/yellow/red", "mean VaR", "holds"]
    body = [
        [
            row["variant"],
            f"{_percent(row['exceptions']['value'], 2)} ± {_percent(row['exceptions']['error'], 2)}",
            *(_percent(row["rejected"][test]) for test in TESTS),
            "/".join(str(count) for count in row["zones"].values()),
            f"{row['value_at_risk']:.1f}",
            "yes" if row["holds"] else "no",
        ]
        for row in rows
    ]
    perfect = ["a perfect figure", _percent(rows[0]["expected"], 2), *(_percent(alarms[test]) for test in TESTS), "", "", ""]
    title = (
        "share of blocks that reject at 95 % [%]: their number (Kupiec), their independence, both (Christoffersen),\n"
        "size of the tail (Z1), number and size (Z2); a variant holds where Kupiec and Christoffersen reject at most "
        f"{100 * LARGEST_SHARE:g} %\n"
    )
    return title + text_table(header, [*body, perfect])


def _regime_table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row["regimes"]))
    counts = [f"{name} ({rows[0]['regimes'][name]['periods']:,})" for name in names]
    body = [
        [
            row["variant"],
            *(
                f"{_percent(row['regimes'][name]['exceptions']['value'], 2)} ± "
                f"{_percent(row['regimes'][name]['exceptions']['error'], 2)}"
                for name in names
            ),
        ]
        for row in rows
    ]
    title = "exceptions by regime at the start, of horizons without a switch, and of those with one (horizons) [%]\n"
    return title + text_table(["variant", *counts], body)


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a variant and place: all, a regime, or within a switch."""
    lines = []
    for row in rows:
        whole = {"variant": row["variant"], "place": "all", "blocks": row["blocks"], "value_at_risk": row["value_at_risk"]}
        whole |= {f"rejected_{test}": row["rejected"][test] for test in TESTS} | {
            f"blocks_{z}": n for z, n in row["zones"].items()
        }
        lines.append(whole | {f"exceptions_{k}": v for k, v in row["exceptions"].items() if k != "episodes"})
        for name, part in row["regimes"].items():
            place = {"variant": row["variant"], "place": name, "periods": part["periods"]}
            lines.append(place | {f"exceptions_{k}": v for k, v in part["exceptions"].items() if k != "episodes"})
    header = list(dict.fromkeys(key for line in lines for key in line))
    write_csv(path, header, [{key: line.get(key) for key in header} for line in lines])


if __name__ == "__main__":
    typer.run(main)
