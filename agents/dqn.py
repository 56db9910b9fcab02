"""DQN (Mnih et al. 2015) over a grid of quotes, `mm_env.envs.wrappers.VectorDiscreteQuotes`.

python agents/dqn.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from mm_env.config.io import load_config
from mm_env.learning import TrainedAgent, compare_with_default, make_vec_env

MARKET = "two_symbols"  # a preset, or a YAML file of your own
TIMESTEPS = 1_000_000  # env steps in all
N_ENVS = 64  # side by side
SEED = 0  # of the training episodes and of the network
EPISODES = 1000  # of the comparison; no training plays them
OUT = Path("runs/recipes/dqn")
SETTINGS: dict[str, Any] = {
    "learning_rate": 3e-4,
    "buffer_size": 300_000,  # env steps that are remembered
    "learning_starts": 20_000,  # env steps of random actions before the first update
    "batch_size": 256,
    "train_freq": 4,  # steps of all envs between updates
    "gradient_steps": 4,  # updates each time: one for every 64 env steps
    "gamma": 0.95,  # what a quote does shows within a minute; a longer sum is mostly noise
    "target_update_interval": 10_000,  # env steps
    "exploration_fraction": 0.2,  # of the training, in which random actions become rare
    "exploration_final_eps": 0.02,  # share of random actions from then on
    "policy_kwargs": {"net_arch": [64, 64]},
}


def main() -> None:
    """Train, compare with the default policy, save."""
    torch.set_num_threads(1)  # a small network gains little from more, and the envs use the other cores
    market = load_config(MARKET)
    envs = VecNormalize(VecMonitor(make_vec_env(market, N_ENVS, discrete=True, stagger=True)), gamma=SETTINGS["gamma"])
    model = DQN("MlpPolicy", envs, seed=SEED, device="cpu", verbose=1, **SETTINGS)
    model.learn(TIMESTEPS)
    print(compare_with_default(TrainedAgent("dqn", model, envs, market, "residual"), EPISODES))
    OUT.mkdir(parents=True, exist_ok=True)
    model.save(OUT / "model")
    envs.save(str(OUT / "model_normalize.pkl"))


if __name__ == "__main__":
    main()
