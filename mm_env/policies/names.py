"""Policy names: what is written wherever a policy is named, and lists of them.

name                           | policy
------------------------------ | ------
as                             | one of `registry.policy_names()`, with the environment's parameters
as:KEY=VALUE,KEY=VALUE         | with parameters of its own: keys of a market's section `policy`, or `risk.KEY` for hedging
as:FILE.yaml                   | with those of a file, sections `policy` and `risk`; settings after a comma go before them
as:two_symbols_as              | with those of a preset of configs/tuned
constant:0.2                   | the same action at every step, -1 to 1
ppo:PATH                       | trained: a run folder, a model in one, a folder of run folders, or a pattern
package.module:Object          | your own, installed or in the current folder: a class, a policy, a function (env) -> action
package.module:Class:KEY=VALUE | with arguments of its constructor

Values are YAML. A list separates names by commas; a part KEY=VALUE belongs to the policy before it, so that
``as:fill_decay=12,risk_aversion=0.1,fixed`` names two policies. Commas in brackets, braces or quotes separate nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import yaml

from mm_env.config.yaml_reader import parse_yaml
from mm_env.errors import UsageError

_SETTING = re.compile(r"^\s*([A-Za-z_][\w.]*)=(.*)$", re.DOTALL)
_TOKENS = re.compile(r"""'[^']*'|"[^"]*"|.""", re.DOTALL)


class Arguments(NamedTuple):
    """What follows the colon: `path` before the settings, empty where there is none; `settings`: key -> value."""

    path: str
    settings: dict[str, Any]


def split_names(text: str | Sequence[str]) -> list[str]:
    """Policy names of a list with commas, or of a sequence; raises `UsageError`, also for one that stands twice."""
    given: Any = text
    if isinstance(given, str):
        names = _split(given)
    elif isinstance(given, Sequence) and all(isinstance(name, str) for name in given):
        names = [normal_name(name) for name in given]
    else:
        raise UsageError(f"policies {text!r}: expected policy names, separated by commas or in a list")
    twice = next((name for name, number in Counter(names).items() if number > 1), None)
    if not names or twice:
        raise UsageError(f"policies {text!r}: expected at least one, each once" + (f"; twice: {twice}" if twice else ""))
    return names


def normal_name(name: str) -> str:
    """A policy name without spaces around it or around its settings, as `split_names` gives it."""
    parts = _parts(name)
    return ",".join(parts) if all(_SETTING.match(part) for part in parts[1:]) else name.strip()


def _split(text: str) -> list[str]:
    groups: list[list[str]] = []
    parts = _parts(text)
    for part in parts:
        if not _SETTING.match(part):
            groups.append([part])
        elif groups and ":" in groups[-1][0]:
            groups[-1].append(part)
        else:
            raise UsageError(f"policies {text!r}: {part!r} follows no policy with a colon; expected NAME:{part}")
    if parts and _open_brackets(parts[-1]) and "," in parts[-1]:  # which then separates nothing
        raise UsageError(f"policies {text!r}: {parts[-1]!r}: bracket not closed")
    return [",".join(group) for group in groups]


def read_arguments(name: str, text: str) -> Arguments:
    """The arguments in a policy's name. text: what follows the colon; raises `UsageError`."""
    path = ""
    settings: dict[str, Any] = {}
    for k, part in enumerate(_parts(text)):
        found = _SETTING.match(part)
        if found is None:
            if k > 0 or part.startswith("="):
                raise UsageError(f"policy {name!r}: {part!r}: expected KEY=VALUE")
            path = part
            continue
        key, value = found.groups()
        if key in settings:
            raise UsageError(f"policy {name!r}: {key}: expected once; it stands twice")
        try:
            settings[key] = parse_yaml(value)
        except yaml.YAMLError as error:
            raise UsageError(
                f"policy {name!r}: {key}: value {value!r}: expected YAML: {' '.join(str(error).split())}"
            ) from error
    return Arguments(path, settings)


def _parts(text: str) -> list[str]:
    """Parts between commas that stand in no bracket, brace or quotes; empty ones are left out."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in _TOKENS.findall(text):
        depth = _depth(depth, token)
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    joined = ("".join(tokens).strip() for tokens in parts)
    return [part for part in joined if part]


def _open_brackets(text: str) -> bool:
    depth = 0
    for token in _TOKENS.findall(text):
        depth = _depth(depth, token)
    return depth > 0


def _depth(depth: int, token: str) -> int:
    return max(0, depth + (token in "[{(") - (token in "]})"))
