"""Files of markets, book or classic: presets, `base:` files, overrides, dumps, and errors that name the file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, overload

import yaml
from pydantic import ValidationError

from mm_env.config.classic import ClassicConfig
from mm_env.config.errors import belongs_in, config_schema, problem_lines
from mm_env.config.keys import Loc, get, locate, put, shortened
from mm_env.config.scenario import ScenarioFile
from mm_env.config.schema import MarketConfig
from mm_env.config.yaml_reader import format_yaml, parse_yaml
from mm_env.errors import ConfigError, suggestion
from mm_env.files import write_bytes

__all__ = [
    "DEFAULT_CLASSIC_PRESET",
    "DEFAULT_PRESET",
    "DEFAULT_SCENARIOS",
    "AnyConfig",
    "config_hash",
    "config_schema",
    "dump_config",
    "load_config",
    "override",
    "preset_names",
    "preset_path",
    "resolved_yaml",
]

DEFAULT_PRESET = "two_symbols"
DEFAULT_CLASSIC_PRESET = "as2008"
DEFAULT_SCENARIOS = "surface"

AnyConfig = MarketConfig | ClassicConfig
_Config = TypeVar("_Config", MarketConfig, ClassicConfig, ScenarioFile)


class _Layer(NamedTuple):
    """What one file (or mapping) says; `label` names it in errors."""

    label: str
    content: dict[str, Any]


class _Kind(NamedTuple):
    """Where the presets of a kind of market stand, and which of them is the default."""

    folder: str
    default: str


_KINDS: dict[type[AnyConfig | ScenarioFile], _Kind] = {
    MarketConfig: _Kind("market", DEFAULT_PRESET),
    ClassicConfig: _Kind("classic", DEFAULT_CLASSIC_PRESET),
    ScenarioFile: _Kind("scenario", DEFAULT_SCENARIOS),
}


@overload
def load_config(source: str | os.PathLike[str] | Mapping[str, Any] | MarketConfig | None = None) -> MarketConfig: ...
@overload
def load_config(source: str | os.PathLike[str] | Mapping[str, Any] | _Config | None, model: type[_Config]) -> _Config: ...
def load_config(source: Any = None, model: Any = MarketConfig) -> Any:
    """The market that `source` describes.

    source: a preset's name, a YAML file's path, a mapping (over the defaults), a market (returned as it is),
        or None for the preset ``two_symbols`` (``as2008`` of the classic market)
    model: `MarketConfig`, `ClassicConfig` for the classic market, or `ScenarioFile` for scenarios of the former

    A file or mapping may hold ``base: PRESET or PATH``, whose content lies under its own: mappings merge,
    anything else replaces, ``randomize: {}`` removes the base's ranges. Relative paths in a file are relative
    to its folder.

    Raises `ConfigError`.
    """
    if isinstance(source, model):
        return source
    if isinstance(source, Mapping):
        layers = _with_bases(_Layer("configuration", _plain(source)), Path.cwd(), [], model)
    elif source is None or isinstance(source, str | os.PathLike):
        layers = _read(os.fspath(_KINDS[model].default if source is None else source), Path(), [], model)
    else:
        kinds = f"a preset, a path, a mapping or a {model.__name__}"
        raise ConfigError(f"configuration: value {shortened(source)}: expected {kinds}")
    return _build(layers, model)


def override(config: _Config, changes: Mapping[str, Any]) -> _Config:
    """`config` with some keys changed: ``{"policy.risk_aversion": 0.1, "venues.ALPHA.latency_ms": 3}``.

    changes: dotted key (entries of lists by name or index, as they stand in `config`) -> new value; a mapping
        for a section changes the keys that it holds

    Raises `ConfigError`.
    """
    raw = config.model_dump()
    problems, places = [], {}
    for key, value in changes.items():
        try:
            places[key] = locate(config, key)
        except ValueError as error:
            home = belongs_in(type(config), key)  # of a key without its section
            problems.append(
                f"override: {key}: value {shortened(value)}: {f'unknown key {key!r}; {home}' if home else error}"
            )
    for key, place in places.items():
        for other, inner in places.items():
            if key != other and inner[: len(place)] == place:
                problems.append(f"override: {other}: value {shortened(changes[other])}: {key} changes it too")
    if problems:
        raise ConfigError("\n".join(problems))
    for key, place in places.items():
        value = _plain(changes[key])
        put(
            raw,
            place,
            _merged(get(raw, place[:-1]), {place[-1]: value})[place[-1]] if isinstance(value, dict) else value,
        )
    return _build([_Layer("override", _with_absolute_paths(raw, Path.cwd()))], type(config))


def preset_names(model: type[AnyConfig | ScenarioFile] = MarketConfig) -> list[str]:
    """Names of the markets of a kind that come with the package."""
    return sorted(path.stem for path in _preset_folder(model).glob("*.yaml"))


def preset_path(name: str, model: type[AnyConfig | ScenarioFile] = MarketConfig) -> Path:
    """File of a preset; raises `ConfigError` with the nearest name for one that does not exist."""
    if name not in preset_names(model):
        raise ConfigError(f"{name}: no such preset; {_presets_like(name, model)}")
    return _preset_folder(model) / f"{name}.yaml"


def dump_config(config: AnyConfig, path: str | os.PathLike[str]) -> None:
    """Write every parameter of `config` to a YAML file, whole or not at all; `load_config` reads its equal.

    Relative paths, as of `news.tape`, are written as absolute ones, so that the file means the same from any folder.
    """
    write_bytes(Path(path), resolved_yaml(config).encode())


def resolved_yaml(config: AnyConfig) -> str:
    """YAML text of every parameter of `config`, as `dump_config` writes it."""
    return format_yaml(_with_absolute_paths(config.model_dump(), Path.cwd()))


def config_hash(config: AnyConfig) -> str:
    """Twelve hexadecimal digits, the same for equal markets: SHA-256 of the sorted JSON of all parameters."""
    text = json.dumps(config.model_dump(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _preset_folder(model: type[AnyConfig | ScenarioFile]) -> Path:
    return preset_folder(_KINDS[model].folder)


def preset_folder(folder: str) -> Path:
    """A folder of configs/ in the checkout that the package stands in, or its copy inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent / "configs" / folder
    return checkout if checkout.is_dir() else package / "presets" / folder


