"""The form: a field for every parameter, and only what was changed comes out of it."""

import pytest

from mm_env.config.io import load_config, override, preset_names
from mm_env.config.yaml_reader import parse_yaml
from mm_env.dashboard import form
from mm_env.dashboard.form import changes_of, groups_of, overrides_of
from mm_env.errors import ConfigError

CONFIG = load_config()
FIELDS = [field for group in groups_of(CONFIG) for field in group.fields]
BY_KEY = {field.key: field for field in FIELDS}
VALUES = {field.key: field.value for field in FIELDS}


def leaves(raw, path=""):
    """Dotted keys of all parameters, lists of sections by name."""
    for key, value in raw.items():
        if isinstance(value, dict) and value and key not in ("transitions", "randomize", "files"):
            yield from leaves(value, f"{path}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                yield from leaves(entry, f"{path}{key}.{entry['name']}.")
        else:
            yield f"{path}{key}"


@pytest.mark.parametrize("preset", preset_names())
def test_every_parameter_has_a_field_that_holds_its_value(preset):
    config = load_config(preset)
    fields = [field for group in groups_of(config) for field in group.fields]
    assert sorted(field.key for field in fields) == sorted(leaves(config.model_dump()))
    unchanged = {field.key: parse_yaml(field.value) if field.kind == "yaml" else field.value for field in fields}
    assert override(config, unchanged) == config


def replayed(**replay):
    """A market of one book that replays a file; the file is read only when the market is built."""
    config = load_config("one_symbol")
    files = {symbol.name: {venue.name: "day.parquet" for venue in config.venues} for symbol in config.symbols}
    return override(config, {"news.source": "none", "replay": {"files": files, **replay}})


def test_a_replayed_market_has_a_group_of_its_replay():
    config = replayed(start_seconds=60.0)
    groups = groups_of(config)
    (group,) = (group for group in groups if group.title == "replay")
    by_name = {field.key: field for field in group.fields}
    assert by_name["replay.start_seconds"].value == 60.0 and by_name["replay.impact"].value is False
    assert parse_yaml(by_name["replay.files"].value) == config.replay.files
    fields = [field for group in groups for field in group.fields]
    assert sorted(field.key for field in fields) == sorted(leaves(config.model_dump()))
    values = {field.key: field.value for field in fields} | {"replay.start_seconds": 90.0}
    assert changes_of(fields, values) == {"replay.start_seconds": 90.0}
    assert override(config, {"replay.start_seconds": 90.0}).replay.start_seconds == 90.0


def test_every_section_of_a_market_has_a_place():
    sections = {group.title.partition(" ")[0] for config in (CONFIG, replayed()) for group in groups_of(config)}
    assert sections - {"other"} <= set(form._ORDER)


def test_fields_say_what_the_schema_says():
    gamma, limit, half_life = (
        BY_KEY[key] for key in ("policy.risk_aversion", "risk.portfolio_var_limit", "policy.sentiment_half_life_seconds")
    )
    assert (gamma.kind, gamma.value, gamma.low, gamma.high) == ("number", 0.035, 1e-9, 1e4)
    assert "risk aversion" in gamma.help and "default 0.035" in gamma.help and "`policy.risk_aversion`" in gamma.help
    assert limit.label == "portfolio var limit [currency]" and half_life.label == "sentiment half life [s]"
    assert BY_KEY["policy.router"].choices == ("learning", "random")
    assert BY_KEY["news.tape"].optional and not BY_KEY["news.scorer"].optional
    assert BY_KEY["news.tape_seconds_per_second"].label == "tape seconds per second"
    assert BY_KEY["episode.steps"].increment == 1 and gamma.increment == pytest.approx(0.01)


def test_only_what_was_changed_comes_out():
    assert changes_of(FIELDS, VALUES) == {}
    changed = VALUES | {
        "policy.risk_aversion": 0.1, "venues.ALPHA.latency_ms": 3.0, "policy.use_avellaneda_stoikov": False, "news.tape": "",
        "flow.hawkes_mu": "[0.1, 0.2, 0.3, 0.4]", "episode.initial_regime": "calm", "flow.makers.queue_reaction": 1.0,
    }  # fmt: skip
    found = changes_of(FIELDS, changed)
    assert found == {
        "policy.risk_aversion": 0.1, "venues.ALPHA.latency_ms": 3.0, "policy.use_avellaneda_stoikov": False,
        "flow.hawkes_mu": [0.1, 0.2, 0.3, 0.4], "episode.initial_regime": "calm", "flow.makers.queue_reaction": 1.0,
    }  # fmt: skip
    config = override(CONFIG, found)
    assert config.venues[0].latency_ms == 3.0 and config.flow.makers.queue_reaction == 1.0


@pytest.mark.parametrize(
    "key, value, told",
    [
        ("policy.risk_aversion", None, r"policy\.risk_aversion: empty; expected a value from 1e-09 to 10000"),
        ("flow.hawkes_mu", "[0.1,", r"flow\.hawkes_mu: malformed YAML"),
        ("replay", "{a: 1, a: 2}", "replay: malformed YAML: key 'a' stands twice"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_key(key, value, told):
    with pytest.raises(ConfigError, match=told):
        changes_of(FIELDS, VALUES | {key: value})


def test_an_optional_number_may_be_emptied():
    config = load_config({"news": {"tape_seconds_per_second": 2.0}})
    fields = [field for group in groups_of(config) for field in group.fields]
    values = {field.key: field.value for field in fields} | {"news.tape_seconds_per_second": None}
    assert changes_of(fields, values) == {"news.tape_seconds_per_second": None}


def test_overrides_are_taken_key_by_key_so_that_they_join_those_of_the_form():
    text = "policy: {risk_aversion: 0.1}\nflow: {makers: {queue_reaction: 2.0}}\nvenues.BETA.latency_ms: 1.0\nrandomize: {}"
    found = overrides_of(text)
    assert found == {
        "policy.risk_aversion": 0.1, "flow.makers.queue_reaction": 2.0, "venues.BETA.latency_ms": 1.0, "randomize": {},
    }  # fmt: skip
    assert override(CONFIG, {"policy.fill_decay": 50.0} | found).policy.risk_aversion == 0.1
    assert overrides_of(" \n") == {}


@pytest.mark.parametrize("text, told", [("- 1", "a mapping"), ("1: 2", "a mapping"), ("a: [", "malformed YAML")])
def test_overrides_that_are_none_are_refused(text, told):
    with pytest.raises(ConfigError, match=f"YAML overrides.*{told}"):
        overrides_of(text)
