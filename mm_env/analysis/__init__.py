"""What a set of episodes says about a policy.

module        | what
------------- | ----
metrics       | estimates with their errors: means, Sharpe ratio over episodes, ratios of sums, drawdown
episodes      | what is kept of every episode, and the basic statistics of a set of them
attribution   | tables of profit by symbol and venue
attribution_cuts | profit by regime, period and side too, with standard errors and mark-outs (cut_cells: its sums)
markouts      | where the mid stood some time after a fill
evaluation    | a policy's episodes, each once, in either market: what comparisons need of them
comparison    | who is better: paired statistics of policies on the same episodes, with bootstrap intervals
recovered     | how much of what can be gained in the classic market over a constant depth was gained
ablation      | what each part of the default policy is worth
lattice       | exact moments of any inventory policy on the classic lattice, without sampling
optimal       | the optimal value on the classic lattice, and what a constant depth makes of it
classic_runs  | episodes of the classic environment, many at once
hawkes        | theory of Hawkes processes: rates, count covariances, signature plots, rescaled times
takers        | times at which the book market's takers come, and the Hawkes process that they should be
backtests     | of a value-at-risk figure: Kupiec, Christoffersen, Basel traffic light
es_tests      | of an expected shortfall: Acerbi and Székely's tests, with simulated critical values
var_samples   | positions of an agent frozen over horizons that do not overlap
var_variants  | ways to state their risk: as the simulator does, from moves over the horizon, by filtered simulation
var_backtest  | which of these hold: tests block by block, and exceptions by regime
stylised      | stylised facts of returns and trade signs: tails, autocorrelation, memory, with errors over envs
stylised_book | stylised facts of the book: spread, imbalance, impact of orders, signature plot
sampling_book | paths of the book market with nobody quoting, with and without a parent order
facts         | which stylised facts a market shows, and by which rule
matrices      | the exponential of a small matrix
"""
