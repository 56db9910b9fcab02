"""Play episodes of a policy in either market, each once, and keep of each what comparisons need.

Episode e of a seed is the same for every policy (common random numbers), and for any number of envs played side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.envs.play import StepSnapshot, Watcher, make_envs, play
from mm_env.errors import ConfigError, UsageError
from mm_env.evaluation.episode_sums import EpisodeSums
from mm_env.interrupt import Stopped

if TYPE_CHECKING:
    from mm_env.policies.base import Policy

Floats = NDArray[np.float64]
MOST_ENVS = 512  # side by side


@dataclass(frozen=True, eq=False)
class Evaluation:
    """E episodes of one policy: the metrics of each, (E,) float64.

    `mm_env.evaluation.metrics` defines each with its unit; those of risk and hedges are 0 in the classic market.

    reward_terms: name -> sum over the episode [currency]; attribution: term -> its part of the profit [currency]
    """

    reward: Floats
    profit: Floats
    drawdown: Floats
    over_limit: Floats
    value_at_risk: Floats
    inventory_sd: Floats
    fills: Floats
    spread_capture: Floats
    hedge_cost: Floats
    hedges: Floats
    breaches: Floats
    reward_terms: dict[str, Floats]
    attribution: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.reward)


BY_NAME = ("reward_terms", "attribution")
VALUES = tuple(field.name for field in fields(Evaluation) if field.name not in BY_NAME)


def join_evaluations(parts: list[Evaluation]) -> Evaluation:
    """All episodes of the parts, in their order."""
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in VALUES}
    for group in BY_NAME:
        names = getattr(parts[0], group)
        joined[group] = {name: np.concatenate([getattr(part, group)[name] for part in parts]) for name in names}
    return Evaluation(**joined)


class EpisodeMetrics(Watcher):
    """A watcher that counts the metrics of all episodes.

    Episodes of a round that was stopped are left out, unless it was the first: then they count as they stand.
    """

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._parts: list[Evaluation] = []
        self._number = 0
        self.sums: EpisodeSums | None = None

    def reset(self, snapshot: StepSnapshot) -> None:
        """Begin to count a round."""
        self.sums, self._number = EpisodeSums(snapshot.envs), int(np.count_nonzero(snapshot.playing))

    def step(self, snapshot: StepSnapshot) -> None:
        """Count a step."""
        assert self.sums is not None
        self.sums.add(snapshot.infos, snapshot.rewards, snapshot.playing, snapshot.ended)

    def finish(self, complete: bool) -> None:
        """Take over the episodes of the round."""
        assert self.sums is not None
        if complete or (not self._parts and self.sums.steps.any()):
            self._parts.append(Evaluation(**self.sums.metrics(slice(self._number))))

    def result(self) -> Evaluation | None:
        """The metrics of the episodes in their order; None where not a step was done."""
        return join_evaluations(self._parts) if self._parts else None


def evaluate(
    policy: Policy,
    config: MarketConfig | ClassicConfig,
    episodes: int,
    seed: int,
    *,
    evaluation: bool = True,
    most_envs: int = MOST_ENVS,
    num_threads: int | None = None,
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> Evaluation:
    """Play episodes 0 to `episodes` - 1 of a seed with a policy, in the market that the policy configures.

    policy: made for any market of that kind; its `action_mode`, where it has one, is that of its environment
    evaluation: episodes that no training plays; False: those of training
    most_envs: side by side; num_threads: that share them, None for as many as cores. Neither changes an episode
    on_progress: called after each step with the env steps done in it
    stop: asked before each step

    Raises `ConfigError` for a market that is resampled at each reset, as its limits would differ by episode; `Stopped` when
    asked to stop; `ValueError` for fewer than one episode or env.
    """
    if isinstance(config, MarketConfig) and config.randomize:
        raise ConfigError(f"randomize: {', '.join(config.randomize)}: an evaluation needs one market; expected here: {{}}")
    if episodes < 1 or most_envs < 1:
        raise UsageError(f"episodes {episodes}, most_envs {most_envs}: expected at least 1 of each")
    home: MarketConfig | ClassicConfig = policy.configure(config)  # type: ignore[type-var]  # one of either kind
    counted = EpisodeMetrics()
    for first in range(0, episodes, most_envs):
        number = min(most_envs, episodes - first)
        envs = make_envs(policy, home, number, num_threads, record=True)
        try:
            options = {"evaluation": evaluation, "first": first}
            played = play(
                envs, policy, number, seed, options=options, watchers=[counted], on_progress=on_progress, stop=stop
            )
        finally:
            envs.close()
        if played.stopped:
            raise Stopped
    found = counted.result()
    assert found is not None
    return found
