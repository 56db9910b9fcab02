"""Hyperparameters of an algorithm, from YAML with the keys of RL Zoo.

Beside the arguments of the algorithm's class a file may say `n_timesteps`, `n_envs`, `policy`, `policy_kwargs`, `normalize`
(true, or arguments of `VecNormalize`), `noise_type` and `noise_std`, `stagger`, and in `env_kwargs` the `action_mode`, a
`policy` file that a residual action is added to, and `policy_parameters` over it. A rate may be a schedule, `lin_3e-4`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.config.io import override, preset_folder
from mm_env.envs.actions import ACTION_MODES
from mm_env.errors import ConfigError, suggestion
from mm_env.learning.algorithms import Algorithm, algorithm_of
from mm_env.policies.parameters import read_parameters, read_yaml, require_own

OWN = (
    "n_timesteps", "n_envs", "policy", "policy_kwargs", "normalize", "noise_type", "noise_std", "stagger", "env_kwargs",
)  # fmt: skip
ENV_KEYS = ("action_mode", "policy", "policy_parameters")
SCHEDULED = ("learning_rate", "clip_range", "clip_range_vf")
ACTIVATIONS = {"tanh": "Tanh", "relu": "ReLU", "elu": "ELU", "silu": "SiLU", "leaky_relu": "LeakyReLU"}
NOISES = ("normal", "ornstein-uhlenbeck")
_NOT_FOR_FILES = ("self", "env", "policy", "policy_kwargs", "tensorboard_log", "verbose", "seed", "device", "action_noise",
                  "_init_setup_model", "replay_buffer_class", "replay_buffer_kwargs", "rollout_buffer_class",
                  "rollout_buffer_kwargs", "stats_window_size")  # fmt: skip


@dataclass(frozen=True)
class Hyperparameters:
    """What a file says, checked.

    noise: kind and deviation of what is added to actions; arguments: of the algorithm's class as the file writes them
    policy_file: parameters of the policy that a residual action is added to; parameters: those and what was given over them,
        by dotted key
    """

    algo: str
    timesteps: int = 1_000_000
    n_envs: int = 64
    policy: str = "MlpPolicy"
    policy_kwargs: Mapping[str, Any] = field(default_factory=dict)
    normalize: Mapping[str, Any] | None = None
    noise: tuple[str, float] | None = None
    stagger: bool = True
    action_mode: str = "residual"
    policy_file: Path | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def market(self, config: Any) -> Any:
        """The market with the parameters of the policy that a residual action is added to; raises `ConfigError`."""
        return override(config, self.parameters)

    def class_arguments(self) -> dict[str, Any]:
        """Arguments of the algorithm's class, schedules and activations in place; brings torch."""
        import torch
        from stable_baselines3.common.utils import LinearSchedule

        made: dict[str, Any] = {}
        for key, value in self.arguments.items():
            if isinstance(value, str) and value.startswith("lin_"):
                made[key] = LinearSchedule(float(value[4:]), 0.0, 1.0)
            else:
                made[key] = value
        policy = dict(self.policy_kwargs)
        if "activation_fn" in policy:
            policy["activation_fn"] = getattr(torch.nn, ACTIVATIONS[policy["activation_fn"]])
        return made | {"policy_kwargs": policy}

    def as_dict(self) -> dict[str, Any]:
        """What a file would say, paths resolved: enough to train again."""
        own: dict[str, Any] = {
            "n_timesteps": self.timesteps, "n_envs": self.n_envs, "policy": self.policy, "stagger": self.stagger,
            "policy_kwargs": dict(self.policy_kwargs),
            "normalize": False if self.normalize is None else dict(self.normalize),
            "env_kwargs": {"action_mode": self.action_mode, "policy_parameters": dict(self.parameters)},
        }  # fmt: skip
        if self.noise is not None:
            own |= {"noise_type": self.noise[0], "noise_std": self.noise[1]}
        return own | dict(self.arguments)


def agent_preset_names() -> list[str]:
    """Names of the files of hyperparameters that come with the package: `ppo`, `classic_ppo`, …"""
    return sorted(path.stem for path in preset_folder("agent").glob("*.yaml"))


def agent_preset_path(name: str) -> Path:
    """File of hyperparameters that comes with the package; raises `ConfigError` with the nearest name for another."""
    names = agent_preset_names()
    if name not in names:
        raise ConfigError(f"{name}: no such agent preset: {suggestion(name, names)}")
    return preset_folder("agent") / f"{name}.yaml"


