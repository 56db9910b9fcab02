"""A fixed spread around the mid: the baseline that knows neither its inventory nor the news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mm_env.config import ClassicConfig
from mm_env.config.io import override
from mm_env.policies.avellaneda_stoikov import classic_changes
from mm_env.policies.base import Config
from mm_env.policies.quoting import AgentView, QuotingPolicy, Terms


@dataclass(frozen=True)
class FixedSpread(QuotingPolicy):
    """Quotes half a spread on either side of the mid; sizes still shrink with the inventory.

    spread_bps: [bps] full spread, `base_spread_bps`; None takes the environment's. In the classic market, whose mid may
        fall below zero, of the price that an episode begins with
    """

    spread_bps: float | None = None
    name: ClassVar[str] = "fixed"

    def configure(self, config: Config) -> Config:
        """`config` with this as its default policy; raises `ConfigError` for a spread out of range."""
        if isinstance(config, ClassicConfig):
            half = None if self._share is None else self._share * config.mid.start_price
            return override(config, classic_changes(self.name, {"half_spread": half}))
        own = {} if self.spread_bps is None else {"policy.base_spread_bps": self.spread_bps}
        return override(config, {"policy.use_avellaneda_stoikov": False, **own})

    def is_default(self, params: np.ndarray) -> bool:
        """Whether the default policy of envs of the book market with these params (P,) is this one."""
        same = self.spread_bps is None or bool((params["base_half_spread"] == self._share).all())
        return same and bool((params["use_avellaneda_stoikov"] == 0).all())

    @property
    def _share(self) -> float | None:
        """Half the spread as a share of the mid, None for the environment's."""
        return None if self.spread_bps is None else self.spread_bps * 0.5e-4

    def terms(self, seen: AgentView) -> Terms:
        """`mid`, `half_spread`, `bid` and `ask`, each (n, S) [currency]; bid, ask = mid ∓ half_spread."""
        mid = seen.mid
        half = mid * (seen.params["base_half_spread"][:, None] if self._share is None else self._share)
        return {"mid": mid, "half_spread": half, "bid": mid - half, "ask": mid + half}
