"""Files written whole or not at all: next to their place first, then moved there in one go."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LONGEST_NAME = 200  # [bytes] of a name that its partial file bears too; file systems allow 255


def partial_path(path: Path) -> Path:
    """Where a file is written before `put_in_place`: beside what `path` is or links to, so that moving is atomic."""
    target = Path(os.path.realpath(path))
    folder = Path(tempfile.gettempdir()) if _is_special(path) else target.parent
    name = os.fsencode(target.name)
    short = target.name if len(name) <= _LONGEST_NAME else hashlib.sha256(name).hexdigest()
    return folder / f".{short}.{os.getpid()}.partial"


def put_in_place(partial: Path, path: Path) -> None:
    """Move a finished file to `path`: a link stays one, a file keeps its permissions, a device or pipe gets the content."""
    if _is_special(path):
        with partial.open("rb") as source, path.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        partial.unlink()
        return
    target = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError):
        shutil.copymode(target, partial)
    partial.replace(target)


def check_writable(path: Path) -> None:
    """Raise `OSError` where `path` cannot be written; what stands there is not touched."""
    _check_place(path)
    partial = partial_path(path)
    partial.touch()
    partial.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises `OSError`, also for an old file that is read-only."""
    _check_place(path)
    partial = partial_path(path)
    try:
        partial.write_bytes(content)
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _check_place(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _is_special(path: Path) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113 (those of Path raise for long names)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, keys in their order; raises ValueError for what JSON does not know, such as NaN."""
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write CSV; every row holds every name of the header; numbers with all their digits."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())
