"""The sections by name, and how parameters of a command line become theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.errors import UsageError, check_choice, one_of
from mm_env.validation.as2008 import AS2008
from mm_env.validation.checks import Report
from mm_env.validation.cj import CJ
from mm_env.validation.glft import GLFT
from mm_env.validation.hawkes import HawkesCounts
from mm_env.validation.signature import Signature
from mm_env.validation.var import VaR


class ValidationSection(Protocol):
    """Parameters, with those of the publication as defaults, and what is checked at them."""

    def run(self, episodes: int, seed: int) -> Report:
        """Play and compute; raises ValueError for parameters out of range."""
        ...


SECTIONS: dict[str, type[Any]] = {
    "as2008": AS2008,
    "glft": GLFT,
    "cj": CJ,
    "hawkes": HawkesCounts,
    "signature": Signature,
    "var": VaR,
}


def chosen(names: Sequence[str]) -> list[str]:
    """Section names as asked for, separate or in lists with commas; all of them for none.

    Raises `UsageError` for a name that there is not, with the nearest one.
    """
    asked = [name.strip() for text in names for name in text.split(",")]
    for name in asked:
        check_choice("--section", name, SECTIONS)
    return list(dict.fromkeys(asked)) or list(SECTIONS)


def market_parameters(source: str) -> dict[str, Any]:
    """Field -> value of the mid, flow, episode, risk aversion and penalties in a classic market's file or preset.

    What its policy believes of the market is not among them. Raises `ConfigError`, and `UsageError` for Hawkes arrivals.
    """
    config = load_config(source, ClassicConfig)
    mid, flow, episode = config.mid, config.flow, config.episode
    if flow.arrivals != "poisson":
        raise UsageError(f"--config {source}: flow.arrivals {flow.arrivals!r}; expected 'poisson', whose moments are exact")
    phi, alpha = config.cj_penalties
    return {
        "gamma": config.policy.risk_aversion, "sigma": mid.volatility, "k": flow.fill_decay, "A": flow.arrival_rate,
        "T": episode.horizon, "dt": episode.step, "s": mid.start_price, "q0": episode.initial_inventory,
        "limit": episode.inventory_limit, "fill_rule": flow.fill_rule, "move": mid.move, "phi": phi, "alpha": alpha,
    }  # fmt: skip


def sections_with(
    names: Sequence[str],
    changes: Mapping[str, Any],
    options: Mapping[str, str],
    market: Mapping[str, Any] | None = None,
) -> dict[str, ValidationSection]:
    """The named sections, each with those of `changes` (field -> value) that it has.

    options: field -> what the user calls it; market: values under the changes, which not every section need have

    Raises `UsageError` for a parameter that none of them has.
    """
    having = {name: {field.name for field in fields(SECTIONS[name])} for name in names}
    for field in changes:
        if not any(field in known for known in having.values()):
            others = [name for name, kind in SECTIONS.items() if field in {f.name for f in fields(kind)}]
            raise UsageError(
                f"{options[field]} {changes[field]}: no parameter of section {', '.join(names)}; "
                f"expected with {one_of(others)}"
            )
    merged = {**(market or {}), **changes}
    return {
        name: SECTIONS[name](**{field: value for field, value in merged.items() if field in having[name]}) for name in names
    }
