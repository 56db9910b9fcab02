"""Prices, trades and books as they are told by providers, recorded into the one form of market data. Extra `[prices]`.

module   | what
-------- | ----
base     | what a source is, how it waits for a busy server, and what intervals mean
yfinance | bars of Yahoo Finance, days and within a day
massive  | trades, quotes and bars of Massive (formerly Polygon.io)
ccxt     | trades and order books of crypto exchanges
recorder | a source into a Parquet file that is gone on with

A source of your own is any object with what `PriceSource` says.
"""

from mm_env.data.providers.base import INTERVALS, Patience, PriceSource, SourceError, moment
from mm_env.data.providers.ccxt import CcxtSource
from mm_env.data.providers.massive import MassiveBars, MassiveTape
from mm_env.data.providers.recorder import Recorded, record
from mm_env.data.providers.yfinance import YahooBars, yahoo_session

__all__ = [
    "INTERVALS",
    "CcxtSource",
    "MassiveBars",
    "MassiveTape",
    "Patience",
    "PriceSource",
    "Recorded",
    "SourceError",
    "YahooBars",
    "moment",
    "record",
    "yahoo_session",
]
