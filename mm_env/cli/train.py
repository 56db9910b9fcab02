"""The command `mm-env train`."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.options import Classic, Config, Json, Settings, Threads, any_market_of
from mm_env.cli.progress import progress_of
from mm_env.errors import UsageError, check_choice
from mm_env.learning.algorithms import ALGORITHMS
from mm_env.policies.parameters import parameter_name

logger = logging.getLogger(__name__)


def main(
    algo: Annotated[str, typer.Option(metavar="|".join(ALGORITHMS), help="Algorithm.")] = "ppo",
    config: Config = None,
    classic: Classic = False,
    setting: Settings = None,
    agent: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hyperparameters; the preset of the algorithm if none."),
    ] = None,
    policy_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none",
            help="Policy parameters that residual actions are added to, as tuned for the market; none: the market's own; "
            "else as the hyperparameters say.",
        ),
    ] = None,
    timesteps: Annotated[int | None, typer.Option(min=1, help="Env steps; as the hyperparameters say if none.")] = None,
    seed: Annotated[
        str,
        typer.Option(
            metavar="N,N,…", help="Seed of all random numbers; several with commas: each is trained in OUT/seed_N."
        ),
    ] = "0",
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Run folder; runs/ALGO if none.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Resume a run that was stopped, with its own options.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Policy logged beside the agent; the policy of zero actions if none.")
    ] = None,
    evaluate_every: Annotated[int | None, typer.Option(min=1, help="Env steps; a twentieth of all if none.")] = None,
    evaluation_episodes: Annotated[int, typer.Option(min=2, help="Held-out episodes of an evaluation.")] = 256,
    checkpoint_every: Annotated[int | None, typer.Option(min=1, help="Env steps; a tenth of all if none.")] = None,
    compare_episodes: Annotated[
        int, typer.Option(min=0, help="Held-out episodes of the comparison at the end; 0: none.")
    ] = 1000,
    threads: Threads = None,
    torch_threads: Annotated[int, typer.Option(min=1, help="Threads that learn.")] = 1,
    json_file: Json = None,
) -> None:
    """Train an agent and compare it with the baseline.

    Trains on training seeds, chooses the best model on held-out episodes, and compares it on others. TensorBoard shows
    the progress; a stopped run resumes with --resume FOLDER.

    Example: mm-env train --algo ppo --timesteps 500000 --seed 0,1,2 --out runs/ppo
    """
    from mm_env.learning.threads import use_threads

    check_choice("--algo", algo, ALGORITHMS)
    use_threads(torch_threads)  # before anything else imports torch
    from mm_env.learning.hyperparameters import agent_preset_names, agent_preset_path, read_hyperparameters
    from mm_env.learning.run_folder import TrainingFolder
    from mm_env.learning.training import Training, begin, train

    options: dict[str, Any] = {
        "timesteps": timesteps, "evaluate_every": evaluate_every, "checkpoint_every": checkpoint_every, "baseline": baseline,
        "evaluation_episodes": evaluation_episodes, "threads": threads, "torch_threads": torch_threads,
    }  # fmt: skip
    if resume is not None:
        run = TrainingFolder.open(resume)
        if timesteps is not None:
            run.save(timesteps=timesteps, finished=False)
        _train(train, run, Training(**options))
        return
    market: Any = any_market_of(config, setting, classic)
    preset = f"{'classic_' if classic else ''}{algo}"
    if agent is None and preset not in agent_preset_names():
        raise UsageError(f"--algo {algo}: no preset {preset}; expected --agent FILE of your own")
    file = agent or agent_preset_path(preset)
    hyperparameters = read_hyperparameters(algo, file, classic, policy_file)
    if hyperparameters.policy_file is not None:
        own = "" if config is None else f"; was it tuned for {config}? Else --policy-file none, or a file of mm-env tune"
        logger.info("residual actions are added to the policy of %s%s", parameter_name(hyperparameters.policy_file), own)
    target = out or Path("runs") / (f"classic_{algo}" if classic else algo)
    seeds = _seeds(seed)
    for one in seeds:
        folder = target / f"seed_{one}" if len(seeds) > 1 else target
        _train(train, begin(folder, market, hyperparameters, Training(seed=one, **options)), Training(seed=one, **options))
    if compare_episodes:
        names = _rivals(market, classic, hyperparameters.policy_file)
        typer.echo(f"\nTensorBoard: tensorboard --logdir {shlex.quote(str(target))}")
        from mm_env.cli.compare import main as compare

        compare(
            agents=",".join([*names, f"{algo}:{target}"]), config=config, classic=classic, setting=setting,
            episodes=max(2, compare_episodes), threads=threads, out=target / "comparison", json_file=json_file,
        )  # fmt: skip


def _seeds(text: str) -> list[int]:
    """Whole numbers with commas; raises `UsageError`."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts) or len(set(parts)) < len(parts):
        raise UsageError(f"--seed {text!r}: expected whole numbers from 0 with commas, each once")
    return [int(part) for part in parts]


def _train(train: Any, run: Any, options: Any) -> None:
    """Train one seed under a progress bar; a run that was stopped ends the command."""
    logger.info("training %s, seed %d, in %s", run.about["algo"], run.about["seed"], run.path)
    with progress_of("env steps", run.about["timesteps"]) as advance:
        advance(run.about["done"])
        stopped = train(run, options, advance)
    best = run.about["best"]
    if best is not None:
        logger.info(
            "best on held-out episodes: after %s steps, reward %.4g, %+.4g over the baseline",
            f"{best['timesteps']:,}", best["reward"], best["advantage"],
        )  # fmt: skip
    if stopped is not None:
        typer.echo(f"stopped after {run.about['done']:,} steps; resume with --resume {shlex.quote(str(run.path))}")
        raise typer.Exit(128 + stopped)


def _rivals(market: Any, classic: bool, tuned: Path | None) -> list[str]:
    """Whom the agent is compared with: the baseline first, then those that give the scale."""
    if not classic:
        first = ["as"] if tuned is None else [f"as:{parameter_name(tuned)}", "as"]
        return [*first, "fixed", "constant", "random"]
    from mm_env.theory.lattice import Lattice
    from mm_env.theory.optimal import best_constant_depth

    if market.flow.arrivals != "poisson":
        return ["cj", "constant", "random"]
    depth = best_constant_depth(Lattice.of(market), market.reward.inventory_penalty, market.reward.terminal_penalty)[0]
    low, high = market.policy.absolute_min_depth, market.policy.absolute_max_depth
    action = min(1.0, max(-1.0, 2.0 * (depth - low) / (high - low) - 1.0))
    return ["cj", f"constant:{action:.4f}", "random"]
