"""Old keys: a file is rewritten and keeps all else, and an error names the new key."""

import os
import re

import pytest
import yaml

from mm_env.config.classic import ClassicConfig
from mm_env.config.io import load_config, override, preset_names, preset_path
from mm_env.config.migrate import RENAMED, migrate_file, migrate_text, renames_of, with_command
from mm_env.config.scenario import ScenarioFile
from mm_env.config.scenarios import expand
from mm_env.errors import ConfigError, UsageError
from mm_env.policies.registry import get_policy

OLD = """# a market of 0.1
base: two_symbols

policy:            # quotes
  as_gamma: 0.09   # risk aversion, as_gamma of the paper
  "as_k": 53.6
  obi_weight: 0.9
  as_horizon: episode
randomize: {policy.as_T: [30, 90], policy.size_skew: [0.5, 1.0]}
"""
NEW = """# a market of 0.1
base: two_symbols

policy:            # quotes
  risk_aversion: 0.09   # risk aversion, as_gamma of the paper
  "fill_decay": 53.6
  obi_weight: 0.9
  horizon_mode: episode
randomize: {policy.horizon_seconds: [30, 90], policy.size_skew: [0.5, 1.0]}
"""


def test_keys_change_and_comments_and_layout_stay():
    text, changes = migrate_text(OLD)
    assert text == NEW
    assert changes == [
        "line 5: as_gamma → risk_aversion",
        "line 6: as_k → fill_decay",
        "line 8: as_horizon → horizon_mode",
        "line 9: policy.as_T → policy.horizon_seconds",
    ]


def test_a_second_time_nothing_changes():
    assert migrate_text(NEW) == (NEW, [])


def test_the_file_is_rewritten_and_loads(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(OLD, encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"unknown key 'as_gamma'; renamed to 'risk_aversion' in 0\.2\.0: run mm-env migrate .*old\.yaml\n"
    ):
        load_config(path)
    assert len(migrate_file(path)) == 4
    config = load_config(path)
    assert (config.policy.risk_aversion, config.policy.fill_decay, config.policy.horizon_mode) == (0.09, 53.6, "episode")
    assert config.randomize["policy.horizon_seconds"] == [30, 90]
    before = path.stat().st_mtime_ns
    assert migrate_file(path) == []
    assert path.stat().st_mtime_ns == before
    assert list(tmp_path.iterdir()) == [path]


def test_every_old_key_has_a_new_one_that_exists():
    fields = type(load_config().policy).model_fields
    assert set(RENAMED["policy"].values()) <= set(fields)
    assert not set(RENAMED["policy"]) & set(fields)
    old = "policy:\n" + "".join(f"  {key}: 1\n" for key in RENAMED["policy"])
    new = "policy:\n" + "".join(f"  {key}: 1\n" for key in RENAMED["policy"].values())
    assert migrate_text(old)[0] == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("stresses: {a: {set: {policy.as_gamma: 0.2}}}\n", "stresses: {a: {set: {policy.risk_aversion: 0.2}}}\n"),
        ("stresses: {a: {set: {policy: {as_k: 9}}}}\n", "stresses: {a: {set: {policy: {fill_decay: 9}}}}\n"),
        ("grid: {x: {low: {multiply: {policy.as_k: 0.5}}}}\n", "grid: {x: {low: {multiply: {policy.fill_decay: 0.5}}}}\n"),
        (
            "stresses: {a: {windows: [{multiply: {policy.as_T: 2}}]}}\n",
            "stresses: {a: {windows: [{multiply: {policy.horizon_seconds: 2}}]}}\n",
        ),
        ("a: &p\n  as_gamma: 1\npolicy: *p\n", "a: &p\n  risk_aversion: 1\npolicy: *p\n"),
        ("policy.as_gamma: 1\r\n", "policy.risk_aversion: 1\r\n"),
        ("policy: {<<: {as_gamma: 0.1}, as_k: 3}\n", "policy: {<<: {risk_aversion: 0.1}, fill_decay: 3}\n"),
        ("d: &d {as_k: 3}\npolicy: {<<: *d, as_k: 4}\n", "d: &d {fill_decay: 3}\npolicy: {<<: *d, fill_decay: 4}\n"),
        ("policy: {<<: [{as_k: 3}, {as_T: 4}]}\n", "policy: {<<: [{fill_decay: 3}, {horizon_seconds: 4}]}\n"),
        ('policy: {"as\\x5fk": 3}\n', 'policy: {"fill_decay": 3}\n'),
        ("policy: {'as_k': 3}\n", "policy: {'fill_decay': 3}\n"),
        ("policy:\n  !!str as_k : 3\n  &a as_T: 4\n", "policy:\n  !!str fill_decay : 3\n  &a horizon_seconds: 4\n"),
        ("policy:\n  ? |-\n    as_k\n  : 3\n", "policy:\n  ? fill_decay\n  : 3\n"),
        ('policy:\n  ? "as_\\\n    k"\n  : 3\n', 'policy:\n  ? "fill_decay"\n  : 3\n'),
    ],
)
def test_dotted_keys_nested_sections_aliases_and_line_ends(old, new):
    assert migrate_text(old)[0] == new
    assert migrate_text(new) == (new, [])
    yaml.safe_load(new)


