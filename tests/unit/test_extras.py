"""Packages that are not installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mm_env import extras
from mm_env.cli.commands import COMMANDS
from mm_env.errors import Error, MissingExtraError

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTION = {"sklearn": "scikit-learn"}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}


def test_the_error_names_the_package_and_the_extra(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "stable_baselines3" else object())
    extras.require("pyarrow", "torch")
    with pytest.raises(MissingExtraError, match=r"^stable-baselines3 is not installed: pip install 'mm_env\[rl\]'$"):
        extras.require("torch", "stable_baselines3")
    with pytest.raises(Error, match=r"'mm_env\[report\]'"):
        extras.require("stable_baselines3", extra="report")
    with pytest.raises(Error, match=r"'mm_env\[sentiment,transformer\]'"):
        extras.require("stable_baselines3", extra="sentiment,transformer")
    assert not extras.installed("stable_baselines3")
    assert extras.installed("pyarrow")


def test_one_error_names_all_that_is_missing(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: object() if name == "torch" else None)
    with pytest.raises(
        MissingExtraError, match=r"^scipy, ccxt, sklearn are not installed: pip install 'mm_env\[data,prices\]'$"
    ):
        extras.require("scipy", "torch", "ccxt", "sklearn")


def brought(extra: str) -> set[str]:
    """Distributions of an extra, with those of the extras that it names."""
    found = set()
    for requirement in DECLARED["optional-dependencies"][extra]:
        inner = re.fullmatch(r"mm_env\[(.*)\]", requirement)
        found |= set().union(*map(brought, inner[1].split(","))) if inner else names([requirement])
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_one_extra_brings_all_that_a_command_needs_and_the_readme_explains_it(command):
    row = COMMANDS[command]
    assert (row.extra is None) == (row.packages == ())
    if row.extra is not None:
        assert {DISTRIBUTION.get(name, name.replace("_", "-")) for name in row.packages} <= brought(row.extra)
        table = [line for line in README.splitlines() if line.startswith("| `")]
        assert any(f"`{row.extra}`" in line.split("|")[1] for line in table)


@pytest.mark.parametrize("package", extras.EXTRA_OF)
def test_each_package_is_in_the_extra_that_its_error_names_and_not_in_the_core(package):
    distribution = DISTRIBUTION.get(package, package.replace("_", "-"))
    declared = DECLARED["optional-dependencies"]
    assert distribution in names(declared[extras.EXTRA_OF[package]])
    assert distribution not in names(DECLARED["dependencies"])
    (everything,) = declared["all"]
    assert extras.EXTRA_OF[package] in everything.removeprefix("mm_env[").removesuffix("]").split(",")
