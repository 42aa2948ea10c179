"""Filling files and flushing them, each or the whole file system: all is closed, and the first fault is raised."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from mobileops.bundle import flushing
from mobileops.bundle.flushing import Flusher, flusher_of

EXT4, FUSE = 0xEF53, 0x65735546


def _open(folder, name):
    return os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_every_file_is_written_given_its_mode_and_closed(tmp_path):
    before = _descriptors()
    with Flusher() as flusher:
        for number in range(200):
            flusher.file(_open(tmp_path, str(number)), 0o755, iter([b"a" * number, b"b"]))
    assert {(tmp_path / str(number)).read_bytes() == b"a" * number + b"b" for number in range(200)} == {True}
    assert (tmp_path / "7").stat().st_mode & 0o777 == 0o755
    assert _descriptors() == before


def test_a_fault_in_a_thread_is_raised_and_nothing_stays_open(tmp_path):
    def broken():
        yield b"half"
        raise ValueError("bad")

    def write():
        with Flusher() as flusher:
            for number in range(50):
                flusher.file(_open(tmp_path, str(number)), 0o644, broken())

    before = _descriptors()
    with pytest.raises(ValueError, match="bad"):
        write()
    assert _descriptors() == before


def test_an_exception_in_the_block_drops_what_has_not_begun(tmp_path):
    def interrupted():
        with Flusher() as flusher:
            flusher.file(_open(tmp_path, "a"), 0o644, iter([b"x"]))
            raise KeyboardInterrupt

    before = _descriptors()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _descriptors() == before
    assert all(thread.name != "flush" for thread in threading.enumerate())


@pytest.fixture
def folder(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def flushes(monkeypatch):
    """Return what is flushed, in its order, with the names that were in the folder then."""
    seen = []
    fsync, syncfs = os.fsync, flushing._sync_file_system
    monkeypatch.setattr(os, "fsync", lambda fd: (seen.append("file"), fsync(fd)))
    monkeypatch.setattr(flushing, "_sync_file_system", lambda fd: (seen.append(sorted(os.listdir(fd))), syncfs(fd)))  # noqa: PTH208
    return seen


@pytest.mark.parametrize(
    ("kind", "files", "expected"),
    [
        (EXT4, flushing.AT_ONCE_FROM_FILES, [["a", "b"]]),
        (EXT4, flushing.AT_ONCE_FROM_FILES - 1, ["file", "file"]),
        (FUSE, flushing.AT_ONCE_FROM_FILES, ["file", "file"]),
    ],
    ids=["many", "few", "a file system that does not pass it on"],
)
def test_many_files_are_flushed_by_one_call_where_that_is_known_to_work(
    tmp_path, folder, flushes, monkeypatch, kind, files, expected
):
    monkeypatch.setattr(flushing, "_type_of", lambda _: kind)
    with flusher_of(folder, files=files) as flusher:
        flusher.file(_open(tmp_path, "a"), 0o644, b"x")
        flusher.file(_open(tmp_path, "b"), 0o644, b"y")
    assert flushes == expected


def test_with_one_flush_for_all_every_file_is_written_given_its_mode_and_closed(tmp_path, folder, flushes):
    before = _descriptors()
    with Flusher(folder) as flusher:
        for number in range(100):
            content = b"a" * number
            flusher.file(
                _open(tmp_path, str(number)), 0o755, content if number % 2 else iter([content[:3], content[3:]])
            )
        flusher.folder(os.open(tmp_path, os.O_RDONLY))
    assert {(tmp_path / str(number)).read_bytes() == b"a" * number for number in range(100)} == {True}
    assert (tmp_path / "7").stat().st_mode & 0o777 == 0o755
    assert _descriptors() == before
    assert flushes == [sorted(map(str, range(100)))]


def test_a_write_that_takes_a_part_is_continued(tmp_path, folder, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    with Flusher(folder) as flusher:
        flusher.file(_open(tmp_path, "a"), 0o644, b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@pytest.mark.parametrize("at_once", [True, False])
def test_what_has_settled_can_be_read_and_a_fault_is_raised_there(tmp_path, folder, at_once):
    def broken():
        yield b"half"
        raise ValueError("bad")

    def write(flusher):
        flusher.file(_open(tmp_path, "a"), 0o644, iter([b"x"]))
        flusher.settle()
        assert (tmp_path / "a").read_bytes() == b"x"
        flusher.file(_open(tmp_path, "b"), 0o644, broken())
        with pytest.raises(ValueError, match="bad"):
            flusher.settle()

    before = _descriptors()
    with pytest.raises(ValueError, match="bad"), Flusher(folder if at_once else None) as flusher:
        write(flusher)
    assert _descriptors() == before


def test_a_disk_that_cannot_flush_is_a_fault(tmp_path, folder, monkeypatch):
    def full(_fd):
        raise OSError(errno.EIO, "Input/output error")

    def write():
        with Flusher(folder) as flusher:
            flusher.file(_open(tmp_path, "a"), 0o644, b"x")

    write()
    (tmp_path / "a").unlink()
    monkeypatch.setattr(flushing, "_sync_file_system", full)
    with pytest.raises(OSError, match="Input/output"):
        write()


def test_a_block_that_failed_flushes_nothing(folder, flushes):
    with pytest.raises(KeyboardInterrupt), Flusher(folder):
        raise KeyboardInterrupt
    assert flushes == []


def test_the_system_is_asked_for_the_type_and_what_it_refuses_is_a_fault(folder):
    with Path("/proc/self/status").open() as file:
        assert flushing._type_of(file.fileno()) == 0x9FA0
    assert flushing._type_of(-1) == 0
    flushing._sync_file_system(folder)
    with pytest.raises(OSError, match="Bad file descriptor"):
        flushing._sync_file_system(-1)
