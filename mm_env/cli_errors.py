"""How commands tell a user's mistake: its message on stderr and exit status 2, no traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from mm_env.config_io import ConfigError
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
