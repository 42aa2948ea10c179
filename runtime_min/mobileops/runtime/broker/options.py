"""Carry over to a socket of the host what a plugin has set on the socket that it replaces."""

from __future__ import annotations

import contextlib
import functools
import socket
import struct
from typing import Final

#: SO_BUF_LOCK (Linux 5.14): which of the two buffer sizes was set by hand and is not the kernel's choice.
_BUF_LOCK: Final = 72
_NETNS_COOKIE: Final = 71
_COOKIE: Final = struct.Struct("=Q")
_BUFFERS: Final = ((socket.SO_SNDBUF, 1), (socket.SO_RCVBUF, 2))
_LONGEST_VALUE_BYTES: Final = 16

#: Options without an effect beyond the own connection. SO_REUSEPORT is left out: it would share the ports of others.
_CARRIED: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    (socket.SOL_SOCKET, socket.SO_LINGER),
    (socket.SOL_SOCKET, socket.SO_OOBINLINE),
    (socket.SOL_SOCKET, socket.SO_RCVLOWAT),
    (socket.SOL_SOCKET, socket.SO_RCVTIMEO),
    (socket.SOL_SOCKET, socket.SO_SNDTIMEO),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
    (socket.IPPROTO_TCP, socket.TCP_SYNCNT),
    (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT),
    (socket.IPPROTO_IP, socket.IP_TOS),
    (socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
    (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
)


def carry_over(source: socket.socket, target: socket.socket) -> None:
    """Set on a new stream socket what differs from a new socket's values; what the kernel refuses stays as it is."""
    look = source.getsockopt
    changed = [
        (level, option, value)
        for level, option, usual in _defaults(target.family)
        if (value := look(level, option, _LONGEST_VALUE_BYTES)) != usual
    ]
    for level, option, value in changed:
        with contextlib.suppress(OSError):
            target.setsockopt(level, option, value)
    with contextlib.suppress(OSError):
        locked = source.getsockopt(socket.SOL_SOCKET, _BUF_LOCK)
        for option, bit in _BUFFERS:
            if locked & bit:  # the kernel doubles what it is given (socket(7))
                target.setsockopt(socket.SOL_SOCKET, option, source.getsockopt(socket.SOL_SOCKET, option) // 2)


@functools.cache
def _defaults(family: int) -> tuple[tuple[int, int, bytes], ...]:
    """Return what a new socket has; the host's settings change too rarely to ask for every connection."""
    found = []
    with socket.socket(family, socket.SOCK_STREAM) as fresh:
        for level, option in _CARRIED:
            with contextlib.suppress(OSError):  # IPv6 options of an IPv4 socket
                found.append((level, option, fresh.getsockopt(level, option, _LONGEST_VALUE_BYTES)))
    return tuple(found)


def network_of(descriptor: socket.socket) -> int:
    """Return the number of the network namespace that a socket belongs to (SO_NETNS_COOKIE, Linux 5.14).

    Raises:
        OSError: the kernel has no such numbers.
    """
    number: int = _COOKIE.unpack(descriptor.getsockopt(socket.SOL_SOCKET, _NETNS_COOKIE, _COOKIE.size))[0]
    return number
