"""Tunes a baseline on the reward on which agents are compared with it, on training episodes alone.

python scripts/tune_baseline.py --policy as --trials 300 --yaml configs/tuned/two_symbols_as.yaml
"""

from __future__ import annotations

import logging
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.cli.progress import progress_of
from mm_env.config.io import config_hash, load_config, override
from mm_env.config.yaml_reader import format_yaml
from mm_env.errors import ConfigError, UsageError, check_choice
from mm_env.evaluation.comparison import Bootstrap
from mm_env.files import write_bytes, write_json
from mm_env.interrupt import Stopped, StopRequest
from mm_env.learning.tuning import FINALISTS, SPACES, done, finals, open_study, search
from mm_env.reports.tables import text_table

logger = logging.getLogger("tune_baseline")


@user_errors
def main(
    policy: Annotated[str, typer.Option(metavar="|".join(SPACES), help="What is tuned.")] = "as",
    config: Annotated[str | None, typer.Option(metavar="PRESET|FILE", help="Market; the default one if none.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the market; repeatable.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Sets of parameters that are tried.")] = 300,
    episodes: Annotated[int, typer.Option(min=2, help="Training episodes of a trial, the same for all.")] = 256,
    final_episodes: Annotated[int, typer.Option(min=2, help="Fresh training episodes of the best trials.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the training episodes and the search; the finals take the next.")] = 1,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Holds the study, which goes on where it stopped.")] = Path(
        "runs/tune"
    ),
    yaml_file: Annotated[
        Path | None, typer.Option("--yaml", metavar="FILE", help="The tuned parameters; OUT/POLICY.yaml if none.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Tune a policy's own parameters on the market's reward, and write them to a file that `as:FILE` reads.

    Example: python scripts/tune_baseline.py --policy fixed --trials 60
    """
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    check_choice("--policy", policy, SPACES)
    target = yaml_file or out / f"{policy}.yaml"
    for option, path in {"--out": out / "study.db", "--yaml": target, "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    market = override(load_config(config), parse_overrides(setting or []))
    if market.randomize:
        raise ConfigError(f"randomize: {', '.join(market.randomize)}: tuning needs one market; expected none")
    try:
        study = open_study(policy, market, episodes, seed, out / "study.db")
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install -e '.[tune]' -c constraints.txt") from error
    with StopRequest() as stop:
        with progress_of("trials", trials) as advance:
            advance(len(done(study)))
            search(study, policy, market, trials, episodes, seed, on_progress=advance, stop=stop)
        tried = done(study)
        if tried:
            logger.info("%d trials, the best with reward %.4g", len(tried), tried[0].value)
        total = (1 + min(FINALISTS, len(tried))) * final_episodes * market.episode.steps
        try:
            with progress_of("env steps of the default and the best trials", total) as advance:
                played = finals(study, policy, market, final_episodes, seed + 1, on_progress=advance, stop=stop)
        except Stopped as stopped:
            print(f"stopped after {len(tried)} of {trials} trials, which {out} keeps: the same command goes on from here")
            raise typer.Exit(130) from stopped
    rows = _rows(played, final_episodes)
    print(f"\nmean reward of {final_episodes} training episodes, seed {seed + 1}, 95 % intervals\n\n{_table(rows)}")
    best = max(rows, key=lambda row: float(row["reward"]))
    command = shlex.join(["python", "scripts/tune_baseline.py", *sys.argv[1:]])
    about = {
        "command": command, "policy": policy, "config_hash": config_hash(market), "trials": len(tried),
        "episodes": episodes, "seed": seed, "final_episodes": final_episodes, "finals": rows,
    }  # fmt: skip
    if policy != "constant":
        write_bytes(target, _yaml(best, rows[0], about).encode())
    if json_file is not None:
        write_json(json_file, about)
    print(f"\nuse it as {policy}:" + (f"{best['parameters'].get('value', 0.0):g}" if policy == "constant" else f"{target}"))


def _rows(played: list[Any], episodes: int) -> list[dict[str, Any]]:
    """Parameters and figures of each finalist, the default first."""
    bootstrap = Bootstrap(episodes)
    default = played[0][1].reward
    rows = []
    for changes, found in played:
        reward, gain = bootstrap.interval(found.reward), bootstrap.interval(found.reward - default)
        rows.append(
            {
                "parameters": changes,
                "reward": reward.value, "reward_low": reward.low, "reward_high": reward.high,
                "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
                "profit": float(found.profit.mean()), "over_limit": float(found.over_limit.mean()),
            }
        )  # fmt: skip
    return rows


def _table(rows: list[dict[str, Any]]) -> str:
    head = ["", "reward", "less default", "profit", "steps over VaR limit"]
    cells = [
        [
            "default" if k == 0 else f"finalist {k}",
            f"{row['reward']:.0f} [{row['reward_low']:.0f}, {row['reward_high']:.0f}]",
            "" if k == 0 else f"{row['gain']:+.0f} [{row['gain_low']:+.0f}, {row['gain_high']:+.0f}]",
            f"{row['profit']:.0f}",
            f"{100 * row['over_limit']:.2f} %",
        ]
        for k, row in enumerate(rows)
    ]
    return text_table(head, cells)


def _yaml(best: dict[str, Any], default: dict[str, Any], about: dict[str, Any]) -> str:
    """The tuned parameters, with where they come from."""
    sections: dict[str, dict[str, float]] = {}
    for key, value in best["parameters"].items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = value
    lines = [
        f"# {about['policy']} tuned on the reward of market {about['config_hash']}, on training episodes alone:",
        f"#   {about['command']}",
        f"# {about['trials']} trials of {about['episodes']} episodes of seed {about['seed']}; on",
        f"# {about['final_episodes']} fresh ones of seed {about['seed'] + 1} the mean reward is {best['reward']:.0f} "
        f"[{best['reward_low']:.0f}, {best['reward_high']:.0f}], untuned {default['reward']:.0f}.",
    ]
    return "\n".join(lines) + "\n" + format_yaml(sections)


if __name__ == "__main__":
    typer.run(main)
