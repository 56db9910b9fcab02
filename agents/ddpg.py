"""DDPG (Lillicrap et al. 2016) that corrects the quotes of the default policy.

python agents/ddpg.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import DDPG
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from mm_env.config.io import load_config
from mm_env.learning import TrainedAgent, compare_with_default, make_vec_env

# A preset or a file as base. Hedges are left to the default policy: exploring with market orders costs more than it finds.
MARKET = {"base": "two_symbols", "policy": {"residual_half_spreads": 1.0, "hedge_action_lots": 0}}
TIMESTEPS = 1_000_000  # env steps in all
N_ENVS = 64  # side by side
SEED = 0  # of the training episodes and of the network
EPISODES = 1000  # of the comparison; no training plays them
NOISE = 0.1  # standard deviation of what is added to actions while learning
OUT = Path("runs/recipes/ddpg")
SETTINGS: dict[str, Any] = {
    "learning_rate": 3e-4,
    "buffer_size": 300_000,  # env steps that are remembered
    "learning_starts": 20_000,  # env steps of random actions before the first update
    "batch_size": 256,
    "train_freq": 4,  # steps of all envs between updates
    "gradient_steps": 4,  # updates each time: one for every 64 env steps
    "gamma": 0.95,  # what a quote does shows within a minute; a longer sum is mostly noise
    "tau": 0.005,  # share by which target networks move at an update
    "policy_kwargs": {"net_arch": [64, 64]},
}


def main() -> None:
    """Train, compare with the default policy, save."""
    torch.set_num_threads(1)  # a small network gains little from more, and the envs use the other cores
    market = load_config(MARKET)
    envs = VecNormalize(VecMonitor(make_vec_env(market, N_ENVS, stagger=True)), gamma=SETTINGS["gamma"])
    shape = envs.action_space.shape or ()
    noise = VectorizedActionNoise(NormalActionNoise(np.zeros(shape), np.full(shape, NOISE)), N_ENVS)
    model = DDPG("MlpPolicy", envs, seed=SEED, device="cpu", verbose=1, action_noise=noise, **SETTINGS)
    model.learn(TIMESTEPS)
    print(compare_with_default(TrainedAgent("ddpg", model, envs, market, "residual"), EPISODES))
    OUT.mkdir(parents=True, exist_ok=True)
    model.save(OUT / "model")
    envs.save(str(OUT / "model_normalize.pkl"))


if __name__ == "__main__":
    main()
