"""Tables and file of the fitted weights of the default policy's alpha."""

from __future__ import annotations

from typing import Any

from mm_env.config import MarketConfig
from mm_env.config.yaml_reader import format_yaml
from mm_env.evaluation.alpha import Blend, Forecast
from mm_env.reports.tables import text_table

PARAMETERS = ("alpha_weight", "obi_weight", "alpha_smooth", "sentiment_half_life_seconds")


def weights_table(blend: Blend, market: MarketConfig) -> str:
    """The fitted parameters beside the market's own."""
    rows = []
    for name in PARAMETERS:
        error = getattr(blend, f"{name}_error", None)
        rows.append(
            [
                name,
                f"{getattr(blend, name):.4g}",
                "" if error is None else f"{error:.2g}",
                f"{getattr(market.policy, name):.4g}",
            ]
        )
    return text_table(["parameter", "fitted", "standard error", "the market's own"], rows)


def horizons_table(predicted: list[Forecast]) -> str:
    """How well predictions hold at each horizon, with 95 % intervals."""
    return text_table(
        ["horizon", "R²", "realised for 1 bps predicted", "bps at sentiment 1", "bps at imbalance 1"],
        [
            [
                f"{one.horizon_seconds:g} s",
                f"{100 * one.r_squared:.2f} %",
                f"{one.slope:.2f} ± {one.slope_95:.2f}",
                f"{one.alpha_weight:.2f} ± {one.alpha_weight_95:.2f}",
                f"{one.obi_weight:.2f} ± {one.obi_weight_95:.2f}",
            ]
            for one in predicted
        ],
    )


def alpha_yaml(blend: Blend, about: dict[str, Any]) -> str:
    """The fitted parameters as a file that the policy name as:FILE reads, with where they come from."""
    lines = [
        f"# alpha of market {about['config_hash']} (headlines scored by {about['scorer']}), by regression:",
        f"#   {about['command']}",
        f"# moves of {blend.horizon_seconds:g} s in {about['episodes']} training episodes of seed {about['seed']};",
        f"# standard errors of the weights {blend.alpha_weight_error:.2g} and {blend.obi_weight_error:.2g}.",
    ]
    values = {name: float(f"{getattr(blend, name):.4g}") for name in PARAMETERS}
    return "\n".join(lines) + "\n" + format_yaml({"policy": values})
