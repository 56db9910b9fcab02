"""The columns of a recorded run. Each Parquet field carries its unit and meaning as metadata.

Prices and money are currency; sizes and inventories lots; times seconds since the first observation of the episode.
Columns of a symbol begin with its name: `XYZ.mid`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mm_env.sim.state import REWARDS, TERMS

if TYPE_CHECKING:
    import pyarrow as pa

Column = tuple[str, str, str, str]  # name, Arrow type, unit, meaning

_PLACE: tuple[Column, ...] = (
    ("episode", "int64", "", "number of the episode"),
    ("step", "int64", "", "decision steps done; 0 is the first observation, before any decision"),
)
_SYMBOL: tuple[Column, ...] = (
    ("mid", "double", "currency", "consolidated mid of the other traders; the last valid one"),
    ("bid", "double", "currency", "own bid aimed at in this step; null at step 0"),
    ("ask", "double", "currency", "own ask aimed at in this step; null at step 0"),
    ("bid_lots", "int64", "lots", "own bids that rest at the end of the step, over venues"),
    ("ask_lots", "int64", "lots", "own asks that rest at the end of the step, over venues"),
    ("inventory", "int64", "lots", "position"),
    ("pnl", "double", "currency", "profit so far"),
    ("alpha", "double", "bps", "expected move, blend of sentiment and imbalance"),
    ("sentiment", "double", "", "decayed sum of headline scores"),
    ("imbalance", "double", "", "order-book imbalance at the touch, as seen"),
    ("spread", "double", "currency", "consolidated spread as seen; null where a side is empty"),
    ("volatility", "double", "bps/sqrt(s)", "slow estimate from the seen mids"),
)
_PORTFOLIO: tuple[Column, ...] = (
    ("pnl", "double", "currency", "profit so far"),
    ("cash", "double", "currency", "cash"),
    ("value_at_risk", "double", "currency", "at the end of the step, by the configured method"),
    ("var_limit", "double", "currency", "limit that makes the default policy hedge"),
    ("expected_shortfall", "double", "currency", "at the end of the step"),
    ("hedged", "bool", "", "this step's decision sent a hedge, because of the VaR of the row above"),
    ("regime", "string", "", "regime at the end of the step"),
    ("reward", "double", "currency", "of this step; null at step 0"),
)
_FILLS: tuple[Column, ...] = (
    *_PLACE,
    ("time", "double", "s", "time of the fill"),
    ("symbol", "string", "", ""),
    ("venue", "string", "", ""),
    ("role", "string", "", "maker (own quote), hedge or liquidation (own taker order)"),
    ("side", "string", "", "buy or sell"),
    ("quantity", "int64", "lots", ""),
    ("price", "double", "currency", "the venue's, its price basis included"),
    ("mid", "double", "currency", "mid at the fill, the same basis included"),
    ("basis", "double", "currency", "the venue's price basis: less it, prices of venues compare"),
    ("fee", "double", "currency", "paid; negative is a rebate"),
    ("queue_ahead", "int64", "lots", "ahead of the quote at the last decision; null where it did not stand there yet"),
)
_HEADLINES: tuple[Column, ...] = (
    *_PLACE,
    ("time", "double", "s", "time of publication"),
    ("symbol", "string", "", "empty: market-wide"),
    ("text", "string", "", ""),
    ("score", "double", "", "-1 to 1, what the agent sees"),
    ("polarity", "double", "", "-1 to 1, what moves the price; never shown to the agent"),
)
_VENUES: tuple[Column, ...] = (
    *_PLACE,
    ("time", "double", "s", "end of the step"),
    ("symbol", "string", "", ""),
    ("venue", "string", "", ""),
    ("weight", "double", "", "share of the symbol's quoted size that the router sends here; null at step 0"),
    (
        "score",
        "double",
        "currency/(lot s)",
        "expected value of a lot posted here, at the router's last review; null at step 0",
    ),
    ("fill_rate", "double", "1/s", "share of posted lots filled a second, as the router saw it; null where it posted none"),
    ("bid_lots", "int64", "lots", "own bids that rest here"),
    ("ask_lots", "int64", "lots", "own asks that rest here"),
    ("posted", "int64", "lots", "rested here so far as own quotes, new quantity only"),
    ("filled", "int64", "lots", "of these, filled so far"),
)
_CUTS: tuple[Column, ...] = (
    ("cut", "string", "", "dimensions of the cut with commas; all: the whole"),
    ("symbol", "string", "", "empty in the cuts that do not have it, as each dimension"),
    ("venue", "string", "", ""),
    ("regime", "string", "", "at the end of the step"),
    ("period", "string", "", "in which the step began: since the episode's start, of a replayed record in UTC"),
    ("side", "string", "", "of a fill's terms buy, sell, unlogged; of revaluation long, short, flat as the step began"),
    ("kind", "string", "", "term: of the profit; subtotal: what trading made; profit: sum of the terms; memo: beside it"),
    ("term", "string", "", "name of the term; see mm_env.evaluation.attribution_cuts"),
    ("mean", "double", "", "over episodes: currency, of fills their number, of filled_lots lots"),
    ("error", "double", "", "standard error of the mean; null for a single episode"),
    ("episodes", "int64", "", "behind the mean"),
)


def step_columns(symbols: Sequence[str]) -> list[Column]:
    """Columns of `steps.parquet` for these symbols."""
    columns = [*_PLACE, ("time", "double", "s", "end of the step")]
    for symbol in symbols:
        columns += [(f"{symbol}.{name}", kind, unit, text) for name, kind, unit, text in _SYMBOL]
    columns += _PORTFOLIO
    columns += [(f"reward.{name}", "double", "currency", "weighted term of this step's reward") for name in REWARDS]
    return columns + [(f"attribution.{name}", "double", "currency", "of the profit so far") for name in TERMS]


def fill_columns() -> list[Column]:
    """Columns of `fills.parquet`."""
    return list(_FILLS)


def headline_columns() -> list[Column]:
    """Columns of `headlines.parquet`."""
    return list(_HEADLINES)


def venue_columns() -> list[Column]:
    """Columns of `venues.parquet`: a row a step, symbol and venue."""
    return list(_VENUES)


def cut_columns() -> list[Column]:
    """Columns of `attribution_cuts.parquet`."""
    return list(_CUTS)


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Arrow schema of columns, their units and meanings in the fields' metadata."""
    import pyarrow as pa

    types = {"int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_(), "string": pa.string()}
    return pa.schema(
        [pa.field(name, types[kind], metadata={"unit": unit, "meaning": text}) for name, kind, unit, text in columns]
    )
