"""Options that several commands share, named and explained once, and the reading of their values."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.errors import UsageError

if TYPE_CHECKING:
    from mm_env.config import MarketConfig

RUNNING: ContextVar[tuple[str, ...]] = ContextVar("RUNNING", default=("mm-env",))
"""Words of the command that is running."""

Config = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="PRESET|FILE", help="Market: a preset (mm-env presets) or a YAML file; else the default."
    ),
]
Classic = Annotated[bool, typer.Option("--classic", help="The classic market, in place of several symbols and venues.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a parameter of the market, as policy.risk_aversion=0.02; repeatable."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")]
Episodes = Annotated[int, typer.Option("--episodes", min=2, help="Episodes to play, the same for all.")]
AnyEpisodes = Annotated[int, typer.Option("--episodes", min=1, help="Episodes to play.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Threads that step the markets; all cores if none.")]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Folder for the results.")]
OutFile = Annotated[Path, typer.Option("--out", metavar="FILE", help="File for the result.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write what is printed as JSON too, under stable names.")
]
WithReport = Annotated[bool, typer.Option("--report", help="Write report.html and report.pdf into the folder.")]
POLICY_FORMS = (
    "as, as_symmetric, glft, cj, fixed, constant:X, random; as:KEY=VALUE,… or as:FILE.yaml with parameters; "
    "ppo:PATH, trained; package.module:Class, your own."
)
POLICY_HELP = f"Policy: {POLICY_FORMS}"
PolicyName = Annotated[str, typer.Option("--policy", help=POLICY_HELP)]
LogLevel = Annotated[
    str | None,
    typer.Option("--log-level", metavar="debug|info|warning|error", help="Least level that is logged; info if none."),
]
LogFile = Annotated[Path | None, typer.Option("--log-file", metavar="FILE", help="Append log lines to this file too.")]
LogConfig = Annotated[
    str | None,
    typer.Option("--log-config", metavar="plain|json|FILE", help="Format of log lines, or a YAML for logging.config."),
]


def parse_overrides(settings: list[str] | None) -> dict[str, Any]:
    """`key=value` texts as a mapping; values are read as YAML.

    Raises `UsageError`.
    """
    import yaml

    from mm_env.config.yaml_reader import parse_yaml

    changes: dict[str, Any] = {}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {setting!r}: expected key=value with a dotted key, as policy.risk_aversion=0.01")
        try:
            changes[key.strip()] = parse_yaml(text)
        except yaml.YAMLError as error:
            raise UsageError(f"--set {setting!r}: the value is not YAML: {' '.join(str(error).split())}") from error
    return changes


def market_of(config: str | None, settings: list[str] | None) -> MarketConfig:
    """The market of `--config`, changed by `--set`; raises `ConfigError` and `UsageError`."""
    from mm_env.config.io import load_config, override

    return override(load_config(config), parse_overrides(settings))


def any_market_of(config: str | None, settings: list[str] | None, classic: bool) -> Any:
    """The same of either kind of market."""
    from mm_env.config import ClassicConfig
    from mm_env.config.io import load_config, override

    if not classic:
        return market_of(config, settings)
    return override(load_config(config, ClassicConfig), parse_overrides(settings))


def read_paths(values: Mapping[str, Any], parameters: Iterable[Any], words: Sequence[str]) -> dict[str, Any]:
    """The values of a command line, with `~` at the start of a path expanded to a home folder.

    parameters: of the command, as typer holds them; words: that the user typed. Raises `UsageError` for an empty path and
    one with a name that is too long.
    """
    found = dict(values)
    for parameter in parameters:
        value: Any = values.get(parameter.name)
        several = isinstance(value, list | tuple)
        paths = [path for path in (value if several else [value]) if isinstance(path, Path)]
        if not paths:
            continue
        if Path() in paths and _empty_word(parameter.opts, words):  # which is the current folder once it is a path
            raise UsageError(f"{parameter.opts[0]} '': expected a path")
        expanded = [_expanded(parameter.opts[0], path) for path in paths]
        found[parameter.name] = expanded if several else expanded[0]
    return found


def _expanded(option: str, path: Path) -> Path:
    try:
        expanded = path.expanduser()
    except RuntimeError as error:  # of the home of an unknown user
        raise UsageError(f"{option} {path}: {error}") from error
    try:
        expanded.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(f"{option} {path}: {error.strerror}") from error
    return expanded


def _empty_word(options: Sequence[str], words: Sequence[str]) -> bool:
    """Whether one of the options, or an argument, has an empty text for its value."""
    if not options[0].startswith("-"):
        return "" in words
    before = dict.fromkeys(word for word, value in pairwise(words) if not value)
    return any(option in before or f"{option}=" in words for option in options)


def check_targets(**targets: Path | None) -> None:
    """Make the folder of each file that a command will write, and see that it can be written, before anything is run for it.

    Raises `UsageError`.

    targets: option without its dashes -> file; None where the user gave none
    """
    for option, path in targets.items():
        if path is not None:
            _check_target(f"--{option}", path)


def _check_target(option: str, path: Path) -> None:
    from mm_env.files import check_writable

    try:
        if path.is_dir() or (path.parent.exists() and not path.parent.is_dir()):
            raise UsageError(f"{option} {path}: cannot be a file; expected a file, new or old, in a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot write there: {error.strerror}") from error


def command_line() -> str:
    """The command that is running, as a user types it again."""
    import shlex

    return shlex.join(RUNNING.get())
