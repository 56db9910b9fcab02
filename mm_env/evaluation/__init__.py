"""Evaluation of policies: metrics of episodes, comparison, attribution, mark-outs.

module           | what
---------------- | ----
metrics          | the table of metrics: one definition, unit and name each
estimates        | estimates with their errors: means, Sharpe ratio over episodes, ratios of sums
episode_sums     | running totals of episodes, from which the metrics come
episode_details  | totals by symbol and venue while episodes are played
episodes         | per-episode results by symbol and venue, and the basic statistics of a set of them
attribution      | tables of profit by symbol and venue
attribution_cuts | profit by regime, period and side too, with standard errors and mark-outs (cut_cells: its sums)
markouts         | where the mid stood some time after a fill
evaluation       | plays a policy's episodes, each once, in either market, and returns the metrics of each
comparison       | paired statistics of policies on the same episodes, with bootstrap intervals
recovered        | share of the gain over a constant depth that was reached in the classic market
ablation         | what each part of the default policy contributes
alpha            | how well the agent's signals predict returns
sentiment_value  | value of a sentiment scorer
classic_runs     | outcomes of very many episodes of the classic environment
"""
