"""Filling files in several threads: everything is closed, and the first fault is raised."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from mobileops.bundle.flushing import Flusher


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
