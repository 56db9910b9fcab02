"""A user's own policy, made from a class, a policy, or a function (env) -> action."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from mm_env.errors import MissingExtraError, UsageError, nearest_hint, suggestion
from mm_env.policies.base import Config, Policy
from mm_env.policies.parameters import NamedPolicy

_NEEDED = ("configure", "act")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ANY = inspect.signature(lambda *_, **__: None).parameters  # of what has no signature, as some built-in types


class NoSuchModuleError(UsageError):
    """A policy name whose module does not exist."""


class FunctionPolicy:
    """A function (env) -> action as a policy, for any market."""

    def __init__(self, name: str, function: Callable[[Any], Any]) -> None:
        """Call `function` at every step."""
        self.name, self.function = name, function

    def configure(self, config: Config) -> Config:
        """`config` itself."""
        return config

    def act(self, env: Any) -> np.ndarray:
        """What the function returns, as float32; raises `UsageError` where that is not an array of numbers."""
        action = self.function(env)
        if action is None:
            raise UsageError(f"policy {self.name!r}: returned None: expected an array of numbers")
        try:
            return np.asarray(action, np.float32)
        except (TypeError, ValueError) as error:
            said = f"returned {type(action).__name__}: expected an array of numbers"
            raise UsageError(f"policy {self.name!r}: {said} ({_one_line(error)})") from error


def import_object(name: str, module: str, path: str) -> Any:
    """The object `path` of a module, which may stand in the current folder; raises `UsageError` where there is none.

    name: of the policy, for messages. An exception of the module itself becomes a `UsageError` with its file and line.
    """
    folder = os.getcwd()  # noqa: PTH109 (sys.path holds texts)
    if folder not in sys.path:
        sys.path.append(folder)  # at the end: nothing that is installed is hidden
        importlib.invalidate_caches()
    try:
        found: Any = importlib.import_module(module)
    except MissingExtraError:
        raise
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            said = f"there is no module {module!r}, installed or in {folder}"
            raise NoSuchModuleError(f"policy {name!r}: {said}") from error
        raise import_failure(name, error) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"policy {name!r}: {module!r} holds no {path!r}{nearest_hint(part, vars(found))}")
        found = getattr(found, part)
    return found


def import_failure(name: str, error: Exception) -> UsageError:
    """The error of a policy whose module raised one when it was imported: its file and line, in one line."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    file, line = frames[-1].filename, frames[-1].lineno
    if isinstance(error, SyntaxError):
        file, line = error.filename or file, error.lineno
    said = error.msg if isinstance(error, SyntaxError) else _one_line(error)
    return UsageError(f"policy {name!r}: {file}, line {line}: {type(error).__name__}: {said}")


def make_policy(name: str, made_of: Any, settings: Mapping[str, Any], seed: int = 0) -> Policy:
    """The policy that a class, a policy or a function (env) -> action stands for.

    settings: arguments of the class or the function; seed: handed to a class that takes one and is not given it

    Raises `UsageError` for what is no policy, and for arguments that it does not take.
    """
    if inspect.isclass(made_of):
        parameters = _parameters(made_of)
        if "seed" in parameters:
            settings = {"seed": seed, **settings}
        _check_settings(name, parameters, settings)
        made_of = _instance(name, made_of, settings)
    elif not hasattr(made_of, "act") and callable(made_of):
        parameters = _parameters(made_of)
        first = next(iter(parameters), "")
        if not first or parameters[first].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
            raise UsageError(f"policy {name!r}: takes no positional argument; expected a function (env) -> action")
        _check_settings(name, {key: one for key, one in parameters.items() if key != first}, settings)
        made_of = FunctionPolicy(name, partial(made_of, **settings) if settings else made_of)
    elif settings:
        raise UsageError(f"policy {name!r}: {', '.join(settings)}: expected no arguments, as it is no class")
    missing = [part for part in _NEEDED if not callable(getattr(made_of, part, None))]
    missing += [] if isinstance(getattr(made_of, "name", None), str) else ["name"]
    if missing:
        raise UsageError(
            f"policy {name!r}: {type(made_of).__name__} has no {' and no '.join(missing)}; "
            "expected a policy with name, configure and act, or a function (env) -> action"
        )
    return NamedPolicy(name, made_of)


def _instance(name: str, made_of: Callable[..., Any], settings: Mapping[str, Any]) -> Any:
    try:
        return made_of(**settings)
    except MissingExtraError:
        raise
    except Exception as error:
        said = f"{made_of.__name__}: {type(error).__name__}: {_one_line(error)}"
        raise UsageError(f"policy {name!r}: {said}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _parameters(made_of: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(made_of).parameters
    except ValueError:
        return _ANY


def _check_settings(name: str, parameters: Mapping[str, inspect.Parameter], settings: Mapping[str, Any]) -> None:
    """Raise `UsageError` for settings that are no parameters, and for parameters without a value."""
    for key, one in parameters.items():
        if one.kind is inspect.Parameter.POSITIONAL_ONLY and one.default is inspect.Parameter.empty:
            raise UsageError(f"policy {name!r}: {key} is positional-only; expected parameters that KEY=VALUE can set")
    kinds = {key: one.kind for key, one in parameters.items()}
    known = [key for key, kind in kinds.items() if kind in _NAMED]
    if inspect.Parameter.VAR_KEYWORD not in kinds.values():
        for key in settings:
            if key not in known:
                said = suggestion(key, known) if known else "expected none"
                raise UsageError(f"policy {name!r}: unknown argument {key!r}; {said}")
    needed = [key for key in known if parameters[key].default is inspect.Parameter.empty and key not in settings]
    if needed:
        raise UsageError(f"policy {name!r}: no value of {', '.join(needed)}; expected {needed[0]}=VALUE after a colon")
