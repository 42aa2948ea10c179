"""Bind a socket of the host, with the plugin manager's help where this process may not.

See `mobileops.runtime.launching.privileged_ports`.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mobileops.runtime.broker.addresses import Endpoint

#: 0 or an errno.
ANSWER: Final = struct.Struct("=i")


def bind(ours: socket.socket, endpoint: Endpoint, raw: bytes, *, binder: socket.socket | None) -> None:
    """Bind a stream socket to an address that the plugin was granted.

    Args:
        ours: of the host, with its options set.
        endpoint: where to.
        raw: the same as the plugin wrote it, judged; the plugin manager reads it again.
        binder: where the plugin manager binds privileged ports of this plugin, if it has any.

    Raises:
        OSError: the kernel or the plugin manager said no.
    """
    try:
        ours.bind(endpoint.for_socket())
    except PermissionError:
        if binder is None:
            raise
        socket.send_fds(binder, [raw], [ours.fileno()])
        try:
            answer = binder.recv(ANSWER.size)
        except TimeoutError:
            binder.shutdown(socket.SHUT_RDWR)  # an answer that comes late is not the one to the next request
            raise
        number = ANSWER.unpack(answer)[0] if len(answer) == ANSWER.size else errno.EACCES
        if number:
            raise OSError(number, os.strerror(number)) from None
