"""How kernels are compiled and where the machine code is kept.

Kernels are compiled without reference counts, so that nothing in them can allocate, and without tests for division by
zero. Entry points are cached on disk. Numba's cache notices edits of the entry point's own file only, so the folder's name
holds a digest of `sim/`: after an edit anywhere in it all is compiled again.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# numba's option for code without reference counts is not in its type hints
OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}
_LINE = 64  # [bytes] of a cache
kernel: Any = njit(**OPTIONS)
# for what happens at every event: no call, no copying of arguments, and indices that the compiler knows not to be negative
inlined: Any = njit(**OPTIONS, forceinline=True)


@intrinsic
def _prefetch(typing_context: Any, record: Any, part: Any, parts: Any) -> Any:
    """Ask for the cache lines of one part of a record."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
        start = builder.bitcast(arguments[0], pointer)
        lines = context.get_constant(types.intp, -(-record.size // _LINE))
        low = builder.sdiv(builder.mul(lines, arguments[1]), arguments[2])
        high = builder.sdiv(builder.mul(lines, builder.add(arguments[1], arguments[1].type(1))), arguments[2])
        with cgutils.for_range_slice(builder, low, high, low.type(1)) as (line, _):
            address = builder.gep(start, [builder.mul(line, line.type(_LINE))])
            builder.call(fetch, [address, number(1), number(3), number(1)])  # to write, to every cache, data
        return context.get_dummy_value()

    return types.void(record, types.intp, types.intp), generate


_ask: Any = _prefetch if not numba.config.DISABLE_JIT else lambda record, part, parts: None  # type: ignore[attr-defined]


@inlined
def prefetch(record, part, parts):
    """Ask for one of `parts` parts of a record ahead of its use: all at once would take every free line buffer."""
    _ask(record, part, parts)


def sources_digest() -> str:
    """Digest of all that decides whether machine code on disk fits.

    The content of every source file that kernels are made of; and what Numba itself asks for (the path and time of change of
    the file, Python, its own version, the processor), so that a folder with a kernel in it holds one that will be loaded.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).resolve().parent.rglob("*.py")):
        if path.name not in ("__init__.py", "batch.py"):
            digest.update(f"{path} {path.stat().st_mtime_ns}\0".encode() + path.read_bytes())
    processor = (
        os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name(),
        os.environ.get("NUMBA_CPU_FEATURES") or binding.get_host_cpu_features().flatten(),
    )
    digest.update(repr((numba.__version__, sys.implementation.cache_tag, *processor)).encode())
    return digest.hexdigest()[:16]


@cache
def cache_folder() -> Path:
    """Folder of the compiled kernels: in NUMBA_CACHE_DIR when set, else in the user's cache folder.

    Where neither can be written, a folder beside the temporary files serves.
    """
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    chosen = Path(named or os.path.expanduser("~/.cache"))  # noqa: PTH111, Path.home() raises for a user without one
    chosen = chosen if os.environ.get("NUMBA_CACHE_DIR") else chosen / "mm_env"
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    for base in (chosen, Path(tempfile.gettempdir()) / f"mm_env-{user}"):
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
