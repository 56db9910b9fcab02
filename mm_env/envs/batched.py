"""Base class of both vector environments: seeds, masks, resets, autoreset, checks, saved states."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from mm_env.envs import saving
from mm_env.envs.actions import checked_actions, mode_of
from mm_env.envs.episodes import MarketAssignment, Seeds
from mm_env.errors import UsageError, check_choice
from mm_env.sim.observe import BOUND
from mm_env.sim.step import RESET, SKIP, STEP

if TYPE_CHECKING:
    from mm_env.policies.base import Policy
    from mm_env.policies.quoting import QuotingPolicy

_OPTIONS = ("reset_mask", "config", "evaluation", "first")


class BatchedVectorEnv(gymnasium.vector.VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """N envs of one market, stepped by one call; the market's subclass builds the simulation and writes the infos.

    batch: the simulation; assignment: which market each env plays; seeds: their keys
    ended: (N,) bool envs whose last step ended their episode; begun: the first reset has been
    """

    batch: Any
    assignment: MarketAssignment[Any]
    seeds: Seeds
    ended: np.ndarray
    symbols: list[str]
    action_names: list[str]
    record = False

    def _set_up(
        self,
        num_envs: int,
        action_mode: str,
        num_threads: int | None,
        autoreset_mode: AutoresetMode | str,
        render_mode: str | None,
        render_modes: Sequence[str],
    ) -> None:
        """Check and keep the arguments that all markets take; raises `UsageError` for one that is not allowed."""
        _check_count("num_envs", num_envs)
        if num_threads is not None:
            _check_count("num_threads", num_threads)
        if render_mode is not None:
            check_choice("render_mode", render_mode, render_modes)
        if not isinstance(autoreset_mode, AutoresetMode):
            check_choice("autoreset_mode", autoreset_mode, [mode.value for mode in AutoresetMode])
        self.num_envs, self.action_mode, self.render_mode = num_envs, action_mode, render_mode
        self._mode = mode_of(action_mode)
        self._num_threads = num_threads
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}

    def _set_spaces(self) -> None:
        """Spaces of the names of observations and actions."""
        self.single_observation_space = Box(-BOUND, BOUND, (len(self.observation_names),), np.float32)
        self.single_action_space = Box(-1.0, 1.0, (len(self.action_names),), np.float32)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def _start(self, market: Any) -> None:
        """Allocate the envs, none of them begun."""
        self.batch = self._allocate(market)
        self.assignment, self.seeds = MarketAssignment(self.batch, market), Seeds(self.batch)
        self.ended = np.zeros(self.num_envs, bool)
        self.begun = False

    @abstractmethod
    def _allocate(self, market: Any) -> Any:
        """The batch of N envs of a market."""

    @abstractmethod
    def build(self, config: Any) -> Any:
        """The market of a configuration, or of the JSON of one."""

    @abstractmethod
    def _use(self, market: Any) -> None:
        """Point the batch at the data that all envs of a market share."""

    @abstractmethod
    def _info(self, results: np.ndarray) -> dict[str, Any]:
        """Info of (N,) results."""

    @abstractmethod
    def set_config(self, config: Any) -> None:
        """Change the parameters of every episode from the next reset of each env on."""

    @property
    @abstractmethod
    def observation_names(self) -> list[str]:
        """Name of each column of an observation."""

    @property
    @abstractmethod
    def default_policy(self) -> Policy:
        """The policy that an action of zero stands for in residual mode."""

    @abstractmethod
    def default_action(self) -> np.ndarray:
        """(N, entries) float32 action of the default policy."""

    @abstractmethod
    def action_of(self, policy: QuotingPolicy) -> np.ndarray:
        """(N, entries) float32 action that asks for the quotes of a policy, as far as the bounds of an action reach."""

    @abstractmethod
    def explain(self, policy: QuotingPolicy, i: int = 0) -> dict[str, dict[str, float]]:
        """Terms of a policy's quotes in env i: symbol -> term -> value, prices in currency, sizes and hedge in lots."""

    def episode_config(self, i: int = 0) -> Any:
        """The configuration of env i's episode, with the values that were drawn for it."""
        self.require_begun()
        return self.assignment.config_of(i)

    def _rewards(self) -> np.ndarray:
        """(N,) float64 rewards of the last step, an array of the caller's own."""
        rewards: np.ndarray = self.batch.results["reward"].copy()
        return rewards

    def _ends(self) -> np.ndarray:
        """(N,) bool envs whose last step ended their episode, an array of the caller's own."""
        ends: np.ndarray = self.batch.results["truncated"].copy()
        return ends

    def _forget_logs(self) -> None:
        """Drop the logs stored for episodes that ended in the last step."""

    def _keep_logs(self, mask: np.ndarray) -> None:
        """Store the logs of the envs of `mask` (N,) bool, which a reset in the same step clears."""

    def _watch(self, commands: np.ndarray) -> None:
        """Record the envs for rendering, after `commands` (N,) uint8."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin the next episode of every env, or of those of `options["reset_mask"]`.

        Raises `UsageError` for a seed, an option or a mask that is not allowed.
        """
        self.begin_episodes(seed, options or {})
        return self.batch.rows, self._info(self.batch.results)

    def begin_episodes(self, seed: int | Sequence[int | None] | None, options: Mapping[str, Any]) -> None:
        """Do what `reset` does; return nothing."""
        self._require_open()
        seed = _checked_seed(seed, self.num_envs)
        super().reset(seed=seed if isinstance(seed, int) else None)
        for key in options:
            check_choice("options: key", key, _OPTIONS)
        mask = self._checked_mask(options.get("reset_mask"))
        if not self.begun and not mask.all():
            raise ResetNeeded("options['reset_mask']: the first reset is of all envs")
        evaluation = options.get("evaluation")
        if evaluation is not None and not isinstance(evaluation, bool | np.bool_):
            raise UsageError(f"options['evaluation'] {evaluation!r}: expected True or False")
        if options.get("config") is not None:
            self.set_config(options["config"])
        self.seeds.give(
            seed, mask, None if evaluation is None else bool(evaluation), _checked_first(options.get("first"), seed)
        )
        self._forget_logs()
        self._begin(mask)
        self.begun = True

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One decision of every env.

        actions: (N, entries) float32 [-1 to 1], the entries being `action_names`

        Returns observations (N, columns) float32, rewards (N,) float64 [currency], terminations (N,) bool, all False,
        truncations (N,) bool, infos.

        Raises `UsageError` for actions that are not allowed, `gymnasium.error.ResetNeeded` before the first reset and,
        with autoreset disabled, when an env has ended.
        """
        self.advance(checked_actions(actions, self.num_envs, self.action_names))
        results, rows = self.batch.results, self.batch.rows
        rewards, truncations = self._rewards(), self.ended.copy()
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self.ended.any():
            mask = self.ended
            self._keep_logs(mask)
            self._begin(mask)
            final = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(mask):
                final[i] = rows[i].copy()
            infos = {"final_obs": final, "final_info": self._info(results)}
            infos |= {"_final_obs": mask, "_final_info": mask.copy()}
        infos |= self._info(self.batch.results)
        return self.batch.rows, rewards, np.zeros(self.num_envs, bool), truncations, infos

    def advance(self, actions: np.ndarray) -> None:
        """Run one decision of every env, or the reset that follows an end. actions: (N, entries) float32, checked."""
        self.require_begun()
        commands = np.full(self.num_envs, STEP, np.uint8)
        if self.ended.any():
            if self.autoreset_mode is not AutoresetMode.NEXT_STEP:
                first = int(np.flatnonzero(self.ended)[0])
                raise ResetNeeded(f"env {first} has ended: reset() it (options['reset_mask']) before the next step")
            commands[self.ended] = RESET
            self.assignment.begin(self.ended)
        self._forget_logs()
        self._run(actions, commands)

    def _begin(self, mask: np.ndarray) -> None:
        """Reset the envs of `mask` (N,) bool."""
        self.assignment.begin(mask)
        actions = np.zeros((self.num_envs, len(self.action_names)), np.float32)
        self._run(actions, np.where(mask, np.uint8(RESET), np.uint8(SKIP)))

    def _run(self, actions: np.ndarray, commands: np.ndarray) -> None:
        for market, mask in self.assignment.groups():
            self._use(market)
            self.batch.step(actions, self._mode, commands if mask is None else np.where(mask, commands, np.uint8(SKIP)))
        self.ended = self._ends()
        self._watch(commands)

    def _checked_mask(self, mask: object) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, bool)
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise UsageError(f"options['reset_mask'] {mask!r}: expected ({self.num_envs},) bool array with a True in it")
        return mask

    def require_begun(self) -> None:
        """Raise `gymnasium.error.ResetNeeded` before the first reset, and `UsageError` once closed."""
        self._require_open()
        if not self.begun:
            raise ResetNeeded("call reset() first")

    def _require_open(self) -> None:
        if self.closed:
            raise UsageError("the environment is closed")

    def save_state(self) -> bytes:
        """The state of the envs, from which they continue bit for bit."""
        return saving.save_state(self)

    def load_state(self, state: bytes) -> None:
        """Continue where `save_state` was called, on an environment of the same configuration and number of envs.

        Raises `UsageError` for a state of another version, configuration or number of envs.
        """
        saving.load_state(self, state)

    def continue_from(self, begun: bool, ended: np.ndarray) -> None:
        """Continue from the state in the batch."""
        self.begun, self.ended = begun, ended
        self._forget_logs()

    def __getstate__(self) -> dict[str, Any]:
        kept = {
            k: v for k, v in self.__dict__.items() if k not in ("batch", "assignment", "seeds", "_history", "_last_logs")
        }
        return {**kept, "saved": self.save_state(), "config": self.assignment.next_market.config}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        saved, config = kept.pop("saved"), kept.pop("config")
        self.__dict__.update(kept)
        self._start(self.build(config))
        saving.load_state(self, saved)

    def close_extras(self, **kwargs: Any) -> None:
        """Stop the threads."""
        self.batch.close()


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise UsageError(f"{name} {value!r}: expected whole numbers from 1")


def _checked_first(first: object, seed: object) -> int:
    if first is None:
        return 0
    if isinstance(first, bool) or not isinstance(first, int | np.integer) or first < 0 or not isinstance(seed, int):
        raise UsageError(
            f"options['first'] {first!r} with seed {seed!r}: expected whole numbers from 0, with one seed for all"
        )
    return int(first)


def _checked_seed(seed: object, number: int) -> int | list[int | None] | None:
    def one(value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise UsageError(f"seed {value!r}: expected whole numbers from 0, None, or a list of {number} of them")
        return int(value)

    if not isinstance(seed, list | tuple | np.ndarray):
        return one(seed)
    if len(seed) != number:
        raise UsageError(f"a list of {len(seed)} seeds: expected {number}, one an env")
    return [one(value) for value in seed]
