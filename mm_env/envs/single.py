"""Base class of both environments with one market maker: the N = 1 view of the market's vector environment."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from mm_env.envs.actions import checked_actions
from mm_env.envs.batched import BatchedVectorEnv
from mm_env.envs.episodes import Seeds
from mm_env.policies.base import market_env

if TYPE_CHECKING:
    from mm_env.policies.base import Policy
    from mm_env.policies.quoting import QuotingPolicy


def vector_of(env: Any) -> BatchedVectorEnv:
    """The vector env behind an env of this package, wrapped or not; raises `UsageError` for any other env."""
    base = market_env(env)
    vector: BatchedVectorEnv = base.vector if isinstance(base, SingleEnv) else base
    return vector


def shaped_for(env: Any, actions: np.ndarray) -> np.ndarray:
    """(N, entries) actions as `env` takes them: (entries,) for a scalar env."""
    return actions if isinstance(env, gymnasium.vector.VectorEnv) else actions[0]


class SingleEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """One env of a market; `vector` simulates it."""

    vector: BatchedVectorEnv

    def _view(self, vector: BatchedVectorEnv) -> None:
        """Show the only env of `vector`."""
        self.vector = vector
        self.render_mode, self.action_mode = vector.render_mode, vector.action_mode
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space
        self.action_names, self.observation_names = vector.action_names, vector.observation_names
        self._fields = vector.batch.results.dtype.names

    @abstractmethod
    def _info(self, result: dict[str, Any]) -> dict[str, Any]:
        """Info, from the fields of the env's result."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode: the first of `seed`, or the next one.

        options: "config" new parameters from now on; "evaluation" True or False
        """
        super().reset(seed=seed)
        self.vector.begin_episodes(seed, options or {})
        return self.vector.batch.rows[0], self._info(self._result())

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One decision. action: (entries,) float32 [-1 to 1], the entries being `action_names`.

        Raises `UsageError` for a wrong action, `gymnasium.error.ResetNeeded` before the first reset and
        after the end.
        """
        vector = self.vector
        vector.advance(checked_actions(np.asarray(action)[None], 1, self.action_names))
        result = self._result()
        return vector.batch.rows[0], result["reward"], False, result["truncated"], self._info(result)

    def _result(self) -> dict[str, Any]:
        return dict(zip(self._fields, self.vector.batch.results[0].item(), strict=True))

    @property
    def batch(self) -> Any:
        """The simulation, a batch of one."""
        return self.vector.batch

    @property
    def seeds(self) -> Seeds:
        """Its seed, and place among those of one seed."""
        return self.vector.seeds

    @property
    def config(self) -> Any:
        """The configuration of the next episodes."""
        return self.vector.assignment.next_market.config

    @property
    def default_policy(self) -> Policy:
        """The policy that an action of zero stands for in residual mode."""
        return self.vector.default_policy

    def default_action(self) -> np.ndarray:
        """(entries,) float32 action of the default policy: zeros in residual mode."""
        action: np.ndarray = self.vector.default_action()[0]
        return action

    def action_of(self, policy: QuotingPolicy) -> np.ndarray:
        """(entries,) float32 action that asks for the quotes of a policy, as far as the bounds of an action reach."""
        action: np.ndarray = self.vector.action_of(policy)[0]
        return action

    def explain(self, policy: QuotingPolicy, i: int = 0) -> dict[str, dict[str, float]]:
        """Terms of a policy's quotes: symbol -> term -> value, prices in currency, sizes and hedge in lots. i: 0"""
        return self.vector.explain(policy, i)

    def set_config(self, config: Any) -> None:
        """Change the parameters of every episode from the next reset on."""
        self.vector.set_config(config)

    def episode_config(self) -> Any:
        """The configuration of this episode, with the values that were drawn for it."""
        return self.vector.episode_config()

    def render(self) -> Any:
        """What the vector environment draws for its env; None without a render mode."""
        frames = self.vector.render()
        return None if frames is None else frames[0]

    def save_state(self) -> bytes:
        """The state of the env, from which it continues bit for bit."""
        return self.vector.save_state()

    def load_state(self, state: bytes) -> None:
        """Continue where `save_state` was called; raises `UsageError` for a state of another version or configuration."""
        self.vector.load_state(state)

    def close(self) -> None:
        """Refuse further steps."""
        self.vector.close()
