"""The form of a market: one field for every parameter, made from the schema of the configuration, and its changes.

Independent of how the form is shown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from mm_env.config import MarketConfig
from mm_env.config.io import config_schema
from mm_env.config.yaml_reader import format_yaml, parse_yaml
from mm_env.errors import ConfigError

Kind = Literal["number", "integer", "boolean", "choice", "text", "yaml"]

_UNITS = (
    ("bps_per_sqrt_second", "bps/√s"), ("per_second", "1/s"), ("per_hour", "1/h"), ("seconds", "s"), ("ms", "ms"),
    ("bps", "bps"), ("ticks", "ticks"), ("lots", "lots"),
)  # fmt: skip
_ORDER = ("policy", "risk", "episode", "news", "regimes", "symbols", "venues", "flow", "reward", "replay")
_LONGEST_UNIT = 14  # characters that a label has room for; a longer unit stays in the help
_UNIT_IN_TEXT = re.compile(r"\[([^\]]*)\]$")


@dataclass(frozen=True)
class FormField:
    """One parameter as a form asks for it.

    key: dotted, as `mm_env.config.io.override` takes it; label: its name with the unit; help: meaning, range, default, key
    value: as the market has it; of kind "yaml" its YAML text
    low, high: inclusive ends of the range, None where there is none or it is open; optional: may be empty
    """

    key: str
    label: str
    help: str
    kind: Kind
    value: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def increment(self) -> float:
        """Step of the plus button: of the order of the first digit."""
        if self.kind == "integer":
            return 1
        return 10.0 ** math.floor(math.log10(abs(self.value))) if self.value else 0.1


@dataclass(frozen=True)
class Group:
    """Fields that stand together: one section, or one entry of a list."""

    title: str
    fields: tuple[FormField, ...]


def groups_of(config: MarketConfig) -> list[Group]:
    """Every parameter of a market, grouped as in its file, the policy first; a value that is not a scalar is YAML."""
    schema = config_schema()
    found: list[Group] = []
    loose: list[FormField] = []
    for name, node in schema["properties"].items():
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            found += _sections(schema, _target(schema, node), value, name)
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            inner = _target(schema, node["items"])
            named = [entry.name for entry in value]
            for k, entry in enumerate(value):
                key = f"{name}.{entry.name if named.count(entry.name) == 1 else k}"
                found += _sections(schema, inner, entry, key)
        else:
            loose.append(_field(name, node, value))
    found.sort(key=_rank)
    return [*found, Group("other", tuple(loose))]


def _rank(group: Group) -> int:
    """Place of a group; sections that `_ORDER` does not name come last."""
    section = group.title.partition(" ")[0]
    return _ORDER.index(section) if section in _ORDER else len(_ORDER)


def _target(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Any:
    """The object that a node refers to, through the reference of one of its alternatives."""
    for branch in node.get("anyOf", [node]):
        if "$ref" in branch:
            return schema["$defs"][branch["$ref"].rpartition("/")[2]]
    raise KeyError(f"no reference in {node}")


def _sections(schema: Mapping[str, Any], node: Mapping[str, Any], value: BaseModel, key: str) -> Iterator[Group]:
    """A section and, after it, those inside it."""
    inner = {name: child for name, child in node["properties"].items() if isinstance(getattr(value, name), BaseModel)}
    yield Group(
        key.replace(".", " · "),
        tuple(
            _field(f"{key}.{name}", child, getattr(value, name))
            for name, child in node["properties"].items()
            if name not in inner
        ),
    )
    for name, child in inner.items():
        yield from _sections(schema, _target(schema, child), getattr(value, name), f"{key}.{name}")


def _field(key: str, node: Mapping[str, Any], value: Any) -> FormField:
    branches = node.get("anyOf", [node])
    plain = [branch for branch in branches if branch.get("type") != "null"]
    optional = len(plain) < len(branches)
    kind, only = _kind(plain)
    low, high = only.get("minimum"), only.get("maximum")
    label, said = _label(key, node)
    parts = [said, _range_of(only), _default_of(node), f"`{key}`"]
    return FormField(
        key=key,
        label=label,
        help="; ".join(part for part in parts if part),
        kind=kind,
        value=_as_yaml(value) if kind == "yaml" else value,
        low=low,
        high=high,
        choices=tuple(only.get("enum", ())),
        optional=optional,
    )


def _kind(plain: Sequence[Mapping[str, Any]]) -> tuple[Kind, Mapping[str, Any]]:
    """Kind of a field with these alternatives, and the only alternative where there is one."""
    kinds: dict[str, Kind] = {"number": "number", "integer": "integer", "boolean": "boolean", "string": "text"}
    if len(plain) != 1:
        return "yaml", {}
    only = plain[0]
    return ("choice" if "enum" in only else kinds.get(only.get("type", ""), "yaml")), only


def _label(key: str, node: Mapping[str, Any]) -> tuple[str, str]:
    """Name with its unit, from the key or the end of the description, and the rest of the description."""
    name, said = key.rpartition(".")[2], str(node.get("description", ""))
    found = _UNIT_IN_TEXT.search(said)
    if found and len(found[1]) <= _LONGEST_UNIT:
        return f"{name.replace('_', ' ')} [{found[1]}]", said[: found.start()].strip()
    for suffix, unit in _UNITS:
        if name.endswith(f"_{suffix}") and not name.endswith(f"_seconds_{suffix}"):
            return f"{name[: -len(suffix) - 1].replace('_', ' ')} [{unit}]", said
    return name.replace("_", " "), said


def _range_of(node: Mapping[str, Any]) -> str:
    words = (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"), ("exclusiveMaximum", "below"))
    return " ".join(f"{word} {node[name]:g}" for name, word in words if name in node)


def _default_of(node: Mapping[str, Any]) -> str:
    default = node.get("default")
    if default is None or isinstance(default, dict):
        return ""
    return f"default {default:g}" if isinstance(default, float) else f"default {_as_yaml(default)}"


def _as_yaml(value: Any) -> str:
    plain = value.model_dump() if isinstance(value, BaseModel) else value
    return format_yaml(plain).removesuffix("...\n").strip()


def changes_of(fields: Sequence[FormField], values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted key -> new value, of the fields whose value has changed.

    values: key -> what the form holds; empty text stands for null where that is allowed

    Raises `ConfigError` for text that is not YAML, and for a number that was emptied.
    """
    changes: dict[str, Any] = {}
    for field in fields:
        value = values[field.key]
        if field.optional and field.kind == "text" and value == "":
            value = None
        if value is None and not field.optional and field.kind != "yaml":
            raise ConfigError(f"form: {field.key}: empty; expected a value{_said_range(field)}")
        if value == field.value:
            continue
        changes[field.key] = parsed(value, field.key) if field.kind == "yaml" else value
    return changes


