"""The console command ``mm-env``: the baseline, presets, the schema, and checks of market files."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mm_env.cli_baseline import baseline
from mm_env.cli_errors import user_errors
from mm_env.config.io import (
    config_hash,
    config_schema,
    load_config,
    preset_names,
    preset_path,
    resolved_yaml,
)

__all__ = ["app", "main", "user_errors"]

app = typer.Typer(
    help="A market-making environment: its baseline; presets, schema and checks of its configuration files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Market = Annotated[str, typer.Argument(metavar="PRESET|FILE", help="A preset's name or the path of a YAML file.")]


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
    from mm_env.envs.market import build_market

    config = load_config(market)
    build_market(config)  # reads the tape of headlines, if there is one
    shape = ", ".join(f"{group} {len(getattr(config, group))}" for group in ("symbols", "venues", "regimes"))
    typer.echo(f"{market}: valid ({shape}, hash {config_hash(config)})")


app.command()(user_errors(baseline))


def main() -> None:
    """Entry point of the console command."""
    app(prog_name="mm-env")


if __name__ == "__main__":
    main()
