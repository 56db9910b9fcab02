"""The command of the ablation refuses at once what it could not write or say in the end."""

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.evaluation import ablation

APP = single("ablate")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--log-level", "inof", "--log-level 'inof': expected one of 'debug', 'info', 'warning', 'error'; nearest: 'info'"),
        ("--json", ".", "--json .: cannot be a file; expected a file, new or old, in a folder"),
        ("--config", "crisi", "crisi: no such file or preset; nearest: 'crisis'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_played(monkeypatch, option, value, said):
    monkeypatch.setattr(ablation, "ablate", lambda *_: pytest.fail("played"))
    result = CliRunner().invoke(APP, [option, value, "--episodes", "2", "--frontier-episodes", "0"])
    assert result.exit_code == 2 and said in result.stderr
