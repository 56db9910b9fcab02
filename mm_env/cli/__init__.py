"""The console command ``mm-env``: the baseline, the dashboard, presets, the schema, and checks of market files."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mm_env.cli.baseline import baseline
from mm_env.cli.dashboard import dashboard
from mm_env.cli.errors import user_errors
from mm_env.config import ClassicConfig, MarketConfig
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

Classic = Annotated[bool, typer.Option("--classic", help="Of mm_env/Classic-v0, in place of mm_env/MultiVenue-v0.")]
Market = Annotated[str, typer.Argument(metavar="PRESET|FILE", help="A preset's name or the path of a YAML file.")]


def _model(classic: bool) -> type[MarketConfig] | type[ClassicConfig]:
    return ClassicConfig if classic else MarketConfig


@app.command()
@user_errors
def presets(classic: Classic = False) -> None:
    """List the presets, each with what it is for.

    Example: mm-env presets
    """
    model = _model(classic)
    names = preset_names(model)
    for name in names:
        first = preset_path(name, model).read_text(encoding="utf-8").partition("\n")[0]
        typer.echo(f"{name:<{max(map(len, names))}}  {first.lstrip('# ')}")


@app.command()
def schema(classic: Classic = False) -> None:
    """Print the JSON schema of a market file: every key with its range, default and unit.

    Example: mm-env schema > market.schema.json
    """
    typer.echo(json.dumps(config_schema(_model(classic)), indent=2))


@app.command()
@user_errors
def show(market: Market, classic: Classic = False) -> None:
    """Print a market file with every parameter spelled out.

    Example: mm-env show crisis > mine.yaml
    """
    config = load_config(market, ClassicConfig) if classic else load_config(market)
    typer.echo(resolved_yaml(config), nl=False)


@app.command()
@user_errors
def check(market: Market, classic: Classic = False) -> None:
    """Say whether a market file is valid, and what is wrong with it.

    Example: mm-env check mine.yaml
    """
    if classic:
        loaded = load_config(market, ClassicConfig)
        typer.echo(
            f"{market}: valid (policy {loaded.policy.name}, steps {loaded.episode.steps}, hash {config_hash(loaded)})"
        )
        return
    from mm_env.market.build import build_market

    config = load_config(market)
    build_market(config)  # reads the tape of headlines, if there is one
    shape = ", ".join(f"{group} {len(getattr(config, group))}" for group in ("symbols", "venues", "regimes"))
    typer.echo(f"{market}: valid ({shape}, hash {config_hash(config)})")


app.command()(user_errors(baseline))
app.command()(user_errors(dashboard))


def main() -> None:
    """Entry point of the console command."""
    app(prog_name="mm-env")


if __name__ == "__main__":
    main()
