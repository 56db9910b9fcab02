"""Dotted keys (``symbols.XYZ.tick_size``), the nearest known name, and located problems."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from mm_env.config.migrate import moved_hint, renamed_hint
from mm_env.errors import suggestion

Loc = tuple[str | int, ...]


class Problem(NamedTuple):
    """One refused value: where it stands, what it is, and what is expected there."""

    loc: Loc
    value: object
    expected: str


def refuse(title: str, problems: Sequence[Problem]) -> None:
    """Raise one pydantic `ValidationError` that holds all of `problems`, each at its own key."""
    if problems:
        raise ValidationError.from_exception_data(
            title,
            [
                # The text goes in through the context: a brace inside it must not be read as a placeholder.
                InitErrorDetails(
                    type=PydanticCustomError("config", "{expected}", {"expected": problem.expected}),
                    loc=problem.loc,
                    input=problem.value,
                )
                for problem in problems
            ],
        )


def shortened(value: object) -> str:
    """`value` in at most about 60 characters, in the spelling of YAML where that differs."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = brief.maxlong = 50
    brief.maxlist = brief.maxdict = 4
    text = brief.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def locate(config: BaseModel, key: str) -> Loc:
    """Place of a dotted key in `config.model_dump()`; entries of lists go by their name (first) or index.

    Raises `ValueError` with the nearest known name for a key that does not exist.
    """
    parts = key.split(".")
    loc: Loc = ()
    node: Any = config
    while parts:
        step: str | int
        where = ".".join(map(str, loc))
        if isinstance(node, BaseModel):
            step, used = parts[0], 1
            known = type(node).model_fields
            if step not in known:
                inside = f" in {where!r}" if where else ""
                hint = renamed_hint(step, where, known) or moved_hint(step, type(config)) or suggestion(step, known)
                raise ValueError(f"unknown key {step!r}{inside}; {hint}")
            node = getattr(node, step)
        elif isinstance(node, list):
            step, used = _entry(node, parts, where)
            node = node[step]
        elif isinstance(node, dict):
            # Keys of these mappings are free, and may hold dots themselves.
            step, used = ".".join(parts), len(parts)
            node = node.get(step)
        else:
            raise ValueError(f"unknown key {key!r}; {where!r} is a single value")
        loc, parts = (*loc, step), parts[used:]
    return loc


def _entry(entries: list[Any], parts: list[str], where: str) -> tuple[int, int]:
    """Index of the entry that the first parts name, and how many parts that takes (a name may hold dots)."""
    names = [entry.name for entry in entries if hasattr(entry, "name")]
    for used in range(len(parts), 0, -1):
        name = ".".join(parts[:used])
        if name in names:
            return names.index(name), used
    if parts[0].isdecimal() and int(parts[0]) < len(entries):
        return int(parts[0]), 1
    known = suggestion(parts[0], names) if names else f"known: indices 0 to {len(entries) - 1}"
    raise ValueError(f"no entry {parts[0]!r} in {where!r}; {known}")


def get(raw: Any, loc: Loc) -> Any:
    """Value at `loc` in nested mappings and lists; raises `LookupError` or `TypeError` where none is."""
    for step in loc:
        raw = raw[step]
    return raw


def put(raw: Any, loc: Loc, value: object) -> None:
    """Set the value at `loc` in nested mappings and lists."""
    get(raw, loc[:-1])[loc[-1]] = value
