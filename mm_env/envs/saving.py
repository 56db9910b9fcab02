"""Saved states: bytes of numbers and JSON from which N envs continue bit for bit."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any, Protocol

import numpy as np

from mm_env.config.io import config_hash
from mm_env.errors import UsageError
from mm_env.version import __version__

_BATCH_ARRAYS = ("states", "params", "params_index", "rows", "results")
_LOGS = {"fills": "fill_count", "headlines": "headline_count"}  # where the batch keeps any -> rows of an env in use


class SavedEnv(Protocol):
    """The parts of a vector env that are saved and loaded."""

    batch: Any
    assignment: Any
    seeds: Any
    begun: bool
    ended: np.ndarray
    num_envs: int
    action_mode: str
    autoreset_mode: Any
    record: bool
    _np_random: np.random.Generator | None
    _np_random_seed: int | None

    def build(self, config: Any) -> Any:
        """The market of a configuration, or of the JSON of one."""
        ...

    def continue_from(self, begun: bool, ended: np.ndarray) -> None:
        """Take over a state that stands in the batch."""
        ...


def save_state(env: SavedEnv) -> bytes:
    """The state of `env` as bytes, without the history that pictures show."""
    batch, assignment, seeds = env.batch, env.assignment, env.seeds
    header = _identity(env) | {
        "begun": env.begun,
        "seeds": seeds.seeds,
        "places": seeds.places,
        "markets": [market.config.model_dump_json() for market in assignment.markets],
        "next_market": assignment.next_market.config.model_dump_json(),
        "headlines": [market.headlines_digest for market in (*assignment.markets, assignment.next_market)],
        "np_random": None if env._np_random is None else env._np_random.bit_generator.state,
        "np_random_seed": env._np_random_seed,
    }
    arrays = {name: getattr(batch, name) for name in _BATCH_ARRAYS}
    arrays |= {"playing": assignment.playing, "evaluation": seeds.evaluation, "ended": env.ended}
    arrays |= {name: log[:, : int(batch.states[_LOGS[name]].max())] for name, log in _logs(batch).items()}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)
    return file.getvalue()


def load_state(env: SavedEnv, state: bytes) -> None:
    """Continue from `state`.

    Raises `UsageError` for bytes that are no state, and for a state of another version, configuration or shape.
    """
    header, arrays = _read(state)
    for key, here in _identity(env).items():
        if header[key] != here:
            raise UsageError(f"saved state: {key} {header[key]!r}: expected {here!r}")
    markets = [env.build(text) for text in (*header["markets"], header["next_market"])]
    for market, digest in zip(markets, header["headlines"], strict=True):
        if market.headlines_digest != digest:
            tape = market.config.news.tape or "the bundled ones"
            raise UsageError(f"saved state: headlines {digest!r}: expected those of now, as {tape} changed since")
    batch, assignment, seeds = env.batch, env.assignment, env.seeds
    for name in _BATCH_ARRAYS:
        setattr(batch, name, np.ascontiguousarray(arrays[name]))
    for name, log in _logs(batch).items():
        log[:, : arrays[name].shape[1]] = arrays[name]
    assignment.markets, assignment.next_market = markets[:-1], markets[-1]
    assignment.playing = arrays["playing"]
    seeds.seeds, seeds.places, seeds.evaluation = header["seeds"], header["places"], arrays["evaluation"]
    env.continue_from(header["begun"], arrays["ended"])
    env._np_random = None
    if header["np_random"] is not None:
        env._np_random = np.random.Generator(np.random.PCG64())
        env._np_random.bit_generator.state = header["np_random"]
    env._np_random_seed = header["np_random_seed"]


def _logs(batch: Any) -> dict[str, np.ndarray]:
    """The logs of a batch; the classic market's has none."""
    return {name: getattr(batch.logs, name) for name in _LOGS} if hasattr(batch, "logs") else {}


def _identity(env: SavedEnv) -> dict[str, Any]:
    """What must be equal in the env that saved and the one that loads."""
    batch = env.batch
    arrays = [batch.states, batch.params, batch.results, *_logs(batch).values()]
    layout = repr([array.dtype.descr for array in arrays])
    return {
        "mm_env": __version__,
        "layout": hashlib.sha256(layout.encode()).hexdigest()[:12],
        "config": config_hash(env.assignment.next_market.config),
        "num_envs": env.num_envs,
        "action_mode": env.action_mode,
        "autoreset_mode": env.autoreset_mode.value,
        "record": env.record,
    }


def _read(state: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        with np.load(io.BytesIO(state), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return json.loads(str(arrays.pop("header"))), arrays
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"not a saved state of mm_env: {error}") from error
