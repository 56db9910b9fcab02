"""A policy of this package with parameters from a file, such as those that were tuned for a market."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mm_env.config.io import override
from mm_env.config.yaml_reader import parse_yaml
from mm_env.errors import ConfigError
from mm_env.policies.base import HEDGING, Config, Policy


class PolicyFromFile:
    """A policy whose parameters stand in a YAML file: a section `policy`, and of `risk` what concerns hedging."""

    def __init__(self, policy: Policy, path: str | Path) -> None:
        """Read the file; raises `ConfigError` for one that cannot be read or says what is not the policy's own."""
        self.policy, self.path = policy, Path(path)
        self.changes = read_parameters(self.path)

    @property
    def name(self) -> str:
        """The spelling that `get_policy` knows it by."""
        return f"{self.policy.name}:{self.path}"

    def configure(self, config: Config) -> Config:
        """The market with the file's parameters, the policy at home in it; raises `ConfigError` for values not allowed."""
        return self.policy.configure(override(config, self.changes))

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step of `env`, whose market is one that `configure` gave."""
        return self.policy.act(env)


def read_parameters(path: Path) -> dict[str, Any]:
    """Dotted key -> value of a file of policy parameters; raises `ConfigError`."""
    content = read_yaml(path)
    if not isinstance(content, Mapping) or not all(isinstance(part, Mapping) for part in content.values()):
        raise ConfigError(f"{path}: expected the sections policy and risk, each a mapping")
    changes = {f"{section}.{key}": value for section, part in content.items() for key, value in part.items()}
    require_own(path, changes)
    return changes


def read_yaml(path: Path) -> Any:
    """What a YAML file says; raises `ConfigError`, with its path, for one that cannot be read."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
        raise ConfigError(f"{path}: {reason}") from error


def require_own(where: Path, changes: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for a dotted key that is the market's, and not the policy's own."""
    for key in changes:
        section, _, name = key.partition(".")
        if section != "policy" and not (section == "risk" and name in HEDGING):
            allowed = ", ".join(f"risk.{name}" for name in HEDGING)
            raise ConfigError(f"{where}: {key}: expected what is the policy's own, policy.* and {allowed}")
