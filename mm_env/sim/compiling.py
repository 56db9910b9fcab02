"""How kernels are compiled and where the machine code is kept.

Kernels are compiled without reference counts, so that nothing in them can allocate, and without tests for division by
zero. Entry points are cached on disk. Numba's cache notices edits of the entry point's own file only, so the folder's name
holds a digest of all of `sim/`: an edit anywhere in it compiles anew.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numba
from numba import njit

kernel = njit(_nrt=False, error_model="numpy")


def sources_digest() -> str:
    """Digest of every source file of this package and of Numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Folder of the compiled kernels: NUMBA_CACHE_DIR when set, else the user's cache folder."""
    base = os.environ.get("NUMBA_CACHE_DIR")
    if base is None:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mm_env")
    return Path(base) / f"kernels-{sources_digest()}"


def entry_point(function: Callable) -> Callable:
    """Compile a function that Python calls: it releases the GIL and is cached on disk."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder())
    try:
        return njit(_nrt=False, error_model="numpy", nogil=True, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
