"""YAML as market files use it: scalars of YAML 1.2, so that 1e-4 is a number and NO is text; no key twice."""

from __future__ import annotations

import re
from typing import Any

import yaml

_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_INT = re.compile(r"^[-+]?[0-9][0-9_]*$")
_SCALARS = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("merge", re.compile(r"^<<$"), ["<"]),
)
_KNOWN_TAGS = ("null", "bool", "int", "float", "str", "seq", "map")


class _Loader(yaml.SafeLoader):
    # Dates, sexagesimals, octals and on/off of YAML 1.1 are left out: they turn names into other things.
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (the attribute's name and kind are PyYAML's)
    yaml_constructors = {  # noqa: RUF012 (as above)
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in _KNOWN_TAGS
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.composer.ComposerError(None, None, f"key {key.value!r} stands twice", key.start_mark)
                seen.add(key.value)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError) as error:  # of `!!float x`, `!!bool x`
            problem = f"value {node.value!r}: expected what its tag {node.tag.replace('tag:yaml.org,2002:', '!!')} says"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    def construct_yaml_int(self, node: Any) -> int:
        return int(self.construct_scalar(node))


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would not read as text; no anchors; lists of scalars on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_plain_list(self, data: list[Any]) -> yaml.Node:
        nested = any(isinstance(item, dict | list) for item in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=not nested)


for _name, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, _first)
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Dumper.add_representer(list, _Dumper.represent_plain_list)


def parse_yaml(text: str) -> Any:
    """What a YAML document says, in plain Python values.

    Raises `yaml.YAMLError`, with the place where it is known, for malformed text, a key that stands twice, a value that its
    tag does not allow, and text that is nested too deeply.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError as error:
        raise yaml.YAMLError("nested too deeply") from error


def format_yaml(value: Any) -> str:
    """YAML text from which `parse_yaml` reads `value` back exactly."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
