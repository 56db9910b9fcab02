"""The metrics of episodes: one name, unit and definition each, wherever they are shown.

`python -m mm_env.evaluation.metrics` prints docs/metrics.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

COMPARE, SCENARIOS, BASELINE, TRAINING = "compare", "scenarios", "baseline", "train"
PLACES = {
    COMPARE: "`mm-env compare`, `evaluate`, `compare`: comparison.json, comparison.csv, episodes.parquet",
    SCENARIOS: "`mm-env scenarios`: scenarios.parquet, scenarios.csv, episodes/",
    BASELINE: "`mm-env baseline`: summary.json, of the portfolio and of each symbol; by venue where said",
    TRAINING: "`mm-env train`: TensorBoard, `training/` and `evaluation/`",
}
"""Where metrics are shown -> commands, functions and files."""
_ALL = (COMPARE, SCENARIOS, BASELINE, TRAINING)


@dataclass(frozen=True)
class Metric:
    """A figure of an episode, or of a set of episodes; shown: `PLACES` that have it under this name."""

    name: str
    unit: str
    definition: str
    shown: tuple[str, ...]


OF_AN_EPISODE = (
    Metric("reward", "currency", "Sum of the rewards of its steps: the objective of training and tuning.", _ALL),
    Metric(
        "profit", "currency",
        "Profit of the ledger at its end: cash and inventory at the mid, less those at its start, after the liquidation.",
        _ALL,
    ),
    Metric(
        "drawdown", "currency",
        "Largest fall of the profit from its highest point so far, both at the ends of steps; the start at 0 counts.", _ALL,
    ),
    Metric(
        "over_limit", "share of steps",
        "Steps at whose end the value at risk is over `portfolio_var_limit`, over all steps: `breaches` / steps.", _ALL,
    ),
    Metric("breaches", "steps", "Number of these steps.", (COMPARE, SCENARIOS, BASELINE)),
    Metric(
        "value_at_risk", "currency", "Mean over steps of the value at risk at their end, by the configured method.", _ALL
    ),
    Metric(
        "inventory_sd", "currency; units in the classic market",
        "Root mean square over steps of the values of the symbols' inventories, whose squares are added up; a value is "
        "inventory × lot size × mid at the end of the step. The last step counts with what was held before the "
        "liquidation. It is a standard deviation around zero: no mean is subtracted.", _ALL,
    ),
    Metric("fills", "fills", "Fills of own quotes; not those of hedges or of the liquidation.", _ALL),
    Metric("spread_capture", "currency", "What these fills gained against the mid at the fill, before fees.", _ALL),
    Metric(
        "hedge_cost", "currency, above 0 a cost",
        "What the fills of hedges gave away against the mid, and their taker fees: what the reward term `hedging_cost` "
        "weighs. Costs and fees of the liquidation are not in it.", _ALL,
    ),
    Metric("hedges", "decisions", "Decisions that sent a hedge because the value at risk was over its limit.",
           (COMPARE, SCENARIOS, BASELINE)),
    Metric("hedge_unfilled_lots", "lots", "Lots of hedges that found no counterpart.", (SCENARIOS, BASELINE)),
    Metric("hedged_lots", "lots", "Lots that hedges traded.", (BASELINE,)),
    Metric("posted_lots", "lots", "Lots that came to rest as own quotes, new quantity only; by venue.", (BASELINE,)),
    Metric("filled_lots", "lots", "Lots of these that were filled; by venue as well.", (BASELINE,)),
    Metric("inventory_mean_lots", "lots", "Mean over steps of the inventory; of a symbol.", (BASELINE,)),
    Metric("inventory_absolute_lots", "lots", "Mean over steps of the absolute inventory, symbols added up.", (BASELINE,)),
    Metric("inventory_end_lots", "lots", "Inventory before the liquidation; of a symbol, first episode.", (BASELINE,)),
    Metric("inventory_end", "currency", "Its value, symbols added up with their signs; in episodes/ only.", (SCENARIOS,)),
)  # fmt: skip
"""Over episodes, a figure of this name is their mean."""

OVER_EPISODES = (
    Metric("profit_sd", "currency", "Standard deviation of the profits.", (SCENARIOS, BASELINE)),
    Metric("sharpe", "", "Mean over standard deviation of the profits; not annualised.", (COMPARE, BASELINE, TRAINING)),
    Metric("cvar", "currency", "Mean of the worst 5 % of the profits.", (COMPARE,)),
    Metric("reward_iqm", "currency", "Interquartile mean of the rewards: of their middle half.", (COMPARE,)),
    Metric("improvement", "share", "Episodes with a better reward than the baseline's, equal ones by half.", (COMPARE,)),
    Metric(
        "correlation", "", "Of the rewards (scenarios: profits) with the baseline's on the same episodes.",
        (COMPARE, SCENARIOS),
    ),
    Metric("profit_pNN", "currency", "Quantile of the profits at NN %.", (SCENARIOS,)),
    Metric("var_NN, es_NN", "currency, above 0 a loss", "Value at risk and expected shortfall of the profits at NN %.",
           (SCENARIOS,)),
    Metric("difference", "currency", "Mean profit less the base scenario's on the same episodes.", (SCENARIOS,)),
    Metric(
        "variance_reduction", "", "Variance of a difference of independent episodes over that of the same episodes.",
        (SCENARIOS,),
    ),
    Metric("fill_ratio", "share", "Sum of the filled lots over sum of the posted lots; by venue as well.", (BASELINE,)),
    Metric(
        "inventory_sd_lots", "lots", "Standard deviation of a symbol's inventory over all steps of all episodes.",
        (BASELINE,),
    ),
    Metric("drawdown_p95", "currency", "Quantile of the drawdowns at 95 %.", (SCENARIOS,)),
    Metric("drawdown_worst", "currency", "Largest drawdown of an episode.", (BASELINE,)),
    Metric(
        "advantage", "currency", "Mean reward less the baseline's on the same episodes: a comparison's `reward_difference`.",
        (TRAINING,),
    ),
)  # fmt: skip


def metrics_page() -> str:
    """The page docs/metrics.md."""
    places = "\n".join(f"- {name}: {text}" for name, text in PLACES.items())
    return f"""# Metrics

A metric has one definition in every command and file; the row of `correlation` says how the commands differ there.
The ledger's terms, of which an attribution consists, are not metrics: its term `hedge_cost` is what the hedges' fills gave
away against the mid, without fees, and below 0 a cost. This page is printed by `python -m mm_env.evaluation.metrics`.

Shown in:

{places}

`NAME_low` and `NAME_high` are the ends of a figure's interval, `NAME_first` is the figure of the first episode,
`NAME_difference` is the mean of NAME less the baseline's on the same episodes.

## Of an episode

Over several episodes, a figure of this name is their mean. In the classic market the figures of risk and hedges are 0.

{_table(OF_AN_EPISODE)}

## Over episodes

{_table(OVER_EPISODES)}
"""


def _table(metrics: tuple[Metric, ...]) -> str:
    rows = [f"| `{one.name}` | {one.unit} | {one.definition} | {', '.join(one.shown)} |" for one in metrics]
    return "\n".join(["| metric | unit | definition | shown in |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
