"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from mm_env.cli.app import app, program, single
from mm_env.cli.commands import COMMANDS
from mm_env.cli.options import POLICY_FORMS, Json, Out, check_targets
from mm_env.errors import UsageError
from mm_env.policies.registry import POLICY_NAMES


def test_the_help_of_policy_names_every_policy_of_the_registry():
    names = [form.partition(":")[0] for form in POLICY_FORMS.partition(";")[0].split(", ")]
    assert names == list(POLICY_NAMES)


def test_policy_is_the_name_of_a_policy_in_every_command_that_has_it_and_agent_a_file_of_hyperparameters():
    options = {
        name: {option: parameter for parameter in typer.main.get_command(single(name)).params for option in parameter.opts}
        for name in COMMANDS
    }
    assert [name for name, found in options.items() if "--agent" in found] == ["train"]
    assert "--policy" not in options["train"] and "--policy-file" in options["train"]
    named = {name for name, found in options.items() if "--policy" in found}
    assert {"baseline", "scenarios", "attribute", "backtest-var", "tune"} <= named
    for name in named - {"tune"}:  # which has a table of its own
        assert POLICY_FORMS in options[name]["--policy"].help, name


def test_an_option_of_another_command_is_refused_with_the_nearest():
    result = CliRunner().invoke(app, ["train", "--policy", "none"])
    assert result.exit_code == 2 and "--policy-file" in result.stderr


@pytest.mark.parametrize(
    "name, said",
    [
        ("MISSING/x", "Not a directory|cannot be a file"),
        ("x" * 256, "cannot write there: File name too long"),
        ("x" * 300 + "/y", "cannot write there: File name too long"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_run(name, said, tmp_path):
    (tmp_path / "MISSING").write_text("a file, no folder")
    with pytest.raises(UsageError, match=f"--json .*: {said}"):
        check_targets(json=tmp_path / name)
    check_targets(json=tmp_path / ("x" * 250))
    assert [path.name for path in tmp_path.iterdir()] == ["MISSING"]


def show(
    data: Annotated[list[Path] | None, typer.Argument()] = None, out: Out = Path("runs"), json_file: Json = None
) -> None:
    typer.echo(f"{[str(path) for path in data or []]} {out} {json_file}")


def run(*arguments):
    return CliRunner().invoke(program("show", show), list(arguments))


def test_the_home_folder_is_expanded_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = run("~/a", "b", "--out", "~/o", "--json=~/j", "--log-file", "~/logs/x")
    assert result.stdout == f"['{tmp_path}/a', 'b'] {tmp_path}/o {tmp_path}/j\n"
    assert (tmp_path / "logs" / "x").is_file() and not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--out", ""], "--out '': expected a path"),
        (["--out="], "--out '': expected a path"),
        (["--log-file", ""], "--log-file '': expected a path"),
        (["a", ""], "data '': expected a path"),
        (["--out", "x" * 300], f"--out {'x' * 300}: File name too long"),
        (["--out", "~nosuchuser/x"], "--out ~nosuchuser/x: Could not determine home directory."),
    ],
)
def test_an_empty_path_an_unknown_home_and_a_long_name_are_refused(arguments, said):
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (2, f"{said}\n")


def test_the_current_folder_may_be_named():
    assert run("--out", ".").stdout == "[] . None\n"
