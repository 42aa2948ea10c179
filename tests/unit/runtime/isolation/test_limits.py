from __future__ import annotations

import dataclasses
import errno
import mmap
import os
import resource
from pathlib import Path

from mobileops.runtime.isolation.limits import ADDRESS_SPACE_HEADROOM_BYTES, MEMORY_SLACK_BYTES, apply_limits
from mobileops.runtime.isolation.policy import Limits

MEBIBYTE = 1 << 20
LIMITS = Limits(memory_bytes=256 * MEBIBYTE, processes=10_000, open_files=64, file_size_bytes=MEBIBYTE)


def after_limits(act, limits=LIMITS):
    def confined():
        apply_limits(limits)
        return act()

    return confined


def private_bytes():
    """Return what this process has of what the limit counts; one that ran many tests may have much."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmData:")))


def test_private_memory_beyond_the_limit_is_refused(in_child):
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    limits = dataclasses.replace(LIMITS, memory_bytes=private_bytes() + 256 * MEBIBYTE)
    assert in_child(after_limits(lambda: len(mmap.mmap(-1, MEBIBYTE, flags)), limits)) == MEBIBYTE
    too_much = 264 * MEBIBYTE + MEMORY_SLACK_BYTES
    assert in_child(after_limits(lambda: len(mmap.mmap(-1, too_much, flags)), limits)) == ["OSError", errno.ENOMEM]


def test_shared_memory_is_bounded_by_the_address_space(in_child):
    size = ADDRESS_SPACE_HEADROOM_BYTES + 300 * MEBIBYTE
    assert in_child(after_limits(lambda: len(mmap.mmap(-1, size)))) == ["OSError", errno.ENOMEM]


def test_a_file_beyond_the_limit_is_refused(in_child, tmp_path):
    def write():
        with (tmp_path / "large").open("wb") as stream:
            stream.truncate(2 * MEBIBYTE)

    assert in_child(after_limits(write)) == ["OSError", errno.EFBIG]


def test_there_are_no_core_dumps(in_child):
    assert in_child(after_limits(lambda: resource.getrlimit(resource.RLIMIT_CORE))) == [0, 0]


def test_a_limit_that_is_lower_already_stays(in_child):
    def confined():
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        apply_limits(LIMITS)
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    assert in_child(confined) == [32, 32]


def test_the_limits_of_the_test_itself_are_untouched():
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] != LIMITS.open_files
    assert os.getpid()
