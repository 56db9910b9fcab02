"""The console command ``mm-env``: presets, the schema, and checks of market files."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

import typer

from mm_env.config_io import (
    ConfigError,
    config_hash,
    config_schema,
    load_config,
    preset_names,
    preset_path,
    resolved_yaml,
)

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    help="A market-making environment: presets, schema and checks of its configuration files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Market = Annotated[
    str, typer.Argument(metavar="PRESET|FILE", help="A preset's name or the path of a YAML file.")
]


def user_errors(command: Callable[P, R]) -> Callable[P, R]:
    """A command that turns a `ConfigError` into its message on stderr and exit status 2."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error

    return wrapped


@app.command()
@user_errors
def presets() -> None:
    """List the presets, each with what it is for.

    Example: mm-env presets
    """
    names = preset_names()
    for name in names:
        first = preset_path(name).read_text(encoding="utf-8").partition("\n")[0]
        typer.echo(f"{name:<{max(map(len, names))}}  {first.lstrip('# ')}")


@app.command()
def schema() -> None:
    """Print the JSON schema of a market file: every key with its range, default and unit.

    Example: mm-env schema > market.schema.json
    """
    typer.echo(json.dumps(config_schema(), indent=2))


@app.command()
@user_errors
def show(market: Market) -> None:
    """Print a market file with every parameter spelled out.

    Example: mm-env show crisis > mine.yaml
    """
    typer.echo(resolved_yaml(load_config(market)), nl=False)


@app.command()
@user_errors
def check(market: Market) -> None:
    """Say whether a market file is valid, and what is wrong with it.

    Example: mm-env check mine.yaml
    """
    config = load_config(market)
    shape = ", ".join(f"{group} {len(getattr(config, group))}" for group in ("symbols", "venues", "regimes"))
    typer.echo(f"{market}: valid ({shape}, hash {config_hash(config)})")


def main() -> None:
    """Entry point of the console command."""
    app(prog_name="mm-env")


if __name__ == "__main__":
    main()
