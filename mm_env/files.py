"""Files written whole or not at all: next to their place first, then moved there in one go."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def partial_path(path: Path) -> Path:
    """Where a file is written before it is moved to `path`; in the same folder, so that moving is atomic."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = partial_path(path)
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


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
