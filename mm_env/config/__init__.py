"""What a market YAML file may say: every parameter with its unit, range and default.

The sections stand in `market` and `flow` (the market) and `agent` (the market maker), the whole in `schema`; `classic` holds
those of the classic market. Units stand in the names, or in the description where a name has none (``hawkes_mu``, …).
`io` loads and dumps files, `migrate` gives old keys their new names; `mm_env.market.params` is the reader of nearly all.
"""

from mm_env.config.agent import Episode, Policy, Reward, Risk
from mm_env.config.classic import ClassicConfig
from mm_env.config.flow import Flow, Makers, Parents
from mm_env.config.market import News, Regime, Symbol, Venue
from mm_env.config.schema import MarketConfig, sample_randomized
from mm_env.config.types import Section

__all__ = [
    "ClassicConfig",
    "Episode",
    "Flow",
    "Makers",
    "MarketConfig",
    "News",
    "Parents",
    "Policy",
    "Regime",
    "Reward",
    "Risk",
    "Section",
    "Symbol",
    "Venue",
    "sample_randomized",
]
