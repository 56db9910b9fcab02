"""A trained agent as a policy: it acts on any environment of its market, single or vector, wrapped or not.

A saved model is a pickle of stable-baselines3, which can run any code: load those alone whose origin you trust.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import pickle
import weakref
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.config.io import load_config
from mm_env.envs.single import shaped_for, vector_of
from mm_env.envs.wrappers import discrete_actions
from mm_env.errors import MissingExtraError, UsageError
from mm_env.learning.algorithms import algorithm_of
from mm_env.policies.base import Config, with_policy_of
from mm_env.policies.registry import PolicyLoader

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecNormalize

MODELS = ("best_model.zip", "model.zip")  # of a run folder, the first that is there is taken
ABOUT, MARKET = "run.json", "market.yaml"


def normalization_path(model: Path) -> Path:
    """Where the normalisation of a saved model stands."""
    return model.with_name(f"{model.stem}_normalize.pkl")


def load_agents(name: str, seed: int = 0) -> list[TrainedAgent]:
    """The agents of a name `ALGO:PATH`: one, or as many as were trained with different seeds.

    name: PATH is a run folder of training, a model in one, a folder of run folders, or a pattern (`ppo:runs/ppo/seed_*`)
    seed: not used, as the agents act deterministically

    Raises `UsageError`, and `MissingExtraError` without stable-baselines3.
    """
    algo, _, path = name.partition(":")
    path = os.path.expanduser(path)  # noqa: PTH111 (an unknown ~user stays)
    if not path or "\0" in path:
        raise _no_agents(name)
    paths = [Path(path)]
    if glob.has_magic(path):
        paths = [Path(found) for found in sorted(glob.glob(path))]  # noqa: PTH207 (the pattern may be absolute)
    if not paths:
        raise _no_agents(name)
    try:
        if len(paths) == 1 and paths[0].is_dir() and not (paths[0] / ABOUT).exists():
            paths = sorted(about.parent for about in paths[0].glob(f"*/{ABOUT}")) or paths
        return [TrainedAgent.load(algo, one) for one in paths]
    except MissingExtraError as error:
        raise MissingExtraError(f"{name}: {error}") from error
    except OSError as error:  # a path that is too long, a file that may not be read
        raise UsageError(f"policy {name!r}: {error.strerror or error}") from error


def _no_agents(name: str) -> UsageError:
    algo = name.partition(":")[0]
    return UsageError(f"policy {name!r}: expected {algo}:PATH of a run folder, of a folder of those, or a pattern")


class TrainedAgent:
    """A model of stable-baselines3 with the normalisation and the market that it was trained in; acts deterministically.

    name: as `ppo:runs/ppo`; action_mode: that its environment must have
    selection_seed: of the held-out episodes on which its model was chosen, None where it was not
    model_hash: of the files it was loaded from, as other files may stand in their place on another day; None without files
    """

    def __init__(
        self,
        algo: str,
        model: BaseAlgorithm,
        normalization: VecNormalize | None,
        config: MarketConfig | ClassicConfig,
        action_mode: str,
        path: Path | None = None,
        selection_seed: int | None = None,
    ) -> None:
        """Wrap a model; `config` is the market in which it was trained."""
        self.algorithm = algorithm_of(algo)
        self.name = algo if path is None else f"{algo}:{path}"
        self.model, self.normalization, self.config, self.action_mode = model, normalization, config, action_mode
        self.selection_seed = selection_seed
        self.model_hash: str | None = None
        self._memory: Any = None
        self._remembers: weakref.ref[Any] | None = None

    @classmethod
    def load(cls, algo: str, path: str | Path) -> TrainedAgent:
        """The agent of a run folder (its best model), or of a model file in one.

        Raises `UsageError` for a path that holds none, or one of another algorithm; `ValueError` for an unknown algorithm.
        """
        algorithm, path = algorithm_of(algo), Path(path)
        model_file = _model_file(algo, path)
        folder = next((f for f in model_file.resolve().parents if (f / ABOUT).is_file()), None)
        if folder is None:
            raise UsageError(f"{algo}:{path}: no {ABOUT} beside the model: a model of a run folder is needed")
        try:
            about = json.loads((folder / ABOUT).read_text())
            trained, classic, action_mode = about["algo"], about["classic"], about["action_mode"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UsageError(
                f"{algo}:{path}: {folder / ABOUT}: expected what mm-env train writes ({type(error).__name__}: {error})"
            ) from error
        if trained != algo:
            raise UsageError(f"{algo}:{path}: the run is one of {trained}: {trained}:{path} is its name")
        config = load_config(folder / MARKET, ClassicConfig if classic else MarketConfig)
        try:
            model = algorithm.load_class().load(model_file, device="cpu")
        except (zipfile.BadZipFile, KeyError, EOFError, ValueError) as error:
            raise UsageError(f"{algo}:{model_file}: not a model of stable-baselines3 ({error})") from error
        statistics = normalization_path(model_file)
        normalization = pickle.loads(statistics.read_bytes()) if statistics.is_file() else None
        agent = cls(algo, model, normalization, config, action_mode, path, about.get("selection_seed"))
        parts = [file.read_bytes() for file in (model_file, statistics) if file.is_file()]
        agent.model_hash = hashlib.sha256(b"".join(parts)).hexdigest()[:12]
        return agent

    def configure(self, config: Config) -> Config:
        """The market with the policy's own parameters as in the training: what a residual action is added to.

        Raises `UsageError` for a market of the other kind.
        """
        try:
            market: Config = with_policy_of(config, self.config)
        except UsageError as error:
            kinds = {True: "the classic market", False: "the book market"}
            trained, here = (kinds[isinstance(one, ClassicConfig)] for one in (self.config, config))
            raise UsageError(f"{self.name}: was trained in {trained}; here it is {here}") from error
        return market

    def act(self, env: Any) -> np.ndarray:
        """Deterministic actions for the next step of `env`: (entries,) float32 or, of a vector env, (N, entries).

        Raises `UsageError` for an environment of another action mode or of other observations.
        """
        vector = vector_of(env)
        if vector.action_mode != self.action_mode:
            raise UsageError(f"action_mode {vector.action_mode!r}: {self.name} was trained with {self.action_mode!r}")
        seen = vector.single_observation_space.shape
        if seen != self.model.observation_space.shape:
            trained = self.model.observation_space.shape
            raise UsageError(f"observations of shape {seen}: {self.name} was trained on {trained}")
        rows = vector.batch.rows
        chosen = self._remember(vector, rows) if self.algorithm.recurrent else self.choose(rows)
        if self.algorithm.discrete:
            chosen = discrete_actions(vector, chosen)
        return shaped_for(env, np.asarray(chosen, np.float32))

    def choose(self, observations: np.ndarray) -> np.ndarray:
        """What the model chooses at observations (M, columns) float32 by themselves: (M, entries), or (M,) whole numbers."""
        return self.model.predict(self._normalized(observations), deterministic=True)[0]

    def _normalized(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.normalization is None else np.asarray(self.normalization.normalize_obs(rows))

    def _remember(self, vector: Any, rows: np.ndarray) -> np.ndarray:
        """The same of a recurrent model, whose memory of an env begins with its episode."""
        if self._remembers is None or self._remembers() is not vector:
            self._memory, self._remembers = None, weakref.ref(vector)
        begins = vector.batch.states["step"] == 0
        chosen, self._memory = self.model.predict(self._normalized(rows), self._memory, begins, deterministic=True)
        return chosen


def _model_file(algo: str, path: Path) -> Path:
    if path.is_dir():
        found = next((path / name for name in MODELS if (path / name).is_file()), None)
        if found is None:
            raise UsageError(f"{algo}:{path}: the folder holds none of {', '.join(MODELS)}")
        return found
    if not path.is_file():
        raise UsageError(f"{algo}:{path}: no such file or folder")
    return path


LOADER = PolicyLoader(load_agents)
"""What the entry points of the group `mm_env.policies` name for every algorithm."""
