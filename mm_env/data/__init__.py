"""Market data in and out: events in one format, readers, exporters, and providers.

module     | what
---------- | ----
events     | the format of market data: a Parquet file with a row for each event
merging    | streams of trades and quotes merged into events
forms      | the check that a form of files uses the options that were set
readers/   | LOBSTER, Binance streams, plain tables: each turns files into events
exporters/ | events written as LOBSTER's files and as hftbacktest's array
providers/ | bars, trades and books from yfinance, Massive and ccxt, recorded as events
"""
