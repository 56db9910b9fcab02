"""The environment with one market maker: the N = 1 view of the vector environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from mm_env.config import MarketConfig
from mm_env.envs.actions import checked_actions
from mm_env.envs.infos import single_info
from mm_env.envs.vector_env import RENDER_MODES, ConfigSource, MultiVenueVectorEnv, NewsItem
from mm_env.sim.batch import Batch

if TYPE_CHECKING:
    from mm_env.policies.base import Policy


class MultiVenueEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """Make markets in S symbols on V venues, with sentiment-bearing news and Hawkes order flow.

    One step is one decision (`episode.step_seconds`, 1 s by default, some 80 book events). The agent quotes a bid and an
    ask in every symbol; a router puts them on venues, where they arrive after the venue's latency and queue by price and
    time. Everything the agent sees is as old as each venue's data.

    ## Action space
    Box(-1, 1, (3S,), float32): for each symbol, in the order of the configuration (`action_names`)

    - bid, residual: the default bid, moved away from the mid by action × `residual_half_spreads` × its half spread
    - bid, absolute: the mid minus (action + 1) / 2 × `absolute_max_ticks`
    - ask: likewise, upwards
    - hedge: action × `hedge_action_lots` bought (above 0) or sold at once; in residual mode besides the default hedge

    In residual mode zero *is* the default policy, Avellaneda-Stoikov with VaR hedging. Prices are rounded outwards to the
    quoting grid and kept from crossing the touch; sizes are the default policy's.

    ## Observation space
    Box(-10, 10, (16 S + 4,), float32): 16 columns a symbol and 4 of the portfolio, named by `observation_names` and
    described in `mm_env.sim.observe`.

    ## Reward
    The sum of named terms (`info["reward_terms"]`), weighted by the section `reward`. By default the change in profit, so
    that the rewards of an episode sum to its profit [currency].

    ## Info
    `pnl`, `cash`, `value_at_risk`, `expected_shortfall` [currency], `inventory` (S,) [lots], `mid` (S,) [currency],
    `hedged` (the decision sent a hedge because VaR was over its limit), `regime` (index), `reward_terms` and
    `attribution` (dicts; the latter is cumulative and sums to `pnl`).

    ## Starting state
    Books near their stationary law, after `burn_in_seconds` without the agent; no cash, no inventory.

    ## Episode end
    Never terminated. Truncated after `episode.steps` decisions; then the inventory is sold into the books.

    ## Arguments
    `gymnasium.make("mm_env/MultiVenue-v0", config="two_symbols", action_mode="residual", render_mode=None, record=False)`

    `reset(seed=s)` plays what env 0 of a vector env plays with the seed s. Its options are those of `MultiVenueVectorEnv`.

    ## Version history
    v0: the first
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 10}  # noqa: RUF012, gymnasium's own way

    def __init__(
        self,
        config: ConfigSource = None,
        action_mode: str = "residual",
        render_mode: str | None = None,
        record: bool = False,
    ) -> None:
        """Make one env; arguments and errors are those of `MultiVenueVectorEnv`."""
        self.vector = MultiVenueVectorEnv(
            1,
            config,
            action_mode,
            num_threads=1,
            autoreset_mode=AutoresetMode.DISABLED,
            render_mode=render_mode,
            record=record,
        )
        self.render_mode = render_mode
        self.observation_space = self.vector.single_observation_space
        self.action_space = self.vector.single_action_space
        self.symbols, self.venues = self.vector.symbols, self.vector.venues
        self.action_mode = action_mode
        self.action_names, self.observation_names = self.vector.action_names, self.vector.observation_names
        self._fields = self.vector.batch.results.dtype.names

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode: the first of `seed`, or the next one.

        options: "config" new parameters from now on; "evaluation" True or False
        """
        super().reset(seed=seed)
        self.vector.begin_episodes(seed, options or {})
        return self.vector.batch.rows[0], single_info(self._said(), len(self.symbols))

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One decision. action: (3S,) float32 [-1 to 1].

        Raises `ValueError` for an action that is not allowed, `gymnasium.error.ResetNeeded` before the first reset and
        after the end.
        """
        vector = self.vector
        vector.advance(checked_actions(np.asarray(action)[None], 1, self.action_names))
        said = self._said()
        return vector.batch.rows[0], said["reward"], False, said["truncated"], single_info(said, len(self.symbols))

    def _said(self) -> dict[str, Any]:
        return dict(zip(self._fields, self.vector.batch.results[0].item(), strict=True))

    @property
    def batch(self) -> Batch:
        """The simulation, a batch of one."""
        return self.vector.batch

    @property
    def config(self) -> MarketConfig:
        """The configuration of the next episodes."""
        return self.vector.config

    @property
    def default_policy(self) -> Policy:
        """The policy that an action of zero stands for in residual mode."""
        return self.vector.default_policy

    def default_action(self) -> np.ndarray:
        """(3S,) float32 action of the default policy: zeros in residual mode, its quotes and hedges in absolute mode."""
        action: np.ndarray = self.vector.default_action()[0]
        return action

    def set_config(self, config: ConfigSource) -> None:
        """Change the parameters of every episode from the next reset on."""
        self.vector.set_config(config)

    def episode_config(self) -> MarketConfig:
        """The configuration of this episode, with the values that were drawn for it."""
        return self.vector.episode_config()

    def fills(self) -> np.ndarray:
        """Own fills in the last step: rows of `mm_env.sim.ledger.FILL_DTYPE`; needs `record=True`."""
        return self.vector.fills()

    def headlines(self) -> list[NewsItem]:
        """Headlines that came in the last step; needs `record=True`."""
        return self.vector.headlines()

    def breakdown(self) -> np.ndarray:
        """(S, V, T) float64 [currency] attribution of the profit so far by symbol, venue and term."""
        return self.vector.breakdown()

    def render(self) -> Any:
        """Text, or an (H, W, 3) uint8 picture; None without a render mode."""
        frames = self.vector.render()
        return None if frames is None else frames[0]

    def save_state(self) -> bytes:
        """All that the env needs to continue bit for bit."""
        return self.vector.save_state()

    def load_state(self, state: bytes) -> None:
        """Continue where `save_state` was called; raises `ValueError` for a state of another version or configuration."""
        self.vector.load_state(state)

    def close(self) -> None:
        """Refuse further steps."""
        self.vector.close()
