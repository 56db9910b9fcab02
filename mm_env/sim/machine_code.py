"""Where compiled kernels are kept: in a folder named by all that decides whether they fit, which nobody else can write.

The name holds a digest of the content of `sim/`, of the versions of Python, Numba and LLVM, and of the processor; no path
and no time, so that a second checkout, environment or container loads what the first one compiled. What is loaded from there
is run: a folder that is not the user's own, that others can write, or that is a link is refused.
"""

import hashlib
import logging
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import llvmlite
import numba
from llvmlite import binding
from numba.core.caching import CompileResultCacheImpl, FunctionCache

try:
    import fcntl
except ImportError:  # Windows: two processes that start together both compile
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

NO_KERNELS = ("__init__.py", "batch.py", "machine_code.py")  # files of sim/ that decide nothing about machine code
MOST_BYTES = 200 * 2**20  # of all folders together; the least recently used ones go first
_SAID_AFTER = 2.0  # [s] of waiting for another process


@cache
def sources_digest() -> str:
    """Digest of all that decides whether machine code fits."""
    digest = hashlib.sha256()
    home = Path(__file__).resolve().parent
    for path in sorted(home.rglob("*.py")):
        if path.name not in NO_KERNELS:
            digest.update(f"{path.relative_to(home).as_posix()}\0".encode() + path.read_bytes())
    settings: Any = numba.config
    processor = (
        settings.CPU_NAME or binding.get_host_cpu_name(),
        settings.CPU_FEATURES or binding.get_host_cpu_features().flatten(),
    )
    versions = (numba.__version__, llvmlite.__version__, sys.implementation.cache_tag, sys.platform)
    digest.update(repr((versions, processor, str(settings.OPT))).encode())
    return digest.hexdigest()[:16]


def cache_home() -> Path:
    """The folder that holds one folder of kernels for each digest: NUMBA_CACHE_DIR, or mm_env in the user's cache folder."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"])
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "mm_env"  # noqa: PTH111 (never raises)


@cache
def kernel_folder() -> Path:
    """Folder of the compiled kernels, the user's own alone.

    Where none can be made, a folder of this process serves, which goes when it ends.
    """
    folder = cache_home() / f"kernels-{sources_digest()}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        _require_private(folder.parent)
        _require_private(folder)
        os.utime(folder)  # used now
    except OSError as error:
        logger.warning("kernels are compiled for this process alone: %s; NUMBA_CACHE_DIR names another folder", error)
        return _own_folder()
    _prune(folder)
    return folder


def _require_private(folder: Path) -> None:
    """Raise `PermissionError` unless the folder is the user's, no link, and writable by nobody else."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} is a link or a file; expected a folder")
    if not hasattr(os, "geteuid"):
        return
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user")
    if found.st_mode & 0o022:
        raise PermissionError(f"{folder} can be written by others (mode {stat.S_IMODE(found.st_mode):o})")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written")


@cache
def _own_folder() -> Path:
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="mm_env-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def kernel_folders() -> list[Path]:
    """All folders of kernels of any digest, the least recently used first."""
    found = [path for path in cache_home().glob("kernels-*") if path.is_dir() and not path.is_symlink()]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def folder_bytes(folder: Path) -> int:
    """Size of the files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _prune(current: Path) -> None:
    """Remove the least recently used folders past the size allowed, never the one in use."""
    folders = [folder for folder in kernel_folders() if folder != current]
    sizes = {folder: folder_bytes(folder) for folder in folders}
    excess = sum(sizes.values()) + folder_bytes(current) - MOST_BYTES
    for folder in folders:
        if excess <= 0:
            return
        shutil.rmtree(folder, ignore_errors=True)
        excess -= sizes[folder]


@contextmanager
def compile_lock() -> Iterator[None]:
    """Only one process at a time compiles into the folder; the lock goes with the process that holds it."""
    if fcntl is None:
        yield
        return
    with (kernel_folder() / "lock").open("a") as file:
        start, said = monotonic(), False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said and monotonic() - start > _SAID_AFTER:
                    logger.warning("another process compiles the kernels; this one waits for it")
                    said = True
                sleep(0.1)
        yield


class _Locator:
    """What Numba asks of a place for machine code; its stamp covers the entry point's own file, also outside `sim/`."""

    def __init__(self, function: Any) -> None:
        self._file = Path(function.__code__.co_filename)

    def get_cache_path(self) -> str:
        return str(kernel_folder())

    def ensure_cache_path(self) -> None:
        kernel_folder()

    def get_source_stamp(self) -> str:
        return hashlib.sha256(self._file.read_bytes()).hexdigest()

    def get_disambiguator(self) -> None:
        return None


class _Implementation(CompileResultCacheImpl):
    def __init__(self, function: Any) -> None:
        self._locator = _Locator(function)
        name = f"{function.__module__}.{function.__qualname__}"
        self._filename_base = self.get_filename_base(name, getattr(sys, "abiflags", ""))
        self._lineno = 0

    def get_filename_base(self, name: str, abi: str) -> str:
        return f"{name}.{sys.implementation.cache_tag}{abi}"


class KernelCache(FunctionCache):
    """Numba's cache of one entry point, in the folder of kernels."""

    _impl_class = _Implementation

    def holds(self, signature: Any, context: Any) -> bool:
        """Whether machine code of that signature is there."""
        context.refresh()
        return self._index_key(signature, context.codegen()) in self._cache_file._load_index()
