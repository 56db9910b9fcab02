"""Market data in and out: the one form of events, readers, exporters, and providers.

module     | what
---------- | ----
events     | the one form of market data: a Parquet file with a row for each event
readers/   | LOBSTER, Binance streams, plain tables: each turns files into that form
exporters/ | that form for LOBSTER's readers and for hftbacktest
providers/ | bars, trades and books from yfinance, Massive and ccxt, recorded
"""
