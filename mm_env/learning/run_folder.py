"""The folder of a training run: what repeats it, resumes it, and uses its agent.

file                     | what
------------------------ | ----
run.json                 | algorithm, seed, command, versions, how far it is, the best model so far
market.yaml              | the market in full
agent.yaml               | the hyperparameters, as `mm-env train --agent` takes them
model.zip                | the model as it stands, its normalisation beside it
best_model.zip           | the model that did best on held-out episodes
checkpoint/              | all that training needs to resume bit for bit
tensorboard/             | event files of the agent and of the baseline, as two runs
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.config.io import config_hash, dump_config
from mm_env.config.yaml_reader import format_yaml
from mm_env.errors import RunError
from mm_env.files import partial_path, put_in_place, write_bytes, write_json
from mm_env.learning.trained import ABOUT, MARKET, normalization_path
from mm_env.version import __version__

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecNormalize

    from mm_env.learning.hyperparameters import Hyperparameters

SELECTION_SEED = 1000  # of the held-out episodes on which the best model is chosen
AGENT, MODEL, BEST = "agent.yaml", "model.zip", "best_model.zip"
_PACKAGES = ("numpy", "numba", "gymnasium", "stable-baselines3", "sb3-contrib", "torch", "tensorboard")


class TrainingFolder:
    """A run folder of training; `about` is what run.json says."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        """Use `create` or `open`."""
        self.path, self.about = path, about

    @classmethod
    def create(cls, path: Path, market: Any, hyperparameters: Hyperparameters, about: dict[str, Any]) -> TrainingFolder:
        """Begin a run; raises `RunError` for a folder that holds another run or cannot be written."""
        if (path / ABOUT).exists():
            raise RunError(f"{path}: holds a run; expected a new folder, or --resume {path} to resume it")
        try:
            for folder in (path, path / "tensorboard"):
                folder.mkdir(parents=True, exist_ok=True)
            dump_config(market, path / MARKET)
            write_bytes(path / AGENT, format_yaml(hyperparameters.as_dict()).encode())
        except OSError as error:
            raise RunError(f"{path}: {error.strerror}") from error
        about = about | {"config_hash": config_hash(market), "selection_seed": SELECTION_SEED}
        run = cls(path, about | provenance())
        run.save()
        return run

    @classmethod
    def open(cls, path: Path) -> TrainingFolder:
        """A run that exists; raises `RunError` for a folder that holds none."""
        try:
            return cls(path, json.loads((path / ABOUT).read_text()))
        except (OSError, json.JSONDecodeError) as error:
            raise RunError(f"{path}: no run of training that can be read ({ABOUT}: {error})") from error

    def save(self, **changes: Any) -> None:
        """Write run.json with some entries changed."""
        self.about |= changes
        write_json(self.path / ABOUT, self.about)

    @property
    def checkpoint(self) -> Path:
        """Folder of all that training needs to resume."""
        return self.path / "checkpoint"

    def events(self, name: str) -> Path:
        """Folder of the event files of one run of TensorBoard."""
        return self.path / "tensorboard" / name


def save_model(path: Path, model: BaseAlgorithm, normalization: VecNormalize | None) -> None:
    """Write a model and its normalisation, each whole or not at all: the normalisation first, without which it is no use."""
    if normalization is not None:
        import pickle

        write_bytes(normalization_path(path), pickle.dumps(normalization))
    partial = partial_path(path).with_suffix(".zip")
    try:
        model.save(partial)
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def provenance() -> dict[str, Any]:
    """What made a run: command, commit where there is one, versions."""
    versions = {"python": platform.python_version(), "mm_env": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {"command": " ".join(sys.argv), "commit": _commit(), "versions": versions}


def _commit() -> str | None:
    """Commit of this checkout, with a plus where files differ from it; None outside of one."""
    here = Path(__file__).parent
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"], cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip()
