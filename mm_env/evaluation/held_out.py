"""Playing several policies on the same held-out episodes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mm_env.envs.play import make_envs, step_of
from mm_env.errors import UsageError
from mm_env.evaluation.evaluation import Evaluation, evaluate
from mm_env.interrupt import Stopped

logger = logging.getLogger(__name__)


def check_playable(name: str, agent: Any, market: Any, seed: int) -> None:
    """Raise, before anything is played, for an agent that was chosen on these episodes or cannot play this market.

    `UsageError` for the seed or for a first action that is not allowed; otherwise what the agent raises at that decision.
    """
    if getattr(agent, "selection_seed", None) == seed:
        raise UsageError(f"seed {seed}: {name} was chosen on these episodes; expected any other seed")
    envs = make_envs(agent, agent.configure(market), 1)
    try:
        envs.reset(seed=seed)
        step_of(envs, agent)
    finally:
        envs.close()


def play_agents(
    agents: Mapping[str, Sequence[Any]],
    market: Any,
    episodes: int,
    seed: int,
    threads: int | None = None,
    *,
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, list[Evaluation]]:
    """Evaluations by name, one for each agent of that name (a training seed each); those finished when `stop` said so.

    on_progress: called after each step with the env steps done in it
    """
    found: dict[str, list[Evaluation]] = {}
    for name, group in agents.items():
        try:
            found[name] = [
                evaluate(agent, market, episodes, seed, num_threads=threads, on_progress=on_progress, stop=stop)
                for agent in group
            ]
        except Stopped:
            break
        mean = sum(float(one.reward.mean()) for one in found[name]) / len(group)
        logger.info("played %s: %d x %d episodes, mean reward %.4g", name, len(group), episodes, mean)
    return found
