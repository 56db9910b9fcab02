"""What the classic environment derives from its configuration, whatever the number of envs: params and depths in a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import config_hash
from mm_env.errors import ConfigError, UsageError
from mm_env.sim.classic.quoting import prepare, quote_range
from mm_env.sim.classic.state import FIRST_TABLE, PARAMS_DTYPE, POLICIES, REWARDS, STATE_DTYPE, WARM_UP

_KEPT = 8  # markets
_MOST_TERMS = 2e9  # of the series behind a table: about a minute
_cache: dict[str, ClassicMarket] = {}


@dataclass(frozen=True, eq=False)
class ClassicMarket:
    """A configuration and all that follows from it. Shared by all envs of it: the arrays are not to be written to.

    params: () PARAMS_DTYPE
    table: (rows, 2Q+1, 2) float64 [currency] bid and ask depth by steps left (one row: whatever is left) and inventory
        -Q to Q; rows is 0 for a default policy without a table
    """

    config: ClassicConfig
    params: np.ndarray
    table: np.ndarray
    ranges: ClassVar[bool] = False  # nothing is resampled at a reset
    headlines_digest: ClassVar[str] = ""  # there are none

    def params_of(self, config: ClassicConfig) -> np.ndarray:
        """() PARAMS_DTYPE of this market's own configuration, the only one there is without ranges."""
        if config != self.config:
            raise UsageError(
                "a configuration of another market: expected its own, as the classic market draws no parameters"
            )
        return self.params

    def depths(self) -> np.ndarray:
        """(steps, 2Q+1, 2) float64 [currency] default policy's bid and ask depth by step and inventory -Q to Q.

        At ±Q one of the two is not quoted.
        """
        steps, largest = self.config.episode.steps, self.config.episode.inventory_limit
        states = np.zeros((steps, 2 * largest + 1), STATE_DTYPE)
        states["step"] = np.arange(steps)[:, None]
        states["inventory"] = np.arange(-largest, largest + 1)
        found = np.zeros((states.size, 2))
        quote_range(states.reshape(-1), self.params.reshape(1), self.table, np.arange(states.size), found)
        return found.reshape(*states.shape, 2)


def build_classic(config: ClassicConfig) -> ClassicMarket:
    """The market of a configuration; the last few are kept.

    Raises `ConfigError` for a policy whose table would take minutes to compute.
    """
    key = config_hash(config)
    market = _cache.pop(key, None) or _build(config)
    _cache[key] = market  # at the end: the most recently used
    while len(_cache) > _KEPT:
        del _cache[next(iter(_cache))]
    return market


@lru_cache(maxsize=_KEPT)
def home_of(policy: Any, config: ClassicConfig) -> ClassicMarket:
    """The market of a configuration in which a policy is the default one. policy: a value, as those of this package are."""
    return build_classic(policy.configure(config))


def _build(config: ClassicConfig) -> ClassicMarket:
    params = make_params(config).reshape(1)
    largest = config.episode.inventory_limit
    width = 2 * largest + 1
    tabulated = bool(params["quoting"][0] >= FIRST_TABLE)
    rows = 0 if not tabulated else 1 if config.policy.horizon is not None else config.episode.steps + 1
    if tabulated:
        _check_effort(config, params, rows)
    table = np.zeros((rows, width if tabulated else 0, 2))
    prepare(params, table, *(np.zeros(width) for _ in range(3)))
    return ClassicMarket(config, params[0], table)


def _check_effort(config: ClassicConfig, params: np.ndarray, rows: int) -> None:
    """Raise `ConfigError` where the decay of the largest inventory makes the series of the table too long."""
    largest, policy = config.episode.inventory_limit, config.policy
    decay = config.cj_penalties[0] if policy.name == "cj" else 0.5 * policy.risk_aversion * config.believed_volatility**2
    time = policy.horizon or config.episode.horizon
    rate = config.believed_decay * decay * largest**2 + 2.0 * config.believed_rate / np.e
    terms = (rate * time + 30.0 * rows) * (2 * largest + 1)
    if terms > _MOST_TERMS:
        raise ConfigError(
            f"configuration: episode.inventory_limit: value {largest}: expected a smaller one for policy {policy.name!r}, "
            f"whose depths would take a series of {terms:.0e} terms (at most {_MOST_TERMS:.0e})"
        )


def make_params(config: ClassicConfig) -> np.ndarray:
    """Params record, shape () of PARAMS_DTYPE, of a configuration, less what `prepare` derives."""
    mid, flow, policy, episode = config.mid, config.flow, config.policy, config.episode
    p = np.zeros((), PARAMS_DTYPE)
    dt = episode.horizon / episode.steps
    p["steps"], p["step"], p["start_price"] = episode.steps, dt, mid.start_price
    p["step_deviation"], p["brownian"] = mid.volatility * math.sqrt(dt), mid.move == "brownian"
    p["hawkes"], p["linear"] = flow.arrivals == "hawkes", flow.fill_rule == "linear"
    p["arrival_rate"], p["fill_decay"], p["mean_rate"] = flow.arrival_rate, flow.fill_decay, flow.mean_rate
    p["hawkes_mu"], p["hawkes_beta"] = flow.hawkes_mu, flow.hawkes_beta
    p["hawkes_alpha"] = flow.hawkes_alpha, flow.hawkes_alpha * flow.hawkes_cross_side
    p["warm_up"] = WARM_UP / (flow.hawkes_beta * (1.0 - flow.branching_ratio))
    p["full"] = episode.observations == "full"
    finite = policy.name == "glft" and policy.glft_horizon == "finite"
    p["quoting"] = POLICIES.index("glft_finite" if finite else policy.name)
    p["risk_aversion"], p["policy_variance"] = policy.risk_aversion, config.believed_volatility**2
    p["policy_arrival_rate"], p["policy_fill_decay"] = config.believed_rate, config.believed_decay
    p["policy_inventory_penalty"], p["policy_terminal_penalty"] = config.cj_penalties
    p["half_spread"] = policy.half_spread
    p["rolling_horizon"], p["horizon"] = policy.horizon is not None, policy.horizon or episode.horizon
    p["residual_half_spreads"] = policy.residual_half_spreads
    p["absolute_min_depth"], p["absolute_max_depth"] = policy.absolute_min_depth, policy.absolute_max_depth
    p["initial_inventory"], p["inventory_limit"] = episode.initial_inventory, episode.inventory_limit
    p["per_step"], p["per_unit"] = 1.0 / episode.steps, 1.0 / episode.inventory_scale
    p["per_currency"] = 1.0 / (mid.volatility * math.sqrt(episode.horizon) or 1.0)
    p["weight"] = [getattr(config.reward, name) for name in REWARDS]
    return p
