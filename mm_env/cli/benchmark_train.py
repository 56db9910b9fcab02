"""The learner on an environment that costs nothing and on the default market, in turns: what training loses to the market.

PPO of stable-baselines3, 64 × 64, batches of 2048, 4 epochs, rollouts of 32,768 frames; nothing else differs.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.learning.threads import use_threads
from mm_env.reports.tables import text_table

if TYPE_CHECKING:
    from mm_env.config import MarketConfig

NUMBERS = (256, 1024)  # of envs
FRAMES = 32_768  # of a rollout
SETTINGS = ((False, 1, 1), (False, 1, 2), (False, 2, 2), (True, 1, 2))
"""Whether `VecNormalize` stands around the envs, threads of torch, threads of the envs."""


def train_rates(
    config: MarketConfig, seed: int, rounds: int, frames: int = FRAMES, batch: int = 2048
) -> list[dict[str, Any]]:
    """Frames a second of training on both environments, for each number of envs and of threads; median of the rounds.

    `ratio` is the median of the rounds' ratios. Where the time of a frame on the market goes [microseconds]: `envs`,
    `update`, `collect` (the policy's forward passes, buffers, all else).
    """
    use_threads(1)
    import torch

    from mm_env.learning.vec_env import make_vec_env

    rows = []
    before = torch.get_num_threads()
    try:
        for number in NUMBERS:
            for normalize, torch_threads, env_threads in SETTINGS:
                use_threads(torch_threads)
                market = make_vec_env(config, number, num_threads=env_threads)
                learners = {
                    "alone": _Learner(_free_env(market), seed, frames, batch, normalize),
                    "market": _Learner(market, seed, frames, batch, normalize),
                }
                for learner in learners.values():
                    learner.run()  # allocates and fills caches
                runs: dict[str, list[dict[str, float]]] = {name: [] for name in learners}
                for turn in range(rounds):
                    for name in sorted(learners, reverse=turn % 2 == 1):  # neither is always first, as loads drift
                        runs[name].append(learners[name].run())
                market.close()
                rates = {name: statistics.median(frames / one["whole"] for one in done) for name, done in runs.items()}
                ratios = [a["whole"] / m["whole"] for a, m in zip(runs["alone"], runs["market"], strict=True)]
                parts = {
                    part: 1e6 / frames * statistics.median(one[part] for one in runs["market"])
                    for part in ("envs", "update", "collect")
                }
                rows.append(
                    {
                        "envs": number, "normalize": normalize, "torch_threads": torch_threads, "env_threads": env_threads,
                        "alone_frames_per_second": rates["alone"], "market_frames_per_second": rates["market"],
                        "ratio": statistics.median(ratios),
                        **{f"microseconds_{part}": value for part, value in parts.items()},
                    }
                )  # fmt: skip
    finally:
        use_threads(before)
    return rows


class _Learner:
    """PPO on a vector environment, one rollout and its update at a time, with where the time went."""

    def __init__(self, envs: Any, seed: int, frames: int, batch: int, normalize: bool) -> None:
        from stable_baselines3 import PPO
        from stable_baselines3.common.vec_env import VecNormalize

        self.envs, self.frames, self.updating = envs, frames, 0.0
        around = VecNormalize(envs) if normalize else envs
        self.model = PPO(
            "MlpPolicy", around, n_steps=frames // envs.num_envs, batch_size=batch, n_epochs=4, seed=seed, device="cpu",
            policy_kwargs={"net_arch": [64, 64], "log_std_init": -2.0},
        )  # fmt: skip
        self._train = self.model.train
        self.model.train = self._timed  # type: ignore[method-assign]

    def _timed(self) -> None:
        begun = perf_counter()
        self._train()
        self.updating += perf_counter() - begun

    def run(self) -> dict[str, float]:
        """Seconds of one rollout and its update, and of their parts."""
        self.updating, inside = 0.0, self.envs.seconds
        begun = perf_counter()
        self.model.learn(self.frames, reset_num_timesteps=False)
        whole, envs = perf_counter() - begun, self.envs.seconds - inside
        return {"whole": whole, "envs": envs, "update": self.updating, "collect": whole - envs - self.updating}


def _free_env(like: Any) -> Any:
    """An environment of the same shapes that costs nothing: the same random arrays at every step, and no episode ends."""
    from mm_env.learning.vec_env import MarketVecEnv

    class Free(MarketVecEnv):
        """The adapter without a market behind its steps."""

        def reset(self) -> np.ndarray:
            rng = np.random.default_rng(0)
            shape = (self.num_envs, *(self.observation_space.shape or ()))
            self.rows = rng.standard_normal(shape).astype(np.float32)
            self.rewards = rng.standard_normal(self.num_envs).astype(np.float32)
            self.nothing = np.zeros(self.num_envs, bool)
            self.said: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
            return self.rows

        def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
            return self.rows, self.rewards, self.nothing, self.said

    return Free(like.envs)


def train_text(rows: list[dict[str, Any]]) -> str:
    """Table of `train_rates`."""
    head = ["envs", "VecNormalize", "torch threads", "env threads", "learner alone", "with the market", "ratio", "envs µs",
            "collect µs", "update µs"]  # fmt: skip
    cells = [
        [
            str(row["envs"]),
            "yes" if row["normalize"] else "no",
            str(row["torch_threads"]),
            str(row["env_threads"]),
            f"{row['alone_frames_per_second']:,.0f}",
            f"{row['market_frames_per_second']:,.0f}",
            f"{row['ratio']:.2f}",
            *(f"{row[f'microseconds_{part}']:.1f}" for part in ("envs", "collect", "update")),
        ]
        for row in rows
    ]
    return f"training, frames/s, and where the time of a frame on the market goes\n{text_table(head, cells)}"
