"""Policies by name, for every command and function that takes one; `mm_env.policies.names` describes the names.

A package adds names by entry points of the group `mm_env.policies`, a program by `register_policy`; what they name is a
class (made with the arguments in the name), a policy, a function (env) -> action, or a `PolicyLoader`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mm_env.errors import MissingExtraError, UsageError, nearest_hint
from mm_env.policies.avellaneda_stoikov import AvellanedaStoikov, SymmetricAvellanedaStoikov
from mm_env.policies.base import Policy
from mm_env.policies.cartea_jaimungal import CarteaJaimungalPenalva
from mm_env.policies.constant import ConstantAction
from mm_env.policies.fixed_spread import FixedSpread
from mm_env.policies.glft import GueantLehalleFernandezTapia
from mm_env.policies.names import normal_name, read_arguments, split_names
from mm_env.policies.own import NoSuchModuleError, import_failure, import_object, make_policy
from mm_env.policies.parameters import NamedPolicy, parameter_file, read_parameters, read_settings
from mm_env.policies.random_policy import RandomPolicy

__all__ = ["POLICY_NAMES", "PolicyLoader", "get_policies", "get_policy", "policy_names", "register_policy", "split_names"]

GROUP = "mm_env.policies"
_QUOTING: dict[str, Callable[[], Policy]] = {
    "as": AvellanedaStoikov,
    "as_symmetric": SymmetricAvellanedaStoikov,
    "glft": GueantLehalleFernandezTapia,
    "cj": CarteaJaimungalPenalva,
    "fixed": FixedSpread,
}
POLICY_NAMES = (*_QUOTING, "constant", "random")
"""Those of this package that need no argument."""
_OBJECT = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):([A-Za-z_]\w*(?:\.\w+)*)(?::(.*))?", re.DOTALL)
_registered: dict[str, Any] = {}


@dataclass(frozen=True)
class PolicyLoader:
    """What a name stands for where its argument is a path, or means several policies.

    load: called with the whole name, as `ppo:runs/ppo`, and a seed; returns one policy or more
    """

    load: Callable[[str, int], Sequence[Policy]]


def register_policy(name: str, policy: Any) -> None:
    """Make `policy` known by a name, for this process.

    policy: a class, a policy, a function (env) -> action, or a `PolicyLoader`

    Raises `UsageError` for a name that is taken, or that is none.
    """
    if not name.isidentifier():
        raise UsageError(f"policy {name!r}: expected a name of letters, digits and underscores")
    if name in POLICY_NAMES or _registered.get(name, policy) is not policy:
        raise UsageError(f"policy {name!r}: the name is taken; expected another one")
    _registered[name] = policy


def policy_names() -> list[str]:
    """All names known here: of this package, registered, and of entry points; the latter may need an argument."""
    return list(dict.fromkeys([*POLICY_NAMES, *_registered, *_entry_points()]))


def get_policy(name: str, seed: int = 0) -> Policy:
    """The policy of a name; arguments and errors are those of `get_policies`, and a name of several is an error."""
    policies = get_policies(name, seed)
    if len(policies) != 1:
        raise UsageError(f"policy {name!r}: expected one policy; it names {len(policies)}")
    return policies[0]


def get_policies(name: str, seed: int = 0) -> list[Policy]:
    """The policies of a name: one, or as many as were trained with different seeds in `ppo:FOLDER`.

    name: as `mm_env.policies.names` describes it
    seed: of the policy's own draws, where it has any

    Raises `UsageError` for a name or argument that cannot be used, `ConfigError` for a file of parameters,
    `MissingExtraError` where the policy needs a package that is not installed.
    """
    if not isinstance(name, str):
        raise UsageError(f"policy {name!r}: expected a policy name, as 'as' or 'ppo:PATH'")
    name = normal_name(name)
    head, colon, text = name.partition(":")
    if head in _QUOTING:
        return [_with_parameters(name, _QUOTING[head](), text) if colon else _QUOTING[head]()]
    if head == "constant":
        return [_constant(name, text) if colon else ConstantAction()]
    if head == "random":
        if colon:
            raise UsageError(f"policy {name!r}: expected 'random', which takes no argument")
        return [RandomPolicy(seed)]
    if head in _registered:
        return _made(name, _registered[head], text, seed)
    if head in _entry_points():
        return _made(name, _loaded(name, _entry_points()[head]), text, seed)
    if (own := _OBJECT.fullmatch(name)) is None:
        raise _unknown(name, head)
    module, path, text = own.groups()
    try:
        found = import_object(name, module, path)
    except NoSuchModuleError:
        if nearest_hint(head, policy_names()):
            raise _unknown(name, head) from None
        raise
    return _made(name, found, text or "", seed)


def _with_parameters(name: str, policy: Policy, text: str) -> Policy:
    path, settings = read_arguments(name, text)
    if not path and not settings:
        raise UsageError(f"policy {name!r}: expected KEY=VALUE or a file of parameters after the colon")
    changes = read_parameters(parameter_file(path)) if path else {}
    return NamedPolicy(name, policy, changes | read_settings(name, settings))


def _constant(name: str, text: str) -> Policy:
    try:
        return make_policy(name, ConstantAction(float(text)), {})
    except ValueError:
        raise UsageError(f"policy {name!r}: expected a number from -1 to 1 after the colon") from None


def _made(name: str, known: Any, text: str, seed: int) -> list[Policy]:
    if isinstance(known, PolicyLoader):
        return list(known.load(name, seed))
    path, settings = read_arguments(name, text)
    if path:
        raise UsageError(f"policy {name!r}: {path!r}: expected KEY=VALUE")
    return [make_policy(name, known, settings, seed)]


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _loaded(name: str, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except MissingExtraError as error:
        raise MissingExtraError(f"{name}: {error}") from error
    except Exception as error:
        raise import_failure(name, error) from error


def _unknown(name: str, head: str) -> UsageError:
    known = policy_names()
    expected = f"one of {', '.join(known)}, or package.module:Object of your own"
    return UsageError(f"policy {name!r}: expected {expected}{nearest_hint(head, known)}")
