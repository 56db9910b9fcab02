"""From market data to the parameters of a market.

module        | what
------------- | ----
bars          | volatility by scale and correlation of symbols, from bars
prices        | volatility by scale, correlation of symbols, spread and tick regime
fills         | arrival rate and fill decay of the exponential law of fills
cancels       | cancel rates by level of the book
placement     | distances of limit orders from the market
queues        | rates by the queue at the touch and by the imbalance
regimes       | states of volatility, takers, spread and depth, and how long they last
intraday      | the profile of the day
venues        | shares of venues, and the basis between them
curvature     | standard errors from the curvature of a likelihood
sizes         | the power tail of order sizes
takers        | takers, and their sizes relative to the touch
level_changes | quantity added to and taken from levels, for data without individual orders
hawkes_fit    | maximum likelihood for Hawkes processes with sums of exponentials
moments       | moments that a fitted market shares with a recorded one
fitting       | measurements of recordings that need no simulation
tuning        | parameters without a closed form, by simulation
fitted_market | the fitted market as a YAML file
summary       | all estimates of one file of events
"""
