"""A comparison of agents: read from the folder that `mm-env compare` leaves, or played here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.config import MarketConfig
from mm_env.errors import RunError, UsageError
from mm_env.evaluation.comparison import compare, episodes_table
from mm_env.evaluation.evaluation import Evaluation
from mm_env.evaluation.held_out import check_playable, play_agents
from mm_env.policies.registry import get_policy

if TYPE_CHECKING:
    import pandas as pd

FILES = ("comparison.json", "episodes.parquet")
RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Comparison:
    """Agents on the same held-out episodes.

    about: what comparison.json holds: "baseline", "rows" as `evaluation.comparison.compare` returns them, and the like
    episodes: one row an agent, training seed and episode
    """

    about: dict[str, Any]
    episodes: pd.DataFrame


def read_comparison(folder: Path) -> Comparison:
    """Read the folder of a comparison; raises `RunError` for one that is none."""
    import pandas as pd

    try:
        about = json.loads((folder / FILES[0]).read_text(encoding="utf-8"))
        episodes = pd.read_parquet(folder / FILES[1])
    except FileNotFoundError as error:
        raise RunError(f"{folder}: no comparison: it lacks {Path(str(error.filename)).name}") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{folder}: cannot read the comparison: {error}") from error
    if not isinstance(about, dict) or not {"baseline", "rows", "episodes", "seed"} <= set(about):
        raise RunError(f"{folder / FILES[0]}: not written by mm-env compare")
    return Comparison(about, episodes)


def play_comparison(
    names: Sequence[str],
    config: MarketConfig,
    episodes: int,
    seed: int,
    on_progress: Callable[[str, int], None] = lambda name, steps: None,
) -> Comparison:
    """Play agents on the same held-out episodes; the first of them is the baseline.

    names: policy names; on_progress: called with an agent and the env steps done since

    Raises `ConfigError` and `UsageError` for what cannot be played or compared.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(f"agents {', '.join(names) or 'none'}: expected two or more, each once")
    policies = {name: get_policy(name, seed) for name in names}
    for name, policy in policies.items():
        check_playable(name, policy, config, seed)
    found: dict[str, list[Evaluation]] = {}
    for name, policy in policies.items():
        found |= play_agents({name: [policy]}, config, episodes, seed, on_progress=partial(on_progress, name))
    about = {"baseline": names[0], "seed": seed, "episodes": episodes, "rows": compare(found, names[0], seed, RESAMPLES)}
    return Comparison(about, episodes_table(found))


def shown_rows(rows: Sequence[Mapping[str, Any]], baseline: str) -> list[dict[str, Any]]:
    """What a table shows of each agent: numbers, and differences from the baseline with their 95 % intervals."""
    shown = []
    for row in rows:
        cells: dict[str, Any] = {"agent": row["agent"], "seeds": row["seeds"], "reward": row["reward"]}
        rival = row["agent"] != baseline
        ends = [row[f"reward_difference{end}"] for end in ("", "_low", "_high")] if rival else []
        cells[f"reward less {baseline}"] = "{:+,.4g} [{:+,.4g}, {:+,.4g}]".format(*ends) if rival else ""
        cells["better in [%]"] = f"{100.0 * row['improvement']:.0f}" if rival else ""
        cells |= {"profit": row["profit"], "Sharpe": row["sharpe"], "CVaR 5 %": row["cvar"], "drawdown": row["drawdown"]}
        cells |= {"inventory sd": row["inventory_sd"], "steps over VaR limit [%]": 100.0 * row["over_limit"]}
        shown.append(cells)
    return shown
