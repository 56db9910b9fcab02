"""Logs a training to TensorBoard, and saves the model that is the best on held-out episodes."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Figure as LoggedFigure
from stable_baselines3.common.logger import HParam, TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter

from mm_env.evaluation.estimates import sharpe_ratio
from mm_env.evaluation.evaluation import Evaluation, evaluate
from mm_env.learning.episode_picture import episode_picture
from mm_env.learning.run_folder import BEST, SELECTION_SEED, TrainingFolder, save_model
from mm_env.learning.tags import EPISODE, MEASURES, SPEED, layout
from mm_env.learning.trained import TrainedAgent
from mm_env.learning.training_count import TrainingCount

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecNormalize

    from mm_env.learning.vec_env import MarketVecEnv
    from mm_env.policies.base import Policy

MOST_ACTIONS = 20_000  # behind a histogram
_TENSORBOARD_ONLY = ("stdout", "log", "json", "csv")


class Monitor(BaseCallback):
    """Logs training and held-out evaluation, and saves the best model.

    Statistics of training are arrays over envs, added to at each step; all else happens where a rollout ends, at most every
    `log_every` steps, and every `evaluate_every` steps.
    """

    def __init__(
        self,
        run: TrainingFolder,
        envs: MarketVecEnv,
        normalization: VecNormalize | None,
        market: Any,
        baseline: Policy,
        *,
        evaluate_every: int,
        episodes: int,
        log_every: int,
        hyperparameters: dict[str, Any],
    ) -> None:
        """Watch the training of one run.

        market: with the parameters of the policy that residual actions are added to; baseline: evaluated beside the agent
        episodes: held-out episodes of an evaluation, of `SELECTION_SEED`
        """
        super().__init__()
        self.run, self.envs, self.normalization, self.market, self.rival = run, envs, normalization, market, baseline
        self.evaluate_every, self.episodes, self.log_every = evaluate_every, episodes, log_every
        self.hyperparameters = hyperparameters
        self.count = TrainingCount(envs.native)
        self.recent: list[np.ndarray] = []
        self.baseline: Evaluation | None = None

    @property
    def agent(self) -> TrainedAgent:
        """The model as it is now, as a policy."""
        about = self.run.about
        return TrainedAgent(about["algo"], self.model, self.normalization, self.market, about["action_mode"])

    def _on_training_start(self) -> None:
        self._logged = self._evaluated = self.num_timesteps
        self._clock, self._env_clock = perf_counter(), self.envs.seconds
        self.rival_writer = SummaryWriter(str(self.run.events("baseline")))
        self.baseline = evaluate(self.rival, self.market, self.episodes, SELECTION_SEED)
        metrics = {f"evaluation/{name}": 0.0 for name in ("reward", "profit", "advantage")}
        self.logger.record("hparams", HParam(self._flat(), metrics), exclude=_TENSORBOARD_ONLY)
        for output in self.logger.output_formats:
            if isinstance(output, TensorBoardOutputFormat):
                output.writer.add_custom_scalars(layout())
        if self.num_timesteps == 0:
            self._evaluate()
            self.logger.dump(0)

    def _flat(self) -> dict[str, bool | str | float | int | None]:
        """Hyperparameters as the HPARAMS tab takes them: nested ones under dotted names, lists as text."""
        flat: dict[str, bool | str | float | int | None] = {"algo": self.run.about["algo"], "seed": self.run.about["seed"]}
        stack = list(self.hyperparameters.items())
        while stack:
            key, value = stack.pop(0)
            if isinstance(value, dict):
                stack = [(f"{key}.{name}", inner) for name, inner in value.items()] + stack
            else:
                flat[key] = value if isinstance(value, bool | str | float | int) else str(value)
        return flat

    def _on_step(self) -> bool:
        infos = self.envs.batch_infos
        rewards = sum(infos["reward_terms"].values())  # those of the locals may be normalised
        self.count.add(infos, self.locals["dones"], np.asarray(rewards))
        actions = self.locals.get("clipped_actions", self.locals.get("actions"))
        if actions is not None and sum(map(len, self.recent)) < MOST_ACTIONS:
            self.recent.append(np.array(actions))
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps - self._logged >= self.log_every:
            self._log_training()
        if self.num_timesteps - self._evaluated >= self.evaluate_every:
            self._evaluate()

    def _on_training_end(self) -> None:
        if self.num_timesteps > self._evaluated:
            self._evaluate()
            self._log_training()
            self.logger.dump(self.num_timesteps)
        self.rival_writer.close()

    def _log_training(self) -> None:
        found = self.count.take()
        for name, value in found.items():
            self.logger.record(f"training/{name}", value)
        now, used = perf_counter(), self.envs.seconds
        steps, whole, inside = self.num_timesteps - self._logged, now - self._clock, used - self._env_clock
        rates = (steps / whole, steps / max(inside, 1e-9), steps / max(whole - inside, 1e-9), inside / whole)
        for tag, value in zip(SPEED, rates, strict=True):
            self.logger.record(tag, value)
        self._logged, self._clock, self._env_clock = self.num_timesteps, now, used
        self._histograms()

    def _histograms(self) -> None:
        import torch

        native = self.envs.native
        if self.recent:
            actions = np.concatenate(self.recent)
            names = native.action_names if actions.ndim == 2 and actions.shape[1] == len(native.action_names) else ["choice"]
            for k, name in enumerate(names):
                drawn = torch.from_numpy(actions.reshape(len(actions), -1)[:, k].astype(np.float32))
                self.logger.record(f"actions/{name}", drawn, exclude=_TENSORBOARD_ONLY)
            self.recent = []
        held = np.asarray(self.envs.batch_infos["inventory"]).reshape(self.envs.num_envs, -1)
        for k, symbol in enumerate(native.symbols):
            values = torch.from_numpy(held[:, k].astype(np.float32))
            self.logger.record(f"inventory/{symbol}", values, exclude=_TENSORBOARD_ONLY)

    def _evaluate(self) -> None:
        """Play the held-out episodes, log them for agent and baseline, and keep the model if it is the best so far."""
        begun = perf_counter()
        assert self.baseline is not None
        found = evaluate(self.agent, self.market, self.episodes, SELECTION_SEED)
        self._evaluated = self.num_timesteps
        for name, value in measures(found, self.baseline).items():
            self.logger.record(f"evaluation/{name}", value)
        title = f"{self.run.about['algo']} after {self.num_timesteps:,} steps, held-out episode 0"
        figure = episode_picture(self.agent, self.market, SELECTION_SEED, title)
        self.logger.record(EPISODE, LoggedFigure(figure, close=False), exclude=_TENSORBOARD_ONLY)
        self._log_baseline()
        score, best = float(found.reward.mean()), self.run.about.get("best")
        if best is None or score > best["reward"]:
            save_model(self.run.path / BEST, self.model, self.normalization)
            advantage = score - float(self.baseline.reward.mean())
            self.run.save(best={"timesteps": self.num_timesteps, "reward": score, "advantage": advantage})
        self._clock += perf_counter() - begun  # no part of the training's speed

    def _log_baseline(self) -> None:
        """The baseline's figures at this step, so that its line spans the chart."""
        assert self.baseline is not None
        for name, value in measures(self.baseline, self.baseline).items():
            self.rival_writer.add_scalar(f"evaluation/{name}", value, self.num_timesteps)
        self.rival_writer.flush()


def measures(found: Evaluation, baseline: Evaluation) -> dict[str, float]:
    """Tag below `evaluation/` -> value."""
    values = {name: float(getattr(found, name).mean()) for name in MEASURES if name != "sharpe"}
    sharpe = float(sharpe_ratio(found.profit)) if len(found) > 1 else math.nan
    values |= {"sharpe": sharpe if math.isfinite(sharpe) else 0.0}
    values |= {f"reward_terms/{name}": float(total.mean()) for name, total in found.reward_terms.items()}
    advantage = found.reward - baseline.reward
    error = float(advantage.std(ddof=1)) / math.sqrt(len(found)) if len(found) > 1 else 0.0
    return values | {
        "advantage": float(advantage.mean()),
        "advantage_error": error,
        "advantage_profit": float((found.profit - baseline.profit).mean()),
        "advantage_over_limit": float((found.over_limit - baseline.over_limit).mean()),
    }
