"""The console command `mm-env`: what it prints, and how it refuses."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from mm_env.cli.app import app
from mm_env.config import ClassicConfig
from mm_env.config.io import config_hash, config_schema, load_config, preset_names


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_presets_lists_each_with_its_first_comment():
    result = run("presets")
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert result.exit_code == 0
    assert list(lines) == preset_names()
    assert lines["one_symbol"].startswith("One symbol on one venue: ")


def test_schema_is_the_schema():
    assert json.loads(run("schema").stdout) == config_schema()


def test_show_prints_what_loads_to_the_same_market(tmp_path):
    (tmp_path / "x.yaml").write_text(run("show", "crisis").stdout, encoding="utf-8")
    assert load_config(tmp_path / "x.yaml") == load_config("crisis")
    assert yaml.safe_load(run("show", str(tmp_path / "x.yaml")).stdout)["correlation"] == 0.85


def test_check_says_valid_with_the_shape_and_the_hash():
    result = run("check", "five_symbols")
    assert result.exit_code == 0
    digest = config_hash(load_config("five_symbols"))
    assert result.stdout == f"five_symbols: valid (symbols 5, venues 10, regimes 2, hash {digest})\n"


def test_the_classic_market_has_its_own_presets_and_schema(tmp_path):
    lines = dict(line.split(maxsplit=1) for line in run("presets", "--classic").stdout.splitlines())
    assert list(lines) == preset_names(ClassicConfig) and lines["as2008"].startswith("Avellaneda & Stoikov 2008")
    assert json.loads(run("schema", "--classic").stdout) == config_schema(ClassicConfig)
    (tmp_path / "x.yaml").write_text(run("show", "--classic", "cj").stdout, encoding="utf-8")
    config = load_config("cj", ClassicConfig)
    assert load_config(tmp_path / "x.yaml", ClassicConfig) == config
    expected = f"cj: valid (policy cj, steps 200, hash {config_hash(config)})\n"
    assert run("check", "cj", "--classic").stdout == expected
    assert run("check", "cj").exit_code == 2


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize(
    "text, expected",
    [
        ("policy: {risk_aversoin: 1}\n", "policy: unknown key 'risk_aversoin'; nearest: 'risk_aversion'"),
        ("policy: [\n", "line 2, column 1: malformed YAML: "),
        (None, "no such file or preset; "),
    ],
)
def test_a_mistake_is_one_message_on_stderr_and_exit_status_2(tmp_path, command, text, expected):
    path = tmp_path / "x.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    result = run(command, str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{path}: {expected}")
    assert result.stderr.count("\n") == 1
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("arguments", [["check"], ["nonsense"], []])
def test_a_wrong_command_line_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["presets", "schema", "show", "check"])
def test_help_holds_an_example(command):
    assert f"Example: mm-env {command}" in run(command, "--help").stdout


def test_check_reads_the_tape_as_a_run_would(tmp_path):
    (tmp_path / "x.yaml").write_text("news: {source: tape, tape: none.csv}\n", encoding="utf-8")
    result = run("check", str(tmp_path / "x.yaml"))
    assert result.exit_code == 2 and "none.csv: cannot read the headlines" in result.stderr


def test_check_refuses_a_scorer_that_is_not_known(tmp_path):
    (tmp_path / "x.yaml").write_text("news: {scorer: vadr}\n", encoding="utf-8")
    result = run("check", str(tmp_path / "x.yaml"))
    assert result.exit_code == 2 and "news.scorer: unknown scorer 'vadr'" in result.stderr
