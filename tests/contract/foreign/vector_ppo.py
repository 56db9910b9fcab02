"""The same over `gym.make_vec` and gymnasium's vector wrappers."""

import argparse

import gymnasium as gym
import numpy as np
from scalar_ppo import main


def make(env_id, num_envs):
    envs = gym.make_vec(env_id, num_envs=num_envs)
    envs = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    envs = gym.wrappers.vector.ClipAction(envs)
    envs = gym.wrappers.vector.NormalizeObservation(envs)
    envs = gym.wrappers.vector.TransformObservation(envs, lambda obs: np.clip(obs, -10, 10))
    return gym.wrappers.vector.NormalizeReward(envs, gamma=0.99)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--env-id", default="Pendulum-v1")
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--num-steps", type=int, default=128)
    parser.add_argument("--iterations", type=int, default=4)
    arguments = parser.parse_args()
    main(arguments.env_id, arguments.num_envs, arguments.num_steps, arguments.iterations, make)
