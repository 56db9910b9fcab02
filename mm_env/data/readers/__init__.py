"""Readers: each turns files of one kind into `mm_env.data.events`.

module  | what
------- | ----
lobster | LOBSTER's messages and order books
binance | raw streams of Binance
tables  | plain tables of trades and quotes, CSV or Parquet
"""
