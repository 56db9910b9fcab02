"""The environment with one market maker: the N = 1 view of the vector environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from mm_env.envs.infos import single_info
from mm_env.envs.single import SingleEnv
from mm_env.envs.vector_env import RENDER_MODES, ConfigSource, MultiVenueVectorEnv, NewsItem
from mm_env.policies.quoting import AgentView


class MultiVenueEnv(SingleEnv):
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
    The sum of named terms (`info["reward_terms"]`), weighted by the section `reward`. By default the change in profit less
    0.002 of the variance a second of the position's value, times the step [currency]; with weight on profit alone
    (`reward.inventory_penalty=0`) the rewards of an episode sum to its profit.

    ## Info
    `pnl`, `cash`, `value_at_risk`, `expected_shortfall` [currency], `inventory` (S,) [lots], `mid` (S,) [currency], `fills`
    (of own quotes so far), `hedged` (the decision sent a hedge because VaR was over its limit), `regime` (index),
    `reward_terms` and
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
    vector: MultiVenueVectorEnv

    def __init__(
        self,
        config: ConfigSource = None,
        action_mode: str = "residual",
        render_mode: str | None = None,
        record: bool = False,
    ) -> None:
        """Make one env; arguments and errors are those of `MultiVenueVectorEnv`."""
        self._view(
            MultiVenueVectorEnv(
                1,
                config,
                action_mode,
                num_threads=1,
                autoreset_mode=AutoresetMode.DISABLED,
                render_mode=render_mode,
                record=record,
            )
        )
        self.symbols, self.venues = self.vector.symbols, self.vector.venues

    def _info(self, result: dict[str, Any]) -> dict[str, Any]:
        return single_info(result, len(self.symbols))

    def view(self) -> AgentView:
        """What the agent knows now; its arrays have one row."""
        return self.vector.view()

    def fills(self) -> np.ndarray:
        """Own fills in the last step: rows of `mm_env.sim.ledger.FILL_DTYPE`; needs `record=True`."""
        return self.vector.fills()

    def headlines(self) -> list[NewsItem]:
        """Headlines that came in the last step; needs `record=True`."""
        return self.vector.headlines()

    def breakdown(self) -> np.ndarray:
        """(S, V, T) float64 [currency] attribution of the profit so far by symbol, venue and term."""
        return self.vector.breakdown()