def read_hyperparameters(
    algo: str, path: Path | None, classic: bool = False, policy: Path | str | None = None
) -> Hyperparameters:
    """Hyperparameters of a file; None: those of the algorithm's class.

    policy: file of policy parameters in place of `env_kwargs.policy`, "none" for the market's own

    Raises `ConfigError` for a file that cannot be read, unknown keys and values that are not allowed; `ValueError` for an
    unknown algorithm.
    """
    algorithm = algorithm_of(algo)
    content = {} if path is None else _content(path)
    where = path or Path(algo)
    known = [*OWN, *_arguments_of(algorithm)]
    for key in content:
        if key not in known:
            raise ConfigError(f"{where}: {key}: no such key of {algo}; {suggestion(key, known)}")
    env = _mapping(where, "env_kwargs", content.get("env_kwargs", {}), ENV_KEYS)
    if policy is not None:
        env = env | {"policy": None if str(policy) == "none" else Path(policy).resolve()}
    mode = env.get("action_mode", "residual")
    if mode not in ACTION_MODES:
        raise ConfigError(f"{where}: env_kwargs.action_mode: value {mode!r}: expected one of {', '.join(ACTION_MODES)}")
    arguments = {key: _argument(where, key, value) for key, value in content.items() if key not in OWN}
    return Hyperparameters(
        algo,
        timesteps=_count(where, "n_timesteps", content.get("n_timesteps", 1_000_000)),
        n_envs=_count(where, "n_envs", content.get("n_envs", 64)),
        policy=str(content.get("policy", algorithm.policy)),
        policy_kwargs=_policy_kwargs(where, content.get("policy_kwargs", {})),
        normalize=_normalize(where, content.get("normalize", False)),
        noise=_noise(where, content),
        stagger=bool(content.get("stagger", True)),
        action_mode=mode,
        policy_file=None if env.get("policy") is None else where.parent / str(env["policy"]),
        parameters=_parameters(where, env, classic),
        arguments=arguments,
    )


def _content(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path}: expected a mapping of hyperparameters")
    return {str(key): value for key, value in content.items()}


def _arguments_of(algorithm: Algorithm) -> list[str]:
    """What a file may say of the algorithm's class."""
    return [name for name in inspect.signature(algorithm.load_class().__init__).parameters if name not in _NOT_FOR_FILES]


def _argument(where: Path, key: str, value: Any) -> Any:
    if isinstance(value, str) and value.startswith("lin_") and key in SCHEDULED:
        try:
            float(value[4:])
        except ValueError as error:
            raise ConfigError(f"{where}: {key}: value {value!r}: expected a number, or a schedule as lin_3e-4") from error
        return value
    if isinstance(value, str) and key in SCHEDULED:
        raise ConfigError(f"{where}: {key}: value {value!r}: expected a number, or a schedule as lin_3e-4")
    return tuple(value) if key == "train_freq" and isinstance(value, list) else value


def _count(where: Path, key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 1 or value != int(value):
        raise ConfigError(f"{where}: {key}: value {value!r}: expected whole numbers from 1")
    return int(value)


def _mapping(where: Path, key: str, value: Any, allowed: tuple[str, ...] | None = None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: {key}: value {value!r}: expected a mapping")
    for name in value:
        if allowed is not None and name not in allowed:
            raise ConfigError(f"{where}: {key}.{name}: no such key; {suggestion(str(name), allowed)}")
    return dict(value)


def _policy_kwargs(where: Path, value: Any) -> dict[str, Any]:
    kwargs = _mapping(where, "policy_kwargs", value)
    activation = kwargs.get("activation_fn")
    if activation is not None and activation not in ACTIVATIONS:
        expected = f"one of {', '.join(ACTIVATIONS)}"
        raise ConfigError(f"{where}: policy_kwargs.activation_fn: value {activation!r}: expected {expected}")
    return kwargs


def _normalize(where: Path, value: Any) -> dict[str, Any] | None:
    from stable_baselines3.common.vec_env import VecNormalize

    if isinstance(value, bool):
        return {} if value else None
    allowed = [
        name for name in inspect.signature(VecNormalize.__init__).parameters if name not in ("self", "venv", "training")
    ]
    return _mapping(where, "normalize", value, tuple(allowed))


def _noise(where: Path, content: Mapping[str, Any]) -> tuple[str, float] | None:
    kind = content.get("noise_type")
    if kind is None:
        if "noise_std" in content:
            raise ConfigError(f"{where}: noise_std: only beside noise_type, one of {', '.join(NOISES)}")
        return None
    if kind not in NOISES:
        raise ConfigError(f"{where}: noise_type: value {kind!r}: expected one of {', '.join(NOISES)}")
    return kind, float(content.get("noise_std", 0.1))


def _parameters(where: Path, env: Mapping[str, Any], classic: bool) -> dict[str, Any]:
    """Dotted key -> value of the policy's own parameters: those of its file, and those given beside it."""
    found: dict[str, Any] = {}
    if env.get("policy") is not None:
        found |= read_parameters(where.parent / str(env["policy"]))
    given = _mapping(where, "env_kwargs.policy_parameters", env.get("policy_parameters", {}))
    found |= {key if "." in key else f"policy.{key}": value for key, value in given.items()}
    require_own(where, found)
    defaults: Any = ClassicConfig() if classic else MarketConfig()
    override(defaults, found)  # raises for keys that do not exist
    return found
