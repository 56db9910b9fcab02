"""All that training needs to resume bit for bit: model and optimiser, normalisation, envs, replay buffer, random states.

A checkpoint is taken where a rollout begins, so that no half rollout is lost or played twice.
"""

from __future__ import annotations

import pickle
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mm_env.errors import RunError
from mm_env.learning.run_folder import save_model

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecNormalize

    from mm_env.learning.algorithms import Algorithm
    from mm_env.learning.vec_env import MarketVecEnv

RECURRENT = "_last_lstm_states"  # of a recurrent model, in the envs that it trains in
MODEL, STATE, BUFFER = "model.zip", "state.pkl", "replay_buffer.pkl"


def save_checkpoint(folder: Path, model: BaseAlgorithm, envs: MarketVecEnv, normalization: VecNormalize | None) -> None:
    """Write a checkpoint in place of the one before, which stays until the new one is whole."""
    fresh, old = _fresh(folder), _old(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_model(fresh / MODEL, model, None)
    memory = getattr(model, "replay_buffer", None)
    if memory is not None:
        with (fresh / BUFFER).open("wb") as file:
            pickle.dump(memory, file)
    state: dict[str, Any] = {
        "envs": envs.save_state(),
        "normalization": normalization,
        "returns": None if normalization is None else normalization.returns,
        "memory": getattr(model, RECURRENT, None),
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(),  # noqa: NPY002 (stable-baselines3 draws from it)
        "python": random.getstate(),
    }
    (fresh / STATE).write_bytes(pickle.dumps(state))
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _fresh(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.partial")


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def load_checkpoint(
    folder: Path, algorithm: Algorithm, envs: MarketVecEnv, normalize: bool
) -> tuple[BaseAlgorithm, VecNormalize | None]:
    """The model on its envs as they were, its normalisation around them.

    Raises `RunError` for a folder without a whole checkpoint.
    """
    folder = folder if folder.exists() else _old(folder)  # an end between the two renames leaves the old one alone
    try:
        state = pickle.loads((folder / STATE).read_bytes())
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise RunError(f"{folder}: no whole checkpoint to resume from ({error})") from error
    envs.load_state(state["envs"])
    normalization: VecNormalize | None = state["normalization"]
    around: Any = envs
    if normalize:
        assert normalization is not None
        normalization.set_venv(envs)
        normalization.returns = state["returns"]
        around = normalization
    model = algorithm.load_class().load(folder / MODEL, env=around, device="cpu", force_reset=False)
    if (folder / BUFFER).exists() and hasattr(model, "load_replay_buffer"):
        model.load_replay_buffer(folder / BUFFER)
    if hasattr(model, RECURRENT):  # loading a model forgets it
        setattr(model, RECURRENT, state["memory"])
    torch.set_rng_state(state["torch"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    random.setstate(state["python"])
    return model, normalization
