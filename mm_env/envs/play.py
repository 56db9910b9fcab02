"""Play episodes of a policy in a vector environment of either market: the one loop that steps envs with a policy.

What is counted, recorded or shown of the steps is the work of watchers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.errors import UsageError

if TYPE_CHECKING:
    from mm_env.policies.base import Policy


@dataclass(frozen=True, eq=False)
class StepSnapshot:
    """One decision step of all envs, or their reset.

    envs: the environment, whose states are those after the step
    first: number of the episode that env 0 plays; env i plays number first + i
    step: 0 after a reset
    rewards: (N,) float64
    infos: as the environment returns them
    playing: (N,) bool envs whose episode took this step
    ended: (N,) bool envs whose episode ended with it
    """

    envs: Any
    first: int
    step: int
    rewards: NDArray[np.float64]
    infos: dict[str, Any]
    playing: NDArray[np.bool_]
    ended: NDArray[np.bool_]

    @property
    def over(self) -> bool:
        """Whether all episodes of the round have ended."""
        return self.step > 0 and not bool((self.playing & ~self.ended).any())


class Watcher:
    """Receives what `play` does; a subclass overrides what it needs.

    A round is one episode of each env. More episodes than envs take several rounds.
    """

    def reset(self, snapshot: StepSnapshot) -> None:
        """A round begins: the envs are reset."""

    def before_step(self, step: int) -> None:
        """The policy decides next; step: of the round, 0 first."""

    def step(self, snapshot: StepSnapshot) -> None:
        """A step was done."""

    def finish(self, complete: bool) -> None:
        """The round is over. complete: all its episodes ended; False: the run was stopped."""


@dataclass(frozen=True)
class Played:
    """The outcome of `play`: how many episodes were finished, and whether the run was stopped before the last one's end."""

    episodes: int
    stopped: bool


def play(
    envs: Any,
    policy: Policy,
    episodes: int,
    seed: int,
    *,
    options: dict[str, Any] | None = None,
    watchers: Sequence[Watcher] = (),
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> Played:
    """Play `episodes` episodes of a seed; envs play them side by side, and further ones after those.

    envs: a vector environment of either market, with any autoreset mode but SAME_STEP
    options: of the first reset; with "first" k, env 0 plays episode k
    watchers: called in this order
    on_progress: called after each step with the env steps done in it
    stop: asked before each step

    Raises `UsageError` for an environment that resets in the step in which an episode ends.
    """
    if envs.autoreset_mode is AutoresetMode.SAME_STEP:
        raise UsageError("autoreset_mode 'SameStep': expected 'NextStep' or 'Disabled', as the last step is read after it")
    start = int((options or {}).get("first", 0))
    done = 0
    while done < episodes:
        infos = envs.reset(seed=seed, options=options)[1] if done == 0 else envs.reset()[1]
        number = min(envs.num_envs, episodes - done)
        complete = True
        for snapshot in steps_of_round(envs, policy, infos, start + done, number):
            for watcher in watchers:
                if snapshot.step:
                    watcher.step(snapshot)
                else:
                    watcher.reset(snapshot)
            if snapshot.step:
                on_progress(int(np.count_nonzero(snapshot.playing)))
            if snapshot.over:
                break
            if stop():
                complete = False
                break
            for watcher in watchers:
                watcher.before_step(snapshot.step)
        for watcher in watchers:
            watcher.finish(complete)
        if not complete:
            return Played(done, True)
        done += number
    return Played(done, False)


def steps_of_round(
    envs: Any, policy: Policy, infos: dict[str, Any], first: int = 0, number: int | None = None
) -> Iterator[StepSnapshot]:
    """Yield the reset of the envs, then each step of one episode in each, until all have ended.

    infos: of the reset; first: number of env 0's episode; number: envs that count, the first ones; None for all
    """
    playing = np.arange(envs.num_envs) < (envs.num_envs if number is None else number)
    nothing = np.zeros(envs.num_envs)
    step = 0
    yield StepSnapshot(envs, first, step, nothing, infos, playing, nothing != 0.0)
    while playing.any():
        _, rewards, _, ended, infos = step_of(envs, policy)
        step += 1
        yield StepSnapshot(envs, first, step, rewards, infos, playing, ended)
        playing = playing & ~ended


def step_of(envs: Any, policy: Policy) -> tuple[Any, ...]:
    """What a step of the envs returns for the policy's actions.

    Raises `UsageError`, with the name of the policy, for actions that are not allowed.
    """
    actions = policy.act(envs)
    try:
        stepped: tuple[Any, ...] = envs.step(actions)
    except UsageError as error:
        raise UsageError(f"policy {policy.name!r}: {error}") from error
    return stepped


def make_envs(
    policy: Policy,
    config: MarketConfig | ClassicConfig,
    number: int,
    num_threads: int | None = None,
    record: bool = False,
) -> Any:
    """Make the vector environment of a market in the mode in which a policy acts.

    record: keep the fills and headlines of each step; the book market only
    """
    from mm_env.envs.classic_vector import ClassicVectorEnv
    from mm_env.envs.vector_env import MultiVenueVectorEnv

    mode = getattr(policy, "action_mode", "residual")
    if isinstance(config, MarketConfig):
        return MultiVenueVectorEnv(number, config, action_mode=mode, num_threads=num_threads, record=record)
    return ClassicVectorEnv(number, config, action_mode=mode, num_threads=num_threads)
