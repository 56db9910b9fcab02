"""Pydantic's errors as lines that say where, what, and what is expected."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from mm_env.config.classic import ClassicConfig
from mm_env.config.keys import Loc, get, shortened
from mm_env.config.migrate import moved_hint, renamed_hint, with_command
from mm_env.config.schema import MarketConfig
from mm_env.errors import nearest


@functools.cache
def config_schema(model: type[BaseModel] = MarketConfig) -> dict[str, Any]:
    """JSON schema of a file that holds a `model`, by default a market."""
    return model.model_json_schema()


def problem_lines(
    error: ValidationError, raw: Any, source_of: Callable[[Loc], str], model: type[BaseModel] = MarketConfig
) -> list[str]:
    """``FILE: key.path: value VALUE: expected …`` for each problem; all branches of one union are one problem.

    error: of validating `raw` as a `model`
    source_of: name of the file that a key comes from
    """
    schema = config_schema(model)
    lines: dict[str, None] = {}
    for found in error.errors(include_url=False):
        loc, kind = found["loc"], found["type"]
        depth, node = _walk(schema, loc)
        value, text = found["input"], ""
        if kind in ("extra_forbidden", "invalid_key"):
            text = _unknown(model, loc)
            loc = loc[:-1]
        elif kind == "missing":
            text = f"missing: expected {_described(schema, node)}"
        elif kind == "config":
            text = f"value {shortened(value)}: expected {found['ctx']['expected']}"
        elif kind == "value_error":
            text = f"value {shortened(value)}: expected {found['ctx']['error']}"
        else:
            if depth < len(loc):
                loc = loc[:depth]
                value = get(raw, loc)
            text = f"value {shortened(value)}: expected {_described(schema, node)}"
        where = f"{path_name(loc, raw)}: " if loc else ""
        source = source_of(loc)
        lines[with_command(f"{source}: {where}{text}", source, model is ClassicConfig)] = None
    return list(lines)


def path_name(loc: Loc, raw: Any) -> str:
    """Dotted key of `loc`, a list's entry by its name where only one has that name."""
    steps = []
    for depth, step in enumerate(loc):
        if isinstance(step, int):
            try:
                names = [item if isinstance(item, str) else item.get("name") for item in get(raw, loc[:depth])]
            except (AttributeError, LookupError, TypeError):
                names = []
            name = names[step] if step < len(names) else None
            if isinstance(name, str) and name.isprintable() and names.count(name) == 1:
                steps.append(name)
            else:
                steps.append(str(step))
        else:
            steps.append(str(step))
    return ".".join(steps)


def _unknown(model: type[BaseModel], loc: Loc) -> str:
    schema = config_schema(model)
    key, section = loc[-1], loc[:-1]
    if not isinstance(key, str):
        return f"unknown key {key!r}; keys are text"
    here = list(_resolved(schema, _walk(schema, section)[1])[0].get("properties", {}))
    hint = renamed_hint(key, ".".join(map(str, section)), here) or moved_hint(key, model)
    if hint:
        return f"unknown key {key!r}; {hint}"
    homes = _homes(model)
    if key in homes:
        return f"unknown key {key!r}; {belongs_in(model, key)}"
    close = nearest(key, here)
    if close:
        return f"unknown key {key!r}; nearest: {close!r}"
    close = nearest(key, homes)
    if close:
        return f"unknown key {key!r}; nearest: {close!r} in {' or '.join(homes[close])}"
    return f"unknown key {key!r}; expected one of {', '.join(map(repr, here))}"


def belongs_in(model: type[BaseModel], key: str) -> str:
    """``'risk_aversion' belongs in section 'policy'``, or an empty text for a key that no section has."""
    homes = _homes(model).get(key)
    return f"{key!r} belongs in {' or '.join(homes)}" if homes else ""


@functools.cache
def _homes(model: type[BaseModel]) -> dict[str, list[str]]:
    """Sections that a key may stand in."""
    schema = config_schema(model)
    homes: dict[str, list[str]] = {}

    def visit(node: dict[str, Any], path: str, entry: bool = False) -> None:
        place = f"{'an entry of' if entry else 'section'} {path!r}" if path else "the top of the file"
        for branch in _resolved(schema, node):
            for key, child in branch.get("properties", {}).items():
                homes.setdefault(key, []).append(place)
                visit(child, f"{path}.{key}" if path else key)
            if "items" in branch:
                visit(branch["items"], path, entry=True)

    visit(schema, "")
    return homes


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a schema node, references followed."""
    branches = []
    for branch in node.get("anyOf", [node]):
        if "$ref" in branch:
            branch = schema["$defs"][branch["$ref"].rpartition("/")[2]]
        branches.append(branch)
    return branches


def _walk(schema: dict[str, Any], loc: Loc) -> tuple[int, dict[str, Any]]:
    """How far `loc` goes in the schema, and the node there; pydantic adds steps past a union."""
    node = schema
    for depth, step in enumerate(loc):
        child = _child(schema, node, step)
        if child is None:
            return depth, node
        node = child
    return len(loc), node


def _child(schema: dict[str, Any], node: dict[str, Any], step: str | int) -> dict[str, Any] | None:
    branches = _resolved(schema, node)
    child: Any = None
    for branch in branches:
        if isinstance(step, int):
            child = branch.get("items") if len(branches) == 1 else None
        else:
            child = branch.get("properties", {}).get(step) or branch.get("additionalProperties")
        if isinstance(child, dict):
            return child
    return None


def _described(schema: dict[str, Any], node: dict[str, Any]) -> str:
    allowed = _either([_noun(schema, branch) for branch in _resolved(schema, node)])
    return f"{allowed} ({node['description']})" if node.get("description") and "properties" not in node else allowed


def _either(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _noun(schema: dict[str, Any], node: dict[str, Any], many: bool = False) -> str:
    """A schema node in words, such as ``a number from 0 to 20``."""
    if "anyOf" in node or "$ref" in node:
        return _either([_noun(schema, branch, many) for branch in _resolved(schema, node)])
    if "enum" in node:
        return _either([repr(value) for value in node["enum"]])
    kind = node["type"]
    if kind == "array":
        inner = _noun(schema, node["items"], many=True)
        low, high = node.get("minItems"), node.get("maxItems")
        size = f" of {low}" if low is not None and low == high else f" of {low} to {high}" if high is not None else ""
        return f"{'lists' if many else 'a list'}{size or ' of'} {inner}"
    one, several = {
        "number": ("a number", "numbers"),
        "integer": ("a whole number", "whole numbers"),
        "boolean": ("true or false", "true or false"),
        "null": ("null", "nulls"),
        "object": ("a mapping (key: value)", "mappings (key: value)"),
        "string": ("text", "texts"),
    }[kind]
    return (several if many else one) + _range(node)


def _range(node: dict[str, Any]) -> str:
    if node["type"] == "string":
        return f" of {node['minLength']} to {node['maxLength']} characters" if "maxLength" in node else ""
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    parts = [
        f"{word} {node[key]:g}"
        for key, word in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in node
    ]
    return f" {' and '.join(parts)}" if parts else ""
