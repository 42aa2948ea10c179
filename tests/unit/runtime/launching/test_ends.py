from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mobileops.runtime.channel import arena
from mobileops.runtime.launching.ends import ends


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_one_side_says_the_other_hears_and_only_ours_stay_open():
    before = descriptors()
    with ends(b"work", uid=None) as own:
        channel, output, assignment, shared = own.theirs
        os.write(channel, b"hello")
        os.write(output, b"printed")
        assert os.pread(assignment, 10, 0) == b"work"
        assert shared == own.arena
    assert own.channel.recv(10) == b"hello"
    assert os.read(own.output, 10) == b"printed"
    assert (own.channel.recv(1), os.read(own.output, 1)) == (b"", b"")
    assert descriptors() == before + 3
    own.channel.close()
    os.close(own.output)
    os.close(own.arena)


def test_a_start_that_fails_leaves_nothing_open():
    before = descriptors()
    with pytest.raises(ZeroDivisionError), ends(b"", uid=None):
        raise ZeroDivisionError
    assert descriptors() == before


@pytest.mark.parametrize(("where", "what"), [(os, "pipe"), (os, "memfd_create"), (arena, "create"), (os, "write")])
def test_a_host_without_descriptors_loses_none_with_every_start_that_fails(monkeypatch, where, what):
    def full(*_words):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    before = descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(where, what, full)
        with pytest.raises(OSError, match="open files"), ends(b"", uid=None):
            pass
    assert descriptors() == before
