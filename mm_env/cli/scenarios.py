"""The command `mm-env scenarios`."""

from __future__ import annotations

import logging
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
    Threads,
    WithReport,
    check_targets,
    market_of,
)
from mm_env.cli.progress import progress_of
from mm_env.config.io import DEFAULT_SCENARIOS
from mm_env.errors import UsageError, check_choice
from mm_env.interrupt import StopRequest

if TYPE_CHECKING:
    from mm_env.risk.scenario_runs import ScenarioRun

logger = logging.getLogger(__name__)


def main(
    config: Config = None,
    scenarios: Annotated[
        str, typer.Option(metavar="PRESET|FILE", help="surface, stresses, factorial, quick, or a YAML file.")
    ] = DEFAULT_SCENARIOS,
    policy: PolicyName = "as",
    episodes: Episodes = 2000,
    setting: Settings = None,
    seed: Seed = 0,
    fans: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Scenarios of the fan chart, with commas; else those that differ most."),
    ] = None,
    threads: Threads = None,
    out: Out = Path("runs/scenarios"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start again where the folder holds something.")] = False,
    estimate_only: Annotated[bool, typer.Option("--estimate", help="Print how long it would take, and stop.")] = False,
    json_file: Json = None,
    report: WithReport = False,
) -> None:
    """Run a policy under market scenarios.

    Scenarios change the regime, volatility, liquidity, flow or news, or play a stress; all share their random numbers.
    Prints what an episode earns and may lose. The same command with the same --out resumes an interrupted one.

    Example: mm-env scenarios --config crisis --scenarios stresses --policy as --episodes 1000 --out runs/crisis
    """
    from mm_env.files import write_json
    from mm_env.reports.report import remove_report, write_report
    from mm_env.reports.scenario_files import draw_scenarios, scenario_records
    from mm_env.reports.scenario_text import scenario_text
    from mm_env.risk.scenario_runs import begin, estimate, play_scenarios
    from mm_env.risk.scenario_table import tabulate
    from mm_env.risk.scenarios import load_results

    check_targets(json=json_file)
    run = _run(config, scenarios, policy, episodes, setting, seed, threads, out)
    shown = _shown(fans, run)
    there = 0 if estimate_only else begin(run, overwrite)
    left = len(run.scenarios) * episodes - there
    if there:
        typer.echo(f"{out}: holds {there:,} of {there + left:,} episodes; resuming")
    if left:
        clock, work = estimate(run, left)
        cores = f"{work / clock:.1f} cores" if clock else ""
        typer.echo(
            f"{len(run.scenarios)} scenarios x {episodes:,} episodes x {run.scenarios[0].config.episode.steps} steps: "
            f"about {_minutes(clock)} from now, {_minutes(work)} of processor time ({cores}; from a short trial)",
        )
    if estimate_only:
        return
    with StopRequest() as stop, progress_of("env steps", _steps(run, left)) as advance:
        finished = play_scenarios(run, on_progress=advance, stop=stop)
    if tabulate(out) is None:
        typer.echo("stopped before the first episodes were done; nothing to show")
        raise typer.Exit(128 + (stop.signal or 0))
    results = load_results(out)
    title = f"policy {policy}, market {run.market}, seed {seed}"
    typer.echo(f"\n{title}\n\n{scenario_text(results.table)}")
    draw_scenarios(results, shown, title)
    if json_file is not None:
        write_json(json_file, scenario_records(results))
    remove_report(out)  # which knows fewer episodes
    typer.echo(f"\nfolder: {out}")
    if report:
        typer.echo(f"report: {write_report(out).html}")
    if not finished:
        typer.echo("stopped before the end: the same command resumes")
        raise typer.Exit(128 + (stop.signal or 0))


def _run(
    config: str | None, scenarios: str, policy: str, episodes: int, settings: list[str] | None, seed: int,
    threads: int | None, out: Path,
) -> ScenarioRun:  # fmt: skip
    """What to play; raises before anything is played where the agent cannot."""
    from mm_env.config.io import DEFAULT_PRESET, load_config
    from mm_env.config.scenario import ScenarioFile
    from mm_env.config.scenarios import expand, levels_of
    from mm_env.evaluation.held_out import check_playable
    from mm_env.policies.registry import get_policy
    from mm_env.risk.scenario_runs import ScenarioRun

    agent: Any = get_policy(policy, seed)
    check_playable(policy, agent, market_of(config, settings), seed)
    market = agent.configure(market_of(config, settings))
    file = load_config(scenarios, ScenarioFile)
    found = expand(file, market, scenarios)
    name = config or DEFAULT_PRESET
    axes = levels_of(file, market)
    return ScenarioRun(out, found, agent, policy, seed, episodes, axes, name, scenarios, threads)


def _steps(run: ScenarioRun, episodes: int) -> int:
    """Env steps of so many of the run's episodes."""
    return round(run.env_steps * episodes / (len(run.scenarios) * run.episodes))


def _shown(fans: str | None, run: ScenarioRun) -> list[str] | None:
    """Scenarios of the fan chart that were asked for."""
    if fans is None:
        return None
    known, names = [one.name for one in run.scenarios], [name.strip() for name in fans.split(",") if name.strip()]
    for name in names:
        check_choice(f"{run.scenario_file}: --fans", name, known)
    if not names:
        raise UsageError(f"--fans {fans!r}: expected at least one scenario")
    return names


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120.0 else f"{seconds / 60.0:.1f} min"
