"""PPO for continuous control in one file, over scalar environments in a SyncVectorEnv. Knows no environment of its own."""

import argparse

import gymnasium as gym
import numpy as np
import torch
from torch import nn


def make_env(env_id, gamma):
    def thunk():
        env = gym.make(env_id)
        env = gym.wrappers.FlattenObservation(env)
        env = gym.wrappers.RecordEpisodeStatistics(env)
        env = gym.wrappers.ClipAction(env)
        env = gym.wrappers.NormalizeObservation(env)
        env = gym.wrappers.TransformObservation(env, lambda obs: np.clip(obs, -10, 10), env.observation_space)
        env = gym.wrappers.NormalizeReward(env, gamma=gamma)
        return gym.wrappers.TransformReward(env, lambda reward: float(np.clip(reward, -10, 10)))

    return thunk


class Agent(nn.Module):
    def __init__(self, envs):
        super().__init__()
        inputs = int(np.prod(envs.single_observation_space.shape))
        outputs = int(np.prod(envs.single_action_space.shape))
        self.critic = nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 1))
        self.actor = nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, outputs))
        self.log_std = nn.Parameter(torch.zeros(1, outputs))

    def forward(self, x, action=None):
        mean = self.actor(x)
        law = torch.distributions.Normal(mean, self.log_std.expand_as(mean).exp())
        action = law.sample() if action is None else action
        return action, law.log_prob(action).sum(1), self.critic(x).flatten()


def main(env_id, num_envs, num_steps, iterations, make=None):
    gamma, gae_lambda, clip = 0.99, 0.95, 0.2
    torch.manual_seed(1)
    envs = make(env_id, num_envs) if make else gym.vector.SyncVectorEnv([make_env(env_id, gamma) for _ in range(num_envs)])
    assert isinstance(envs.single_action_space, gym.spaces.Box), "only continuous action spaces are supported"
    agent = Agent(envs)
    optimizer = torch.optim.Adam(agent.parameters(), lr=3e-4, eps=1e-5)
    obs = torch.as_tensor(envs.reset(seed=1)[0], dtype=torch.float32)
    done, returns = torch.zeros(num_envs), []
    for _ in range(iterations):
        rows = []
        for _ in range(num_steps):
            with torch.no_grad():
                action, logprob, value = agent(obs)
            following, reward, terminated, truncated, infos = envs.step(action.numpy())
            rows.append((obs, action, logprob, value, torch.as_tensor(reward, dtype=torch.float32), done))
            obs = torch.as_tensor(following, dtype=torch.float32)
            done = torch.as_tensor(np.logical_or(terminated, truncated), dtype=torch.float32)
            if "episode" in infos:
                finished = infos["_episode"]
                returns += infos["episode"]["r"][finished].tolist()
                assert (infos["episode"]["l"][finished] > 0).all()
        b_obs, b_actions, b_logprobs, b_values, b_rewards, b_dones = (torch.stack(part) for part in zip(*rows, strict=True))
        with torch.no_grad():
            advantages, last = torch.zeros_like(b_rewards), torch.zeros(num_envs)
            next_value, next_alive = agent(obs)[2], 1.0 - done
            for t in reversed(range(num_steps)):
                delta = b_rewards[t] + gamma * next_value * next_alive - b_values[t]
                last = delta + gamma * gae_lambda * next_alive * last
                advantages[t], next_value, next_alive = last, b_values[t], 1.0 - b_dones[t]
        targets = (advantages + b_values).flatten()
        scaled = ((advantages - advantages.mean()) / (advantages.std() + 1e-8)).flatten()
        for _ in range(4):
            _, logprob, value = agent(b_obs.flatten(0, 1), b_actions.flatten(0, 1))
            ratio = (logprob - b_logprobs.flatten()).exp()
            surrogate = torch.min(ratio * scaled, ratio.clamp(1 - clip, 1 + clip) * scaled).mean()
            loss = 0.5 * (value - targets).pow(2).mean() - surrogate
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    envs.close()
    assert returns and all(np.isfinite(returns)), "episodes ended"
    print(f"{env_id}: {len(returns)} episodes, mean return {np.mean(returns):.3f}, loss {loss.item():.3f}")
    assert np.isfinite(loss.item())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--env-id", default="Pendulum-v1")
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--num-steps", type=int, default=128)
    parser.add_argument("--iterations", type=int, default=4)
    arguments = parser.parse_args()
    main(arguments.env_id, arguments.num_envs, arguments.num_steps, arguments.iterations)
