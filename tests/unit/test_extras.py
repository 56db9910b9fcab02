"""Packages that are not installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mm_env import extras
from mm_env.errors import Error, MissingExtraError

DECLARED = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]
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
    assert not extras.installed("stable_baselines3")
    assert extras.installed("pyarrow")


@pytest.mark.parametrize("package", extras.EXTRA_OF)
def test_each_package_is_in_the_extra_that_its_error_names_and_not_in_the_core(package):
    distribution = DISTRIBUTION.get(package, package.replace("_", "-"))
    declared = DECLARED["optional-dependencies"]
    assert distribution in names(declared[extras.EXTRA_OF[package]])
    assert distribution not in names(DECLARED["dependencies"])
    (everything,) = declared["all"]
    assert extras.EXTRA_OF[package] in everything.removeprefix("mm_env[").removesuffix("]").split(",")
