"""Parameters that a policy's name brings along, and the policy that has them: inline, or in a file as one that was tuned."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mm_env.config.agent import Policy as PolicySection
from mm_env.config.classic import ClassicPolicy
from mm_env.config.io import override, preset_folder
from mm_env.config.migrate import VERSION, renamed, renamed_hint, with_command
from mm_env.config.yaml_reader import parse_yaml
from mm_env.errors import ConfigError, UsageError, suggestion
from mm_env.policies.base import HEDGING, Config, Policy

TUNED = "tuned"  # presets of parameters


class NamedPolicy:
    """A policy under the name that it was asked for by, with parameters of its own.

    changes: dotted key of the configuration -> value
    """

    def __init__(self, name: str, policy: Policy, changes: Mapping[str, Any] | None = None) -> None:
        """Give `policy` a name; what it has besides the protocol stays within reach."""
        self.name, self.policy, self.changes = name, policy, dict(changes or {})

    def configure(self, config: Config) -> Config:
        """The market as the policy plays it, with its parameters.

        Raises `ConfigError` for values out of range, `UsageError` where the policy returns no market of that kind.
        """
        try:
            changed = override(config, self.changes) if self.changes else config
        except ConfigError as error:
            raise ConfigError(str(error).replace("override: ", f"policy {self.name}: ")) from error
        market: Any = self.policy.configure(changed)
        if not isinstance(market, type(config)):
            returned = "None" if market is None else type(market).__name__
            raise UsageError(f"policy {self.name!r}: configure returned {returned}: expected {type(config).__name__}")
        configured: Config = market
        return configured

    def act(self, env: Any) -> np.ndarray:
        """Action for the next step of `env`, whose market is one that `configure` gave."""
        return self.policy.act(env)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "policy":  # which a copy that is being made does not have yet
            raise AttributeError(name)
        return getattr(self.policy, name)


def read_settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted key of the configuration -> value of a policy's parameters; raises `UsageError` for an unknown key.

    name: of the policy, for messages; settings: key of the section `policy`, or `risk.KEY` -> value
    """
    sections = (*PolicySection.model_fields, *ClassicPolicy.model_fields)
    known = list(dict.fromkeys([*sections, *(f"risk.{key}" for key in HEDGING)]))
    changes = {}
    for key, value in settings.items():
        short = key.removeprefix("policy.")
        if short not in known:
            new = renamed(short, "policy")
            hint = f"renamed to {new!r} in {VERSION}" if new in known else suggestion(short, known)
            raise UsageError(f"policy {name!r}: unknown key {key!r}; {hint}")
        dotted = short if short.startswith("risk.") else f"policy.{short}"
        if dotted in changes:
            raise UsageError(f"policy {name!r}: {dotted}: expected once; it stands twice")
        changes[dotted] = value
    return changes


def parameter_file(text: str) -> Path:
    """The file of parameters that a policy's name means: a path, or a preset of configs/tuned by its name."""
    path = Path(os.path.expanduser(text))  # noqa: PTH111 (an unknown ~user stays)
    preset = preset_folder(TUNED) / f"{text}.yaml"
    return preset if text.isidentifier() and preset.is_file() and not path.is_file() else path


def parameter_name(path: Path) -> str:
    """The shortest text that `parameter_file` reads as that file, seen from the current folder."""
    path = path.resolve()
    if path.parent == preset_folder(TUNED).resolve() and not Path(path.stem).is_file():
        return path.stem
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def read_parameters(path: Path) -> dict[str, Any]:
    """Dotted key -> value of a file of policy parameters; raises `ConfigError`."""
    content = read_yaml(path)
    if not isinstance(content, Mapping) or not all(isinstance(part, Mapping) for part in content.values()):
        raise ConfigError(f"{path}: expected the sections policy and risk, each a mapping")
    changes = {f"{section}.{key}": value for section, part in content.items() for key, value in part.items()}
    for key in changes:
        section, _, name = key.partition(".")
        hint = renamed_hint(name, section, PolicySection.model_fields)
        if hint:
            raise ConfigError(with_command(f"{path}: {key}: {hint}", str(path)))
    require_own(path, changes)
    return changes


def read_yaml(path: Path) -> Any:
    """What a YAML file says; raises `ConfigError`, with its path, for one that cannot be read."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no UTF-8, or a path with a null character
        reason = error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
        raise ConfigError(f"{path}: {reason}") from error


def require_own(where: Path, changes: Iterable[str]) -> None:
    """Raise `ConfigError` for a dotted key that is the market's, and not the policy's own."""
    for key in changes:
        section, _, name = key.partition(".")
        if section != "policy" and not (section == "risk" and name in HEDGING):
            own = ", ".join(f"risk.{name}" for name in HEDGING)
            raise ConfigError(f"{where}: {key}: expected what is the policy's own, policy.* and {own}")