def _presets_like(name: str, model: type[AnyConfig | ScenarioFile]) -> str:
    return suggestion(Path(name).stem, preset_names(model))


def _read(
    source: str, folder: Path, above: list[Path], model: type[AnyConfig | ScenarioFile], asked_by: str | None = None
) -> list[_Layer]:
    """Layers of a preset or file and of its bases, topmost first; `above` holds the files that lead here."""
    path = preset_path(source, model) if source in preset_names(model) else folder / _expanded(source)
    file = path.resolve()
    if file in above:
        chain = " -> ".join(map(str, [*above[above.index(file) :], file]))
        raise ConfigError(f"{asked_by}: expected a file that does not lead back here: {chain}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{asked_by or path}: no such file or preset; {_presets_like(source, model)}") from error
    except OSError as error:
        raise ConfigError(f"{asked_by or path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{asked_by or path}: cannot be read as UTF-8 text: {error}") from error
    return _with_bases(_Layer(str(path), _parsed(text, str(path))), path.parent, [*above, file], model)


def _parsed(text: str, label: str) -> dict[str, Any]:
    try:
        content = parse_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{label}: {place}malformed YAML: {reason}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{label}: malformed YAML: {' '.join(str(error).split())}") from error
    if content is None:
        raise ConfigError(f"{label}: the file is empty; expected keys with values, or {{}} for all defaults")
    if not isinstance(content, dict):
        raise ConfigError(f"{label}: value {shortened(content)}: expected a mapping (key: value) at the top of the file")
    return content


def _with_bases(layer: _Layer, folder: Path, above: list[Path], model: type[AnyConfig | ScenarioFile]) -> list[_Layer]:
    content = _with_absolute_paths(layer.content, folder)
    layers = [_Layer(layer.label, {key: value for key, value in content.items() if key != "base"})]
    if "base" in content:
        base = content["base"]
        asked_by = f"{layer.label}: base: value {shortened(base)}"
        if not isinstance(base, str) or not base:
            raise ConfigError(f"{asked_by}: expected a preset or the path of a YAML file")
        layers += _read(base, folder, above, model, asked_by)
    return layers


def _with_absolute_paths(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """`content` with the files that it names, `news.tape` and those of `replay.files`, as absolute paths."""

    def absolute(path: Any) -> Any:
        return str((folder / _expanded(path)).resolve()) if isinstance(path, str) and path else path

    news, replay = content.get("news"), content.get("replay")
    if isinstance(news, dict) and news.get("tape"):
        content = {**content, "news": {**news, "tape": absolute(news["tape"])}}
    if isinstance(replay, dict) and isinstance(replay.get("files"), dict):
        files = {
            symbol: {venue: absolute(path) for venue, path in books.items()} if isinstance(books, dict) else books
            for symbol, books in replay["files"].items()
        }
        content = {**content, "replay": {**replay, "files": files}}
    return content


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no user of that name, so it names a file
        return Path(path)


def _merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    merged = dict(below)
    for key, value in above.items():
        # An empty section changes nothing, but an empty set of free keys is a set of none.
        emptied = key in ("randomize", "transitions") and value == {}
        merged[key] = _merged(below[key], value) if key in below and not emptied else value
    return merged


def _build(layers: list[_Layer], model: type[_Config]) -> _Config:
    raw: dict[str, Any] = {}
    for layer in reversed(layers):
        raw = _merged(raw, layer.content)
    try:
        return model.model_validate(raw)
    except ValidationError as error:

        def source_of(loc: Loc) -> str:
            return next((layer.label for layer in layers if _holds(layer.content, loc)), layers[0].label)

        raise ConfigError("\n".join(problem_lines(error, raw, source_of, model))) from error


def _holds(content: Any, loc: Loc) -> bool:
    """Whether a layer says what stands at `loc`; a list comes whole from one layer."""
    for step in loc:
        if isinstance(step, int) or not isinstance(content, dict):
            return True
        if step not in content:
            return False
        content = content[step]
    return True


def _plain(value: Any) -> Any:
    """Plain Python values for what callers hand over: any mapping, tuples, NumPy numbers and arrays."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "model_dump"):
        return value.model_dump()
    return value
