"""The command `mm-env compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import (
    POLICY_FORMS,
    Classic,
    Config,
    Episodes,
    Json,
    Out,
    Seed,
    Settings,
    Threads,
    WithReport,
    any_market_of,
    check_targets,
)
from mm_env.cli.progress import progress_of
from mm_env.errors import UsageError
from mm_env.evaluation.comparison import RESAMPLES


def main(
    agents: Annotated[
        str,
        typer.Option(help=f"Policies with commas: {POLICY_FORMS} A folder of ppo may hold a run a seed."),
    ] = "as,fixed,glft",
    config: Config = None,
    classic: Classic = False,
    setting: Settings = None,
    baseline: Annotated[str | None, typer.Option(help="Whom the others are compared with; the first agent if none.")] = None,
    episodes: Episodes = 1000,
    seed: Seed = 0,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of the bootstrap.")] = RESAMPLES,
    threads: Threads = None,
    out: Out = Path("runs/compare"),
    json_file: Json = None,
    report: WithReport = False,
) -> None:
    """Compare policies on the same held-out episodes.

    Prints profit, risk and paired differences with 95 % bootstrap intervals. No training plays these episodes.

    Example: mm-env compare --agents as,fixed,ppo:runs/ppo --episodes 1000
    """
    from mm_env.config.io import config_hash
    from mm_env.evaluation.comparison import Bootstrap, compare, compare_seeds, single_seeds
    from mm_env.evaluation.held_out import check_playable, play_agents
    from mm_env.evaluation.recovered import recovered_shares
    from mm_env.files import write_bytes, write_json
    from mm_env.interrupt import StopRequest
    from mm_env.learning.depth_picture import depth_picture
    from mm_env.policies.names import normal_name
    from mm_env.policies.registry import get_policies, split_names
    from mm_env.reports.comparison_files import COMPARISON_FILES, write_comparison
    from mm_env.reports.comparison_table import comparison_table
    from mm_env.reports.report import write_report
    from mm_env.version import __version__

    names = split_names(agents)
    chosen = names[0] if baseline is None else normal_name(baseline)
    if chosen not in names:
        raise UsageError(f"--baseline {chosen!r}: expected one of the agents, {', '.join(names)}")
    check_targets(out=out / COMPARISON_FILES[0], json=json_file)
    market = any_market_of(config, setting, classic)
    policies = {name: get_policies(name, seed) for name in names}
    for name, group in policies.items():
        for agent in group:
            check_playable(name, agent, market, seed)
    total = sum(map(len, policies.values())) * episodes * market.episode.steps
    with StopRequest() as stop, progress_of("env steps", total) as advance:
        evaluations = play_agents(policies, market, episodes, seed, threads, on_progress=advance, stop=stop)
    if chosen not in evaluations:
        typer.echo("stopped before the baseline was played: nothing to compare")
        raise typer.Exit(128 + (stop.signal or 2))
    rows, own = compare(evaluations, chosen, seed, resamples), compare_seeds(evaluations, chosen, seed, resamples)
    if classic:
        shares = recovered_shares(market, evaluations | single_seeds(evaluations), Bootstrap(episodes, seed, resamples))
        for row in (*rows, *own):
            row |= shares.get(row["agent"], {})
    title = f"{episodes} held-out episodes of {market.episode.steps} steps, seed {seed}, currency an episode, 95 % intervals"
    typer.echo(f"\n{title}\n\n{comparison_table(rows, chosen, classic)}")
    if own:
        typer.echo(f"\neach training seed by itself\n\n{comparison_table(own, chosen, classic)}")
    about = {"version": __version__, "config": config, "classic": classic, "baseline": chosen, "seed": seed,
             "episodes": episodes, "resamples": resamples, "config_hash": config_hash(market),
             "rows": rows, "training_seeds": own}  # fmt: skip
    write_comparison(out, about, evaluations, market, title)
    if json_file is not None:
        write_json(json_file, about)
    picture = depth_picture(policies, market) if classic else None
    if picture is not None:
        write_bytes(out / "depths.png", picture)
    typer.echo(f"\nfolder: {out}")
    if report:
        typer.echo(f"report: {write_report(out).html}")
    if len(evaluations) < len(names):
        typer.echo(f"stopped: {', '.join(name for name in names if name not in evaluations)} not played")
        raise typer.Exit(128 + (stop.signal or 2))
