"""Downloads of a run: tables as CSV or Parquet, and the whole folder as an archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from mm_env.errors import RunError

if TYPE_CHECKING:
    import pandas as pd


def as_parquet(table: pd.DataFrame) -> bytes:
    """A table as the content of a Parquet file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV, numbers with all their digits."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def as_archive(folder: Path) -> bytes:
    """The files of a folder, not hidden and not those of folders in it, as a ZIP archive below the folder's name.

    Raises `RunError` for a folder that cannot be read.
    """
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                if path.is_file() and not path.name.startswith("."):
                    archive.write(path, f"{folder.resolve().name}/{path.name}")
    except OSError as error:
        raise RunError(f"{folder}: cannot be read: {error.strerror or error}") from error
    return buffer.getvalue()
