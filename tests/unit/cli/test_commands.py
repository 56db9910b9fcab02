"""The group of commands: its table, its help and what every command has."""

import importlib
import inspect
import resource
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mm_env import __version__
from mm_env.cli.app import app, program, single
from mm_env.cli.commands import COMMANDS
from mm_env.errors import Error, UsageError

ALL = [
    "baseline",
    "train",
    "tune",
    "compare",
    "scenarios",
    "attribute",
    "backtest-var",
    "report",
    "dashboard",
    "record-market",
    "record-news",
    "record-prices",
    "convert",
    "describe",
    "calibrate",
    "realism",
    "export",
    "validate",
    "benchmark",
    "ablate",
    "sentiment-train",
    "sentiment-evaluate",
    "sentiment-value",
    "fit-alpha",
    "stylised-facts",
    "presets",
    "schema",
    "show",
    "check",
    "migrate",
    "compile",
    "clean-cache",
]
PLAYING = [
    "baseline",
    "train",
    "tune",
    "compare",
    "scenarios",
    "attribute",
    "backtest-var",
    "record-market",
    "benchmark",
    "ablate",
    "sentiment-value",
    "fit-alpha",
    "stylised-facts",
]
NO_TABLE = {"report", "dashboard", "schema", "show", "check", "migrate", "compile", "clean-cache", "record-news",
            "sentiment-train"}  # fmt: skip


def help_of(name):
    result = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    return result.stdout


def function_of(name):
    module, _, attribute = COMMANDS[name].target.partition(":")
    return getattr(importlib.import_module(f"mm_env.cli.{module}"), attribute)


def test_the_table_holds_every_command():
    assert sorted(COMMANDS) == sorted(ALL)
    listed = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).stdout
    for name, row in COMMANDS.items():
        assert f"{row.panel}:" in listed
        assert any(line.split()[:1] == [name] and line.strip().endswith(row.help) for line in listed.splitlines()), name


@pytest.mark.parametrize("name", ALL)
def test_a_command_explains_itself(name):
    first, _, rest = inspect.getdoc(function_of(name)).partition("\n")
    assert first == COMMANDS[name].help
    *_, example = rest.strip().splitlines()
    assert example.startswith(f"Example: mm-env {name}")
    printed = help_of(name)
    assert f"Usage: mm-env {name}" in printed or f"Usage: root {name}" in printed
    assert f"Example: mm-env {name}" in printed
    for option in ("--log-level", "--log-file", "--log-config"):
        assert option in printed


@pytest.mark.parametrize("name", ALL)
def test_the_example_of_a_command_has_options_that_it_has(name):
    import shlex

    example = inspect.getdoc(function_of(name)).rpartition("Example: mm-env ")[2]
    words = shlex.split(example.partition(" > ")[0])
    printed = help_of(name)
    for word in words[1:]:
        assert not word.startswith("--") or word in printed, word


@pytest.mark.parametrize("name", PLAYING)
def test_commands_that_play_a_market_take_the_same_options(name):
    printed = help_of(name)
    for option in ("--config PRESET|FILE", "--set KEY=VALUE", "--seed"):
        assert option in printed


@pytest.mark.parametrize("name", sorted(set(ALL) - NO_TABLE))
def test_commands_that_print_a_table_write_it_as_json(name):
    assert "--json FILE" in help_of(name)


def test_shell_completion_and_the_version_are_there():
    printed = CliRunner().invoke(app, ["--help"]).stdout
    assert "--install-completion" in printed
    assert CliRunner().invoke(app, ["--version"]).stdout == f"mm-env {__version__}\n"
    source = subprocess.run(
        [sys.executable, "-m", "mm_env"], capture_output=True, text=True, check=False,
        env={"_MM_ENV_COMPLETE": "complete_bash", "COMP_WORDS": "mm-env rec", "COMP_CWORD": "1"},
    )  # fmt: skip
    assert source.stdout.split() == ["record-market", "record-prices", "record-news"], source.stderr


def test_an_unknown_command_names_the_nearest():
    result = CliRunner().invoke(app, ["basline"])
    assert result.exit_code == 2 and "no such command 'basline'; nearest: 'baseline'" in result.stderr


def test_the_help_takes_half_a_second_of_processor_time_and_imports_no_kernel():
    code = (
        "import sys; from mm_env.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numba', 'pandas', 'pydantic', 'matplotlib', 'rich'} & set(sys.modules)))"
    )
    used = [1.0]
    while min(used) >= 0.5 and len(used) < 6:  # a busy machine makes caches cold, and processor time longer
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.stdout.splitlines()[-1] == "[]"
    assert min(used) < 0.5


@pytest.mark.parametrize("raised, code", [(UsageError("--x 1: expected 2"), 2), (KeyboardInterrupt(), 130)])
def test_a_mistake_is_one_line_and_a_stop_has_its_exit_status(raised, code):
    def main() -> None:
        raise raised

    result = CliRunner().invoke(program("tool", main), [])
    assert result.exit_code == code and result.stderr.count("\n") == 1 and result.stdout == ""


def test_a_bug_of_ours_is_not_hidden():
    def main() -> None:
        raise ZeroDivisionError

    result = CliRunner().invoke(program("tool", main), [])
    assert isinstance(result.exception, ZeroDivisionError) and not isinstance(result.exception, Error)


def test_a_missing_package_names_its_extra_before_anything_runs(monkeypatch):
    from mm_env import extras

    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    result = CliRunner().invoke(single("backtest-var"), [])
    assert result.exit_code == 2 and result.stderr == "matplotlib, scipy are not installed: pip install 'mm_env[data]'\n"


def test_an_import_that_fails_later_names_its_extra_too():
    def main() -> None:
        raise ModuleNotFoundError("No module named 'ccxt.pro'", name="ccxt.pro")

    result = CliRunner().invoke(program("tool", main), [])
    assert result.exit_code == 2 and "pip install 'mm_env[prices]'" in result.stderr


@pytest.mark.parametrize(
    "script, name", [("monte_carlo", "scenarios"), ("convert_data", "convert"), ("tune_baseline", "tune")]
)
def test_scripts_are_the_commands(script, name):
    done = subprocess.run([sys.executable, f"scripts/{script}.py", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: mm-env {name} ")
