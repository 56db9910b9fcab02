"""The nearest known name, for messages to the user."""

from __future__ import annotations

from collections.abc import Iterable


def closest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Return the known name most like `name`, whatever the case, or None where none is like it.

    cutoff: [0 to 1] similarity (difflib's ratio) below which a name is not offered.
    """
    from difflib import get_close_matches

    folded = {candidate.strip().casefold(): candidate for candidate in known}
    found = get_close_matches(name.strip().casefold(), list(folded), n=1, cutoff=cutoff)
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest known name, or an empty string."""
    found = closest(name, known)
    return f"; did you mean {found!r}?" if found is not None else ""
