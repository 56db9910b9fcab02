"""Where compiled kernels are kept: in a folder named by all that decides whether they fit, which nobody else can write.

The name holds a digest of the content of `sim/`, of the versions of Python, Numba and LLVM, and of the processor; no path
and no time, so that a second checkout, environment or container loads what the first one compiled. What is loaded from there
is run: a folder that is not the user's own, that others can write, or that is a link is refused.
"""

import hashlib
import logging
import os
import pickle
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

import llvmlite
import numba
from llvmlite import binding
from numba.core.caching import CompileResultCacheImpl, FunctionCache

try:
    fcntl: Any = import_module("fcntl")
except ImportError:  # Windows: two processes that start together both compile
    fcntl = None

logger = logging.getLogger(__name__)

NO_KERNELS = ("__init__.py", "batch.py", "machine_code.py")  # files of sim/ that decide nothing about machine code
MOST_BYTES = 200 * 2**20  # of all folders together; the least recently used ones go first
_PATIENCE = 2.0  # [s] of waiting for another process before a line says so
_NO_MATTER = ("NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS")  # settings of Numba that do not change machine code
_DAMAGED = (
    EOFError, pickle.UnpicklingError, AttributeError, ImportError, IndexError, OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
_depth = 0  # of nested compilations, which hold Numba's own lock


@cache
def sources_digest() -> str:
    """Digest of all that decides whether machine code fits."""
    digest = hashlib.sha256()
    home = Path(__file__).resolve().parent
    for path in sorted(home.rglob("*.py")):
        if path.name not in NO_KERNELS:
            digest.update(f"{path.relative_to(home).as_posix()}\0".encode() + path.read_bytes())
    processor = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    versions = (numba.__version__, llvmlite.__version__, sys.implementation.cache_tag, sys.platform)
    settings = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_") and item[0] not in _NO_MATTER)
    digest.update(repr((versions, processor, settings)).encode())
    return digest.hexdigest()[:16]


def cache_home() -> Path:
    """The folder that holds one folder of kernels for each digest: NUMBA_CACHE_DIR, or mm_env in the user's cache folder."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"]).resolve()
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 (never raises)
    return Path(home).resolve() / "mm_env"


@cache
def kernel_folder() -> Path:
    """Folder of the compiled kernels, the user's own alone.

    Where none can be made, a folder of this process serves, which goes when it ends.
    """
    try:
        folder = cache_home() / f"kernels-{sources_digest()}"
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        _require_private(folder.parent)
        _require_private(folder)
        os.utime(folder)  # used now
        _prune(folder)
    except OSError as error:
        logger.warning("kernels are compiled for this process alone: %s; NUMBA_CACHE_DIR names another folder", error)
        return _own_folder()
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
        raise PermissionError(f"{folder} can be written by others: expected chmod go-w {folder}")
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
    return sorted(found, key=_used)


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # another process has just removed it
        return 0.0


def folder_bytes(folder: Path) -> int:
    """Size of the files in a folder."""
    return sum(_size(path) for path in folder.rglob("*"))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


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
    """Only one process at a time compiles into the folder; the lock goes with the process that holds it.

    Called with Numba's own lock held, so that one thread of a process at a time comes here; it may come again from within.
    """
    global _depth
    file = None
    if fcntl is not None and not _depth:
        with suppress(OSError):
            file = (kernel_folder() / "lock").open("a")
    _depth += 1
    try:
        if file is not None:
            _wait_for(file)
        yield
    finally:
        _depth -= 1
        if file is not None:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)  # a child process may hold the file as well
            file.close()


def _wait_for(file: IO[str]) -> None:
    """Lock a file; a file system that knows no locks is left alone."""
    start, told = monotonic(), False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told and monotonic() - start > _PATIENCE:
                logger.warning("another process compiles the kernels; this one waits for it")
                told = True
            sleep(0.1)
        except OSError:
            return
        else:
            return


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
        self._filename_base = f"{name}-{self._locator.get_source_stamp()[:12]}"
        self._lineno = 0


class KernelCache(FunctionCache):
    """Numba's cache of one entry point, in the folder of kernels. A damaged file is as good as none."""

    _impl_class = _Implementation

    def holds(self, signature: Any, context: Any) -> bool:
        """Whether machine code of that signature is there."""
        context.refresh()
        try:
            return self._index_key(signature, context.codegen()) in self._cache_file._load_index()
        except _DAMAGED as error:
            self._discard(error)
            return False

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Machine code of that signature, None where there is none that can be read."""
        try:
            return super().load_overload(signature, context)
        except _DAMAGED as error:
            self._discard(error)
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep machine code; where that fails, the next process compiles again."""
        try:
            super().save_overload(signature, result)
        except OSError as error:
            logger.warning("compiled kernels are not kept: %s", error)

    def _discard(self, error: Exception) -> None:
        logger.warning("compiled kernels cannot be read and are compiled again (%s: %s)", type(error).__name__, error)
        with suppress(OSError):
            Path(self._cache_file._index_path).unlink(missing_ok=True)
