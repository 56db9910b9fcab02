"""From market data to the parameters of a market.

module     | what
---------- | ----
events     | the one form of market data: a Parquet file with a row for each event
lobster    | LOBSTER's messages and order books
binance    | raw streams of Binance
tables     | plain tables of trades and quotes, CSV or Parquet
hawkes_fit | maximum likelihood for Hawkes processes with sums of exponentials
"""
