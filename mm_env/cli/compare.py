"""Who is better? Plays agents on the same held-out episodes and sets them beside a baseline, episode by episode.

python scripts/compare.py --agents as,fixed,glft,ppo:runs/ppo --episodes 1000
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mm_env import __version__
from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.cli.progress import progress_of
from mm_env.config import ClassicConfig, MarketConfig
from mm_env.config.io import config_hash, dump_config, load_config, override
from mm_env.envs.play import make_envs
from mm_env.errors import UsageError
from mm_env.evaluation.comparison import RESAMPLES, Bootstrap, compare, compare_seeds, episodes_table, single_seeds
from mm_env.evaluation.evaluation import Evaluation, evaluate
from mm_env.evaluation.recovered import recovered_shares
from mm_env.files import write_bytes, write_csv, write_json
from mm_env.interrupt import Stopped, StopRequest
from mm_env.policies.registry import get_policies, split_names
from mm_env.reports.comparison_figures import comparison_figure, depth_figure
from mm_env.reports.comparison_table import comparison_table
from mm_env.reports.report import remove_report, write_report
from mm_env.reports.style import png

logger = logging.getLogger("compare")
FILES = ("comparison.json", "comparison.csv", "episodes.parquet", "comparison.png")


@user_errors
def main(
    agents: Annotated[
        str,
        typer.Option(
            help="Names with commas: as, fixed, glft, cj, constant:0.2, random, as:FILE.yaml, ppo:PATH (a run, a "
            "folder of runs with one seed each, or a pattern)."
        ),
    ] = "as,fixed,glft",
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market; the default one if none.")] = None,
    classic: Annotated[bool, typer.Option("--classic", help="Of the classic market.")] = False,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the market; repeatable.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="Whom the others are compared with; the first agent if none.")] = None,
    episodes: Annotated[int, typer.Option(min=2, help="Held-out episodes, the same for all.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the held-out episodes, which no training plays.")] = 0,
    resamples: Annotated[int, typer.Option(min=100, help="Of the bootstrap.")] = RESAMPLES,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads that share the envs; all cores if none.")] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Holds table, CSV, episodes and figures.")] = Path(
        "runs/compare"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Write report.html and report.pdf into the folder.")] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Play agents on the same held-out episodes and print how they compare, with 95 % bootstrap intervals.

    Example: python scripts/compare.py --agents as,as:configs/tuned/two_symbols_as.yaml,ppo:runs/ppo --episodes 1000
    """  # fmt: skip
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    names = split_names(agents)
    chosen = baseline or names[0]
    if chosen not in names:
        raise UsageError(f"--baseline {chosen!r}: expected one of the agents, {', '.join(names)}")
    for option, path in {"--out": out / FILES[0], "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    kind: Any = ClassicConfig if classic else MarketConfig
    market: Any = override(load_config(config, kind), parse_overrides(setting or []))
    policies = {name: get_policies(name, seed) for name in names}
    _check(policies, market, seed)
    evaluations = _play(policies, market, episodes, seed, threads)
    if chosen not in evaluations:
        print("stopped before the baseline was played: nothing to compare")
        raise typer.Exit(130)
    rows, own = compare(evaluations, chosen, seed, resamples), compare_seeds(evaluations, chosen, seed, resamples)
    if classic:
        shares = recovered_shares(market, evaluations | single_seeds(evaluations), Bootstrap(episodes, seed, resamples))
        for row in (*rows, *own):
            row |= shares.get(row["agent"], {})
    title = f"{episodes} held-out episodes of {market.episode.steps} steps, seed {seed}, currency an episode, 95 % intervals"
    print(f"\n{title}\n\n{comparison_table(rows, chosen, classic)}")
    if own:
        print(f"\neach training seed by itself\n\n{comparison_table(own, chosen, classic)}")
    about = {"version": __version__, "config": config, "classic": classic, "baseline": chosen, "seed": seed,
             "episodes": episodes, "resamples": resamples, "config_hash": config_hash(market),
             "rows": rows, "training_seeds": own}  # fmt: skip
    for path in [out / FILES[0]] + ([] if json_file is None else [json_file]):
        write_json(path, about)
    _write_tables(out, [*rows, *own], evaluations)
    write_bytes(out / FILES[3], png(comparison_figure(rows, evaluations, chosen, title)))
    if classic:
        _draw_depths(out, policies, market)
    dump_config(market, out / "config.yaml")
    remove_report(out)  # of an earlier comparison
    print(f"\nfolder: {out}")
    if report:
        print(f"report: {write_report(out).html}")
    if len(evaluations) < len(names):
        print(f"stopped: {', '.join(name for name in names if name not in evaluations)} not played")
        raise typer.Exit(130)


def _check(policies: Mapping[str, Sequence[Any]], market: Any, seed: int) -> None:
    """Refuse, before anything is played, an agent that was chosen on these episodes or cannot play this market."""
    for name, group in policies.items():
        for agent in group:
            if getattr(agent, "selection_seed", None) == seed:
                raise UsageError(f"--seed {seed}: {name} was chosen on these episodes; expected any other seed")
            envs = make_envs(agent, agent.configure(market), 1)
            try:
                envs.reset(seed=seed)
                agent.act(envs)
            finally:
                envs.close()


def _play(
    policies: Mapping[str, Sequence[Any]], market: Any, episodes: int, seed: int, threads: int | None
) -> dict[str, list[Evaluation]]:
    """Evaluations of each row; after a Ctrl-C those of the rows that were finished."""
    found: dict[str, list[Evaluation]] = {}
    total = sum(map(len, policies.values())) * episodes * market.episode.steps
    with StopRequest() as stop, progress_of("env steps", total) as advance:
        for name, group in policies.items():
            try:
                found[name] = [
                    evaluate(policy, market, episodes, seed, num_threads=threads, on_progress=advance, stop=stop)
                    for policy in group
                ]
            except Stopped:
                break
            mean = np.mean([one.reward.mean() for one in found[name]])
            logger.info("played %s: %d x %d episodes, mean reward %.4g", name, len(group), episodes, mean)
    return found


def _write_tables(out: Path, rows: Sequence[Mapping[str, Any]], evaluations: Mapping[str, Sequence[Evaluation]]) -> None:
    """Figures of each agent and training seed as CSV, and what each episode was as Parquet."""
    header = list(dict.fromkeys(key for row in rows for key in row))
    write_csv(out / FILES[1], header, [{key: row.get(key) for key in header} for row in rows])
    buffer = io.BytesIO()
    episodes_table(evaluations).to_parquet(buffer, index=False)
    write_bytes(out / FILES[2], buffer.getvalue())


def _draw_depths(out: Path, policies: Mapping[str, Sequence[Any]], market: ClassicConfig) -> None:
    """The depths of trained agents over the optimal ones and those of the closed form."""
    from mm_env.learning.algorithms import ALGORITHMS

    trained = {name: group for name, group in policies.items() if name.partition(":")[0] in ALGORITHMS}
    if not trained or market.flow.arrivals != "poisson" or market.reward.profit != 1.0:
        return
    from mm_env.learning.learned_depths import learned_depths
    from mm_env.market.classic import build_classic
    from mm_env.policies import get_policy
    from mm_env.theory.lattice import Lattice
    from mm_env.theory.optimal import optimal_policy

    lattice = Lattice.of(market)
    best = optimal_policy(lattice, market.reward.inventory_penalty, market.reward.terminal_penalty)
    closed = build_classic(get_policy("cj").configure(market)).depths()
    learned = {}
    for name, group in trained.items():
        for k, agent in enumerate(group):
            try:
                learned[f"{name} ({k})" if len(group) > 1 else name] = learned_depths(agent, market)
            except ValueError as error:
                logger.warning("depths not drawn: %s", error)
    if learned:
        curves = {"optimum on the lattice": (best.bid, best.ask), "closed form (cj)": (closed[..., 0], closed[..., 1])}
        title = "depths learned, over the optimal ones"
        write_bytes(out / "depths.png", png(depth_figure(learned, curves, lattice.inventories, (0.0, 0.5, 0.9), title)))


if __name__ == "__main__":
    typer.run(main)
