"""Providers of prices, trades and books, recorded as events. Extra `[prices]`.

module   | what
-------- | ----
base     | the protocol of a source, times and intervals
yfinance | bars of Yahoo Finance, days and within a day
massive  | trades, quotes and bars of Massive (formerly Polygon.io)
ccxt     | trades and order books of crypto exchanges
recorder | records a source into a Parquet file, and continues an existing one

A source of your own is any object that fulfils `PriceSource`.
"""

from mm_env.data.providers.base import INTERVALS, PriceSource, parse_time
from mm_env.data.providers.ccxt import CcxtSource
from mm_env.data.providers.massive import MassiveBars, MassiveTape
from mm_env.data.providers.recorder import PriceRecording, record_prices
from mm_env.data.providers.yfinance import YahooBars, yahoo_session

__all__ = [
    "INTERVALS",
    "CcxtSource",
    "MassiveBars",
    "MassiveTape",
    "PriceRecording",
    "PriceSource",
    "YahooBars",
    "parse_time",
    "record_prices",
    "yahoo_session",
]
