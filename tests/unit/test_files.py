"""Files written whole or not at all: links, permissions, devices, pipes and long names."""

import errno
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from mm_env.config.io import MarketConfig, dump_config
from mm_env.files import check_writable, partial_path, put_in_place, write_bytes


def test_a_link_stays_and_its_target_receives_the_content(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "x", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"1", b"2"):  # a new target and an old one
        write_bytes(link, content)
        assert link.is_symlink() and target.read_bytes() == content
    dump_config(MarketConfig(), link)
    assert link.is_symlink() and b"policy" in target.read_bytes()
    assert {path.name for path in tmp_path.rglob("*")} == {"real", "x", "link"}


def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"1")
    path.chmod(0o640)
    write_bytes(path, b"2")
    assert path.read_bytes() == b"2" and stat.S_IMODE(path.stat().st_mode) == 0o640


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at files of Linux")


@linux
def test_a_device_and_a_pipe_stay_and_receive_the_content(tmp_path):
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    write_bytes(null, b"1")
    assert null.is_symlink() and stat.S_ISCHR(null.stat().st_mode)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_bytes(Path("/dev/full"), b"1")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    partial = partial_path(pipe)
    partial.write_bytes(b"text")
    put_in_place(partial, pipe)
    reader.join(timeout=10.0)
    assert read == [b"text"] and pipe.is_fifo() and not partial.exists()


def test_a_folder_and_a_read_only_file_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"1")
    for write in (check_writable, lambda path: write_bytes(path, b"2")):
        with pytest.raises(IsADirectoryError):
            write(tmp_path)
        monkeypatch.setattr(os, "access", lambda *_: False)  # as root may write all
        with pytest.raises(PermissionError):
            write(path)
        monkeypatch.undo()
    assert path.read_bytes() == b"1"


@linux
def test_long_names_are_written_as_far_as_the_file_system_allows_them(tmp_path):
    names = [letter + "ä" * 127 for letter in "ab"]  # 255 bytes
    for name in names:
        check_writable(tmp_path / name)
        write_bytes(tmp_path / name, name.encode())
    assert [(tmp_path / name).read_text() for name in names] == names
    assert len({partial_path(tmp_path / name) for name in names}) == 2
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        check_writable(tmp_path / ("c" * 256))


@linux
def test_checking_leaves_nothing_and_finds_a_folder_that_takes_no_files(tmp_path):
    check_writable(tmp_path / "new")
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        check_writable(Path("/proc/x.json"))
