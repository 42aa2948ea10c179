"""What a socket of a plugin says about itself; each is asked of a duplicate that the plugin cannot exchange."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import time
from typing import Final

from mobileops.runtime.broker.addresses import Endpoint, parse

_TCP_ESTABLISHED: Final = 1
_TCP_CLOSE: Final = 7
_TIMEVAL: Final = struct.Struct("=qq")


def is_established(ours: socket.socket) -> bool:
    """Tell whether a stream socket is connected."""
    return ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_ESTABLISHED


def endpoint_for(raw: bytes, theirs: socket.socket) -> Endpoint | None:
    """Return what an address means for a socket; None for AF_UNSPEC, which only undoes an own socket's connect.

    Raises:
        OSError: EINVAL or EAFNOSUPPORT, as the kernel answers.
    """
    if len(raw) < struct.calcsize("=H"):
        raise OSError(errno.EINVAL, "shorter than an address family")
    if struct.unpack_from("=H", raw)[0] == socket.AF_UNSPEC:
        return None
    endpoint = parse(raw)
    if endpoint is None or endpoint.family != theirs.family:
        raise OSError(errno.EAFNOSUPPORT, "no address of this socket's family")
    return endpoint


def refusal_of_a_second_connect(theirs: socket.socket) -> int:
    """Return what a connect on a socket of the host fails with, by the state of its connection (tcp(7), TCP_INFO)."""
    if theirs.type != socket.SOCK_STREAM:
        return errno.EACCES
    state = theirs.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    if state == _TCP_CLOSE:
        return theirs.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or errno.EACCES
    return errno.EISCONN if state == _TCP_ESTABLISHED else errno.EALREADY


def blocks(theirs: socket.socket) -> bool:
    """Tell whether calls on it wait."""
    return not fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK


def deadline_of(theirs: socket.socket) -> float | None:
    """Return until when a connect may wait (SO_SNDTIMEO), by the monotonic clock, or None for as long as it takes."""
    seconds, micros = _TIMEVAL.unpack(theirs.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.size))
    return time.monotonic() + seconds + micros / 1e6 if seconds or micros else None
