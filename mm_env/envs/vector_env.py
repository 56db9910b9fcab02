"""The vector environment: N markets, each with its market maker, stepped by one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from mm_env.config import MarketConfig
from mm_env.config.io import load_config
from mm_env.envs.actions import action_for, action_names, default_action
from mm_env.envs.batched import BatchedVectorEnv
from mm_env.envs.episodes import MarketAssignment
from mm_env.envs.infos import batch_info
from mm_env.errors import UsageError
from mm_env.market.build import Market, build_market
from mm_env.policies.quoting import AgentView, QuotingPolicy
from mm_env.policies.registry import get_policy
from mm_env.sim.batch import Batch
from mm_env.sim.observe import GLOBAL_COLUMNS, SYMBOL_COLUMNS

if TYPE_CHECKING:
    from mm_env.envs.rendering import History
    from mm_env.policies.base import Policy

ConfigSource = str | os.PathLike[str] | Mapping[str, Any] | MarketConfig | None
RENDER_MODES = ("ansi", "rgb_array")


class NewsItem(NamedTuple):
    """A headline as it came over the wire; symbol is "" for a market-wide one, time in seconds of the episode."""

    time: float
    symbol: str
    text: str
    polarity: float
    score: float


class MultiVenueVectorEnv(BatchedVectorEnv, VectorEnv[np.ndarray, np.ndarray, np.ndarray]):  # skrl reads the bases
    """N envs of `mm_env/MultiVenue-v0`, simulated together; `MultiVenueEnv` describes actions, observations, rewards.

    The path of env i depends on the seed and on i: never on N or on the number of threads. Episodes never terminate;
    the time limit truncates them. `infos` holds arrays over envs; nothing that is returned is ever written to again.

    stable-baselines3 takes no vector environment of gymnasium, and says so in words of OpenAI Gym: give it
    `mm_env.learning.make_vec_env(...)`.

    ## Reset
    seed: s seeds env i with (s, i); a list seeds each env as if it were alone; None begins the next episode of each
    options: "reset_mask" (N,) bool which envs to reset; "config" new parameters from now on; "evaluation" True or
        False: episodes of a training seed never are episodes of evaluation; "first" k: env i gets the path of env k + i

    ## Episode ends
    NEXT_STEP: the step after an end resets the env and returns a reward of 0. SAME_STEP: the env is reset at once, and
    infos holds `final_obs` and `final_info` with the masks `_final_obs` and `_final_info`. DISABLED: an env that has
    ended must be reset by `reset_mask` before the next step.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 10}  # noqa: RUF012, gymnasium's own way
    batch: Batch
    assignment: MarketAssignment[Market]

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

        Raises `ConfigError`, `TapeError`, and `UsageError` for a wrong argument.
        """
        self._set_up(num_envs, action_mode, num_threads, autoreset_mode, render_mode, RENDER_MODES)
        self.record = record
        market = build_market(load_config(config))
        self.symbols, self.venues = list(market.symbols), list(market.venues)
        self.action_names = action_names(self.symbols)
        self._set_spaces()
        self._start(market)

    def _start(self, market: Market) -> None:
        """Allocate the envs, none of them begun."""
        super()._start(market)
        self._last_logs: dict[int, tuple[np.ndarray, list[NewsItem]]] = {}
        self._history: History | None = None
        if self.render_mode is not None:
            from mm_env.envs.rendering import History

            self._history = History(self.batch)

    def _allocate(self, market: Market) -> Batch:
        return Batch(market.params, self.num_envs, market.capacity, market.headlines, self._num_threads, self.record)

    def build(self, config: MarketConfig | str) -> Market:
        """The market of a configuration, or of the JSON of one."""
        return build_market(MarketConfig.model_validate_json(config) if isinstance(config, str) else config)

    def _use(self, market: Market) -> None:
        self.batch.headlines, self.batch.replay = market.headlines, market.replay.inputs

    def _info(self, results: np.ndarray) -> dict[str, Any]:
        return batch_info(results, len(self.symbols))

    def _forget_logs(self) -> None:
        self._last_logs = {}

    def _watch(self, commands: np.ndarray) -> None:
        if self._history is not None:
            self._history.add(commands)

    @property
    def market(self) -> Market:
        """The market of the next episodes."""
        return self.assignment.next_market

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
        return get_policy(self.config.policy.name)

    def default_action(self) -> np.ndarray:
        """(N, 3S) float32 action of the default policy: zeros in residual mode, its quotes and hedges in absolute mode."""
        self.require_begun()
        return default_action(self.batch, self._mode)

    def view(self, envs: slice = slice(None)) -> AgentView:
        """What the agent knows now, of the envs of a slice."""
        self.require_begun()
        return AgentView.of(self.batch, envs)

    def action_of(self, policy: QuotingPolicy) -> np.ndarray:
        """(N, 3S) float32 action that asks for the quotes of a policy, with the default policy's hedges."""
        self.require_begun()
        if policy.is_default(self.batch.params):
            return self.default_action()
        seen = self.view()
        terms = policy.terms(seen)
        hedge = seen.states["default_hedge"][:, : seen.symbols]
        return action_for(self.batch, self._mode, terms["bid"] / seen.tick, terms["ask"] / seen.tick, hedge)

    def explain(self, policy: QuotingPolicy, i: int = 0) -> dict[str, dict[str, float]]:
        """Terms of a policy's quotes in env i: symbol -> term -> value, prices in currency, sizes and hedge in lots."""
        i = range(self.num_envs)[i]
        seen = self.view(slice(i, i + 1))
        state = seen.states
        terms = policy.terms(seen) | {
            "quoting_tick": state["quote_tick"][:, : seen.symbols] * seen.tick,
            "bid_size": state["default_size"][:, : seen.symbols, 0],
            "ask_size": state["default_size"][:, : seen.symbols, 1],
            "hedge": state["default_hedge"][:, : seen.symbols],
        }
        return {symbol: {name: value[0, k].item() for name, value in terms.items()} for k, symbol in enumerate(self.symbols)}

    def set_config(self, config: ConfigSource) -> None:
        """Change the parameters of every episode from the next reset of each env on.

        Raises `ConfigError`, and `UsageError` for a market of other symbols or venues.
        """
        loaded = load_config(config)
        for group, now in (("symbols", self.symbols), ("venues", self.venues)):
            names = [entry.name for entry in getattr(loaded, group)]
            if names != now:
                raise UsageError(
                    f"{group} {names}: expected {now}, as spaces cannot change; make a new environment for others"
                )
        self.assignment.next_market = build_market(loaded)

    def fills(self, i: int = 0) -> np.ndarray:
        """Own fills of env i in the last step: rows of `mm_env.sim.ledger.FILL_DTYPE`, in order of time.

        Raises `UsageError` where the environment was made without `record=True`.
        """
        self._require_record("fills")
        return self._last_logs[i][0] if i in self._last_logs else self.batch.logged_fills(i)

    def headlines(self, i: int = 0) -> list[NewsItem]:
        """Headlines that came in the last step of env i, in order of time.

        Raises `UsageError` where the environment was made without `record=True`.
        """
        self._require_record("headlines")
        if i in self._last_logs:
            return self._last_logs[i][1]
        texts = self.assignment.market_of(i).texts
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
            raise UsageError(f"{name}() needs an environment made with record=True")

    def breakdown(self, i: int = 0) -> np.ndarray:
        """(S, V, T) float64 [currency] attribution of env i's profit so far by symbol, venue and term."""
        return self.batch.states["attribution"][i, : len(self.symbols), : len(self.venues)].copy()

    def render(self) -> tuple[Any, ...] | None:
        """One frame an env: text, or an (H, W, 3) uint8 picture."""
        if self._history is None:
            return None
        self.require_begun()
        from mm_env.envs.picture import render_rgb
        from mm_env.envs.rendering import render_ansi

        draw = render_ansi if self.render_mode == "ansi" else render_rgb
        return tuple(draw(self.batch, self.assignment.market_of(i), self._history, i) for i in range(self.num_envs))

    def continue_from(self, begun: bool, ended: np.ndarray) -> None:
        """Take over a state that stands in the batch; what pictures show of the past is forgotten."""
        super().continue_from(begun, ended)
        if self._history is not None:
            self._history.clear()