@pytest.mark.parametrize(
    "text", ["risk: {as_gamma: 1}\n", "as_gamma: 1\n", "news: {tape: policy.as_gamma}\n", "# as_gamma\n", ""]
)
def test_what_is_no_old_key_stays(text):
    assert migrate_text(text) == (text, [])


def test_an_old_key_beside_its_new_one_is_refused(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text("policy: {as_gamma: 1, risk_aversion: 2}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"both\.yaml: line 1: as_gamma: expected one of the two keys.*'risk_aversion'"):
        migrate_file(path)
    assert path.read_text(encoding="utf-8") == "policy: {as_gamma: 1, risk_aversion: 2}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("policy: {<<: {risk_aversion: 1}, as_gamma: 2}\n", "line 1: as_gamma: expected one of the two keys"),
        ("policy:\n  risk_aversion: 1\n  <<: {as_gamma: 2}\n", "line 3: as_gamma: expected one of the two keys"),
        ("policy:\n  as_k: 1\n  as_k: 2\n", "line 3: as_k: expected once"),
        ("note: &k as_k\npolicy: {*k : 2}\n", "line 1: as_k: expected the key written out"),
    ],
)
def test_old_keys_whose_meaning_is_not_certain_are_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        migrate_text(text)


@pytest.mark.parametrize("text", ["as_gamma: 0.1\n", "risk: {as_gamma: 0.1}\n", "randomize: {as_gamma: [0.1, 0.2]}\n"])
def test_an_old_key_outside_its_section_is_not_sent_to_migrate(tmp_path, text):
    path = tmp_path / "old.yaml"
    path.write_text(text)
    with pytest.raises(
        ConfigError, match=r"renamed to 'policy\.risk_aversion' in 0\.2\.0, and belongs in section 'policy'$"
    ):
        load_config(path)


def test_the_command_in_an_error_can_be_pasted(tmp_path):
    path = tmp_path / "my market.yaml"
    path.write_text("policy: {as_gamma: 0.1}\n")
    with pytest.raises(ConfigError, match=rf"run mm-env migrate '{re.escape(str(path))}'$"):
        load_config(path)
    problem = "renamed to 'x' in 0.2.0"
    assert with_command(problem, "x" * 5000) == problem  # longer than any path


def test_aliases_are_visited_once():
    levels = [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 64)]
    text = "".join(["a0: &a0 {policy: {as_k: 1}}\n", *levels])
    assert migrate_text(text)[1] == ["line 1: as_k → fill_decay"]
    levels = [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 64)]
    text = "".join(["a0: &a0 {as_k: 1}\n", *levels, "policy: *a63\n"])
    assert migrate_text(text)[1] == ["line 1: as_k → fill_decay"]
    assert migrate_text("a: &a {policy: {<<: *a, as_k: 1}}\n")[1]