def _said_range(field: FormField) -> str:
    ends = [f"from {field.low:g}"] if field.low is not None else []
    ends += [f"to {field.high:g}"] if field.high is not None else []
    return "".join(f" {end}" for end in ends)


def parsed(text: str, key: str) -> Any:
    """YAML text as plain values; raises `ConfigError`, which names the key, for text that is none."""
    try:
        return parse_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{key}: malformed YAML: {' '.join(str(error).split())}") from error


def overrides_of(text: str) -> dict[str, Any]:
    """Dotted key -> value of a YAML text such as `policy: {risk_aversion: 0.1}` or `policy.risk_aversion: 0.1`.

    Raises `ConfigError`.
    """
    content = parsed(text, "YAML overrides")
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(
            "YAML overrides: expected a mapping, as `policy: {risk_aversion: 0.1}` or `policy.risk_aversion: 0.1`"
        )
    return dict(_flat(content, MarketConfig, ""))


def _flat(content: Mapping[str, Any], model: type[BaseModel] | None, path: str) -> Iterator[tuple[str, Any]]:
    """Sections key by key, so that a text may change another key of a section than the form does."""
    for name, value in content.items():
        known = model.model_fields.get(name) if model is not None else None
        inner = known.annotation if known is not None else None
        if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _flat(value, inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
