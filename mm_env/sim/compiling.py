"""How kernels are compiled and where the machine code is kept.

Kernels are compiled without reference counts, so that nothing in them can allocate, and without tests for division by
zero. Entry points are cached on disk. Numba's cache notices edits of the entry point's own file only, so the folder's name
holds a digest of `sim/`: an edit anywhere in it compiles anew.
"""

import getpass
import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import njit

# numba's option for code without reference counts is not in its type hints
OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}
kernel: Any = njit(**OPTIONS)


def sources_digest() -> str:
    """Digest of every source file of this package that kernels are made of, and of Numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in ("__init__.py", "batch.py", "classic_batch.py"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def cache_folder() -> Path:
    """Folder of the compiled kernels: in NUMBA_CACHE_DIR when set, else in the user's cache folder.

    Where neither can be written, a folder beside the temporary files serves.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    chosen = Path(os.environ["NUMBA_CACHE_DIR"]) if os.environ.get("NUMBA_CACHE_DIR") else home / "mm_env"
    for base in (chosen, Path(tempfile.gettempdir()) / f"mm_env-{getpass.getuser()}"):
        folder = base / f"kernels-{sources_digest()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(f"no folder for compiled kernels can be written; set NUMBA_CACHE_DIR (tried {chosen})")


def entry_point(function: Callable[..., None]) -> Any:
    """Compile a function that Python calls: it releases the GIL and is cached on disk."""
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder())
    try:
        return njit(**OPTIONS, nogil=True, cache=True)(function)
    finally:
        settings.CACHE_DIR = before
