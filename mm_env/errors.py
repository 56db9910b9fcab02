"""Every error that a user may meet, the nearest known name for its message, and the check of a choice.

Error
├── ConfigError           a market, scenario or policy file that cannot be used
├── UsageError            an argument or an option that cannot be used
│   ├── DataError         market data
│   ├── LabelledError     labelled headlines
│   └── RecordingError    a file that headlines cannot be added to
├── TapeError             a file of headlines that cannot be used
├── RunError              a run folder that cannot be written or read
├── EstimationError       data that a model cannot be fitted to
├── SourceError           prices or headlines that could not be read this time
└── MissingExtraError     a package that is not installed, with the extra that brings it

All but the last two are `ValueError` as well; `MissingExtraError` is an `ImportError`. A message is one line a problem:
``WHERE: KEY: value VALUE: expected WHAT; nearest: 'NAME'``, as far as these parts apply. `mm_env.sim.batch.SimulationFault`
stands outside: it reports a bug of the simulation, no mistake of its user.
"""

from __future__ import annotations

from collections.abc import Iterable

_LIKE = 0.6  # similarity (difflib's ratio) from which a known name is offered


class Error(Exception):
    """Base of all errors of this package; `except mm_env.Error` catches them all."""


class ConfigError(Error, ValueError):
    """A market configuration that cannot be used; a line a problem: file, key, value, what is expected."""


class UsageError(Error, ValueError):
    """An argument or an option that cannot be used; the message names it, its value and what is expected."""


class DataError(UsageError):
    """Market data that cannot be used; the message names file, place, value and what is expected."""


class LabelledError(UsageError):
    """A file of labelled headlines that cannot be used; the message names file, line, value and what is expected."""


class RecordingError(UsageError):
    """A file that headlines cannot be added to; the message names it. The file is left as it is."""


class TapeError(Error, ValueError):
    """A file of headlines that cannot be used; the message names file, place, value and what is expected."""


class RunError(Error, ValueError):
    """A run folder that cannot be written or read; the message names the path."""


class EstimationError(Error, ValueError):
    """Data that a model cannot be fitted to; the message says what is expected."""


class SourceError(Error):
    """A source of prices or headlines that could not be read this time; the message names it and holds no key."""


class MissingExtraError(Error, ImportError):
    """A package that is not installed; the message names the extra that brings it."""


def nearest(name: str, known: Iterable[str], cutoff: float = _LIKE) -> str | None:
    """The known name most like `name`, whatever the case of its letters, or None.

    cutoff: [0 to 1] similarity below which a name is not offered
    """
    from difflib import get_close_matches

    folded = {candidate.strip().casefold(): candidate for candidate in known}
    close = get_close_matches(name.strip().casefold(), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """``; nearest: 'x'`` for the end of a message, or an empty text where no known name is like `name`."""
    close = nearest(name, known)
    return f"; nearest: {close!r}" if close else ""


def suggestion(name: str, known: Iterable[str]) -> str:
    """``nearest: 'x'``, or all known names where none is like `name`."""
    known = list(dict.fromkeys(known))
    close = nearest(name, known)
    return f"nearest: {close!r}" if close else f"expected {one_of(known)}"


def check_choice(name: str, value: object, known: Iterable[str]) -> None:
    """Raise `UsageError`, with the nearest known name, unless `value` is one of `known`.

    name: of the argument or option, as its user wrote it
    """
    known = list(known)
    if value not in known:
        raise UsageError(f"{name} {value!r}: expected {one_of(known)}{nearest_hint(str(value), known)}")


def one_of(known: Iterable[object]) -> str:
    """``one of 'a', 'b'``, or the only one."""
    names = [repr(name) for name in known]
    return f"one of {', '.join(names)}" if len(names) > 1 else ", ".join(names)
