"""Finds recorded runs, comparisons, scenarios and trainings below the folder of runs, without opening large files."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mm_env.policies.registry import POLICY_NAMES, policy_names

RUNS_VARIABLE = "MM_ENV_RUNS"
DEEPEST = 5  # folders below that of runs
MOST_FOLDERS = 3000  # looked into


def runs_folder() -> Path:
    """The folder below which pages look: that of the environment variable MM_ENV_RUNS, or runs."""
    return Path(os.environ.get(RUNS_VARIABLE) or "runs")


def folders_with(root: Path, *names: str) -> list[Path]:
    """Folders at or below `root` that hold a file of each of these names (or patterns), the newest first."""
    found: list[tuple[float, Path]] = []
    level, looked = [root], 0
    for _ in range(DEEPEST + 1):
        following: list[Path] = []
        for folder in level:
            looked += 1
            try:
                if folder.is_dir() and all(any(folder.glob(name)) for name in names):
                    found.append((folder.stat().st_mtime, folder))
                following += [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
            except OSError:  # one that may not be read holds nothing for us
                continue
            if looked >= MOST_FOLDERS:
                break
        level = following
    return [path for _, path in sorted(found, key=lambda pair: (-pair[0], str(pair[1])))]


def trained_policies(root: Path) -> list[str]:
    """Names of the trained agents below a folder, as `ppo:runs/ppo`, of the algorithms that are known here."""
    known = set(policy_names()) - set(POLICY_NAMES)
    names = []
    for folder in folders_with(root, "run.json", "*.zip"):
        try:
            algo = json.loads((folder / "run.json").read_text(encoding="utf-8")).get("algo")
        except (OSError, ValueError, AttributeError):
            continue
        if algo in known:
            names.append(f"{algo}:{folder}")
    return names
