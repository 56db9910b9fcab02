"""Figures, table and file of a tuned policy."""

from __future__ import annotations

from typing import Any

from mm_env.config.yaml_reader import format_yaml
from mm_env.evaluation.comparison import Bootstrap
from mm_env.reports.tables import text_table


def tuning_rows(played: list[Any], episodes: int) -> list[dict[str, Any]]:
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


def tuning_table(rows: list[dict[str, Any]]) -> str:
    """Table of the finalists beside the default."""
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


def tuned_yaml(best: dict[str, Any], default: dict[str, Any], about: dict[str, Any]) -> str:
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
