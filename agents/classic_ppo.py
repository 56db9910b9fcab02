"""PPO in the classic market, where the optimum is known: depths from the mid, from nothing.

python agents/classic_ppo.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.learning import TrainedAgent, compare_with_default, make_vec_env

MARKET = "as2008"  # a preset of the classic market, or a YAML file of your own
VEC_ENV: dict[str, Any] = {"classic": True, "action_mode": "absolute", "stagger": True}
TIMESTEPS = 6_000_000  # env steps in all
N_ENVS = 1024  # side by side
SEED = 0  # of the training episodes and of the network
EPISODES = 1000  # of the comparison; no training plays them
OUT = Path("runs/recipes/classic_ppo")
SETTINGS: dict[str, Any] = {
    "n_steps": 48,  # of each env between updates
    "batch_size": 8192,
    "n_epochs": 4,  # passes over what was played
    "learning_rate": LinearSchedule(1e-3, 0.0, 1.0),  # falls to 0 at the end
    "gamma": 1.0,  # an episode ends, and its time is observed
    "gae_lambda": 0.9,  # between one step (0) and the whole episode (1) in advantages
    "ent_coef": 0.0,  # no bonus for randomness: the market is random enough
    "policy_kwargs": {"net_arch": [64, 64], "activation_fn": torch.nn.Tanh, "log_std_init": -1.5},  # small steps at first
}


def main() -> None:
    """Train, compare with the default policy, save."""
    torch.set_num_threads(1)  # a small network gains little from more, and the envs use the other cores
    market = load_config(MARKET, ClassicConfig)
    envs = VecNormalize(VecMonitor(make_vec_env(market, N_ENVS, **VEC_ENV)), gamma=0.99, clip_reward=100.0)
    model = PPO("MlpPolicy", envs, seed=SEED, device="cpu", verbose=1, **SETTINGS)
    model.learn(TIMESTEPS)
    print(compare_with_default(TrainedAgent("ppo", model, envs, market, "absolute"), EPISODES))
    OUT.mkdir(parents=True, exist_ok=True)
    model.save(OUT / "model")
    envs.save(str(OUT / "model_normalize.pkl"))


if __name__ == "__main__":
    main()
