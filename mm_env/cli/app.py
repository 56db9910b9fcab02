"""The group of commands. Its help reads the table alone; a command's module is imported when that command is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mm_env.cli.commands import COMMANDS
from mm_env.cli.options import RUNNING, LogConfig, LogFile, LogLevel, read_paths
from mm_env.errors import Error, nearest_hint
from mm_env.extras import EXTRA_OF, missing, require

_WORDS = "mm_env.words"  # of the command line, in a context's `meta`
_STYLE: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"max_content_width": 120, "help_option_names": ["-h", "--help"]},
}


class _Command(TyperCommand):
    """A command that keeps the words that it was called with."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse options; keep the words."""
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)


class _Group(TyperGroup):
    """Lists commands from the table and imports the one that runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the help and the completion need of a command."""
        row = COMMANDS.get(cmd_name)
        return None if row is None else TyperCommand(cmd_name, help=row.help)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by panel. Plain text: the one that draws boxes takes a quarter of the time to the help."""
        for panel in dict.fromkeys(row.panel for row in COMMANDS.values()):
            with formatter.section(panel):
                formatter.write_dl([(name, row.help) for name, row in COMMANDS.items() if row.panel == panel])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command itself."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f"no such command {name!r}{nearest_hint(name, COMMANDS)}")
        if name in COMMANDS:
            return name, typer.main.get_command(single(name)), args[1:]
        return super().resolve_command(ctx, args)


def _version(wanted: bool) -> None:
    if wanted:
        from mm_env.version import __version__

        typer.echo(f"mm-env {__version__}")
        raise typer.Exit


app = typer.Typer(cls=_Group, no_args_is_help=True, **_STYLE)


@app.callback()
def _group(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Market making in simulated limit order books: run, train, compare, calibrate, report.

    Each command explains itself: mm-env COMMAND --help. Example: mm-env baseline --config crisis --out runs/crisis
    """


def single(name: str) -> typer.Typer:
    """A program of one command of the table."""
    module, _, attribute = COMMANDS[name].target.partition(":")
    return program(name, getattr(import_module(f"mm_env.cli.{module}"), attribute))


def program(name: str, function: Callable[..., None]) -> typer.Typer:
    """A program of one command, with the options for logging and with a user's mistake as one line and exit status 2."""
    found = typer.Typer(add_completion=False, **_STYLE)
    found.command(name, cls=_Command)(_completed(name, function))
    return found


def _completed(name: str, function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def run(**values: Any) -> None:
        context = values.pop("context")
        from mm_env.cli.logs import logging_of

        words = context.meta.get(_WORDS, ())
        token = RUNNING.set(("mm-env", name, *words))
        try:
            values = read_paths(values, context.command.params, words)
            logging_options = [values.pop(option) for option in ("log_level", "log_file", "log_config")]
            with logging_of(*logging_options):
                _call(name, function, values)
        except Error as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            typer.echo("stopped", err=True)
            raise typer.Exit(130) from error
        finally:
            RUNNING.reset(token)

    own = inspect.signature(function, eval_str=True)
    added: dict[str, tuple[Any, Any]] = {
        "context": (typer.Context, inspect.Parameter.empty),
        "log_level": (LogLevel, None),
        "log_file": (LogFile, None),
        "log_config": (LogConfig, None),
    }
    extra = [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for option, (kind, default) in added.items()
    ]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own.parameters.values()]
    run.__signature__ = own.replace(parameters=[*parameters, *extra])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in [*parameters, *extra]}
    return run


def _call(name: str, function: Callable[..., None], values: dict[str, Any]) -> None:
    """Run the command; raises `MissingExtraError` for a package that it needs."""
    if name in COMMANDS:
        require(*COMMANDS[name].packages, extra=COMMANDS[name].extra)
    try:
        function(**values)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_OF:
            raise
        raise missing(package) from error
