"""The folder of compiled kernels: who may write it, what is in its name, damaged files, locks, and its size."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mm_env.sim import machine_code


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of this test."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    machine_code.kernel_folder.cache_clear()
    machine_code._own_folder.cache_clear()
    yield tmp_path / "cache"
    monkeypatch.undo()
    machine_code.kernel_folder.cache_clear()
    machine_code._own_folder.cache_clear()


def test_the_folder_is_the_users_alone_and_named_by_content(home: Path) -> None:
    folder = machine_code.kernel_folder()
    assert folder == home / f"kernels-{machine_code.sources_digest()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o077 == 0


def test_the_digest_knows_sources_and_settings_but_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest() -> str:
        return machine_code.sources_digest.__wrapped__()

    first = digest()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert digest() != first
    monkeypatch.delenv("NUMBA_BOUNDSCHECK")
    copy = tmp_path / "sim"
    for path in Path(machine_code.__file__).parent.rglob("*.py"):
        target = copy / path.relative_to(Path(machine_code.__file__).parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    monkeypatch.setattr(machine_code, "__file__", str(copy / "machine_code.py"))
    assert digest() == first
    (copy / "book.py").write_text((copy / "book.py").read_text() + "\n")
    assert digest() != first


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners of files here")
@pytest.mark.parametrize("kind", ["link", "others", "file", "foreign"])
def test_a_folder_that_others_could_have_written_is_refused(
    kind: str, home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / f"kernels-{machine_code.sources_digest()}"
    home.mkdir(mode=0o700)
    if kind == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    elif kind == "others":
        folder.mkdir()
        folder.chmod(0o777)
    elif kind == "file":
        folder.write_text("")
    else:
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with caplog.at_level(logging.WARNING):
        found = machine_code.kernel_folder()
    assert found != folder and home not in found.parents
    assert found.stat().st_mode & 0o777 == 0o700
    assert "for this process alone" in caplog.text and str(home) in caplog.text


def test_the_least_recently_used_folders_go_past_the_size(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    current = machine_code.kernel_folder()
    for k, name in enumerate(("old", "middle", "new")):
        folder = home / f"kernels-{name}"
        folder.mkdir()
        (folder / "code").write_bytes(bytes(1000))
        os.utime(folder, (k + 1, k + 1))
    monkeypatch.setattr(machine_code, "MOST_BYTES", 2500)
    machine_code._prune(current)
    assert [folder.name for folder in machine_code.kernel_folders()] == ["kernels-middle", "kernels-new", current.name]


def test_the_lock_may_be_taken_within_itself_and_ends_with_its_block(home: Path) -> None:
    with machine_code.compile_lock(), machine_code.compile_lock():
        assert not _free(machine_code.kernel_folder())
    assert _free(machine_code.kernel_folder())


def _free(folder: Path) -> bool:
    """Whether another process could take the lock."""
    code = f"import fcntl; fcntl.flock(open({str(folder / 'lock')!r}, 'a'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


ENTRY = """
    from mm_env.sim.compiling import entry_point, kernel

    @kernel
    def twice(x):
        return {factor} * x

    @entry_point
    def fill(array):
        for i in range(len(array)):
            array[i] = twice(array[i])

    import logging, numpy as np
    logging.basicConfig(format="%(message)s")
    a = np.ones(3)
    fill(a)
    print(a.sum(), sum(fill.stats.cache_hits.values()))
"""


def _run(folder: Path, home: Path, factor: int = 2) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    script = folder / "entry.py"
    script.write_text(textwrap.dedent(ENTRY.format(factor=factor)))
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import entry"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(home)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def test_entry_points_outside_load_what_fits_their_own_source_and_nothing_else(home: Path, tmp_path: Path) -> None:
    assert _run(tmp_path / "one", home).stdout.split() == ["6.0", "0"]
    assert _run(tmp_path / "two", home).stdout.split() == ["6.0", "1"]  # another checkout of the same content
    assert _run(tmp_path / "one", home, factor=3).stdout.split() == ["9.0", "0"]
    assert _run(tmp_path / "two", home).stdout.split() == ["6.0", "1"]  # both are kept


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_a_damaged_file_is_compiled_again(ending: str, home: Path, tmp_path: Path) -> None:
    _run(tmp_path / "one", home)
    (damaged,) = home.rglob(f"*{ending}")
    damaged.write_bytes(damaged.read_bytes()[:50])
    again = _run(tmp_path / "one", home)
    assert again.stdout.split() == ["6.0", "0"] and "cannot be read" in again.stderr
    assert _run(tmp_path / "one", home).stdout.split() == ["6.0", "1"]
