"""From market data to the parameters of a market.

module     | what
---------- | ----
events     | the one form of market data: a Parquet file with a row for each event
lobster    | LOBSTER's messages and order books
binance    | raw streams of Binance
tables     | plain tables of trades and quotes, CSV or Parquet
sources    | bars, trades and books of providers, recorded: yfinance, Massive, ccxt
bars       | what bars say: volatility by scale, correlation of symbols
prices     | volatility by scale, correlation of symbols, spread and tick regime
fills      | how often an order at some distance is reached: A and k of the exponential law
cancels    | how soon resting quantity is cancelled, by level of the book
placement  | how far from the market limit orders are placed
queues     | how rates depend on the queue at the touch and on the imbalance
regimes    | states of volatility, takers, spread and depth, and how long they last
intraday   | the profile of the day
venues     | shares of venues, and the basis between them
curvature  | standard errors from the curvature of a likelihood
sizes      | the power tail of order sizes
realism    | how far a market is from a real one: distances of distributions and responses
cst        | the zero-intelligence market of Cont, Stoikov & Talreja, fitted and simulated
level_…    | what is added to and taken from levels, where no orders are told
moments    | what a fitted market must have in common with a recorded one
fitting    | a market that resembles records, as far as it can be measured
tuning     | what has no closed form, by simulation
summary    | all of these of one file of events
export_…   | events for LOBSTER's readers and for hftbacktest
hawkes_fit | maximum likelihood for Hawkes processes with sums of exponentials
"""
