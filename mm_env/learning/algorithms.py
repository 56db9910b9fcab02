"""The algorithms that can be trained: their names, classes, and what they ask of the environment."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from mm_env.errors import check_choice
from mm_env.extras import require

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


class Algorithm(NamedTuple):
    """module, class_name: where its class stands; policy: of its network by default; discrete: chooses from a finite set;
    recurrent: remembers; off_policy: learns from a replay buffer.
    """

    module: str
    class_name: str
    policy: str = "MlpPolicy"
    discrete: bool = False
    recurrent: bool = False
    off_policy: bool = False

    def load_class(self) -> type[BaseAlgorithm]:
        """The class, which brings torch; raises `MissingExtraError` without the extra `rl`."""
        require(self.module, "torch")
        found: type[BaseAlgorithm] = getattr(import_module(self.module), self.class_name)
        return found


ALGORITHMS = {
    "ppo": Algorithm("stable_baselines3", "PPO"),
    "a2c": Algorithm("stable_baselines3", "A2C"),
    "trpo": Algorithm("sb3_contrib", "TRPO"),
    "recurrent_ppo": Algorithm("sb3_contrib", "RecurrentPPO", policy="MlpLstmPolicy", recurrent=True),
    "sac": Algorithm("stable_baselines3", "SAC", off_policy=True),
    "td3": Algorithm("stable_baselines3", "TD3", off_policy=True),
    "ddpg": Algorithm("stable_baselines3", "DDPG", off_policy=True),
    "tqc": Algorithm("sb3_contrib", "TQC", off_policy=True),
    "dqn": Algorithm("stable_baselines3", "DQN", discrete=True, off_policy=True),
    "qrdqn": Algorithm("sb3_contrib", "QRDQN", discrete=True, off_policy=True),
}


def algorithm_of(name: str) -> Algorithm:
    """The algorithm of that name; raises `ValueError` for one that is not known."""
    check_choice("algorithm", name, ALGORITHMS)
    return ALGORITHMS[name]
