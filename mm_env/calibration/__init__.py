"""From market data to the parameters of a market.

module        | what
------------- | ----
bars          | what bars say: volatility by scale, correlation of symbols
prices        | volatility by scale, correlation of symbols, spread and tick regime
fills         | how often an order at some distance is reached: A and k of the exponential law
cancels       | how soon resting quantity is cancelled, by level of the book
placement     | how far from the market limit orders are placed
queues        | how rates depend on the queue at the touch and on the imbalance
regimes       | states of volatility, takers, spread and depth, and how long they last
intraday      | the profile of the day
venues        | shares of venues, and the basis between them
curvature     | standard errors from the curvature of a likelihood
sizes         | the power tail of order sizes
takers        | what takers do at the touch
level_changes | what is added to and taken from levels, for data without individual orders
hawkes_fit    | maximum likelihood for Hawkes processes with sums of exponentials
moments       | what a fitted market must have in common with a recorded one
fitting       | a market that resembles recordings, as far as it can be measured
tuning        | what has no closed form, by simulation
fitted_market | the fitted market as a YAML file
summary       | all of these of one file of events
"""
