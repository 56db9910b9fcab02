"""Dumping, overriding and hashing markets, and their JSON schema."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mm_env.config import MarketConfig
from mm_env.config.io import config_hash, config_schema, dump_config, load_config, override, preset_names, resolved_yaml
from mm_env.config.yaml_reader import parse_yaml
from mm_env.errors import ConfigError

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=32).filter(
    lambda name: name.isprintable() and name == name.strip()
)


class TestDump:
    @pytest.mark.parametrize("name", preset_names())
    def test_presets_round_trip(self, name, tmp_path):
        dump_config(load_config(name), tmp_path / "x.yaml")
        assert load_config(tmp_path / "x.yaml") == load_config(name)

    @given(
        names=st.lists(names, min_size=1, max_size=4, unique=True),
        gamma=st.floats(1e-9, 1e4),
        mu=st.floats(0.0, 1e6),
        steps=st.integers(1, 10_000_000),
        scorer=names,
    )
    def test_values_round_trip_exactly(self, tmp_path_factory, names, gamma, mu, steps, scorer):
        config = load_config(
            {
                "symbols": names,
                "venues": [{"name": name} for name in names],
                "regimes": [{"name": name, "transitions": {names[0]: 1.0} if name != names[0] else {}} for name in names],
                "policy": {"risk_aversion": gamma},
                "flow": {"hawkes_mu": [mu] * (2 * len(names))},
                "episode": {"steps": steps, "initial_regime": names[-1]},
                "news": {"scorer": scorer},
                "randomize": {f"symbols.{name}.activity": [0.1 + 1 / 3, 2.0] for name in names},
            }
        )
        path = tmp_path_factory.getbasetemp() / "round_trip.yaml"
        dump_config(config, path)
        assert load_config(path) == config
        assert config_hash(load_config(path)) == config_hash(config)

    @pytest.mark.parametrize("name", ["1e-4", "NO", "010", "089", "1_0", "~", "<<", "null", "2024-01-02", "- a", "#", "'"])
    def test_text_is_quoted_where_a_reader_would_take_it_for_something_else(self, name):
        text = resolved_yaml(load_config({"symbols": [name]}))
        assert parse_yaml(text)["symbols"][0]["name"] == name
        # PyYAML reads YAML 1.1, other readers 1.2.
        assert yaml.safe_load(text)["symbols"][0]["name"] == name

    def test_holds_every_key_one_a_line(self, tmp_path):
        dump_config(load_config("five_symbols"), tmp_path / "x.yaml")
        lines = (tmp_path / "x.yaml").read_text(encoding="utf-8").splitlines()
        assert f"  risk_aversion: {MarketConfig().policy.risk_aversion}" in lines
        assert "- [1.0, 0.6, 0.55, 0.25, 0.2]" in lines
        assert yaml.safe_load("\n".join(lines)) == load_config("five_symbols").model_dump()

    def test_is_whole_or_not_there(self, tmp_path, monkeypatch):
        path = tmp_path / "x.yaml"
        dump_config(MarketConfig(), path)
        before = path.read_bytes()

        def fail(self, target):
            assert Path(self).parent == tmp_path
            raise OSError("disk gone")

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="disk gone"):
            dump_config(load_config("crisis"), path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


class TestOverride:
    def test_changes_the_keys_and_no_other(self):
        config = override(
            load_config("crisis"),
            {
                "policy.risk_aversion": np.float64(0.1),
                "venues.ALPHA.latency_ms": 3,
                "venues.1.name": "SIGMA",
                "flow.hawkes_alpha.0": 0.01,
                "regimes.panic.transitions.relief": 0.5,
                "risk": {"es_window": 64},
                "randomize.policy.fill_decay": [1, 2],
            },
        )
        raw = load_config("crisis").model_dump()
        raw["policy"]["risk_aversion"] = 0.1
        raw["venues"][0]["latency_ms"] = 3.0
        raw["venues"][1]["name"] = "SIGMA"
        raw["flow"]["hawkes_alpha"][0] = 0.01
        raw["regimes"][1]["transitions"]["relief"] = 0.5
        raw["risk"]["es_window"] = 64
        raw["randomize"]["policy.fill_decay"] = [1.0, 2.0]
        assert config.model_dump() == raw

    def test_leaves_the_original_alone(self):
        config = MarketConfig()
        override(config, {"flow.hawkes_alpha.0": 0.01, "symbols": ["A"]})
        assert config == MarketConfig()

    def test_replaces_lists_and_empties_free_mappings(self):
        crisis = load_config("crisis")
        assert [symbol.name for symbol in override(crisis, {"symbols": ["A", "B"]}).symbols] == ["A", "B"]
        assert override(crisis, {"regimes.panic.transitions": {}}).regimes[1].transitions == {}

    @pytest.mark.parametrize(
        "changes, expected",
        [
            (
                {"policy.risk_aversoin": 1},
                "override: policy.risk_aversoin: value 1: unknown key 'risk_aversoin' in 'policy'; nearest: ",
            ),
            (
                {"venues.ALPA.latency_ms": 1},
                "override: venues.ALPA.latency_ms: value 1: no entry 'ALPA' in 'venues'; nearest",
            ),
            (
                {"policy.risk_aversion": -1},
                "override: policy.risk_aversion: value -1: expected a number from 1e-09 to 10000",
            ),
            ({"policy.risk_aversion": "1"}, "override: policy.risk_aversion: value '1': expected a number from"),
            ({"risk": {"es_widow": 1}}, "override: risk: unknown key 'es_widow'; nearest: 'es_window'"),
            (
                {"symbols": ["A"], "symbols.XYZ.activity": 2},
                "override: symbols.XYZ.activity: value 2: symbols changes it too",
            ),
            (
                {"symbols.0.activity": 1, "symbols.XYZ.activity": 2},
                "override: symbols.XYZ.activity: value 2: symbols.0.activity ch",
            ),
        ],
    )
    def test_refuses_with_the_same_errors(self, changes, expected):
        with pytest.raises(ConfigError) as caught:
            override(MarketConfig(), changes)
        assert str(caught.value).startswith(expected)


class TestSchemaAndHash:
    def test_the_schema_holds_ranges_defaults_and_units(self):
        schema = json.loads(json.dumps(config_schema()))
        gamma = schema["$defs"]["Policy"]["properties"]["risk_aversion"]
        assert gamma["minimum"] == 1e-9
        assert gamma["default"] == MarketConfig().policy.risk_aversion
        assert "[1/currency" in gamma["description"]
        assert schema["additionalProperties"] is False
        assert {"type": "string"} in schema["properties"]["symbols"]["items"]["anyOf"]

    def test_the_hash_tells_markets_apart_and_not_their_spelling(self):
        assert config_hash(load_config({"flow": {"hawkes_mu": 0.2}, "correlation": 0.5})) == config_hash(MarketConfig())
        assert config_hash(load_config({"episode": {"burn_in_seconds": 20}})) == config_hash(MarketConfig())
        hashes = {config_hash(load_config(name)) for name in preset_names()}
        assert len(hashes) == len(preset_names())
        assert all(len(found) == 12 and int(found, 16) >= 0 for found in hashes)
