"""From the configuration to params: one name from the file to the kernel, and what is derived."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.config.errors import config_schema
from mm_env.config.io import override
from mm_env.market.params import make_params
from mm_env.sim.classic.state import PARAM_FIELDS
from mm_env.sim.params import FIELDS, params_dtype
from mm_env.sim.state import EXPONENTIALS, capacity_for

UNIT = re.compile(r"_(bps_per_sqrt_second|per_sqrt_second|per_second|per_hour|seconds|ticks|bps|ms)$")
PREFIX = re.compile(r"^(regime|news|symbol|policy)_")


def keys(model: type[BaseModel]) -> set[str]:
    """Every key that a file of that model may hold."""
    schema: dict[str, Any] = config_schema(model)
    sections = [schema, *schema["$defs"].values()]
    return {key for section in sections for key in section.get("properties", {})}


@pytest.mark.parametrize(("model", "fields"), [(MarketConfig, FIELDS), (ClassicConfig, PARAM_FIELDS)])
def test_a_field_has_the_name_of_its_key_or_says_what_it_is_from(model: type[BaseModel], fields: tuple) -> None:
    known = keys(model)
    bare = known | {UNIT.sub("", key) for key in known}
    nameless = []
    for name, _, _, meaning in fields:
        forms = {name, UNIT.sub("", name), PREFIX.sub("", name), UNIT.sub("", PREFIX.sub("", name))}
        derived = re.search(r"\bfrom \S|number in use|\bprepare`|^\[s\] last$", meaning)
        if not forms & bare and not derived:
            nameless.append(name)
    assert nameless == []


def test_every_field_that_has_a_value_by_default_is_written() -> None:
    config = MarketConfig()
    p = make_params(config)
    assert p.dtype == params_dtype(capacity_for(len(config.symbols), len(config.venues)))
    policy, risk, venue = config.policy, config.risk, config.venues[2]
    assert (p["risk_aversion"], p["fill_decay"], p["arrival_rate"]) == (
        policy.risk_aversion,
        policy.fill_decay,
        policy.arrival_rate,
    )
    assert (p["inventory_penalty"], p["terminal_penalty"]) == (policy.inventory_penalty, policy.terminal_penalty)
    assert (p["horizon_seconds"], p["rolling_horizon"]) == (policy.horizon_seconds, 1)
    assert (p["portfolio_var_limit"], p["hedge_limit_ticks"]) == (risk.portfolio_var_limit, risk.hedge_limit_ticks)
    assert p["latency_seconds"][2] == pytest.approx(venue.latency_ms * 1e-3)
    assert p["min_tick_ticks"][0] == 1 and p["max_tick_ticks"][0] == 4


def test_poisson_takers_have_the_mean_rate_of_the_hawkes_process() -> None:
    config = MarketConfig()
    n = len(config.symbols)
    norm = (config.flow.hawkes_matrices(n) / config.flow.hawkes_decays()[:, None, None]).sum(axis=0)
    mean = np.linalg.solve(np.eye(2 * n) - norm, config.flow.hawkes_baseline(n))
    plain = make_params(override(config, {"flow.use_hawkes": False}))
    assert plain["hawkes_mu"][: 2 * n] == pytest.approx(mean)
    assert plain["hawkes_alpha"].sum() == 0.0
    assert plain["exponentials"] == 1  # the row of the news


def test_params_have_room_for_as_many_exponentials_as_a_file_may_hold():
    most = next(
        part["maxItems"]
        for part in config_schema()["$defs"]["Flow"]["properties"]["hawkes_beta"]["anyOf"]
        if "maxItems" in part
    )
    assert most + 1 == EXPONENTIALS  # the last one is of news
    flow = {"flow.hawkes_alpha": [0.01] * most, "flow.hawkes_beta": [1.0, 2.0, 4.0, 8.0]}
    assert make_params(override(MarketConfig(), flow))["exponentials"] == EXPONENTIALS
