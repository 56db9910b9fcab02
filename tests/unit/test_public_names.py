"""What `import mm_env` gives: a few public names, imported when they are asked for, and a help that is true."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

import mm_env


@pytest.mark.parametrize("name", mm_env.__all__)
def test_every_public_name_is_there(name):
    assert getattr(mm_env, name) is not None
    assert name in dir(mm_env)


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="module 'mm_env' has no attribute 'nothing'"):
        _ = mm_env.nothing
    assert mm_env.__version__ == "0.2.0"


def test_importing_the_package_brings_nothing_heavy():
    heavy = ("numba", "pydantic", "pandas", "scipy", "torch", "matplotlib")
    code = f"import sys, mm_env; sys.exit(', '.join(set({heavy}) & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_of_the_help_runs(capsys):
    text = str(mm_env.__doc__)
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ") or not line]
    example = "\n".join(lines).strip().replace('"two_symbols"', '{"episode": {"steps": 3}}')
    assert example.startswith("import gymnasium") and "gymnasium.make(" in example
    exec(compile(example, "help", "exec"), {})
    assert math.isfinite(float(capsys.readouterr().out))


def test_the_help_names_every_environment_and_every_room():
    text = str(mm_env.__doc__)
    rooms = [entry.name for entry in Path(mm_env.__path__[0]).iterdir() if (entry / "__init__.py").exists()]
    assert [room for room in rooms if room not in text] == []
    assert "mm_env/MultiVenue-v0" in text and "mm_env/Classic-v0" in text
