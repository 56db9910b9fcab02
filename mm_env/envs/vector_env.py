"""The vector environment: N markets, each with its market maker, stepped by one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from mm_env.config import MarketConfig
from mm_env.config.io import load_config
from mm_env.envs import saving
from mm_env.envs.actions import action_names, check_choice, checked_actions, default_action, mode_of
from mm_env.envs.episodes import Casting, Seeds
from mm_env.envs.infos import batch_info
from mm_env.envs.market import Market, build_market
from mm_env.sim.batch import Batch
from mm_env.sim.observe import BOUND, GLOBAL_COLUMNS, SYMBOL_COLUMNS
from mm_env.sim.step import RESET, SKIP, STEP

if TYPE_CHECKING:
    from mm_env.envs.rendering import History
    from mm_env.policies.base import Policy

ConfigSource = str | os.PathLike[str] | Mapping[str, Any] | MarketConfig | None
RENDER_MODES = ("ansi", "rgb_array")
_OPTIONS = ("reset_mask", "config", "evaluation")


class NewsItem(NamedTuple):
    """A headline as it came over the wire; symbol is "" for a market-wide one, time in seconds of the episode."""

    time: float
    symbol: str
    text: str
    polarity: float
    score: float


class MultiVenueVectorEnv(gymnasium.vector.VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """N envs of `mm_env/MultiVenue-v0`, simulated together; `MultiVenueEnv` describes actions, observations, rewards.

    The path of env i depends on the seed and on i: never on N or on the number of threads. Episodes never terminate;
    the time limit truncates them. `infos` holds arrays over envs; nothing that is returned is ever written to again.

    ## Reset
    seed: s seeds env i with (s, i); a list seeds each env as if it were alone; None begins the next episode of each
    options: "reset_mask" (N,) bool which envs to reset; "config" new parameters from now on; "evaluation" True or
        False: episodes of a training seed never are episodes of evaluation

    ## Episode ends
    NEXT_STEP: the step after an end resets the env and returns a reward of 0. SAME_STEP: the env is reset at once, and
    infos holds `final_obs` and `final_info` with the masks `_final_obs` and `_final_info`. DISABLED: an env that has
    ended must be reset by `reset_mask` before the next step.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 10}  # noqa: RUF012, gymnasium's own way

    def __init__(
        self,
        num_envs: int = 1,
        config: ConfigSource = None,
        action_mode: str = "residual",
        num_threads: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        record: bool = False,
    ) -> None:
        """Make N envs.

        config: a preset, a YAML file's path, a mapping, a `MarketConfig`, or None for the default
        action_mode: "residual" (0 is the default policy) or "absolute" (distances from the mid)
        num_threads: threads that share the envs; None: as many as cores
        record: keep the fills and headlines of each step, for `fills` and `headlines`

        Raises `ConfigError`, `mm_env.sentiment.TapeError`, and `ValueError` for an argument that is not allowed.
        """
        _check_count("num_envs", num_envs)
        if num_threads is not None:
            _check_count("num_threads", num_threads)
        if render_mode is not None:
            check_choice("render_mode", render_mode, RENDER_MODES)
        if not isinstance(autoreset_mode, AutoresetMode):
            check_choice("autoreset_mode", autoreset_mode, [mode.value for mode in AutoresetMode])
        self.num_envs, self.action_mode, self.record, self.render_mode = num_envs, action_mode, record, render_mode
        self._mode = mode_of(action_mode)
        self._num_threads = num_threads
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        market = build_market(load_config(config))
        self.symbols, self.venues = list(market.symbols), list(market.venues)
        self.action_names = action_names(self.symbols)
        self.single_observation_space = Box(-BOUND, BOUND, (len(self.observation_names),), np.float32)
        self.single_action_space = Box(-1.0, 1.0, (len(self.action_names),), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._start(market)

    def _start(self, market: Market) -> None:
        """Allocate the envs, none of them begun."""
        self.batch = Batch(
            market.params, self.num_envs, market.capacity, market.tape, market.first, self._num_threads, self.record
        )
        self.casting, self.seeds = Casting(self.batch, market), Seeds(self.batch)
        self.ended = np.zeros(self.num_envs, bool)
        self.begun = False
        self._last_logs: dict[int, tuple[np.ndarray, list[NewsItem]]] = {}
        self._history: History | None = None
        if self.render_mode is not None:
            from mm_env.envs.rendering import History

            self._history = History(self.batch)

    @property
    def market(self) -> Market:
        """The market of the next episodes."""
        return self.casting.following

    @property
    def config(self) -> MarketConfig:
        """The configuration of the next episodes."""
        return self.market.config

    @property
    def observation_names(self) -> list[str]:
        """Name of each column of an observation, as `XYZ.inventory`."""
        columns = [f"{symbol}.{name}" for symbol in self.symbols for name, _ in SYMBOL_COLUMNS]
        return columns + [name for name, _ in GLOBAL_COLUMNS]

    @property
    def default_policy(self) -> Policy:
        """The policy that an action of zero stands for in residual mode."""
        from mm_env.policies.registry import get_policy

        return get_policy("as" if self.config.policy.use_avellaneda else "fixed")

    def default_action(self) -> np.ndarray:
        """(N, 3S) float32 action of the default policy: zeros in residual mode, its quotes and hedges in absolute mode."""
        self.require_begun()
        return default_action(self.batch, self._mode)

    def set_config(self, config: ConfigSource) -> None:
        """Change the parameters of every episode from the next reset of each env on.

        Raises `ConfigError`, and `ValueError` for a market of other symbols or venues.
        """
        loaded = load_config(config)
        for group, now in (("symbols", self.symbols), ("venues", self.venues)):
            names = [entry.name for entry in getattr(loaded, group)]
            if names != now:
                raise ValueError(
                    f"{group} {names}: allowed here: {now}, as spaces cannot change; make a new environment for others"
                )
        self.casting.following = build_market(loaded)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin the next episode of every env, or of those of `options["reset_mask"]`.

        Raises `ValueError` for a seed, an option or a mask that is not allowed.
        """
        self.begin_episodes(seed, options or {})
        return self.batch.rows, batch_info(self.batch.results, len(self.symbols))

    def begin_episodes(self, seed: int | Sequence[int | None] | None, options: Mapping[str, Any]) -> None:
        """What `reset` does, less what it returns."""
        self._require_open()
        seed = _checked_seed(seed, self.num_envs)
        super().reset(seed=seed if isinstance(seed, int) else None)
        for key in options:
            check_choice("options: key", key, _OPTIONS)
        mask = self._checked_mask(options.get("reset_mask"))
        if not self.begun and not mask.all():
            raise ResetNeeded("options['reset_mask']: the first reset is of all envs")
        evaluation = options.get("evaluation")
        if evaluation is not None and not isinstance(evaluation, bool | np.bool_):
            raise ValueError(f"options['evaluation'] {evaluation!r}: allowed: True, False")
        if options.get("config") is not None:
            self.set_config(options["config"])
        self.seeds.give(seed, mask, None if evaluation is None else bool(evaluation))
        self._last_logs = {}
        self._begin(mask)
        self.begun = True

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One decision of every env.

        actions: (N, 3S) float32 [-1 to 1]

        Returns observations (N, columns) float32, rewards (N,) float64 [currency], terminations (N,) bool, all False,
        truncations (N,) bool, infos.

        Raises `ValueError` for actions that are not allowed, `gymnasium.error.ResetNeeded` before the first reset and,
        with autoreset disabled, when an env has ended.
        """
        self.advance(checked_actions(actions, self.num_envs, self.action_names))
        results, rows = self.batch.results, self.batch.rows
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self.ended.any():
            mask = self.ended
            self._keep_logs(mask)
            self._begin(mask)
            final = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(mask):
                final[i] = rows[i].copy()
            infos = {"final_obs": final, "final_info": batch_info(results, len(self.symbols))}
            infos |= {"_final_obs": mask, "_final_info": mask.copy()}
        infos |= batch_info(self.batch.results, len(self.symbols))
        terminations = np.zeros(self.num_envs, bool)
        return self.batch.rows, results["reward"].copy(), terminations, results["truncated"].copy(), infos

    def advance(self, actions: np.ndarray) -> None:
        """Run one decision of every env, or the reset that follows an end. actions: (N, 3S) float32, checked."""
        self.require_begun()
        commands = np.full(self.num_envs, STEP, np.uint8)
        if self.ended.any():
            if self.autoreset_mode is not AutoresetMode.NEXT_STEP:
                first = int(np.flatnonzero(self.ended)[0])
                raise ResetNeeded(f"env {first} has ended: reset() it (options['reset_mask']) before the next step")
            commands[self.ended] = RESET
            self.casting.begin(self.ended)
        self._last_logs = {}
        self._run(actions, commands)

    def _begin(self, mask: np.ndarray) -> None:
        """Reset the envs of `mask` (N,) bool."""
        self.casting.begin(mask)
        actions = np.zeros((self.num_envs, len(self.action_names)), np.float32)
        self._run(actions, np.where(mask, np.uint8(RESET), np.uint8(SKIP)))

    def _run(self, actions: np.ndarray, commands: np.ndarray) -> None:
        for market, mask in self.casting.groups():
            self.batch.tape, self.batch.first = market.tape, market.first
            self.batch.step(actions, self._mode, commands if mask is None else np.where(mask, commands, np.uint8(SKIP)))
        self.ended = self.batch.results["truncated"].copy()
        if self._history is not None:
            self._history.add(commands)

    def _checked_mask(self, mask: object) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, bool)
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(f"options['reset_mask'] {mask!r}: allowed: ({self.num_envs},) bool array with a True in it")
        return mask

    def require_begun(self) -> None:
        """Raise `gymnasium.error.ResetNeeded` before the first reset, and `ValueError` once closed."""
        self._require_open()
        if not self.begun:
            raise ResetNeeded("call reset() first")

    def _require_open(self) -> None:
        if self.closed:
            raise ValueError("the environment is closed")

    def fills(self, i: int = 0) -> np.ndarray:
        """Own fills of env i in the last step: rows of `mm_env.sim.ledger.FILL_DTYPE`, in order of time.

        Raises `ValueError` where the environment was made without `record=True`.
        """
        self._require_record("fills")
        return self._last_logs[i][0] if i in self._last_logs else self.batch.logged_fills(i)

    def headlines(self, i: int = 0) -> list[NewsItem]:
        """Headlines that came in the last step of env i, in order of time.

        Raises `ValueError` where the environment was made without `record=True`.
        """
        self._require_record("headlines")
        if i in self._last_logs:
            return self._last_logs[i][1]
        texts = self.casting.market_of(i).texts
        return [
            NewsItem(time, self.symbols[symbol] if symbol >= 0 else "", texts[row], polarity, score)
            for time, row, symbol, polarity, score in self.batch.logged_headlines(i).tolist()
        ]

    def _keep_logs(self, mask: np.ndarray) -> None:
        """Keep what envs logged in the last step of an episode, as the reset in the same step forgets it."""
        if self.record:
            self._last_logs = {i: (self.fills(i), self.headlines(i)) for i in np.flatnonzero(mask).tolist()}

    def _require_record(self, name: str) -> None:
        if not self.record:
            raise ValueError(f"{name}() needs an environment made with record=True")

    def breakdown(self, i: int = 0) -> np.ndarray:
        """(S, V, T) float64 [currency] attribution of env i's profit so far by symbol, venue and term."""
        return self.batch.states["attribution"][i, : len(self.symbols), : len(self.venues)].copy()

    def episode_config(self, i: int = 0) -> MarketConfig:
        """The configuration of env i's episode, with the values that were drawn for it."""
        self.require_begun()
        return self.casting.config_of(i)

    def render(self) -> tuple[Any, ...] | None:
        """One frame an env: text, or an (H, W, 3) uint8 picture."""
        if self._history is None:
            return None
        self.require_begun()
        from mm_env.envs.picture import render_rgb
        from mm_env.envs.rendering import render_ansi

        draw = render_ansi if self.render_mode == "ansi" else render_rgb
        return tuple(draw(self.batch, self.casting.market_of(i), self._history, i) for i in range(self.num_envs))

    def save_state(self) -> bytes:
        """All that the envs need to continue bit for bit."""
        return saving.save_state(self)

    def load_state(self, state: bytes) -> None:
        """Continue where `save_state` was called, on an environment of the same configuration and number of envs.

        Raises `ValueError` for a state of another version, configuration or number of envs.
        """
        saving.load_state(self, state)

    def continue_from(self, begun: bool, ended: np.ndarray) -> None:
        """Take over a state that stands in the batch; what pictures show of the past is forgotten."""
        self.begun, self.ended = begun, ended
        self._last_logs = {}
        if self._history is not None:
            self._history.clear()

    def __getstate__(self) -> dict[str, Any]:
        kept = {k: v for k, v in self.__dict__.items() if k not in ("batch", "casting", "seeds", "_history", "_last_logs")}
        return {**kept, "saved": self.save_state(), "config": self.config}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        saved, config = kept.pop("saved"), kept.pop("config")
        self.__dict__.update(kept)
        self._start(build_market(config))
        saving.load_state(self, saved)

    def close_extras(self, **kwargs: Any) -> None:
        """Stop the threads."""
        self.batch.close()


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} {value!r}: allowed: whole numbers from 1")


def _checked_seed(seed: object, number: int) -> int | list[int | None] | None:
    def one(value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise ValueError(f"seed {value!r}: allowed: whole numbers from 0, None, or a list of {number} of them")
        return int(value)

    if not isinstance(seed, list | tuple | np.ndarray):
        return one(seed)
    if len(seed) != number:
        raise ValueError(f"a list of {len(seed)} seeds: allowed: {number}, one an env")
    return [one(value) for value in seed]
