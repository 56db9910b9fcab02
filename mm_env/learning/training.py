"""Train one agent with one seed, or resume a training that was stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from stable_baselines3.common.vec_env import VecNormalize

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.config.io import load_config
from mm_env.interrupt import StopRequest
from mm_env.learning.algorithms import algorithm_of
from mm_env.learning.checkpoints import load_checkpoint, save_checkpoint
from mm_env.learning.hyperparameters import Hyperparameters, read_hyperparameters
from mm_env.learning.monitoring import Monitor
from mm_env.learning.run_folder import AGENT, MODEL, TrainingFolder, save_model
from mm_env.learning.threads import use_threads
from mm_env.learning.trained import MARKET
from mm_env.learning.vec_env import MarketVecEnv, make_vec_env
from mm_env.policies.registry import get_policy

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

logger = logging.getLogger(__name__)
EVALUATIONS, CHECKPOINTS = 20, 10  # of a training, by default


@dataclass(frozen=True)
class Training:
    """How to train, beside the hyperparameters.

    seed: of the market's training episodes and of all that the algorithm draws
    timesteps: env steps; None as the hyperparameters say
    evaluate_every, checkpoint_every: env steps; None a twentieth and a tenth of the training
    evaluation_episodes: held-out ones of an evaluation
    baseline: name of the policy logged beside the agent; None: the market's default policy
    threads, torch_threads: that step the envs (None: all cores), that learn
    """

    seed: int = 0
    timesteps: int | None = None
    evaluate_every: int | None = None
    checkpoint_every: int | None = None
    evaluation_episodes: int = 256
    baseline: str | None = None
    threads: int | None = None
    torch_threads: int = 1


def begin(out: Path, market: Any, hyperparameters: Hyperparameters, options: Training) -> TrainingFolder:
    """A new run folder; raises `ConfigError`, and `UsageError` or `RunError` of `mm_env.errors`."""
    algorithm = algorithm_of(hyperparameters.algo)
    classic = isinstance(market, ClassicConfig)
    market = hyperparameters.market(market)
    baseline = options.baseline or market.policy.name
    get_policy(baseline).configure(market)  # its mistakes come before the folder is made
    timesteps = options.timesteps or hyperparameters.timesteps
    about = {
        "algo": hyperparameters.algo, "classic": classic, "action_mode": hyperparameters.action_mode,
        "discrete": algorithm.discrete, "seed": options.seed, "timesteps": timesteps, "done": 0, "finished": False,
        "evaluate_every": options.evaluate_every or max(1, timesteps // EVALUATIONS),
        "checkpoint_every": options.checkpoint_every or max(1, timesteps // CHECKPOINTS),
        "evaluation_episodes": options.evaluation_episodes, "best": None,
        "baseline": baseline,
    }  # fmt: skip
    return TrainingFolder.create(out, market, hyperparameters, about)


def train(run: TrainingFolder, options: Training, on_progress: Callable[[int], None] = lambda steps: None) -> int | None:
    """Train the agent of a run, or resume its training; return the signal that stopped it, if one did.

    on_progress: called now and then with the env steps since its last call

    SIGINT and SIGTERM stop the run where the next rollout begins, and save what was learnt until then.
    """
    use_threads(options.torch_threads)
    about = run.about
    market: Any = load_config(run.path / MARKET, ClassicConfig if about["classic"] else MarketConfig)
    chosen = read_hyperparameters(about["algo"], run.path / AGENT, about["classic"])
    envs = make_vec_env(
        market,
        chosen.n_envs,
        classic=about["classic"],
        action_mode=about["action_mode"],
        discrete=about["discrete"],
        num_threads=options.threads,
        stagger=chosen.stagger,
        **({} if about["classic"] else {"record": True}),  # the monitor reads fills
    )
    try:
        if run.checkpoint.exists():
            algorithm = algorithm_of(about["algo"])
            model, normalization = load_checkpoint(run.checkpoint, algorithm, envs, chosen.normalize is not None)
        else:
            model, normalization = _new_model(chosen, envs, about["seed"])
        model.set_logger(Logger(str(run.path), [TensorBoardOutputFormat(str(run.events("agent")))]))
        with StopRequest() as stop:
            checkpoints = CheckpointCallback(run, envs, normalization, about["checkpoint_every"], stop, on_progress)
            monitor = Monitor(
                run, envs, normalization, market, get_policy(about["baseline"]),
                evaluate_every=about["evaluate_every"], episodes=about["evaluation_episodes"],
                log_every=max(1, min(about["timesteps"] // 100, 50_000)), hyperparameters=chosen.as_dict(),
            )  # fmt: skip
            left = about["timesteps"] - model.num_timesteps
            if left > 0:
                model.learn(left, callback=CallbackList([checkpoints, monitor]), reset_num_timesteps=False, log_interval=1)
            if not checkpoints.stopped:
                checkpoints.save()
                run.save(finished=True)
        return stop.signal
    finally:
        envs.close()


def _new_model(chosen: Hyperparameters, envs: MarketVecEnv, seed: int) -> tuple[BaseAlgorithm, VecNormalize | None]:
    algorithm = algorithm_of(chosen.algo)
    arguments = chosen.class_arguments()
    normalization: VecNormalize | None = None
    around: Any = envs
    if chosen.normalize is not None:
        gamma = arguments.get("gamma", 0.99)
        normalization = around = VecNormalize(envs, **({"gamma": gamma} | dict(chosen.normalize)))
    if chosen.noise is not None:
        arguments["action_noise"] = _noise(*chosen.noise, envs)
    model = algorithm.load_class()(chosen.policy, around, seed=seed, device="cpu", **arguments)
    return model, normalization


def _noise(kind: str, deviation: float, envs: MarketVecEnv) -> Any:
    import numpy as np
    from stable_baselines3.common import noise

    size = int(np.prod(envs.action_space.shape or (1,)))
    kinds: dict[str, Any] = {
        "normal": noise.NormalActionNoise,
        "ornstein-uhlenbeck": noise.OrnsteinUhlenbeckActionNoise,
    }
    return noise.VectorizedActionNoise(kinds[kind](np.zeros(size), np.full(size, deviation)), envs.num_envs)


class CheckpointCallback(BaseCallback):
    """Save checkpoints where rollouts begin, and stop there when asked to: no step is lost, and none is done twice."""

    def __init__(
        self,
        run: TrainingFolder,
        envs: MarketVecEnv,
        normalization: VecNormalize | None,
        every: int,
        stop: StopRequest,
        on_progress: Callable[[int], None],
    ) -> None:
        """Set it up. every: env steps between checkpoints; on_progress: as `train` takes it."""
        super().__init__()
        self.run, self.envs, self.normalization = run, envs, normalization
        self.every, self.stop, self.on_progress = every, stop, on_progress
        self.stopped = False
        self._saved = self._reported = 0

    def _on_training_start(self) -> None:
        self._saved = self._reported = self.num_timesteps

    def _on_rollout_start(self) -> None:
        self.stopped = self.stop()
        if self.stopped or self.num_timesteps - self._saved >= self.every:
            self.save()

    def _on_step(self) -> bool:
        if self.stopped:
            return False
        if self.num_timesteps - self._reported >= 10 * self.envs.num_envs:
            self.on_progress(self.num_timesteps - self._reported)
            self._reported = self.num_timesteps
        return True

    def save(self) -> None:
        """Write the checkpoint and the model as it stands."""
        save_checkpoint(self.run.checkpoint, self.model, self.envs, self.normalization)
        save_model(self.run.path / MODEL, self.model, self.normalization)
        self._saved = self.model.num_timesteps
        self.run.save(done=self.model.num_timesteps)
