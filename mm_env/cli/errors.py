"""How commands tell a user's mistake: its message on stderr and exit status 2, no traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import typer

from mm_env.config.io import ConfigError
from mm_env.errors import RunError, UsageError
from mm_env.sentiment import TapeError

P = ParamSpec("P")
R = TypeVar("R")

USER_ERRORS = (ConfigError, TapeError, RunError, UsageError)


def user_errors(command: Callable[P, R]) -> Callable[P, R]:
    """A command that turns a user's mistake into its message on stderr and exit status 2."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except USER_ERRORS as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error

    return wrapped


def check_target(option: str, path: Path) -> None:
    """Make the folder of a file that a command will write, before anything is run for it; raises `UsageError`.

    option: what the user called it
    """
    if path.is_dir() or (path.parent.exists() and not path.parent.is_dir()):
        raise UsageError(f"{option} {path}: cannot be a file; allowed: a file, new or old, in a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot write there: {error.strerror}") from error
