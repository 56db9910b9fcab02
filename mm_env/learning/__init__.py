"""Training with stable-baselines3: the market as a `VecEnv`, training, trained agents as policies, tuning.

Needs the extra `rl` (`pip install 'mm_env[rl]'`); `tuning` needs the extra `tune` alone. A first agent::

    from stable_baselines3 import PPO
    from mm_env.learning import make_vec_env

    PPO("MlpPolicy", make_vec_env("two_symbols", n_envs=64), n_steps=32, batch_size=512, gamma=0.95).learn(100_000)

module          | what
--------------- | ----
vec_env         | `make_vec_env`: N envs as stable-baselines3 takes them
algorithms      | the algorithms by name
hyperparameters | their settings from YAML, and the presets of those
training        | train, stop, and resume; run_folder, checkpoints, monitoring beside it
trained         | `TrainedAgent`: a model as a policy
comparison      | an agent against the default policy
tuning          | parameters of a closed-form policy by optuna
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mm_env.extras import require

if TYPE_CHECKING:
    from mm_env.learning.comparison import compare_with_default
    from mm_env.learning.hyperparameters import read_hyperparameters
    from mm_env.learning.trained import TrainedAgent
    from mm_env.learning.training import Training, begin, train
    from mm_env.learning.vec_env import MarketVecEnv, make_vec_env

__all__ = [
    "MarketVecEnv",
    "TrainedAgent",
    "Training",
    "begin",
    "compare_with_default",
    "make_vec_env",
    "read_hyperparameters",
    "train",
]

_MODULES = {
    "MarketVecEnv": "vec_env",
    "TrainedAgent": "trained",
    "Training": "training",
    "begin": "training",
    "compare_with_default": "comparison",
    "make_vec_env": "vec_env",
    "read_hyperparameters": "hyperparameters",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` when it is first asked for, as torch takes seconds.

    Raises `MissingExtraError` without the extra `rl`.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("stable_baselines3", "sb3_contrib", "torch", "tensorboard")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """The names of `__all__` among the others."""
    return sorted({*globals(), *__all__})
