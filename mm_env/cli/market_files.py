"""Commands about market files: presets, schema, show, check, migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mm_env.cli.options import Classic, Json, check_targets

Market = Annotated[str, typer.Argument(metavar="PRESET|FILE", help="A preset's name or the path of a YAML file.")]


def presets(classic: Classic = False, json_file: Json = None) -> None:
    """List the presets.

    Each with what it is for.

    Example: mm-env presets
    """
    from mm_env.config import ClassicConfig, MarketConfig
    from mm_env.config.io import preset_names, preset_path
    from mm_env.files import write_json

    check_targets(json=json_file)
    model = ClassicConfig if classic else MarketConfig
    first = {name: preset_path(name, model).read_text(encoding="utf-8").partition("\n")[0] for name in preset_names(model)}
    purposes = {name: line.lstrip("# ") for name, line in first.items()}
    for name, purpose in purposes.items():
        typer.echo(f"{name:<{max(map(len, purposes))}}  {purpose}")
    if json_file is not None:
        write_json(json_file, purposes)


def schema(classic: Classic = False) -> None:
    """Print the JSON schema of market files.

    It holds every key with its range, default and unit; editors check and complete YAML files with it.

    Example: mm-env schema > market.schema.json
    """
    import json

    from mm_env.config import ClassicConfig, MarketConfig
    from mm_env.config.io import config_schema

    typer.echo(json.dumps(config_schema(ClassicConfig if classic else MarketConfig), indent=2))


def show(market: Market, classic: Classic = False) -> None:
    """Print a market with every parameter.

    Example: mm-env show crisis > mine.yaml
    """
    from mm_env.config.io import resolved_yaml

    typer.echo(resolved_yaml(_load(market, classic)), nl=False)


def check(market: Market, classic: Classic = False) -> None:
    """Check a market file.

    Prints its shape and hash, or each problem with its key and what is expected (exit status 2).

    Example: mm-env check mine.yaml
    """
    from mm_env.config.io import config_hash
    from mm_env.market.build import build_market

    config = _load(market, classic)
    if classic:
        shape = f"policy {config.policy.name}, steps {config.episode.steps}"
    else:
        build_market(config)  # reads the tape of headlines, if there is one
        shape = ", ".join(f"{group} {len(getattr(config, group))}" for group in ("symbols", "venues", "regimes"))
    typer.echo(f"{market}: valid ({shape}, hash {config_hash(config)})")


def migrate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Market files; each is rewritten in place.")],
    classic: Classic = False,
) -> None:
    """Rewrite market files of an older version.

    Old keys get their new names; comments and order stay. Prints each change. A file that cannot be rewritten does not
    stop the others (exit status 2).

    Example: mm-env migrate mine.yaml
    """
    from mm_env.config import ClassicConfig
    from mm_env.config.migrate import RENAMED, migrate_file, renames_of
    from mm_env.errors import ConfigError

    problems = []
    for file in files:
        try:
            changes = migrate_file(file, renames_of(ClassicConfig) if classic else RENAMED)
        except ConfigError as error:
            problems.append(str(error))
        else:
            typer.echo(f"{file}: {'; '.join(changes) if changes else 'nothing to change'}")
    if problems:
        raise ConfigError("\n".join(problems))


def _load(market: str, classic: bool) -> Any:
    from mm_env.config import ClassicConfig
    from mm_env.config.io import load_config

    return load_config(market, ClassicConfig) if classic else load_config(market)
