"""Keys that were renamed, and the rewriting of files that still hold the old ones.

A file keeps its comments, its layout and the order of its keys: only the letters of a key change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import yaml

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


def renamed(key: str, section: str = "") -> str | None:
    """New name of an old key, or None. section: where it stands; of a key at the top the answer names the section."""
    if section:
        return RENAMED.get(section, {}).get(key)
    return next((f"{home}.{keys[key]}" for home, keys in RENAMED.items() if key in keys), None)


def renamed_hint(key: str, section: str, known: Collection[str]) -> str:
    """``renamed to 'x' in 0.2.0`` for an old key whose new name is known there, else empty."""
    new = renamed(key, section)
    there = new is not None and new.partition(".")[0] in known
    return f"renamed to {new!r}{_SINCE}" if there else ""


def with_command(problem: str, source: str) -> str:
    """`problem`, with the command that renames the keys where it names a renamed key of a file.

    source: the file, or another name of what holds the key
    """
    return f"{problem}: run mm-env migrate {source}" if problem.endswith(_SINCE) and Path(source).is_file() else problem


def migrate_text(text: str) -> tuple[str, list[str]]:
    """The text of a market, policy or scenario file with new keys, and one line a change: ``line 3: OLD → NEW``.

    Changes keys of the sections, wherever a section stands, and dotted keys, as of `randomize` and of scenarios. A text
    without old keys comes back as it is.

    Raises `yaml.YAMLError` for malformed text, and `ConfigError` where the new key stands beside the old one.
    """
    edits: dict[int, tuple[yaml.ScalarNode, str]] = {}
    for node, new in _old_keys(yaml.compose(text, Loader=yaml.SafeLoader), None, set()):
        edits[node.start_mark.index] = node, new
    changes = []
    for start in sorted(edits, reverse=True):  # from the end, so that places before stay
        node, new = edits[start]
        written = text[start : node.end_mark.index]
        text = text[:start] + written.replace(node.value, new) + text[node.end_mark.index :]
        changes.append(f"line {node.start_mark.line + 1}: {node.value} → {new}")
    return text, changes[::-1]


def migrate_file(path: Path) -> list[str]:
    """Give the old keys of a file their new names; returns one line a change, none where there is nothing to do.

    The file is written whole or not at all, and not touched without a change. Raises `ConfigError`, with the file's name.
    """
    try:
        before = path.read_bytes().decode("utf-8-sig")
        after, changes = migrate_text(before)
        if changes:
            write_bytes(path, after.encode())
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: malformed YAML: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read or written: {error.strerror}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return changes


def _old_keys(node: yaml.Node | None, section: str | None, above: set[int]) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """Nodes of old keys below `node` with their new names. above: nodes that lead here, as an alias may lead back."""
    if node is None or id(node) in above:
        return
    above = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _old_keys(item, None, above)
    if not isinstance(node, yaml.MappingNode):
        return
    names = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        home, _, last = name.rpartition(".")
        place = home or section
        new = renamed(last, place) if place else None
        if new is not None:
            new = f"{home}.{new}" if home else new
            if new in names:
                where = f"line {key.start_mark.line + 1}: {name}"
                raise ConfigError(f"{where}: expected one of the two keys, as its new name {new!r} stands beside it")
            yield key, new
        yield from _old_keys(value, name, above)
