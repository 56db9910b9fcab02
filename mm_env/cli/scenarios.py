"""What if? Plays a policy through scenarios of a market: regimes, volatility, liquidity, excitation, news, and stresses.

python scripts/monte_carlo.py --scenarios surface --policy as --episodes 2000
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.cli.progress import progress_of
from mm_env.config.io import DEFAULT_PRESET, DEFAULT_SCENARIOS, load_config, override
from mm_env.config.scenario import ScenarioFile
from mm_env.config.scenarios import expand, levels_of
from mm_env.envs.play import make_envs
from mm_env.errors import UsageError, check_choice
from mm_env.files import write_bytes, write_json
from mm_env.interrupt import StopRequest
from mm_env.policies.registry import get_policy
from mm_env.reports.report import remove_report, write_report
from mm_env.reports.scenario_figures import chosen_fans, difference_figure, fan_figure, surface_axes, surface_figure
from mm_env.reports.scenario_text import scenario_text
from mm_env.reports.style import png
from mm_env.risk.scenario_runs import ScenarioRun, begin, estimate, play_scenarios
from mm_env.risk.scenario_table import tabulate
from mm_env.risk.scenarios import ScenarioResults, load_results

logger = logging.getLogger("monte_carlo")


@user_errors
def main(
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market; the default one if none.")] = None,
    scenarios: Annotated[
        str, typer.Option(metavar="PRESET|FILE", help="surface, stresses, factorial, quick, or a YAML file.")
    ] = DEFAULT_SCENARIOS,
    policy: Annotated[
        str, typer.Option(help="as, fixed, glft, cj, constant:0.2, random, as:FILE.yaml, or ppo:PATH of one trained agent.")
    ] = "as",
    episodes: Annotated[int, typer.Option(min=2, help="Held-out episodes of each scenario, the same for all.")] = 2000,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the market; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the episodes, which no training plays.")] = 0,
    fans: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Scenarios of the fan chart, with commas; else those that differ most."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads that share the envs; all cores if none.")] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Episodes, tables and figures; a run goes on there.")] = Path(
        "runs/scenarios"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew where the folder holds something.")] = False,
    estimate_only: Annotated[bool, typer.Option("--estimate", help="Say how long it would take, and stop.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Write report.html and report.pdf into the folder.")] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Simulate a market under scenarios, all with the same random numbers, and print what an episode earns and may lose.

    The same command with the same --out goes on where an interrupted one stopped.

    Example: python scripts/monte_carlo.py --config crisis --scenarios stresses --policy as --episodes 1000 --out runs/crisis
    """  # fmt: skip
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    if json_file is not None:
        check_target("--json", json_file)
    run = _run(config, scenarios, policy, episodes, setting or [], seed, threads, out)
    shown = _shown(fans, run)
    there = 0 if estimate_only else begin(run, overwrite)
    left = len(run.scenarios) * episodes - there
    if there:
        print(f"{out}: holds {there:,} of {there + left:,} episodes; going on")
    if left:
        clock, work = estimate(run, left)
        cores = f"{work / clock:.1f} cores" if clock else ""
        print(
            f"{len(run.scenarios)} scenarios x {episodes:,} episodes x {run.scenarios[0].config.episode.steps} steps: "
            f"about {_minutes(clock)} from now, {_minutes(work)} of processor time ({cores}; from a short trial)",
            flush=True,
        )
    if estimate_only:
        return
    with StopRequest() as stop, progress_of("env steps", _steps(run, left)) as advance:
        finished = play_scenarios(run, on_progress=advance, stop=stop)
    if tabulate(out) is None:
        print("stopped before the first episodes were done; nothing to show")
        raise typer.Exit(128 + (stop.signal or 0))
    results = load_results(out)
    title = f"policy {policy}, market {run.market}, seed {seed}"
    print(f"\n{title}\n\n{scenario_text(results.table)}")
    _draw(results, shown, title)
    if json_file is not None:
        write_json(json_file, _plain(results))
    remove_report(out)  # which knows fewer episodes
    print(f"\nfolder: {out}")
    if report:
        print(f"report: {write_report(out).html}")
    if not finished:
        print("stopped before the end: the same command goes on where this one stopped")
        raise typer.Exit(128 + (stop.signal or 0))


def _run(
    config: str | None, scenarios: str, spelling: str, episodes: int, settings: list[str], seed: int, threads: int | None,
    out: Path,
) -> ScenarioRun:  # fmt: skip
    """What to play, refused before anything is played where the agent cannot."""
    agent: Any = get_policy(spelling, seed)
    if getattr(agent, "selection_seed", None) == seed:
        raise UsageError(f"--seed {seed}: {spelling} was chosen on these episodes; expected any other seed")
    market = agent.configure(override(load_config(config), parse_overrides(settings)))
    file = load_config(scenarios, ScenarioFile)
    found = expand(file, market, scenarios)
    envs = make_envs(agent, market, 1)
    try:
        envs.reset(seed=seed)
        agent.act(envs)
    finally:
        envs.close()
    name = config or DEFAULT_PRESET
    axes = levels_of(file, market)
    return ScenarioRun(out, found, agent, spelling, seed, episodes, axes, name, scenarios, threads)


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


def _draw(results: ScenarioResults, shown: list[str] | None, title: str) -> None:
    """Write the figures for which there is something to show."""
    axes = surface_axes(results)
    if axes is not None:
        write_bytes(results.folder / "surface.png", png(surface_figure(results, *axes, title)))
    chosen = [name for name in shown or chosen_fans(results.table) if name in results.fans]
    write_bytes(results.folder / "fans.png", png(fan_figure(results, chosen, title)))
    if len(results.table) > 1:
        write_bytes(results.folder / "differences.png", png(difference_figure(results.table, title)))


def _plain(results: ScenarioResults) -> dict[str, Any]:
    """What is printed and more, under stable names; figures that there are none of as null."""
    rows = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
        for row in results.table.to_dict("records")
    ]
    return {**results.about, "complete": results.complete, "rows": rows}


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120.0 else f"{seconds / 60.0:.1f} min"


if __name__ == "__main__":
    typer.run(main)
