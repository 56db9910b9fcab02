"""Files of the classic market: presets, defaults, and errors that say where and what is allowed."""

import pytest

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.config.io import config_hash, config_schema, dump_config, load_config, override, preset_names, preset_path
from mm_env.errors import ConfigError


def load(source=None) -> ClassicConfig:
    return load_config(source, ClassicConfig)


def test_presets_load_and_the_default_is_the_market_of_2008():
    assert preset_names(ClassicConfig) == ["as2008", "cj", "hawkes"]
    assert "as2008" not in preset_names() and "calm" not in preset_names(ClassicConfig)
    config = load()
    assert config == load("as2008") == ClassicConfig()
    assert (config.mid.start_price, config.mid.volatility, config.mid.move) == (100.0, 2.0, "lattice")
    assert (config.flow.arrival_rate, config.flow.fill_decay, config.flow.fill_rule) == (140.0, 1.5, "linear")
    assert (config.episode.horizon, config.episode.step, config.episode.steps) == (1.0, 0.005, 200)
    assert (config.policy.name, config.policy.risk_aversion, config.episode.initial_inventory) == ("as", 0.1, 0)
    cj = load("cj")
    assert cj.policy.name == "cj" and cj.cj_penalties == (1.0, 0.1)
    assert load("hawkes").flow.mean_rate == pytest.approx(config.flow.arrival_rate), "the same mean flow, in bursts"


def test_a_file_may_build_on_a_preset(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("base: cj\nreward: {inventory_penalty: 0.5}\n")
    config = load(file)
    assert config.cj_penalties == (0.5, 0.1)
    dump_config(config, tmp_path / "all.yaml")
    assert load(tmp_path / "all.yaml") == config
    assert config_hash(config) != config_hash(load("cj"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"policy": {"risk_avrsion": 1}}, "policy: unknown key 'risk_avrsion'; nearest: 'risk_aversion'"),
        ({"arrival_rate": 1.0}, "unknown key 'arrival_rate'; 'arrival_rate' belongs in section 'flow' or section 'policy'"),
        ({"flow": {"arrival_rate": -1.0}}, "flow.arrival_rate: value -1.0: expected a number from 0 to 1e\\+06"),
        ({"flow": {"hawkes_alpha": 60.0}}, "flow.hawkes_alpha: value 60.0: .*below 1, so that .*; here 1.125"),
        ({"episode": {"step": 0.3}}, "episode.step: value 0.3: expected horizon, 1, divided by a whole number"),
        ({"episode": {"step": 2.0}}, "episode.step: value 2.0: expected horizon"),
        ({"episode": {"initial_inventory": 201}}, "initial_inventory: value 201: expected within inventory_limit, ±200"),
        ({"policy": {"absolute_min_depth": 3.0}}, "absolute_min_depth: value 3.0: expected below absolute_max_depth, 3"),
        ({"policy": {"name": "glft"}, "flow": {"arrival_rate": 0.0}}, "expected a number above 0 for the policy 'glft'"),
        ({"policy": {"name": "sa"}}, "policy.name: value 'sa': expected 'as', 'as_symmetric', 'glft', 'cj' or 'fixed'"),
        ({"mid": {"volatility": "2"}}, "mid.volatility: value '2': expected a number"),
        ("as2007", "as2007: no such file or preset; nearest: 'as2008'$"),
        (3, "a preset, a path, a mapping or a ClassicConfig"),
        (MarketConfig(), "a preset, a path, a mapping or a ClassicConfig"),
    ],
)  # fmt: skip
def test_mistakes_say_where_and_what_is_allowed(source, said):
    with pytest.raises(ConfigError, match=said):
        load(source)


def test_a_preset_of_the_other_market_is_not_found():
    with pytest.raises(ConfigError, match="two_symbols: no such file or preset"):
        load("two_symbols")
    with pytest.raises(ConfigError, match="as2008: no such file or preset"):
        load_config("as2008")
    with pytest.raises(ConfigError, match="as2007: no such preset; nearest: 'as2008'"):
        preset_path("as2007", ClassicConfig)


def test_overrides_and_the_schema():
    config = override(load(), {"policy.risk_aversion": 0.5, "flow.arrivals": "hawkes"})
    assert (config.policy.risk_aversion, config.flow.arrivals) == (0.5, "hawkes")
    assert config.flow.branching_ratio == pytest.approx(0.75)
    with pytest.raises(ConfigError, match="nearest: 'fill_decay'"):
        override(load(), {"flow.fil_decay": 1.0})
    properties = config_schema(ClassicConfig)["properties"]
    assert list(properties) == ["mid", "flow", "policy", "reward", "episode"]


def test_beliefs_are_the_markets_until_they_are_stated():
    config = load()
    assert (config.believed_volatility, config.believed_rate, config.believed_decay) == (2.0, 140.0, 1.5)
    own = override(config, {"policy.volatility": 0.0, "policy.arrival_rate": 5.0, "policy.fill_decay": 2.5})
    assert (own.believed_volatility, own.believed_rate, own.believed_decay) == (0.0, 5.0, 2.5)
    assert own.mid == config.mid and own.flow == config.flow
    penalties = override(config, {"policy.inventory_penalty": 0.0, "reward.inventory_penalty": 2.0})
    assert penalties.cj_penalties == (0.0, 0.0)
