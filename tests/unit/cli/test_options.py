"""Options that several commands share."""

import typer
from typer.testing import CliRunner

from mm_env.cli.app import app, single
from mm_env.cli.commands import COMMANDS
from mm_env.cli.options import POLICY_FORMS
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
