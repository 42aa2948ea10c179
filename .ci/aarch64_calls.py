"""Make raw system calls as the sandbox does, on an emulated aarch64, and compare with what Python says of the same.

``qemu-aarch64 … python3 .ci/aarch64_calls.py``. The tables of call numbers are tested against the kernel's headers;
here the numbers, the width of the arguments and the errors go through an aarch64 C library and an emulator that knows
aarch64 alone. What an emulator of programs cannot show: it has neither seccomp nor Landlock nor openat2(2), and runs
threads of its own, so that no user namespace can be made. `probe` must say so and refuse.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path

from mobileops.runtime.isolation import probe, syscalls
from mobileops.runtime.isolation.syscalls import call

SET_NAME = 15
MISSING = {"user-namespace", "mount", "proc", "namespaces", "landlock", "seccomp"}


def descriptor_of_a_process() -> bool:
    """Open a process by its number."""
    number = call("pidfd_open", os.getpid(), 0)
    text = Path(f"/proc/self/fdinfo/{number}").read_text(encoding="ascii")
    os.close(number)
    return f"Pid:\t{os.getpid()}" in text


def a_range_of_descriptors_is_closed() -> bool:
    """Close a range, with a bound of 32 bits."""
    first = os.open("/", os.O_RDONLY)
    os.dup2(first, 900)
    os.close(first)
    call("close_range", 800, 0xFFFFFFFF, 0)
    return not Path("/proc/self/fd/900").exists()


def a_name_is_set() -> bool:
    """Pass a pointer in a register."""
    name = ctypes.create_string_buffer(b"by-number")
    syscalls.prctl(SET_NAME, ctypes.addressof(name))
    return Path("/proc/self/comm").read_text(encoding="ascii") == "by-number\n"


def an_error_is_named() -> bool:
    """Fail, with the call's name in the error."""
    try:
        call("close", 901)
    except OSError as error:
        return (error.strerror, error.filename) == (os.strerror(9), "close")
    return False


def the_probe_refuses_what_is_missing() -> bool:
    """Find out what an emulator has not."""
    report = probe.probe()
    broken = {one.name for one in report.mechanisms if not one.ok}
    return report.level == "REFUSE" and {"landlock", "seccomp"} <= broken <= MISSING


CHECKS = (
    descriptor_of_a_process, a_range_of_descriptors_is_closed, a_name_is_set, an_error_is_named,
    the_probe_refuses_what_is_missing,
)  # fmt: skip


def main() -> int:
    """Run every check; say which failed."""
    if os.uname().machine != "aarch64":
        sys.stderr.write(f"this is {os.uname().machine}\n")
        return 1
    same = {
        "getpid": call("getpid") == os.getpid(),
        "getppid": call("getppid") == os.getppid(),
        "gettid": call("gettid") == threading.get_native_id(),
        "getuid": call("getuid") == os.getuid(),
    }
    found = same | {check.__name__: check() for check in CHECKS}
    for name, ok in found.items():
        sys.stdout.write(f"{'ok' if ok else 'FAILED':7}{name}\n")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
