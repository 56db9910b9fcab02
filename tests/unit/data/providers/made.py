"""Rows and sources of the providers, for tests against a server on loopback."""

import math
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")

from mm_env.data.providers import CcxtSource, MassiveTape, YahooBars, parse_time, yahoo_session
from mm_env.network import RetryPolicy
from tests.unit.price_server import SECOND, utc

NEW_YORK = ZoneInfo("America/New_York")
HURRY = RetryPolicy(backoff_seconds=0.0)
NONE = ([math.nan],) * 4


def at(text, zone=NEW_YORK):
    return parse_time(text, zone)


def day(year, month, number, price, adjusted=1.0, hour=14, minute=30):
    return (utc(year, month, number, hour, minute), price, price + 2, price - 1, price + 1, adjusted * (price + 1), 1000)


WEEK = [day(2024, 3, number, 100.0 + number, 0.5) for number in (6, 7, 8, 11, 12)]


def yahoo(server, symbol="AAPL", retry=HURRY, **options):
    return YahooBars(symbol, session=yahoo_session(server.url, retry), **options)


T = 1_704_205_800 * SECOND  # 2024-01-02 09:30 in New York


def trade(ns, price, size=100.0, **more):
    return {"sip_timestamp": T + ns, "price": price, "size": size, "sequence_number": ns, "exchange": 4, "id": "1", **more}


def quote(ns, bid, ask, **more):
    return {"sip_timestamp": T + ns, "bid_price": bid, "ask_price": ask, "bid_size": 3.0, "ask_size": 4.0, **more}


def tape(server, what=("trades", "quotes"), retry=HURRY):
    return MassiveTape("AAPL", what, base_url=server.url, retry=retry)


TRADES = [
    trade(5, 10.02), trade(15, 10.0), trade(15, 10.0), trade(15, 10.01), trade(25, 10.02, 7.0), trade(27, 10.03),
    trade(40, 9.0),
]  # fmt: skip
QUOTES = [quote(1, 10.0, 10.02), quote(10, 10.0, 10.02), quote(15, 10.0, 10.01), quote(20, 10.01, 10.03)]


def crypto(server, what=("trades",), symbol="BTC/USDT", retry=HURRY, **options):
    return CcxtSource("binance", symbol, what, base_url=server.url, retry=retry, **options)
