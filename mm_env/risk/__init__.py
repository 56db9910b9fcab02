"""Value at risk, its backtests, and scenarios.

module         | what
-------------- | ----
backtests      | of a value-at-risk figure: Kupiec, Christoffersen, Basel traffic light
es_tests       | of an expected shortfall: Acerbi and Székely's tests, with simulated critical values
var_samples    | positions of an agent frozen over horizons that do not overlap
var_variants   | risk measures: as the simulator computes them, from moves over the horizon, by filtered simulation
var_backtest   | which of these hold: tests block by block, and exceptions by regime
scenarios      | scenario results, read back (scenario_runs: how they are played, scenario_table: their table)
stress         | changes of a market within an episode
sketch, tails  | quantiles of a stream, and the tail statistics of scenarios
"""
