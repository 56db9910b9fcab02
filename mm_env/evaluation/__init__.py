"""What a set of episodes says about a policy.

module           | what
---------------- | ----
metrics          | estimates with their errors: means, Sharpe ratio over episodes, ratios of sums, drawdown
episodes         | per-episode results, and the basic statistics of a set of them
attribution      | tables of profit by symbol and venue
attribution_cuts | profit by regime, period and side too, with standard errors and mark-outs (cut_cells: its sums)
markouts         | where the mid stood some time after a fill
evaluation       | a policy's episodes, each once, in either market: what comparisons need of them
comparison       | paired statistics of policies on the same episodes, with bootstrap intervals
recovered        | share of the gain over a constant depth that was reached in the classic market
ablation         | what each part of the default policy contributes
alpha            | how well the agent's signals predict returns
sentiment_value  | what a better sentiment scorer earns
classic_runs     | episodes of the classic environment, many at once
"""
