"""The market as stable-baselines3 wants it: a `VecEnv` straight over the native vector environment.

No subprocess and no Python loop over envs, but for those whose episode has just ended.
"""

from __future__ import annotations

import inspect
import struct
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from mm_env.envs.single import vector_of
from mm_env.errors import UsageError
from mm_env.extras import missing

try:
    from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices
except ModuleNotFoundError as error:
    raise missing("stable_baselines3") from error

if TYPE_CHECKING:
    from mm_env.envs.batched import BatchedVectorEnv

_OF_ALL = ("close", "load_state", "reset", "set_config", "step")  # methods that cannot be called for some envs only
_COUNTER = struct.Struct("<q")


class MarketVecEnv(VecEnv):
    """N envs of a market for stable-baselines3.

    Observations (N, columns) float32, rewards (N,) float32 [currency], dones (N,) bool; none is ever written to again.
    At the end of an episode `infos[i]` holds the env's infos, its `terminal_observation`, and
    `TimeLimit.truncated`, as time limits alone end episodes; otherwise `infos[i]` is empty. `batch_infos` holds, as arrays
    over envs, the infos of the last step, before any env was reset.

    Env i of `seed(s)` walks the path of env i of the native vector environment: no two seeds share one.

    envs: the native vector environment, or a wrapper of it
    native: the native vector environment
    seconds: spent in steps so far, of the clock on the wall
    """

    def __init__(self, envs: gymnasium.vector.VectorEnv[Any, Any, Any], *, stagger: bool = False) -> None:
        """Adapt a vector environment of this package, made with AutoresetMode.SAME_STEP.

        stagger: end the first episodes of the envs early, at times spread evenly over an episode, so that later ones do not
            all begin and end at the same step, and a rollout sees all of an episode

        Raises `TypeError` for any other environment, `UsageError` for another autoreset mode.
        """
        self.envs = envs
        self.native: BatchedVectorEnv = vector_of(envs)
        if self.native.autoreset_mode is not AutoresetMode.SAME_STEP:
            raise UsageError(f"autoreset_mode {self.native.autoreset_mode.value!r}: expected 'SameStep'")
        self.stagger = stagger
        self.batch_infos: dict[str, Any] = {}
        self.seconds = 0.0
        self._steps = 0  # since all envs were reset
        self._actions: np.ndarray | None = None
        super().__init__(self.native.num_envs, envs.single_observation_space, envs.single_action_space)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the next reset: env i gets path i of that seed. None draws one from numpy's global state, as its own do."""
        self._seeds = [int(np.random.randint(2**31)) if seed is None else seed] * self.num_envs  # noqa: NPY002
        return self._seeds

    def reset(self) -> np.ndarray:
        """Begin an episode in every env with the seed and options given since the last reset."""
        if any(options != self._options[0] for options in self._options):
            raise UsageError(f"options {self._options!r}: expected the same for every env")
        observations, self.batch_infos = self.envs.reset(seed=self._seeds[0], options=self._options[0] or None)
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [row_of(self.batch_infos, i) for i in range(self.num_envs)]
        self._steps = 0
        return np.asarray(observations)

    def step_async(self, actions: np.ndarray) -> None:
        """Take the actions of the next step: (N, entries) float32, or (N,) whole numbers of a discrete env."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step all envs; those whose episode ends are reset at once."""
        assert self._actions is not None, "step_async() comes first"
        begun = perf_counter()
        observations, rewards, _, dones, after = self.envs.step(self._actions)
        self._actions = None
        self._steps += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        self.batch_infos = after["final_info"] if dones.any() else after
        if dones.any():
            self._report_ends(infos, np.flatnonzero(dones), after["final_obs"], after)
        cut = self._cut(dones)
        if cut.any():
            final = observations
            observations, after = self.envs.reset(options={"reset_mask": cut})
            self._report_ends(infos, np.flatnonzero(cut), final, after)
            dones = dones | cut
        self.seconds += perf_counter() - begun
        return observations, rewards.astype(np.float32), dones, infos

    def _cut(self, dones: np.ndarray) -> np.ndarray:
        """(N,) bool envs whose first episode is ended early now."""
        if not self.stagger or self._steps >= self._episode_steps:
            return np.zeros(self.num_envs, bool)
        return np.asarray((self._first_ends == self._steps) & ~dones)

    @property
    def _episode_steps(self) -> int:
        return int(self.native.batch.params["steps"].max())

    @property
    def _first_ends(self) -> np.ndarray:
        """(N,) step at which each env's first episode ends."""
        n = self.num_envs
        return np.maximum(1, self._episode_steps * np.arange(1, n + 1) // n)

    def _report_ends(self, infos: list[dict[str, Any]], ended: np.ndarray, final: Any, after: dict[str, Any]) -> None:
        """Write the last step of envs that ended, and the infos of the reset after it."""
        for i in ended.tolist():
            infos[i] = row_of(self.batch_infos, i) | {"terminal_observation": final[i], "TimeLimit.truncated": True}
            self.reset_infos[i] = row_of(after, i)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The vector environment's attribute, or that of a wrapper around it, once for each env asked for."""
        value = self._find(attr_name)
        return [value for _ in self._indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute that all envs share; raises `UsageError` where it is asked of some only."""
        self._require_all(f"set_attr({attr_name!r})", indices)
        setattr(self.native, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Return what a method of the vector environment returns for each env asked for.

        A method of one env, which takes its number `i`, is called for each; any other once, and what it returns with one
        entry an env is split, as are the parts of what `reset` and `step` return. Raises `UsageError` where a method that
        changes all envs is asked of some.
        """
        method = self._find(method_name)
        chosen = self._indices(indices)
        if "i" in inspect.signature(method).parameters:
            return [method(*method_args, i=i, **method_kwargs) for i in chosen]
        if method_name in _OF_ALL:
            self._require_all(f"env_method({method_name!r})", indices)
        result = method(*method_args, **method_kwargs)
        if method_name in ("reset", "step"):  # a tuple of parts, each with one entry an env
            return [tuple(row_of(part, i) if isinstance(part, dict) else part[i] for part in result) for i in chosen]
        split = isinstance(result, np.ndarray | tuple | list) and len(result) == self.num_envs
        return [result[i] if split else result for i in chosen]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """Whether that wrapper stands around the vector environment."""
        found = any(isinstance(layer, wrapper_class) for layer in self._layers)
        return [found for _ in self._indices(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        """(H, W, 3) uint8 picture of each env; None where `render_mode` is not "rgb_array"."""
        frames: Any = self.envs.render() if self.render_mode == "rgb_array" else None
        return [None] * self.num_envs if frames is None else list(frames)

    def save_state(self) -> bytes:
        """All that the envs need to continue bit for bit."""
        return _COUNTER.pack(self._steps) + self.native.save_state()

    def load_state(self, state: bytes) -> None:
        """Continue where `save_state` was called; raises `UsageError` as `BatchedVectorEnv.load_state` does."""
        self.native.load_state(state[_COUNTER.size :])
        self._steps = _COUNTER.unpack(state[: _COUNTER.size])[0]

    @property
    def observations(self) -> np.ndarray:
        """(N, columns) float32 last observations."""
        rows: np.ndarray = self.native.batch.rows
        return rows

    def close(self) -> None:
        """Stop the threads."""
        self.envs.close()

    @property
    def _layers(self) -> list[Any]:
        """The wrappers from the outermost in, and the native vector environment."""
        layers: list[Any] = [self.envs]
        while isinstance(layers[-1], gymnasium.vector.VectorWrapper):
            layers.append(layers[-1].env)
        return layers

    def _find(self, name: str) -> Any:
        for layer in self._layers:
            if hasattr(layer, name):
                return getattr(layer, name)
        raise AttributeError(f"{type(self.native).__name__} has no {name!r}")

    def _indices(self, indices: VecEnvIndices) -> list[int]:
        chosen: Iterable[int] = self._get_indices(indices)
        return list(chosen)

    def _require_all(self, what: str, indices: VecEnvIndices) -> None:
        if sorted(self._indices(indices)) != list(range(self.num_envs)):
            raise UsageError(f"{what} of envs {indices!r}: expected all envs, which share it")


def row_of(infos: dict[str, Any], i: int) -> dict[str, Any]:
    """The infos of env i: numbers, and (S,) arrays that are copied; the nested ones likewise."""
    row: dict[str, Any] = {}
    for key, value in infos.items():
        if isinstance(value, dict):
            if key != "final_info":
                row[key] = row_of(value, i)
        elif not key.startswith(("_", "final_")):
            row[key] = value[i].item() if value.ndim == 1 else value[i].copy()
    return row


def make_vec_env(
    config: Any,
    n_envs: int,
    *,
    classic: bool = False,
    action_mode: str = "residual",
    discrete: bool = False,
    num_threads: int | None = None,
    stagger: bool = False,
    seed: int | None = None,
    evaluation: bool = False,
    **kwargs: Any,
) -> MarketVecEnv:
    """N envs of a market for stable-baselines3; give it these, as it takes no vector environment of gymnasium.

    Example::

        envs = make_vec_env("two_symbols", n_envs=64, seed=0)
        PPO("MlpPolicy", VecNormalize(envs), n_steps=32, batch_size=512, gamma=0.95).learn(100_000)

    config, action_mode, num_threads and further arguments: as the native vector environment takes them
    classic: of `mm_env/Classic-v0`
    discrete: choose among the quotes of `VectorDiscreteQuotes`
    stagger: as `MarketVecEnv` takes it
    seed, evaluation: of the first reset

    Raises `ConfigError`, and `UsageError` for a wrong argument.
    """
    from mm_env.envs.classic_vector import ClassicVectorEnv
    from mm_env.envs.vector_env import MultiVenueVectorEnv
    from mm_env.envs.wrappers import VectorDiscreteQuotes

    envs: Any = (ClassicVectorEnv if classic else MultiVenueVectorEnv)(
        n_envs,
        config,
        action_mode=action_mode,
        num_threads=num_threads,
        autoreset_mode=AutoresetMode.SAME_STEP,
        **kwargs,
    )
    adapted = MarketVecEnv(VectorDiscreteQuotes(envs) if discrete else envs, stagger=stagger)
    if seed is not None:
        adapted.seed(seed)
    if evaluation:
        adapted.set_options({"evaluation": True})
    return adapted
