"""The environment of the classic market with one market maker: the N = 1 view of its vector environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from mm_env.envs.classic_vector import CLASSIC_RENDER_MODES, ClassicSource, ClassicVectorEnv
from mm_env.envs.single import SingleEnv
from mm_env.sim.classic.state import REWARDS, TERMS


class ClassicEnv(SingleEnv):
    """Make a market in the one symbol of Avellaneda & Stoikov 2008, where the best policies are known in closed form.

    Each step the agent quotes one unit on either side at depths from the mid. Quotes fill with intensity A exp(-k depth),
    A being a constant or that of self-exciting (Hawkes) takers; then the mid moves by ±σ√dt or by a normal of that
    deviation. `mm_env.sim.classic.step` says what a step assumes; `configs/classic/` holds the presets.

    ## Action space
    Box(-1, 1, (2,), float32): `bid`, `ask` (`action_names`)

    - residual: the default policy's depth + action × `residual_half_spreads` × its half spread
    - absolute: from `absolute_min_depth` at -1 to `absolute_max_depth` at 1; below zero a quote is past the mid

    In residual mode zero *is* the default policy, the one that `policy.name` names.

    ## Observation space
    Box(-10, 10, (3,), float32): `time` passed (0 to 1), `inventory` over `inventory_scale`, and `mid`, its change since the
    beginning in deviations of that of an episode. With `episode.observations: full`, (8,): `mid_change`, the default
    policy's depths and the takers' intensities as well. `mm_env.sim.classic.step` describes each;
    `observation_names` lists them.

    ## Reward
    The sum of named terms (`info["reward_terms"]`), weighted by the section `reward`: change in profit, -φ q² dt, and at the
    end -α q². By default the change in profit, so that the rewards of an episode sum to its profit [currency].

    ## Info
    `pnl` = `cash` + `inventory` × `mid`, less what the episode began with; `bid_depth`, `ask_depth`, `bid_filled`,
    `ask_filled` of the step; `reward_terms` and `attribution` (dicts; the latter is cumulative and sums to `pnl`). There is
    one symbol, so inventory and mid are plain numbers.

    ## Starting state
    The configured mid and inventory, no cash; Hawkes intensities from their stationary law.

    ## Episode end
    Never terminated. Truncated at `episode.horizon`; the inventory is not sold, so that its law can be compared.

    ## Arguments
    `gymnasium.make("mm_env/Classic-v0", config="as2008", action_mode="residual", render_mode=None)`

    `reset(seed=s)` plays what env 0 of a vector env plays with the seed s. Options: "config", "evaluation".

    ## Version history
    v0: the first
    """

    metadata: dict[str, Any] = {"render_modes": list(CLASSIC_RENDER_MODES), "render_fps": 10}  # noqa: RUF012
    vector: ClassicVectorEnv

    def __init__(self, config: ClassicSource = None, action_mode: str = "residual", render_mode: str | None = None) -> None:
        """Make one env; arguments and errors are those of `ClassicVectorEnv`."""
        disabled = AutoresetMode.DISABLED
        self._view(ClassicVectorEnv(1, config, action_mode, num_threads=1, autoreset_mode=disabled, render_mode=render_mode))

    def _info(self, result: dict[str, Any]) -> dict[str, Any]:
        depth: np.ndarray = result["depth"]
        return {
            "pnl": result["pnl"],
            "cash": result["cash"],
            "inventory": result["inventory"],
            "mid": result["mid"],
            "bid_depth": float(depth[0]),
            "ask_depth": float(depth[1]),
            "bid_filled": result["bid_filled"],
            "ask_filled": result["ask_filled"],
            "reward_terms": dict(zip(REWARDS, result["terms"].tolist(), strict=True)),
            "attribution": dict(zip(TERMS, result["attribution"].tolist(), strict=True)),
        }