def test_a_byte_order_mark_stays(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_bytes(b"\xef\xbb\xbfpolicy: {as_k: 1}\r\n")
    assert migrate_file(path) == ["line 1: as_k → fill_decay"]
    assert path.read_bytes() == b"\xef\xbb\xbfpolicy: {fill_decay: 1}\r\n"


def test_only_regular_files_that_are_not_too_deep(tmp_path):
    deep = tmp_path / "deep.yaml"
    deep.write_text("[" * 5000 + "]" * 5000)
    with pytest.raises(ConfigError, match=r"deep\.yaml: malformed YAML: nested too deeply"):
        migrate_file(deep)
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(ConfigError, match="expected a regular file"):
            migrate_file(path)


def test_a_classic_file_gets_only_keys_of_the_classic_market(tmp_path):
    path = tmp_path / "old.yaml"
    text = "policy: {as_gamma: 0.1, as_T: 1.0, use_avellaneda: true}\n"
    assert migrate_text(text, renames_of(ClassicConfig))[0] == text.replace("as_gamma", "risk_aversion")
    assert renames_of(type(load_config())) == RENAMED
    path.write_text("policy: {as_gamma: 0.1}\n")
    with pytest.raises(ConfigError, match=rf"run mm-env migrate --classic {re.escape(str(path))}$"):
        load_config(path, ClassicConfig)


@pytest.mark.parametrize(
    ("content", "message"), [(b"policy: {", "malformed YAML"), (b"\xff", "UTF-8"), (None, "cannot be read")]
)
def test_what_cannot_be_read_is_an_error_with_the_file(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"bad.yaml: .*{message}"):
        migrate_file(path)


def test_errors_name_the_new_key_wherever_an_old_one_stands():
    hint = re.escape("renamed to 'risk_aversion' in 0.2.0") + "$"  # no command, as there is no file to rewrite
    top = (
        re.escape("unknown key 'as_gamma'; renamed to 'policy.risk_aversion' in 0.2.0, and belongs in section 'policy'")
        + "$"
    )
    with pytest.raises(ConfigError, match=f"policy.as_gamma: value 1: unknown key 'as_gamma' in 'policy'; {hint}"):
        override(load_config(), {"policy.as_gamma": 1})
    with pytest.raises(ConfigError, match=top):
        override(load_config(), {"as_gamma": 1})
    with pytest.raises(ConfigError, match=top):
        load_config({"as_gamma": 1})
    with pytest.raises(ConfigError, match=hint):
        load_config({"randomize": {"policy.as_gamma": [0.1, 0.2]}})
    with pytest.raises(ConfigError, match=hint):
        expand(load_config({"stresses": {"a": {"set": {"policy.as_gamma": 1.0}}}}, ScenarioFile), load_config())
    with pytest.raises(UsageError, match=hint):
        get_policy("as:as_gamma=1")
    for content in ({"policy": {"as_T": 1.0}}, {"as_T": 1.0}):  # a name that is not the classic market's
        with pytest.raises(ConfigError) as found:
            load_config(content, ClassicConfig)
        assert "renamed" not in str(found.value)
        with pytest.raises(ConfigError) as found:
            override(load_config(None, ClassicConfig), content)
        assert "renamed" not in str(found.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("randomize: {policy.as_gamma: [0.1, 0.2]}\n", load_config),
        (
            "stresses: {a: {set: {policy.as_gamma: 1.0}}}\n",
            lambda path: expand(load_config(path, ScenarioFile), load_config(), str(path)),
        ),
        ("policy: {as_gamma: 1.0}\n", lambda path: get_policy(f"as:{path}")),
    ],
)
def test_an_error_of_a_file_with_an_old_key_has_the_command_that_rewrites_it(tmp_path, text, read):
    path = tmp_path / "old.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"in 0\.2\.0: run mm-env migrate {re.escape(str(path))}$"):
        read(path)


def test_no_preset_holds_an_old_key():
    for model in (type(load_config()), ClassicConfig, ScenarioFile):
        for name in preset_names(model):
            assert migrate_text(preset_path(name, model).read_text(encoding="utf-8"))[1] == []
