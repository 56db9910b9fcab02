"""Keys that were renamed, and the rewriting of files that still hold the old ones.

A file keeps its comments, its layout and the order of its keys: only the letters of a key change.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel

from mm_env.errors import ConfigError
from mm_env.files import write_bytes

VERSION = "0.2.0"
"""Version in which the keys were renamed."""
_SINCE = f" in {VERSION}"  # at the end of the hint
RENAMED: dict[str, dict[str, str]] = {
    "policy": {
        "use_avellaneda": "use_avellaneda_stoikov",
        "as_gamma": "risk_aversion",
        "as_k": "fill_decay",
        "as_A": "arrival_rate",
        "as_T": "horizon_seconds",
        "as_horizon": "horizon_mode",
        "cj_phi": "inventory_penalty",
        "cj_alpha": "terminal_penalty",
    }
}
"""Section of a market -> old key -> new key."""
_MERGE = "tag:yaml.org,2002:merge"  # of the key <<
Renames = Mapping[str, Mapping[str, str]]


def renames_of(model: type[BaseModel]) -> Renames:
    """Those of `RENAMED` whose new key a file of `model` may hold."""
    fields = {section: getattr(field.annotation, "model_fields", {}) for section, field in model.model_fields.items()}
    return {
        section: {old: new for old, new in keys.items() if new in fields.get(section, {})}
        for section, keys in RENAMED.items()
    }


def renamed(key: str, section: str) -> str | None:
    """New name of an old key of a section, or None."""
    return RENAMED.get(section, {}).get(key)


def renamed_hint(key: str, section: str, known: Collection[str]) -> str:
    """``renamed to 'x' in 0.2.0`` for an old key of a section whose new name is known there, else empty."""
    new = renamed(key, section)
    return f"renamed to {new!r}{_SINCE}" if new in known else ""


def moved_hint(key: str, model: type[BaseModel]) -> str:
    """``renamed to 'policy.x' in 0.2.0, and belongs in section 'policy'`` for an old key outside its section, else empty."""
    found = ((section, keys[key]) for section, keys in renames_of(model).items() if key in keys)
    return next((f"renamed to '{home}.{new}'{_SINCE}, and belongs in section {home!r}" for home, new in found), "")


def with_command(problem: str, source: str, classic: bool = False) -> str:
    """`problem`, with the command that renames the keys where it names a renamed key of a file.

    source: the file, or another name of what holds the key; classic: whether it holds a classic market
    """
    if not problem.endswith(_SINCE) or not os.path.isfile(source):  # noqa: PTH113 (False for names too long for a path)
        return problem
    return f"{problem}: run mm-env migrate {'--classic ' if classic else ''}{shlex.quote(source)}"


def migrate_text(text: str, renames: Renames = RENAMED) -> tuple[str, list[str]]:
    """The text of a market, policy or scenario file with new keys, and one line a change: ``line 3: OLD → NEW``.

    Changes keys of the sections, wherever a section stands, and dotted keys, as of `randomize` and of scenarios. A text
    without old keys comes back as it is. renames: as `RENAMED`

    Raises `yaml.YAMLError` for malformed text, and `ConfigError` where the new key stands beside the old one.
    """
    edits = {
        key.end_mark.index: (key, new)
        for key, new in _old_keys(yaml.compose(text, Loader=yaml.SafeLoader), None, renames, set())
    }
    starts = _key_starts(text) if edits else {}
    changes = []
    for end in sorted(edits, reverse=True):  # from the end, so that places before stay
        node, new = edits[end]
        where = f"line {node.start_mark.line + 1}: {node.value}"
        if end not in starts:
            raise ConfigError(f"{where}: expected the key written out, as an alias of this value stands in its place")
        written = text[starts[end] : end]
        quote = node.style if node.style in ("'", '"') else ""
        line_end = written[len(written.rstrip()) :]  # of a block scalar
        text = f"{text[: starts[end]]}{quote}{new}{quote}{line_end}{text[end:]}"
        changes.append(f"{where} → {new}")
    return text, changes[::-1]


def migrate_file(path: Path, renames: Renames = RENAMED) -> list[str]:
    """Give the old keys of a file their new names; returns one line a change, none where there is nothing to do.

    The file is written whole or not at all, and not touched without a change. Raises `ConfigError`, with the file's name.
    """
    try:
        if path.exists() and not path.is_file():
            raise ConfigError("expected a regular file")
        before = path.read_bytes().decode()
        after, changes = migrate_text(before, renames)
        if changes:
            write_bytes(path, after.encode())
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: malformed YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: malformed YAML: nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read or written: {error.strerror}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return changes


def _key_starts(text: str) -> dict[int, int]:
    """End -> start of each scalar that is a key where it stands, without the anchor or tag before it."""
    starts = {}
    after_key = False
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.ScalarToken) and after_key:
            starts[token.end_mark.index] = token.start_mark.index
        after_key = isinstance(token, yaml.KeyToken) or (after_key and isinstance(token, yaml.AnchorToken | yaml.TagToken))
    return starts


def _old_keys(
    node: yaml.Node | None, section: str | None, renames: Renames, seen: set[tuple[int, str | None]]
) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """Nodes of old keys below `node` with their new names. seen: nodes and sections that need no second visit."""
    if node is None or (id(node), section) in seen:  # aliases may lead back, or to one node many times
        return
    seen.add((id(node), section))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _old_keys(item, None, renames, seen)
    if not isinstance(node, yaml.MappingNode):
        return
    merged = [key for part in _with_merged(node) for key, _ in part.value if isinstance(key, yaml.ScalarNode)]
    names = {key.value for key in merged}
    for key in merged:
        new = _new_name(key.value, section, renames)
        if new in names:
            where = f"line {key.start_mark.line + 1}: {key.value}"
            raise ConfigError(f"{where}: expected one of the two keys, as its new name {new!r} stands beside it")
    own: set[str] = set()
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        new = _new_name(name, section, renames)
        if new is not None:
            if name in own:
                raise ConfigError(
                    f"line {key.start_mark.line + 1}: {name}: expected once, as it stands in this mapping twice"
                )
            own.add(name)
            yield key, new
        if key.tag != _MERGE:
            yield from _old_keys(value, name if name in renames else None, renames, seen)
            continue
        for item in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            yield from _old_keys(item, section, renames, seen)


def _new_name(name: str, section: str | None, renames: Renames) -> str | None:
    """New name of a key of a section, or of a dotted key, as it is written there; None for one that stays."""
    home, _, last = name.rpartition(".")
    new = renames.get(home or section or "", {}).get(last)
    return f"{home}.{new}" if home and new else new


def _with_merged(node: yaml.MappingNode) -> list[yaml.MappingNode]:
    """A mapping and those that ``<<`` merges into it."""
    parts = [node]
    seen = {id(node)}
    for part in parts:  # grows as it runs
        for key, value in part.value:
            if key.tag == _MERGE:
                for item in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(item, yaml.MappingNode) and id(item) not in seen:
                        seen.add(id(item))
                        parts.append(item)
    return parts
