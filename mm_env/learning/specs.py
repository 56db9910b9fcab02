"""One spelling of a policy everywhere: those of `mm_env` by name, trained ones as `ppo:PATH`."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from mm_env.errors import ConfigError, UsageError, nearest
from mm_env.learning.algorithms import ALGORITHMS
from mm_env.policies.registry import OTHERS, POLICY_NAMES, get_policy

if TYPE_CHECKING:
    from mm_env.policies.base import Policy


def agent_of(spec: str, seed: int = 0) -> Policy:
    """The policy that a spelling of one stands for.

    spec: as `get_policy` spells it, or `ALGO:PATH`, where PATH is a run folder of training or a model in one
    seed: of the policy's own draws, where it has any

    Raises `UsageError`, and `ConfigError` for a file of parameters that cannot be used.
    """
    agents = agents_of(spec, seed)
    if len(agents) > 1:
        raise UsageError(f"{spec}: {len(agents)} agents; expected one")
    return agents[0]


def agents_of(spec: str, seed: int = 0) -> list[Policy]:
    """The policies of one row of a comparison: one, or as many as were trained with different seeds.

    spec: as `agent_of` takes it; PATH may also be a folder of run folders, or a pattern (`ppo:runs/ppo/seed_*`)

    Raises as `agent_of` does.
    """
    name, _, path = spec.partition(":")
    if name in ALGORITHMS:
        from mm_env.learning.trained import ABOUT, TrainedAgent

        paths = [Path(path)]
        if glob.has_magic(path):
            paths = [Path(found) for found in sorted(glob.glob(path))]  # noqa: PTH207 (the pattern may be absolute)
        if not path or not paths:
            raise UsageError(f"{spec}: expected {name}:PATH of a run folder, of a folder of those, or a pattern")
        if len(paths) == 1 and paths[0].is_dir() and not (paths[0] / ABOUT).exists():
            paths = sorted(about.parent for about in paths[0].glob(f"*/{ABOUT}")) or paths
        try:
            return [TrainedAgent.load(name, one) for one in paths]
        except ModuleNotFoundError as error:
            raise UsageError(f"{spec}: {error.name} is not installed: pip install -e '.[rl]' -c constraints.txt") from error
    try:
        return [get_policy(spec, seed)]
    except ConfigError:
        raise
    except ValueError as error:
        known = [*POLICY_NAMES, *ALGORITHMS]
        if name in POLICY_NAMES:
            raise UsageError(str(error)) from error
        close = nearest(name, known)
        hint = f"; nearest: {close!r}" if close else ""
        raise UsageError(f"agent {spec!r}: expected one of {', '.join(known)}, the latter with a path{hint}") from error


def split_specs(text: str) -> list[str]:
    """Spellings in a list with commas; raises `UsageError` for an empty list or one that stands twice."""
    specs = [part.strip() for part in text.split(",") if part.strip()]
    twice = sorted({spec for spec in specs if specs.count(spec) > 1})
    if not specs or twice:
        raise UsageError(f"agents {text!r}: expected at least one, each once" + (f"; twice: {twice[0]}" if twice else ""))
    return specs


OTHERS.update(dict.fromkeys(ALGORITHMS, agent_of))
