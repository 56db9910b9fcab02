"""The vector environment of the classic market: N market makers of 2008, stepped by one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.envs.batched import BatchedVectorEnv
from mm_env.envs.episodes import MarketAssignment
from mm_env.errors import UsageError
from mm_env.market.classic import ClassicMarket, build_classic, home_of
from mm_env.policies.quoting import QuotingPolicy
from mm_env.policies.registry import get_policy
from mm_env.sim.action import RESIDUAL
from mm_env.sim.classic.batch import ClassicBatch
from mm_env.sim.classic.state import REWARDS, TERMS
from mm_env.sim.classic.step import CLOSED_FORM_COLUMNS, COLUMNS

if TYPE_CHECKING:
    from mm_env.policies.base import Policy

ClassicSource = str | os.PathLike[str] | Mapping[str, Any] | ClassicConfig | None
CLASSIC_RENDER_MODES = ("ansi",)


class ClassicVectorEnv(BatchedVectorEnv, VectorEnv[np.ndarray, np.ndarray, np.ndarray]):  # skrl reads the bases
    """N envs of `mm_env/Classic-v0`, simulated together; `ClassicEnv` describes actions, observations, rewards.

    Resets, seeds and episode ends are those of `MultiVenueVectorEnv`. In infos everything is an array over envs, (N,); what
    is returned is never written to again.
    """

    metadata: dict[str, Any] = {"render_modes": list(CLASSIC_RENDER_MODES), "render_fps": 10}  # noqa: RUF012
    batch: ClassicBatch
    assignment: MarketAssignment[ClassicMarket]

    def __init__(
        self,
        num_envs: int = 1,
        config: ClassicSource = None,
        action_mode: str = "residual",
        num_threads: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        """Make N envs.

        config: a preset, a YAML file's path, a mapping, a `ClassicConfig`, or None for the default
        action_mode: "residual" (0 is the default policy) or "absolute" (depths from the mid)
        num_threads: threads that share the envs; None: as many as cores

        Raises `ConfigError`, and `UsageError` for an argument that is not allowed.
        """
        self._set_up(num_envs, action_mode, num_threads, autoreset_mode, render_mode, CLASSIC_RENDER_MODES)
        market = build_classic(load_config(config, ClassicConfig))
        self.symbols, self.action_names = ["asset"], ["bid", "ask"]
        self._columns = len(COLUMNS) if market.params["full"] else CLOSED_FORM_COLUMNS
        self._set_spaces()
        self._start(market)

    def _allocate(self, market: ClassicMarket) -> ClassicBatch:
        return ClassicBatch(market.params, market.table, self.num_envs, self._num_threads)

    def build(self, config: ClassicConfig | str) -> ClassicMarket:
        """The market of a configuration, or of the JSON of one."""
        return build_classic(ClassicConfig.model_validate_json(config) if isinstance(config, str) else config)

    def _use(self, market: ClassicMarket) -> None:
        self.batch.table = market.table

    @property
    def config(self) -> ClassicConfig:
        """The configuration of the next episodes."""
        return self.assignment.next_market.config

    @property
    def observation_names(self) -> list[str]:
        """Name of each column of an observation."""
        return [name for name, _ in COLUMNS[: self._columns]]

    @property
    def default_policy(self) -> Policy:
        """The policy that an action of zero stands for in residual mode."""
        return get_policy(self.config.policy.name)

    def default_action(self) -> np.ndarray:
        """(N, 2) float32 action of the default policy: zeros in residual mode, its depths in absolute mode."""
        self.require_begun()
        return self.action_for(self.batch.states["default_depth"])

    def action_for(self, depths: np.ndarray) -> np.ndarray:
        """(N, 2) float32 action that asks for given depths (N, 2) [currency], as far as the bounds of an action reach."""

        def parameter(name: str) -> np.ndarray:
            values: np.ndarray = self.batch.params[name][self.batch.params_index]
            return values

        if self._mode == RESIDUAL:
            default = self.batch.states["default_depth"]
            # a default without a spread can be moved by no action, and what asks for it needs none
            reach = (default.mean(axis=1) * parameter("residual_half_spreads"))[:, None]
            action = np.divide(depths - default, reach, out=np.zeros(depths.shape), where=reach > 0.0)
        else:
            low, high = parameter("absolute_min_depth")[:, None], parameter("absolute_max_depth")[:, None]
            action = 2.0 * (depths - low) / (high - low) - 1.0
        bounded: np.ndarray = np.clip(action, -1.0, 1.0).astype(np.float32)
        return bounded

    def depths_of(self, policy: Any) -> np.ndarray:
        """(N, 2) float64 [currency] bid and ask depth that a policy, at home in each env's market, would quote now."""
        self.require_begun()
        depths = np.zeros((self.num_envs, 2))
        for market, mask in self.assignment.groups():
            home = home_of(policy, market.config)
            which = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
            self.batch.quote(home.params, home.table, which, depths)
        return depths

    def action_of(self, policy: QuotingPolicy) -> np.ndarray:
        """(N, 2) float32 action that asks for the depths of a policy."""
        return self.action_for(self.depths_of(policy))

    def explain(self, policy: QuotingPolicy, i: int = 0) -> dict[str, dict[str, float]]:
        """Terms of a policy's quotes in env i: symbol -> term -> value [currency, and units for the inventory]."""
        i = range(self.num_envs)[i]
        state, (bid, ask) = self.batch.states[i], self.depths_of(policy)[i].tolist()
        mid = float(state["mid"])
        skew = 0.5 * (ask - bid)
        terms = {
            "mid": mid,
            "inventory": float(state["inventory"]),
            "inventory_skew": skew,
            "reservation_price": mid + skew,
            "half_spread": 0.5 * (bid + ask),
            "bid": mid - bid,
            "ask": mid + ask,
        }
        return {self.symbols[0]: terms}

    def set_config(self, config: ClassicSource) -> None:
        """Change the parameters of every episode from the next reset of each env on.

        Raises `ConfigError`, and `UsageError` for a market of other observations.
        """
        loaded = load_config(config, ClassicConfig)
        observations = self.config.episode.observations
        if loaded.episode.observations != observations:
            raise UsageError(
                f"episode.observations {loaded.episode.observations!r}: expected {observations!r}, as spaces cannot "
                "change; make a new environment for others"
            )
        self.assignment.next_market = build_classic(loaded)

    def _rewards(self) -> np.ndarray:
        return self.batch.rewards

    def _ends(self) -> np.ndarray:
        return self.batch.ends

    def _info(self, results: np.ndarray) -> dict[str, Any]:
        """Views of the results, which are never written to again."""
        terms, attribution = results["terms"], results["attribution"]
        return {
            "pnl": results["pnl"],
            "cash": results["cash"],
            "inventory": results["inventory"],
            "mid": results["mid"],
            "bid_depth": results["depth"][:, 0],
            "ask_depth": results["depth"][:, 1],
            "bid_filled": results["bid_filled"],
            "ask_filled": results["ask_filled"],
            "reward_terms": {name: terms[:, k] for k, name in enumerate(REWARDS)},
            "attribution": {name: attribution[:, k] for k, name in enumerate(TERMS)},
        }

    def render(self) -> tuple[Any, ...] | None:
        """One text an env."""
        if self.render_mode is None:
            return None
        self.require_begun()
        return tuple(self._text(i) for i in range(self.num_envs))

    def _text(self, i: int) -> str:
        state, result, params = self.batch.states[i], self.batch.results[i], self.batch.params[self.batch.params_index[i]]
        bid, ask = state["default_depth"]
        filled = " and ".join(name for name in ("bid", "ask") if result[f"{name}_filled"]) or "nothing"
        return (
            f"step {state['step']} of {params['steps']}  time {state['step'] * params['step']:.4g}  mid {state['mid']:.4f}\n"
            f"profit {result['pnl']:.4f}  inventory {state['inventory']:+d} of ±{params['inventory_limit']}  "
            f"cash {state['cash']:.4f}\n"
            f"last step: bid depth {result['depth'][0]:.4f}, ask depth {result['depth'][1]:.4f}, filled: {filled}\n"
            f"default policy next: bid {state['mid'] - bid:.4f}, ask {state['mid'] + ask:.4f}\n"
        )
