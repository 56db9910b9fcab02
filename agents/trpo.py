"""TRPO (Schulman et al. 2015) that corrects the quotes of the default policy.

python agents/trpo.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sb3_contrib import TRPO
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from mm_env.config.io import load_config
from mm_env.learning import TrainedAgent, compare_with_default, make_vec_env

# A preset or a file as base. Hedges are left to the default policy: exploring with market orders costs more than it finds.
MARKET = {"base": "two_symbols", "policy": {"residual_half_spreads": 2.0, "hedge_action_lots": 0}}
TIMESTEPS = 10_000_000  # env steps in all
N_ENVS = 256  # side by side
SEED = 0  # of the training episodes and of the network
EPISODES = 1000  # of the comparison; no training plays them
OUT = Path("runs/recipes/trpo")
SETTINGS: dict[str, Any] = {
    "n_steps": 128,  # of each env between updates
    "batch_size": 4096,  # of the value function
    "target_kl": 0.01,  # how far a policy may move at an update
    "gamma": 0.95,  # what a quote does shows within a minute; a longer sum is mostly noise
    "gae_lambda": 0.9,  # between one step (0) and the whole episode (1) in advantages
    "policy_kwargs": {"net_arch": [64, 64], "activation_fn": torch.nn.Tanh, "log_std_init": -1.5},  # begins near the default
}


def main() -> None:
    """Train, compare with the default policy, save."""
    torch.set_num_threads(1)  # a small network gains little from more, and the envs use the other cores
    market = load_config(MARKET)
    envs = VecNormalize(VecMonitor(make_vec_env(market, N_ENVS, stagger=True)), gamma=SETTINGS["gamma"])
    model = TRPO("MlpPolicy", envs, seed=SEED, device="cpu", verbose=1, **SETTINGS)
    model.learn(TIMESTEPS)
    print(compare_with_default(TrainedAgent("trpo", model, envs, market, "residual"), EPISODES))
    OUT.mkdir(parents=True, exist_ok=True)
    model.save(OUT / "model")
    envs.save(str(OUT / "model_normalize.pkl"))


if __name__ == "__main__":
    main()
