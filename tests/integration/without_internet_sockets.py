"""Run a command in which nobody may make a socket of the Internet: ``python without_internet_sockets.py COMMAND …``.

A seccomp filter, which every descendant inherits and nobody can take off, kills whoever calls socket(2) for a family
other than AF_UNIX and AF_NETLINK. Without such a socket there is nothing to connect or to send with.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
import sys

SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
# linux/filter.h and seccomp(2): offsets of the number of the call and of its first argument.
LOAD, EQUAL, RETURN, ALLOW, KILL = 0x20, 0x15, 0x06, 0x7FFF0000, 0x80000000
NUMBER, FIRST_ARGUMENT = 0, 16

PROGRAM = [
    (LOAD, 0, 0, NUMBER),
    (EQUAL, 0, 4, SOCKET),
    (LOAD, 0, 0, FIRST_ARGUMENT),
    (EQUAL, 2, 0, socket.AF_UNIX),
    (EQUAL, 1, 0, socket.AF_NETLINK),
    (RETURN, 0, 0, KILL),
    (RETURN, 0, 0, ALLOW),
]


def main(command: list[str]) -> None:
    """Put the filter on and become the command."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in PROGRAM))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(PROGRAM), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, program, 0, 0):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
